/* event_trial: sums per person of two versions, then one against the other. */
#include "db/event_trial.h"

#include "base/map.h"
#include "db/event_day.h"
#include "db/event_reader.h"

#define CEILING ((size_t)64 << 20)

struct sums {
    uint64_t requests, blocked, errors;
};

struct person {
    struct sums now, before;
};

struct trial {
    const struct event_trial_ask *ask;
    struct arena arena;
    struct map people; /* name or address to struct person */
    struct sums before;
};

static enum err find(struct trial *x, struct str who, struct person **out)
{
    struct person *p = map_get(&x->people, who);
    if (!p) {
        p = arena_alloc(&x->arena, sizeof *p);
        if (!p || map_put(&x->people, who, p, NULL) != OK)
            return ERR_NOMEM;
    }
    *out = p;
    return OK;
}

static void add(struct sums *to, struct sqlite3_stmt *st)
{
    to->requests += store_column_u64(st, 2);
    to->blocked += store_column_u64(st, 3);
    to->errors += store_column_u64(st, 4);
}

static enum err add_row(struct trial *x, struct sqlite3_stmt *st)
{
    struct person *p;
    bool is_now = store_column_u64(st, 0) == x->ask->version;
    enum err e = find(x, store_column(st, 1), &p);
    if (e != OK)
        return e;
    add(is_now ? &p->now : &p->before, st);
    if (!is_now)
        add(&x->before, st);
    return OK;
}

static enum err add_rows(struct trial *x, struct event_file *f)
{
    struct sqlite3_stmt *st;
    uint64_t has_table = 0;
    enum err e = store_u64(f->s, "SELECT count(*) FROM sqlite_schema WHERE name = 'version_use'",
                           &has_table);
    if (e != OK || !has_table)
        return e; /* a day written before there was this roll-up */
    e = store_stmt(f->s,
                   "SELECT version, s, requests, blocked, errors FROM version_use"
                   " JOIN text ON text.id = who WHERE version IN (?1, ?2, ?3)",
                   &st);
    if (e != OK)
        return e;
    store_bind_u64(st, 1, x->ask->version);
    store_bind_u64(st, 2, x->ask->previous);
    store_bind_u64(st, 3, x->ask->same ? x->ask->same : x->ask->previous);
    while ((e = store_step(f->s, st)) == OK) {
        e = add_row(x, st);
        if (e != OK) {
            store_reset(st);
            return e;
        }
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static void compare(const struct trial *x, struct event_trial *out)
{
    struct str key;
    void *value;
    double blocked = 0, errors = 0;
    *out = (struct event_trial){.before = x->before.requests};
    for (size_t at = 0; map_each(&x->people, &at, &key, &value);) {
        const struct person *p = value;
        const struct sums *was = p->before.requests ? &p->before : &x->before;
        out->requests += p->now.requests;
        out->blocked += p->now.blocked;
        out->errors += p->now.errors;
        blocked += (double)p->now.requests * share(was->blocked, was->requests);
        errors += (double)p->now.requests * share(was->errors, was->requests);
    }
    if (out->requests) {
        out->expected_blocked = blocked / (double)out->requests;
        out->expected_errors = errors / (double)out->requests;
    }
}

enum err event_trial_compare(struct event_reader *r, const struct event_trial_ask *ask,
                             struct event_trial *out)
{
    struct trial x = {.ask = ask};
    int64_t today = event_day_of_ms(ask->now_ms);
    enum err e = OK;
    map_init(&x.people);
    arena_init(&x.arena, (size_t)16 << 10, CEILING);
    for (int64_t day = today - 1; day <= today && e == OK; day++) {
        struct event_file *f;
        e = event_files_get(&r->files, day, &f);
        if (e == OK)
            e = add_rows(&x, f);
        if (e == ERR_NOT_FOUND || e == ERR_CORRUPT)
            e = OK; /* no such day: what the other tells is enough, or there is too little */
    }
    if (e == OK)
        compare(&x, out);
    map_fini(&x.people);
    arena_fini(&x.arena);
    return e;
}
