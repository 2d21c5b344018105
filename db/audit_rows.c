/* audit_rows: the hash-chained trail. */
#include "db/audit_rows.h"

#include <openssl/evp.h>
#include <string.h>

#define HASH_BYTES 32
#define TEXTS      9 /* text columns of a row, in the order they are hashed */

static void texts_of(const struct audit_row *r, struct str out[TEXTS])
{
    const struct str all[TEXTS] = {r->actor,  r->via,   r->from,   r->action,    r->object,
                                   r->before, r->after, r->result, r->request_id};
    memcpy(out, all, sizeof all);
}

static int hash_u64(EVP_MD_CTX *c, uint64_t v)
{
    unsigned char le[8];
    for (int i = 0; i < 8; i++)
        le[i] = (unsigned char)(v >> (8 * i));
    return EVP_DigestUpdate(c, le, sizeof le);
}

/* SHA-256(hash of the row before, id, time, then each text with its length in front). */
static enum err hash_row(const struct audit_row *r, const unsigned char before[HASH_BYTES],
                         unsigned char out[HASH_BYTES])
{
    struct str texts[TEXTS];
    texts_of(r, texts);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c)
        return ERR_NOMEM;
    int ok = EVP_DigestInit_ex(c, EVP_sha256(), NULL) && EVP_DigestUpdate(c, before, HASH_BYTES) &&
             hash_u64(c, r->id) && hash_u64(c, (uint64_t)r->at_ms);
    for (int i = 0; ok && i < TEXTS; i++)
        ok = hash_u64(c, texts[i].n) && EVP_DigestUpdate(c, texts[i].p, texts[i].n);
    ok = ok && EVP_DigestFinal_ex(c, out, NULL);
    EVP_MD_CTX_free(c);
    return ok ? OK : ERR_NOMEM;
}

