/* migrate: numbered steps that bring a database file up to the schema this program knows. A step is
 * never edited once released; a change is a new step. All steps of one call run in one transaction,
 * so a failure leaves the file as it was. The steps: db/schema/. Called by the openers in db/. */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/store.h"

struct migrate_step {
    const char *title;
    const char *sql;
};

struct migrate_plan {
    uint32_t application_id; /* marks the file as ours, and of this kind */
    const struct migrate_step *steps;
    size_t n_steps;
};

extern const struct migrate_plan migrate_policy_plan; /* policy.db */
extern const struct migrate_plan migrate_events_plan; /* events/YYYY-MM-DD.db */

/* ERR_UNSUPPORTED: the file has more steps than we know. ERR_CORRUPT: another program's database.
 */
enum err migrate_run(struct store *s, const struct migrate_plan *plan) MUST_CHECK;
/* For readers: OK when the file has at least one of our steps and none we do not know;
 * ERR_NOT_FOUND when it has none yet. */
enum err migrate_look(struct store *s, const struct migrate_plan *plan) MUST_CHECK;
/* The same, and every step we know is there: ERR_AGAIN when some are missing. */
enum err migrate_look_current(struct store *s, const struct migrate_plan *plan) MUST_CHECK;

#endif
