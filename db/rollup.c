/* rollup: sums of a batch. */
#include "db/rollup.h"

#include <string.h>

#include "db/row.h"

#define CEILING_BYTES ((size_t)256 << 20)

struct rollup_sum {
    struct rollup_key key;
    uint64_t title, requests, blocked, bytes_in, bytes_out;
};

struct rollup_use {
    struct rollup_use_key {
        uint64_t version, who;
    } key;
    uint64_t requests, blocked, errors;
};

struct rollup_minute {
    int64_t minute, first_ms, last_ms;
    uint64_t first_id, last_id, requests, verdicts[RECORD_ERROR + 1], bytes_in, bytes_out;
    uint32_t times[ROLLUP_TIMES];
};

void rollup_init(struct rollup *u)
{
    arena_init(&u->arena, (size_t)64 << 10, CEILING_BYTES);
    map_init(&u->keys);
    map_init(&u->minutes);
    map_init(&u->uses);
}

void rollup_fini(struct rollup *u)
{
    map_fini(&u->keys);
    map_fini(&u->minutes);
    map_fini(&u->uses);
    arena_fini(&u->arena);
}

void rollup_clear(struct rollup *u)
{
    map_fini(&u->keys);
    map_fini(&u->minutes);
    map_fini(&u->uses);
    map_init(&u->keys);
    map_init(&u->minutes);
    map_init(&u->uses);
    arena_reset(&u->arena);
}

unsigned rollup_bucket(uint32_t ms)
{
    if (ms < 2)
        return ms;
    unsigned octave = 31u - (unsigned)__builtin_clz(ms);
    unsigned bucket = 2 * octave + ((ms >> (octave - 1)) & 1);
    return bucket < ROLLUP_TIMES ? bucket : ROLLUP_TIMES - 1;
}

uint32_t rollup_bucket_ms(unsigned bucket)
{
    if (bucket < 2)
        return bucket;
    uint32_t octave = UINT32_C(1) << (bucket / 2);
    uint32_t low = octave + (bucket & 1 ? octave / 2 : 0);
    return low + octave / 4;
}

int64_t rollup_minute_of(const struct record *r)
{
    return (r->time_ms + (int64_t)r->duration_ms) / 60000;
}

enum err rollup_minute(struct rollup *u, const struct record *r)
{
    int64_t minute = rollup_minute_of(r);
    struct str key = str_make(&minute, sizeof minute);
    struct rollup_minute *m = map_get(&u->minutes, key);
    if (!m) {
        m = arena_alloc(&u->arena, sizeof *m);
        if (!m || map_put(&u->minutes, key, m, NULL) != OK)
            return ERR_NOMEM;
        m->minute = minute;
        m->first_ms = m->last_ms = r->time_ms;
        m->first_id = m->last_id = r->id;
    }
    m->first_ms = r->time_ms < m->first_ms ? r->time_ms : m->first_ms;
    m->last_ms = r->time_ms > m->last_ms ? r->time_ms : m->last_ms;
    m->first_id = r->id < m->first_id ? r->id : m->first_id;
    m->last_id = r->id > m->last_id ? r->id : m->last_id;
    m->requests++;
    m->verdicts[r->verdict]++;
    m->bytes_in += r->bytes_in;
    m->bytes_out += r->bytes_out;
    if (r->tls != RECORD_TLS_TUNNEL)
        m->times[rollup_bucket(r->duration_ms)]++;
    return OK;
}

enum err rollup_add(struct rollup *u, const struct rollup_key *key, uint64_t title,
                    const struct record *r)
{
    struct str bytes = str_make(key, sizeof *key);
    struct rollup_sum *x = map_get(&u->keys, bytes);
    if (!x) {
        x = arena_alloc(&u->arena, sizeof *x);
        if (!x || map_put(&u->keys, bytes, x, NULL) != OK)
            return ERR_NOMEM;
        x->key = *key;
    }
    x->title = title;
    x->requests++;
    x->blocked += r->verdict == RECORD_BLOCKED;
    x->bytes_in += r->bytes_in;
    x->bytes_out += r->bytes_out;
    return OK;
}