/* Id and hash of the newest row; zeros when there is none. */
static enum err newest(struct store *s, uint64_t *id, unsigned char hash[HASH_BYTES])
{
    struct sqlite3_stmt *st;
    enum err e = store_stmt(s, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", &st);
    if (e == OK)
        e = store_step(s, st);
    *id = 0;
    memset(hash, 0, HASH_BYTES);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    struct str h = store_column(st, 1);
    *id = store_column_u64(st, 0);
    if (h.n == HASH_BYTES)
        memcpy(hash, h.p, HASH_BYTES); /* another length shows in audit_rows_verify */
    store_reset(st);
    return OK;
}

static enum err insert(struct store *s, const struct audit_row *r, const unsigned char *hash)
{
    struct sqlite3_stmt *st;
    struct str texts[TEXTS];
    texts_of(r, texts);
    enum err e = store_stmt(
        s, "INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, r->id);
    store_bind_i64(st, 2, r->at_ms);
    for (int i = 0; i < TEXTS; i++)
        store_bind_str(st, 3 + i, texts[i]);
    store_bind_blob(st, 12, str_make(hash, HASH_BYTES));
    return store_run(s, st);
}

static enum err add(struct store *s, struct audit_row *r)
{
    unsigned char before[HASH_BYTES], hash[HASH_BYTES];
    enum err e = newest(s, &r->id, before);
    if (e != OK)
        return e;
    r->id++;
    e = hash_row(r, before, hash);
    return e == OK ? insert(s, r, hash) : e;
}

enum err audit_rows_add(struct store *s, const struct audit_row *row, uint64_t *id)
{
    struct audit_row r = *row;
    enum err e = store_begin(s);
    if (e != OK)
        return e;
    e = add(s, &r);
    if (e != OK) {
        store_rollback(s);
        return e;
    }
    e = store_commit(s);
    if (e == OK && id)
        *id = r.id;
    return e;
}

#define ROW                                                                                        \
    "SELECT id, at_ms, actor, via, from_address, action, object, before, after, result,"           \
    " request_id, hash FROM audit"

/* Views into the statement's row. */
static struct audit_row view_row(struct sqlite3_stmt *st)
{
    return (struct audit_row){.id = store_column_u64(st, 0),
                              .at_ms = store_column_i64(st, 1),
                              .actor = store_column(st, 2),
                              .via = store_column(st, 3),
                              .from = store_column(st, 4),
                              .action = store_column(st, 5),
                              .object = store_column(st, 6),
                              .before = store_column(st, 7),
                              .after = store_column(st, 8),
                              .result = store_column(st, 9),
                              .request_id = store_column(st, 10)};
}

static enum err copy_row(struct sqlite3_stmt *st, struct arena *a, struct audit_row *out)
{
    struct audit_row r = view_row(st);
    struct str *const texts[TEXTS] = {&r.actor,  &r.via,   &r.from,   &r.action,    &r.object,
                                      &r.before, &r.after, &r.result, &r.request_id};
    for (int i = 0; i < TEXTS; i++) {
        *texts[i] = arena_str(a, *texts[i]);
        if (!texts[i]->p)
            return ERR_NOMEM;
    }
    *out = r;
    return OK;
}

/* GLOB knows ? and [ too; these are made literal. */
static void glob_of(struct str action, struct buf *out)
{
    for (size_t i = 0; i < action.n; i++) {
        if (action.p[i] == '?' || action.p[i] == '[') {
            buf_add_c(out, '[');
            buf_add_c(out, action.p[i]);
            buf_add_c(out, ']');
        } else {
            buf_add_c(out, action.p[i]);
        }
    }
}

static enum err list_rows_into(struct store *s, struct sqlite3_stmt *st, struct arena *a,
                               struct audit_row *items, size_t *n)
{
    size_t got = 0;
    enum err e;
    while ((e = store_step(s, st)) == OK) {
        e = copy_row(st, a, &items[got]);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        got++;
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n = got;
    return OK;
}

enum err audit_rows_list(struct store *s, struct arena *a, const struct audit_page *page,
                         struct audit_row *items, size_t *n)
{
    struct sqlite3_stmt *st;
    struct buf glob;
    enum err e =
        store_stmt(s,
                   ROW " WHERE (?1 = 0 OR id < ?1) AND at_ms >= ?2 AND (?3 = 0 OR at_ms < ?3)"
                       "  AND (?4 = '' OR lower(actor) = lower(?4))"
                       "  AND (?5 = '' OR action GLOB ?5) ORDER BY id DESC LIMIT ?6",
                   &st);
    if (e != OK)
        return e;
    buf_init(&glob, 4096);
    glob_of(page->action, &glob);
    if (glob.failed) {
        buf_fini(&glob);
        return ERR_LIMIT;
    }
    store_bind_u64(st, 1, page->before);
    store_bind_i64(st, 2, page->from_ms);
    store_bind_i64(st, 3, page->to_ms);
    store_bind_str(st, 4, page->actor);
    store_bind_str(st, 5, buf_str(&glob));
    store_bind_u64(st, 6, *n);
    e = list_rows_into(s, st, a, items, n);
    buf_fini(&glob);
    return e;
}

enum err audit_rows_verify(struct store *s, uint64_t *n_rows, uint64_t *first_bad)
{
    unsigned char before[HASH_BYTES] = {0}, hash[HASH_BYTES];
    struct sqlite3_stmt *st;
    uint64_t n = 0, bad = 0;
    enum err e = store_stmt(s, ROW " ORDER BY id", &st);
    if (e != OK)
        return e;
    while ((e = store_step(s, st)) == OK) {
        struct audit_row r = view_row(st);
        struct str stored = store_column(st, 11);
        e = hash_row(&r, before, hash);
        if (e != OK) {
            store_reset(st);
            return e;
        }
        n++;
        bool fits = r.id == n && stored.n == HASH_BYTES && !memcmp(stored.p, hash, HASH_BYTES);
        if (!fits && !bad)
            bad = r.id;
        memcpy(before, hash, HASH_BYTES);
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *n_rows = n;
    *first_bad = bad;
    return OK;
}
