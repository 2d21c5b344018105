/* store: opening, pragmas, cached statements, nested transactions, error texts. */
#include "db/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

#define STATEMENTS_MAX 160
#define BUSY_MS        5000
#define CLOSE_BUSY_MS  100
#define DEADLINE_STEPS 2000 /* virtual machine steps between two looks at the clock */

struct cached {
    const char *sql; /* compared by address */
    sqlite3_stmt *st;
};

struct store {
    sqlite3 *db;
    char *path;
    int depth; /* of transactions */
    bool is_reader;
    int64_t deadline_ms;
    size_t n_cached;
    struct cached cached[STATEMENTS_MAX];
    char why[STORE_WHY_BYTES];
};

static enum err from_errno(int errnum)
{
    if (errnum == ENOSPC || errnum == EFBIG || errnum == EDQUOT)
        return ERR_FULL;
    return err_from_errno(errnum);
}

static enum err from_io(sqlite3 *db)
{
    /* SQLite does not keep the errno of a write that failed inside a commit; the thread's own errno
     * still has it, and is believed for "no room" only. */
    int last = errno, errnum = sqlite3_system_errno(db);
    if (from_errno(last) == ERR_FULL)
        return ERR_FULL;
    return errnum ? from_errno(errnum) : ERR_IO;
}

/* SQLite's word for what happened in ours. */
static enum err from_sqlite(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW: return OK;
    case SQLITE_NOMEM: return ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_FULL: return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA: return ERR_CORRUPT;
    case SQLITE_CONSTRAINT: return ERR_EXISTS;
    case SQLITE_INTERRUPT: return ERR_TIMEOUT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return ERR_DENIED;
    case SQLITE_TOOBIG: return ERR_LIMIT;
    case SQLITE_IOERR:
        /* A file cut short below a page that its header speaks of. */
        return rc == SQLITE_IOERR_SHORT_READ ? ERR_CORRUPT : from_io(db);
    case SQLITE_CANTOPEN: return from_io(db);
    default: /* an int of the library, not our enum */ return ERR_IO;
    }
}

enum err store_fail(struct store *s, enum err e, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->why, sizeof s->why, format, ap);
    va_end(ap);
    return e;
}

static enum err failed(struct store *s, int rc)
{
    enum err e = from_sqlite(s->db, rc);
    if (e == OK)
        return OK;
    if (e == ERR_FULL)
        return store_fail(s, e, "no space left for %s", s->path);
    if (e == ERR_BUSY)
        return store_fail(s, e, "%s is locked by another process", s->path);
    if (e == ERR_TIMEOUT)
        return store_fail(s, e, "the query on %s took longer than allowed", s->path);
    return store_fail(s, e, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

static int past_deadline(void *arg)
{
    const struct store *s = arg;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 >= s->deadline_ms;
}

void store_deadline(struct store *s, int64_t mono_ms)
{
    s->deadline_ms = mono_ms;
    sqlite3_progress_handler(s->db, mono_ms ? DEADLINE_STEPS : 0, mono_ms ? past_deadline : NULL,
                             s);
}

/* SQLite would create the file readable by all; secrets live in ours. */
static enum err make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return from_errno(errno);
    close(fd);
    return OK;
}

static enum err set_pragmas(struct store *s, enum store_mode mode)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    enum err e = store_exec(s, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
                               "PRAGMA foreign_keys=ON;");
    if (e != OK)
        return e;
    switch (mode) {
    case STORE_READ:
        return store_exec(s, "PRAGMA query_only=ON; SELECT count(*) FROM sqlite_schema;");
    case STORE_WRITE:
        return store_exec(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                             "SELECT count(*) FROM sqlite_schema;");
    case STORE_EVENTS:
        return store_exec(s, "PRAGMA page_size=8192; PRAGMA journal_mode=WAL;"
                             "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32768;"
                             "PRAGMA wal_autocheckpoint=2000; SELECT count(*) FROM sqlite_schema;");
    }
    return ERR_INVALID;
}

static enum err open_handle(struct store *s, enum store_mode mode)
{
    if (mode == STORE_READ && access(s->path, F_OK) != 0)
        return store_fail(s, from_errno(errno), "%s: %s", s->path, strerror(errno));
    enum err e = mode == STORE_READ ? OK : make_file(s->path);
    if (e != OK)
        return store_fail(s, e, "cannot create %s: %s", s->path, strerror(errno));
    int flags = mode == STORE_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (!s->db)
        return store_fail(s, ERR_NOMEM, "cannot open %s: out of memory", s->path);
    return rc == SQLITE_OK ? set_pragmas(s, mode) : failed(s, rc);
}

