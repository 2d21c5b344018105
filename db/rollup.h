/* rollup: sums of one batch of records, kept in memory while the batch is written and added to the
 * day file's minute and hour tables at its end: one upsert per distinct key instead of one per
 * record. event_rows alone calls this. Threads: one at a time. */
#ifndef DB_ROLLUP_H
#define DB_ROLLUP_H

#include "base/map.h"
#include "base/record.h"
#include "db/store.h"

#define ROLLUP_TIMES 32 /* buckets of the duration histogram */

enum rollup_what { ROLLUP_USER, ROLLUP_HOST, ROLLUP_CATEGORY, ROLLUP_RULE };

struct rollup {
    struct arena arena;
    struct map keys;    /* (what, hour, text id) to struct rollup_sum */
    struct map minutes; /* minute to struct rollup_minute */
    struct map uses;    /* (version, text id) to struct rollup_use */
};

struct rollup_key {
    uint64_t text; /* id in the day file's text table */
    int64_t hour;  /* Unix time / 3,600 s */
    uint32_t what; /* enum rollup_what */
    uint32_t zero; /* no padding: the key is hashed as bytes */
};

void rollup_init(struct rollup *u);
void rollup_fini(struct rollup *u);
void rollup_clear(struct rollup *u);

/* The minute's and the hour's sums for this record. ERR_NOMEM. */
enum err rollup_minute(struct rollup *u, const struct record *r) MUST_CHECK;
/* title: text id of a rule's name; 0 for the others. */
enum err rollup_add(struct rollup *u, const struct rollup_key *key, uint64_t title,
                    const struct record *r) MUST_CHECK;
/* What became of it under its policy version; who: text id of the person, else of the client. */
enum err rollup_version(struct rollup *u, const struct record *r, uint64_t who) MUST_CHECK;
/* Adds everything to the tables, inside the caller's transaction. */
enum err rollup_flush(struct rollup *u, struct store *s) MUST_CHECK;

/* Histogram: two buckets an octave. */
unsigned rollup_bucket(uint32_t ms);
uint32_t rollup_bucket_ms(unsigned bucket); /* middle of the bucket */

/* Minute in which the record ended, Unix time / 60 s. */
int64_t rollup_minute_of(const struct record *r);

#endif
