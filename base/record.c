/* record: names and the binary form of an access record. */
#include "base/record.h"

#include <string.h>

#define RECORD_FORMAT 2
#define N_STRINGS     20
#define N_STRINGS_1   16 /* of format 1, which journals of an older program hold */

const char *record_verdict_name(enum record_verdict v)
{
    static const char *const names[] = {"allowed",     "blocked", "warned",
                                        "denied_auth", "refused", "error"};
    return names[v];
}

const char *record_tls_name(enum record_tls t)
{
    static const char *const names[] = {"none", "tunnel", "inspected"};
    return names[t];
}

const char *record_cache_name(enum record_cache c)
{
    static const char *const names[] = {"none", "miss", "hit", "revalidated"};
    return names[c];
}

bool record_verdict_from_name(struct str s, enum record_verdict *out)
{
    for (int v = RECORD_ALLOWED; v <= RECORD_ERROR; v++) {
        if (str_eq(s, str_of(record_verdict_name((enum record_verdict)v)))) {
            *out = (enum record_verdict)v;
            return true;
        }
    }
    return false;
}

/* The fixed part, copied as it stands: the journal never leaves the machine that wrote it. */
struct fixed {
    uint64_t id, bytes_in, bytes_out, policy_version;
    int64_t time_ms;
    struct ip client;
    uint32_t duration_ms, upstream_ms;
    uint16_t client_port, port, status, format;
    uint8_t verdict, tls, cache, pad[5];
    uint64_t answer_bytes; /* since format 2 */
};

static struct str *const *string_fields(struct record *r, struct str *out[N_STRINGS])
{
    struct str *all[N_STRINGS] = {&r->node,     &r->user,        &r->groups,     &r->method,
                                  &r->url,      &r->scheme,      &r->host,       &r->content_type,
                                  &r->rule,     &r->rule_name,   &r->categories, &r->shadow,
                                  &r->upstream, &r->user_agent,  &r->referer,    &r->error,
                                  &r->listener, &r->group_paths, &r->effect,     &r->note};
    memcpy(out, all, sizeof all);
    return out;
}

void record_encode(const struct record *r, struct buf *out)
{
    struct fixed f = {.id = r->id,
                      .bytes_in = r->bytes_in,
                      .bytes_out = r->bytes_out,
                      .policy_version = r->policy_version,
                      .time_ms = r->time_ms,
                      .client = r->client,
                      .duration_ms = r->duration_ms,
                      .upstream_ms = r->upstream_ms,
                      .client_port = r->client_port,
                      .port = r->port,
                      .status = r->status,
                      .format = RECORD_FORMAT,
                      .verdict = r->verdict,
                      .tls = r->tls,
                      .cache = r->cache,
                      .answer_bytes = r->answer_bytes};
    buf_add(out, str_make(&f, sizeof f));
    struct record copy = *r;
    struct str *fields[N_STRINGS];
    string_fields(&copy, fields);
    for (int i = 0; i < N_STRINGS; i++) {
        uint16_t n = fields[i]->n > UINT16_MAX ? UINT16_MAX : (uint16_t)fields[i]->n;
        buf_add(out, str_make(&n, sizeof n));
        buf_add(out, str_make(fields[i]->p, n));
    }
}

enum err record_decode(struct str bytes, struct record *out)
{
    struct fixed f = {.answer_bytes = RECORD_NOT_TOLD};
    size_t n_fixed = offsetof(struct fixed, answer_bytes);
    if (bytes.n < n_fixed)
        return ERR_CORRUPT;
    memcpy(&f, bytes.p, n_fixed);
    int n_strings = f.format == 1 ? N_STRINGS_1 : N_STRINGS;
    if (f.format != 1) {
        n_fixed = sizeof f;
        if (bytes.n < n_fixed)
            return ERR_CORRUPT;
        memcpy(&f, bytes.p, n_fixed);
    }
    if ((f.format != 1 && f.format != RECORD_FORMAT) || f.verdict > RECORD_ERROR ||
        f.tls > RECORD_TLS_INSPECTED || f.cache > RECORD_CACHE_REVALIDATED)
        return ERR_CORRUPT;
    struct record r = {.id = f.id,
                       .bytes_in = f.bytes_in,
                       .bytes_out = f.bytes_out,
                       .policy_version = f.policy_version,
                       .time_ms = f.time_ms,
                       .client = f.client,
                       .duration_ms = f.duration_ms,
                       .upstream_ms = f.upstream_ms,
                       .client_port = f.client_port,
                       .port = f.port,
                       .status = f.status,
                       .verdict = f.verdict,
                       .tls = f.tls,
                       .cache = f.cache,
                       .answer_bytes = f.answer_bytes};
    struct str *fields[N_STRINGS];
    string_fields(&r, fields);
    struct str rest = str_sub(bytes, n_fixed, bytes.n);
    for (int i = 0; i < n_strings; i++) {
        uint16_t n;
        if (rest.n < sizeof n)
            return ERR_CORRUPT;
        memcpy(&n, rest.p, sizeof n);
        rest = str_sub(rest, sizeof n, rest.n);
        if (rest.n < n)
            return ERR_CORRUPT;
        *fields[i] = str_sub(rest, 0, n);
        rest = str_sub(rest, n, rest.n);
    }
    if (rest.n)
        return ERR_CORRUPT;
    *out = r;
    return OK;
}
