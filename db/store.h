/* store: one open SQLite database: pragmas, cached statements, nested transactions, plain-English
 * reasons. policy.db and the day files of events/ are both opened through here. All of db/ uses it;
 * outside db/ only open, close, begin, commit, rollback and why are called.
 * Owner: store_open/store_close. Threads: one at a time per handle; open one handle a thread.
 * Durability: WAL. synchronous=FULL for policy.db, because a publish or an audit row that was
 * answered must survive a power cut and such writes are rare; NORMAL for day files, where the
 * journal and the batch make a lost last second after a power cut acceptable and an fsync a batch
 * is not. */
#ifndef DB_STORE_H
#define DB_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define STORE_WHY_BYTES 240

enum store_mode {
    STORE_READ,   /* read-only, query_only; the file must exist */
    STORE_WRITE,  /* read and write, created when missing; synchronous=FULL */
    STORE_EVENTS, /* as STORE_WRITE with synchronous=NORMAL and a larger page cache */
};

struct store;
struct sqlite3;
struct sqlite3_stmt;

/* ERR_NOT_FOUND (STORE_READ and no file), ERR_CORRUPT (not a database, or damaged), ERR_DENIED,
 * ERR_FULL, ERR_BUSY, ERR_IO. why gets one sentence naming the file; it is written on failure only.
 */
enum err store_open(const char *path, enum store_mode mode, char why[STORE_WHY_BYTES],
                    struct store **out) MUST_CHECK;
void store_close(struct store *s); /* NULL is fine */

/* Why the last call on this handle failed, one sentence; "" when none did. Borrowed from s. */
const char *store_why(const struct store *s);

/* Transactions nest: the outermost is BEGIN IMMEDIATE (or BEGIN on a reader, one consistent view),
 * inner ones are savepoints. So a caller can put a change and its audit row into one transaction.
 * After ERR_* of a commit the transaction is rolled back already. */
enum err store_begin(struct store *s) MUST_CHECK;
enum err store_commit(struct store *s) MUST_CHECK;
void store_rollback(struct store *s);
/* Ends what was done with e: commits when it is OK, else rolls back and returns it. */
enum err store_end(struct store *s, enum err e) MUST_CHECK;

/* Looks through the whole file for damage (quick_check): ERR_CORRUPT with why. */
enum err store_check(struct store *s) MUST_CHECK;
/* A number that changes when another connection has committed; for cheap "did anything change". */
enum err store_data_version(struct store *s, uint64_t *out) MUST_CHECK;

/* Calls of this handle give ERR_TIMEOUT once clock_gettime(MONOTONIC) passes at_ms; 0: no limit. */
void store_deadline(struct store *s, int64_t mono_ms);

/* --- for the rooms of db/ --------------------------------------------------------------------- */

/* A prepared statement, reset and unbound, kept for the life of the handle. sql must be a literal
 * (it is cached by address). Not reentrant for the same sql. */
enum err store_stmt(struct store *s, const char *sql, struct sqlite3_stmt **out) MUST_CHECK;
/* OK: there is a row. ERR_NOT_FOUND: no more rows (the statement is reset then). Else an error. */
enum err store_step(struct store *s, struct sqlite3_stmt *st) MUST_CHECK;
/* Runs to the end, for statements that give no row, and resets. ERR_EXISTS: a unique constraint. */
enum err store_run(struct store *s, struct sqlite3_stmt *st) MUST_CHECK;
/* Several statements without values. */
enum err store_exec(struct store *s, const char *sql) MUST_CHECK;
/* One number from a statement without values; ERR_NOT_FOUND. */
enum err store_u64(struct store *s, const char *sql, uint64_t *out) MUST_CHECK;

void store_bind_str(struct sqlite3_stmt *st, int at, struct str s); /* bytes must live until run */
void store_bind_blob(struct sqlite3_stmt *st, int at, struct str s);
void store_bind_i64(struct sqlite3_stmt *st, int at, int64_t v);
void store_bind_u64(struct sqlite3_stmt *st, int at, uint64_t v);
struct str store_column(struct sqlite3_stmt *st, int at); /* until the next step; NULL is empty */
/* A copy in the arena. */
enum err store_column_copy(struct sqlite3_stmt *st, int at, struct arena *a,
                           struct str *out) MUST_CHECK;
uint64_t store_column_u64(struct sqlite3_stmt *st, int at);
int64_t store_column_i64(struct sqlite3_stmt *st, int at);
void store_reset(struct sqlite3_stmt *st);
uint64_t store_changes(struct store *s); /* rows changed by the last run */
uint64_t store_last_rowid(struct store *s);
struct sqlite3 *store_handle(struct store *s);
/* Sets why and returns e. */
enum err store_fail(struct store *s, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