enum err store_open(const char *path, enum store_mode mode, char why[STORE_WHY_BYTES],
                    struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    if (s)
        s->path = str_dup(str_of(path));
    if (!s || !s->path) {
        free(s);
        snprintf(why, STORE_WHY_BYTES, "cannot open %s: out of memory", path);
        return ERR_NOMEM;
    }
    s->is_reader = mode == STORE_READ;
    enum err e = open_handle(s, mode);
    if (e != OK) {
        memcpy(why, s->why, STORE_WHY_BYTES);
        store_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_cached; i++)
        sqlite3_finalize(s->cached[i].st);
    if (s->db && !s->is_reader) {
        /* SQLite does this only for the last one out, and readers can not; when one is in the way
         * the write-ahead log simply stays. */
        sqlite3_busy_timeout(s->db, CLOSE_BUSY_MS);
        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

const char *store_why(const struct store *s)
{
    return s->why;
}

struct sqlite3 *store_handle(struct store *s)
{
    return s->db;
}

enum err store_exec(struct store *s, const char *sql)
{
    return failed(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL));
}

/* --- transactions --- */

enum err store_begin(struct store *s)
{
    enum err e = s->depth       ? store_exec(s, "SAVEPOINT inner_step")
                 : s->is_reader ? store_exec(s, "BEGIN")
                                : store_exec(s, "BEGIN IMMEDIATE");
    if (e == OK)
        s->depth++;
    return e;
}

enum err store_commit(struct store *s)
{
    must(s->depth > 0);
    enum err e = store_exec(s, s->depth > 1 ? "RELEASE inner_step" : "COMMIT");
    if (e != OK) {
        char kept[STORE_WHY_BYTES];
        memcpy(kept, s->why, sizeof kept);
        store_rollback(s);
        memcpy(s->why, kept, sizeof kept);
        return e;
    }
    s->depth--;
    return OK;
}

void store_rollback(struct store *s)
{
    must(s->depth > 0);
    s->depth--;
    /* SQLite itself rolls back on some errors (disk full): then there is nothing left to undo. */
    if (sqlite3_get_autocommit(s->db))
        return;
    const char *sql = s->depth ? "ROLLBACK TO inner_step; RELEASE inner_step" : "ROLLBACK";
    sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

enum err store_end(struct store *s, enum err e)
{
    if (e == OK)
        return store_commit(s);
    store_rollback(s);
    return e;
}

/* --- statements --- */

enum err store_stmt(struct store *s, const char *sql, struct sqlite3_stmt **out)
{
    for (size_t i = 0; i < s->n_cached; i++) {
        if (s->cached[i].sql == sql) {
            sqlite3_stmt *st = s->cached[i].st;
            must(!sqlite3_stmt_busy(st)); /* used inside its own loop */
            sqlite3_clear_bindings(st);
            *out = st;
            return OK;
        }
    }
    must(s->n_cached < STATEMENTS_MAX);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    if (rc != SQLITE_OK || !st) {
        enum err e = failed(s, rc);
        return e == OK ? ERR_INVALID : e;
    }
    s->cached[s->n_cached++] = (struct cached){sql, st};
    *out = st;
    return OK;
}

enum err store_step(struct store *s, struct sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return OK;
    enum err e = rc == SQLITE_DONE ? ERR_NOT_FOUND : failed(s, rc);
    sqlite3_reset(st);
    return e;
}

enum err store_run(struct store *s, struct sqlite3_stmt *st)
{
    int rc;
    do {
        rc = sqlite3_step(st);
    } while (rc == SQLITE_ROW);
    enum err e = rc == SQLITE_DONE ? OK : failed(s, rc);
    sqlite3_reset(st);
    return e;
}

enum err store_u64(struct store *s, const char *sql, uint64_t *out)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, sql, &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e;
    *out = store_column_u64(st, 0);
    sqlite3_reset(st);
    return OK;
}

void store_bind_str(struct sqlite3_stmt *st, int at, struct str s)
{
    int rc = sqlite3_bind_text64(st, at, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
    must(rc == SQLITE_OK || rc == SQLITE_TOOBIG || rc == SQLITE_NOMEM);
}

void store_bind_blob(struct sqlite3_stmt *st, int at, struct str s)
{
    int rc = sqlite3_bind_blob64(st, at, s.n ? s.p : "", s.n, SQLITE_STATIC);
    must(rc == SQLITE_OK || rc == SQLITE_TOOBIG || rc == SQLITE_NOMEM);
}

void store_bind_i64(struct sqlite3_stmt *st, int at, int64_t v)
{
    must(sqlite3_bind_int64(st, at, v) == SQLITE_OK);
}

void store_bind_u64(struct sqlite3_stmt *st, int at, uint64_t v)
{
    store_bind_i64(st, at, (int64_t)v);
}

struct str store_column(struct sqlite3_stmt *st, int at)
{
    /* Bytes first would be a conversion for numbers; our columns are strict, so blob() is text too.
     */
    const void *p = sqlite3_column_blob(st, at);
    return p ? str_make(p, (size_t)sqlite3_column_bytes(st, at)) : str_make("", 0);
}

enum err store_column_copy(struct sqlite3_stmt *st, int at, struct arena *a, struct str *out)
{
    struct str copy = arena_str(a, store_column(st, at));
    if (!copy.p)
        return ERR_NOMEM;
    *out = copy;
    return OK;
}

uint64_t store_column_u64(struct sqlite3_stmt *st, int at)
{
    return (uint64_t)sqlite3_column_int64(st, at);
}

int64_t store_column_i64(struct sqlite3_stmt *st, int at)
{
    return sqlite3_column_int64(st, at);
}

void store_reset(struct sqlite3_stmt *st)
{
    sqlite3_reset(st);
}

uint64_t store_changes(struct store *s)
{
    return (uint64_t)sqlite3_changes64(s->db);
}

uint64_t store_last_rowid(struct store *s)
{
    return (uint64_t)sqlite3_last_insert_rowid(s->db);
}

/* --- the file as a whole --- */

enum err store_check(struct store *s)
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "PRAGMA quick_check(1)", &st);
    if (e == OK)
        e = store_step(s, st);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    struct str said = store_column(st, 0);
    if (!str_eq(said, STR("ok")))
        e = store_fail(s, ERR_CORRUPT, "%s is damaged: %.*s", s->path,
                       said.n > 120 ? 120 : (int)said.n, said.p);
    sqlite3_reset(st);
    return e;
}

enum err store_data_version(struct store *s, uint64_t *out)
{
    return store_u64(s, "PRAGMA data_version", out);
}
