/* audit_rows: the hash-chained trail. */
#include "db/audit_rows.h"

#include <openssl/evp.h>
#include <string.h>

#include "db/row.h"

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

struct newest {
    uint64_t id;
    unsigned char hash[HASH_BYTES];
};

static void read_newest(struct row *r, void *item)
{
    struct newest *x = item;
    struct str hash = row_view(r, 1);
    *x = (struct newest){.id = row_u64(r, 0)};
    if (hash.n == HASH_BYTES)
        memcpy(x->hash, hash.p, HASH_BYTES); /* another length shows in audit_rows_verify */
}

static enum err insert(struct store *s, const struct audit_row *r, const unsigned char *hash)
{
    return row_run(
        s, ROW_SQL("INSERT INTO audit VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                   ROW_INT(r->id), ROW_INT(r->at_ms), ROW_TEXT(r->actor), ROW_TEXT(r->via),
                   ROW_TEXT(r->from), ROW_TEXT(r->action), ROW_TEXT(r->object), ROW_TEXT(r->before),
                   ROW_TEXT(r->after), ROW_TEXT(r->result), ROW_TEXT(r->request_id),
                   ROW_BLOB(str_make(hash, HASH_BYTES))));
}

static enum err add(struct store *s, struct audit_row *r)
{
    struct newest last = {0}; /* of an empty trail */
    unsigned char hash[HASH_BYTES];
    enum err e = row_one(s, ROW_PLAIN("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"),
                         ROW_INTO(read_newest, NULL, &last));
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    r->id = last.id + 1;
    e = hash_row(r, last.hash, hash);
    return e == OK ? insert(s, r, hash) : e;
}

enum err audit_rows_add(struct store *s, const struct audit_row *row, uint64_t *id)
{
    struct audit_row r = *row;
    enum err e = store_begin(s);
    if (e == OK)
        e = store_end(s, add(s, &r));
    if (e == OK && id)
        *id = r.id;
    return e;
}

#define ROW                                                                                        \
    "SELECT id, at_ms, actor, via, from_address, action, object, before, after, result,"           \
    " request_id, hash FROM audit"

static struct audit_row row_with(struct row *r, struct str (*text)(struct row *r, int at))
{
    return (struct audit_row){.id = row_u64(r, 0),
                              .at_ms = row_i64(r, 1),
                              .actor = text(r, 2),
                              .via = text(r, 3),
                              .from = text(r, 4),
                              .action = text(r, 5),
                              .object = text(r, 6),
                              .before = text(r, 7),
                              .after = text(r, 8),
                              .result = text(r, 9),
                              .request_id = text(r, 10)};
}

static void read_row(struct row *r, void *item)
{
    *(struct audit_row *)item = row_with(r, row_text);
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

enum err audit_rows_list(struct store *s, struct arena *a, const struct audit_page *page,
                         struct audit_row *items, size_t *n)
{
    struct buf glob;
    buf_init(&glob, 4096);
    glob_of(page->action, &glob);
    enum err e =
        glob.failed
            ? ERR_LIMIT
            : row_list(
                  s,
                  ROW_SQL(ROW
                          " WHERE (?1 = 0 OR id < ?1) AND at_ms >= ?2 AND (?3 = 0 OR at_ms < ?3)"
                          "  AND (?4 = '' OR lower(actor) = lower(?4))"
                          "  AND (?5 = '' OR action GLOB ?5) ORDER BY id DESC LIMIT ?6",
                          ROW_INT(page->before), ROW_INT(page->from_ms), ROW_INT(page->to_ms),
                          ROW_TEXT(page->actor), ROW_TEXT(buf_str(&glob)), ROW_INT(*n)),
                  ROW_INTO(read_row, a, items), n);
    buf_fini(&glob);
    return e;
}

struct check {
    unsigned char before[HASH_BYTES];
    uint64_t n, first_bad;
};

static void check_row(struct row *r, void *item)
{
    struct check *c = item;
    struct audit_row x = row_with(r, row_view);
    struct str stored = row_view(r, 11);
    unsigned char hash[HASH_BYTES];
    enum err e = hash_row(&x, c->before, hash);
    if (e != OK) {
        row_fail(r, e);
        return;
    }
    c->n++;
    bool fits = x.id == c->n && stored.n == HASH_BYTES && !memcmp(stored.p, hash, HASH_BYTES);
    if (!fits && !c->first_bad)
        c->first_bad = x.id;
    memcpy(c->before, hash, HASH_BYTES);
}

enum err audit_rows_verify(struct store *s, uint64_t *n_rows, uint64_t *first_bad)
{
    struct check c = {0};
    enum err e = row_each(s, ROW_PLAIN(ROW " ORDER BY id"), ROW_INTO(check_row, NULL, &c));
    if (e != OK)
        return e;
    *n_rows = c.n;
    *first_bad = c.first_bad;
    return OK;
}
