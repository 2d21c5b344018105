/* event_report: figures over time, from the roll-ups alone: series and totals by the minute, the
 * top users, hosts, categories and rules by the hour (from and to are widened to whole minutes or
 * hours). adminui calls this. Results live in the caller's arena. Threads: as the reader. */
#ifndef DB_EVENT_REPORT_H
#define DB_EVENT_REPORT_H

#include "db/event_query.h"

struct event_counts {
    uint64_t requests;
    uint64_t verdicts[RECORD_ERROR + 1]; /* by enum record_verdict */
    uint64_t bytes_in, bytes_out;
};

struct event_point {
    int64_t time_ms; /* start of the bucket */
    struct event_counts counts;
};

struct event_series {
    int64_t from_ms, to_ms, bucket_ms;
    struct event_point *points; /* without gaps, from .. to */
    size_t n;
    struct event_counts totals;
    uint64_t users;                  /* distinct names */
    int64_t median_ms, percent95_ms; /* of requests other than tunnels; -1 when there were none */
};

struct event_span {
    int64_t from_ms, to_ms;
    unsigned buckets; /* about how many points; 0: 60 */
};

enum err event_report_series(struct event_reader *r, const struct event_span *span, struct arena *a,
                             struct event_series *out) MUST_CHECK;

enum event_top { EVENT_TOP_USERS, EVENT_TOP_HOSTS, EVENT_TOP_CATEGORIES, EVENT_TOP_RULES };
enum event_sort { EVENT_BY_REQUESTS, EVENT_BY_BLOCKED, EVENT_BY_BYTES };

struct event_top_row {
    struct str name;  /* empty: nobody, no category, the default rule */
    struct str title; /* name of a rule; else as name */
    uint64_t requests, blocked, bytes_in, bytes_out;
};

struct event_top_ask {
    int64_t from_ms, to_ms;
    enum event_top what;
    enum event_sort sort;
    size_t limit;
};

/* *rows and *n: the top of it, highest first. */
enum err event_report_top(struct event_reader *r, const struct event_top_ask *ask, struct arena *a,
                          struct event_top_row **rows, size_t *n) MUST_CHECK;

/* How often each rule decided, and when last: the hygiene of a policy. Times are to the hour. The
 * default has no row. */
struct event_rule_use {
    struct str rule, name; /* id, and the latest name it had */
    uint64_t hits, blocked;
    int64_t last_hit_ms; /* end of the last hour with a hit, at most to_ms */
};
struct event_rule_uses {
    struct event_rule_use *rows; /* by rule id */
    size_t n;
    int64_t counted_from_ms; /* since when there are figures within the span; 0: none */
};
enum err event_report_rules(struct event_reader *r, const struct event_span *span, struct arena *a,
                            struct event_rule_uses *out) MUST_CHECK;

#endif
