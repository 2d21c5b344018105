/* event_trial: sums per person of two versions, then one against the other. */
#include "db/event_trial.h"

#include "base/map.h"
#include "db/event_day.h"
#include "db/event_reader.h"
#include "db/row.h"

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

static void add(struct sums *to, struct row *r)
{
    to->requests += row_u64(r, 2);
    to->blocked += row_u64(r, 3);
    to->errors += row_u64(r, 4);
}

static void add_row(struct row *r, void *item)
{
    struct trial *x = item;
    struct person *p;
    bool is_now = row_u64(r, 0) == x->ask->version;
    row_fail(r, find(x, row_view(r, 1), &p));
    if (r->e != OK)
        return;
    add(is_now ? &p->now : &p->before, r);
    if (!is_now)
        add(&x->before, r);
}

static enum err add_rows(struct trial *x, struct event_file *f)
{
    uint64_t has_table = 0;
    enum err e = store_u64(f->s, "SELECT count(*) FROM sqlite_schema WHERE name = 'version_use'",
                           &has_table);
    if (e != OK || !has_table)
        return e; /* a day written before there was this roll-up */
    return row_each(f->s,
                    ROW_SQL("SELECT version, s, requests, blocked, errors FROM version_use"
                            " JOIN text ON text.id = who WHERE version IN (?1, ?2, ?3)",
                            ROW_INT(x->ask->version), ROW_INT(x->ask->previous),
                            ROW_INT(x->ask->same ? x->ask->same : x->ask->previous)),
                    ROW_INTO(add_row, NULL, x));
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
