/* migrate: bring a file up to our schema, or look whether it is. */
#include "db/migrate.h"

#include <stdio.h>

#include "db/schema/events.h"
#include "db/schema/policy.h"

static const struct migrate_step policy_steps[] = {
    {"counters", SCHEMA_POLICY_1},
    {"draft, versions, live version", SCHEMA_POLICY_2},
    {"categories, content, import reports", SCHEMA_POLICY_3},
    {"settings and local people", SCHEMA_POLICY_4},
    {"accounts, sessions, tokens", SCHEMA_POLICY_5},
    {"audit trail", SCHEMA_POLICY_6},
    {"changes on their way, the watch over a publication", SCHEMA_POLICY_CHANGES},
    {"content of categories source by source", SCHEMA_POLICY_SOURCES},
    {"subscriptions to lists", SCHEMA_POLICY_SUBSCRIPTIONS},
};

static const struct migrate_step events_steps[] = {
    {"records, texts, journal positions, roll-ups", SCHEMA_EVENTS_1},
    {"listener, group paths, effect, note, announced size", SCHEMA_EVENTS_2},
    {"roll-up by policy version and person", SCHEMA_EVENTS_VERSIONS},
};

const struct migrate_plan migrate_policy_plan = {0x70787970, policy_steps,
                                                 sizeof policy_steps / sizeof *policy_steps};
const struct migrate_plan migrate_events_plan = {0x70787965, events_steps,
                                                 sizeof events_steps / sizeof *events_steps};

/* How many steps the file has seen; ERR_CORRUPT when the file is somebody else's. */
static enum err steps_done(struct store *s, const struct migrate_plan *plan, uint64_t *done)
{
    uint64_t app = 0, version = 0, tables = 0;
    enum err e = store_u64(s, "PRAGMA application_id", &app);
    if (e == OK)
        e = store_u64(s, "PRAGMA user_version", &version);
    if (e == OK)
        e = store_u64(s, "SELECT count(*) FROM sqlite_schema", &tables);
    if (e != OK)
        return e;
    bool is_empty = app == 0 && version == 0 && tables == 0;
    if (!is_empty && app != plan->application_id)
        return store_fail(s, ERR_CORRUPT, "the file is a database of another program");
    if (version > plan->n_steps)
        return store_fail(s, ERR_UNSUPPORTED,
                          "written by a newer version of this program (schema %llu, known %zu)",
                          (unsigned long long)version, plan->n_steps);
    *done = version;
    return OK;
}

static enum err run_steps(struct store *s, const struct migrate_plan *plan, uint64_t done)
{
    char sql[96];
    for (size_t i = done; i < plan->n_steps; i++) {
        enum err e = store_exec(s, plan->steps[i].sql);
        if (e != OK)
            return e;
    }
    snprintf(sql, sizeof sql, "PRAGMA application_id=%u; PRAGMA user_version=%zu",
             plan->application_id, plan->n_steps);
    return store_exec(s, sql);
}

enum err migrate_run(struct store *s, const struct migrate_plan *plan)
{
    uint64_t done = 0;
    enum err e = steps_done(s, plan, &done);
    if (e != OK || done == plan->n_steps)
        return e;
    e = store_begin(s);
    if (e != OK)
        return e;
    e = steps_done(s, plan, &done); /* again: another process may have been faster */
    return store_end(s, e == OK ? run_steps(s, plan, done) : e);
}

enum err migrate_look(struct store *s, const struct migrate_plan *plan)
{
    uint64_t done = 0;
    enum err e = steps_done(s, plan, &done);
    if (e != OK)
        return e;
    return done ? OK : store_fail(s, ERR_NOT_FOUND, "the database has no schema yet");
}

enum err migrate_look_current(struct store *s, const struct migrate_plan *plan)
{
    uint64_t done = 0;
    enum err e = migrate_look(s, plan);
    if (e == OK)
        e = steps_done(s, plan, &done);
    return e == OK && done < plan->n_steps ? ERR_AGAIN : e;
}
