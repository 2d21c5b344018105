/* event_filter: which access records are asked for, from the pairs of a query string. Fields are
 * the JSON names of the record. Repeats of a field are alternatives; a value with ! in front
 * excludes;
 * * stands for any bytes; numbers also take a..b, a.., ..b; from and to bound the time. Text is
 * compared without ASCII case; an empty value asks for an empty field. groups and categories fit
 * when any of their names does. Pure. Threads: read-only once built. Limit: EVENT_FILTER_TERMS
 * terms, 1,024 bytes each. */
#ifndef DB_EVENT_FILTER_H
#define DB_EVENT_FILTER_H

#include "base/arena.h"
#include "base/record.h"

#define EVENT_FILTER_TERMS 64

enum event_field {
    EVENT_ID,
    EVENT_NODE,
    EVENT_DURATION_MS,
    EVENT_CLIENT,
    EVENT_USER,
    EVENT_GROUPS,
    EVENT_METHOD,
    EVENT_URL,
    EVENT_SCHEME,
    EVENT_HOST,
    EVENT_PORT,
    EVENT_STATUS,
    EVENT_BYTES_IN,
    EVENT_BYTES_OUT,
    EVENT_CONTENT_TYPE,
    EVENT_VERDICT,
    EVENT_RULE,
    EVENT_RULE_NAME,
    EVENT_POLICY_VERSION,
    EVENT_CATEGORIES,
    EVENT_SHADOW,
    EVENT_CACHE,
    EVENT_TLS,
    EVENT_UPSTREAM,
    EVENT_UPSTREAM_MS,
    EVENT_USER_AGENT,
    EVENT_REFERER,
    EVENT_ERROR,
    EVENT_LISTENER,
    EVENT_GROUP_PATHS,
    EVENT_EFFECT,
    EVENT_NOTE,
};
#define EVENT_FIELDS 32

struct event_term {
    enum event_field field;
    bool exclude;
    bool is_glob;       /* text holds '*' */
    struct str text;    /* for text fields */
    uint64_t low, high; /* for number fields, both ends included */
};

struct event_filter {
    struct arena arena;
    struct event_term terms[EVENT_FILTER_TERMS];
    size_t n_terms;
    int64_t from_ms, to_ms; /* from <= time < to; from 0 and to INT64_MAX when open */
};

void event_filter_init(struct event_filter *f);
void event_filter_fini(struct event_filter *f); /* works on a zeroed one */

/* Is this the name of a field, or "from" or "to"? (limit, cursor, format are the caller's.) */
bool event_filter_has(struct str name);
/* ERR_NOT_FOUND: no such field. ERR_INVALID: a bad number, word or time; why says what was expected
 * (a static string). ERR_LIMIT. now_ms is what "now" stands for. */
enum err event_filter_add(struct event_filter *f, struct str name, struct str value, int64_t now_ms,
                          const char **why) MUST_CHECK;
/* RFC 3339, "now", "now-24h" (s m h d w), or Unix milliseconds. ERR_INVALID. */
enum err event_filter_time(struct str text, int64_t now_ms, int64_t *out) MUST_CHECK;

bool event_filter_fits(const struct event_filter *f, const struct record *r);
bool event_filter_text_fits(const struct event_term *t, struct str value); /* exclude not applied */
/* How terms make a filter: every field that is asked for needs one of its terms to fit, and no
 * excluding term may. `fits` answers for one term (exclude not applied); at is its place. */
bool event_filter_combine(const struct event_filter *f,
                          bool (*fits)(void *ctx, const struct event_term *t, size_t at),
                          void *ctx);
bool event_filter_is_number(enum event_field field);

#endif