enum err rollup_version(struct rollup *u, const struct record *r, uint64_t who)
{
    struct rollup_use_key key = {r->policy_version, who};
    struct str bytes = str_make(&key, sizeof key);
    if (!r->policy_version || r->verdict == RECORD_DENIED_AUTH)
        return OK; /* nothing judged it; the request will come again with a name */
    struct rollup_use *x = map_get(&u->uses, bytes);
    if (!x) {
        x = arena_alloc(&u->arena, sizeof *x);
        if (!x || map_put(&u->uses, bytes, x, NULL) != OK)
            return ERR_NOMEM;
        x->key = key;
    }
    x->requests++;
    x->blocked += r->verdict == RECORD_BLOCKED;
    x->errors += r->verdict == RECORD_REFUSED || r->verdict == RECORD_ERROR;
    return OK;
}

/* Adds what the table's histogram holds already to ours. */
static void add_stored_times(struct row *r, void *item)
{
    struct rollup_minute *m = item;
    uint32_t stored[ROLLUP_TIMES];
    struct str blob = row_view(r, 0);
    if (blob.n != sizeof stored)
        return;
    memcpy(stored, blob.p, sizeof stored);
    for (int i = 0; i < ROLLUP_TIMES; i++)
        m->times[i] += stored[i];
}

static enum err flush_minute(struct store *s, struct rollup_minute *m)
{
    const uint64_t *n = m->verdicts;
    enum err e =
        row_each(s, ROW_SQL("SELECT times FROM minute WHERE minute = ?1", ROW_INT(m->minute)),
                 ROW_INTO(add_stored_times, NULL, m));
    if (e != OK)
        return e;
    return row_run(
        s,
        ROW_SQL(
            "INSERT INTO minute VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
            " ?15) ON CONFLICT(minute) DO UPDATE SET first_id = min(first_id, ?2),"
            " last_id = max(last_id, ?3), first_ms = min(first_ms, ?4), last_ms = max(last_ms, ?5),"
            " requests = requests + ?6, allowed = allowed + ?7, blocked = blocked + ?8,"
            " warned = warned + ?9, denied_auth = denied_auth + ?10, refused = refused + ?11,"
            " error = error + ?12, bytes_in = bytes_in + ?13, bytes_out = bytes_out + ?14,"
            " times = ?15",
            ROW_INT(m->minute), ROW_INT(m->first_id), ROW_INT(m->last_id), ROW_INT(m->first_ms),
            ROW_INT(m->last_ms), ROW_INT(m->requests), ROW_INT(n[RECORD_ALLOWED]),
            ROW_INT(n[RECORD_BLOCKED]), ROW_INT(n[RECORD_WARNED]), ROW_INT(n[RECORD_DENIED_AUTH]),
            ROW_INT(n[RECORD_REFUSED]), ROW_INT(n[RECORD_ERROR]), ROW_INT(m->bytes_in),
            ROW_INT(m->bytes_out), ROW_BLOB(str_make(m->times, sizeof m->times))));
}

static enum err flush_sum(struct store *s, const struct rollup_sum *x)
{
    return row_run(s, ROW_SQL("INSERT INTO hour VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                              " ON CONFLICT(what, text, hour) DO UPDATE SET title = ?4,"
                              " requests = requests + ?5, blocked = blocked + ?6,"
                              " bytes_in = bytes_in + ?7, bytes_out = bytes_out + ?8",
                              ROW_INT(x->key.what), ROW_INT(x->key.text), ROW_INT(x->key.hour),
                              ROW_INT(x->title), ROW_INT(x->requests), ROW_INT(x->blocked),
                              ROW_INT(x->bytes_in), ROW_INT(x->bytes_out)));
}

static enum err flush_use(struct store *s, const struct rollup_use *x)
{
    return row_run(s, ROW_SQL("INSERT INTO version_use VALUES(?1, ?2, ?3, ?4, ?5)"
                              " ON CONFLICT(version, who) DO UPDATE SET requests = requests + ?3,"
                              " blocked = blocked + ?4, errors = errors + ?5",
                              ROW_INT(x->key.version), ROW_INT(x->key.who), ROW_INT(x->requests),
                              ROW_INT(x->blocked), ROW_INT(x->errors)));
}

enum err rollup_flush(struct rollup *u, struct store *s)
{
    struct str key;
    void *value;
    for (size_t at = 0; map_each(&u->minutes, &at, &key, &value);) {
        enum err e = flush_minute(s, value);
        if (e != OK)
            return e;
    }
    for (size_t at = 0; map_each(&u->keys, &at, &key, &value);) {
        enum err e = flush_sum(s, value);
        if (e != OK)
            return e;
    }
    for (size_t at = 0; map_each(&u->uses, &at, &key, &value);) {
        enum err e = flush_use(s, value);
        if (e != OK)
            return e;
    }
    return OK;
}
