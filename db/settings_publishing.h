/* settings_publishing: the settings document "publishing" as a value: who has to agree to a change,
 * how late a scheduled one may still happen, and when one is taken back. Pure but for the report.
 * Called by adminui. Threads: values only.
 *
 * {"approval": {"required": false,      a second person has to agree
 *               "roles": []},           who may: "editor", "admin"; empty: all who may publish
 *  "late_minutes": 60,                  a scheduled change that is later than this waits for a
 * person "return": {"enabled": false,         watch what was published "watch_minutes": 15,
 * "min_requests": 200, "max_block_rate_factor": 3,  times what the same people had before
 *             "min_block_rate": 0.05,      below this no block rate is an alarm
 *             "max_error_rate": 0.5}}
 * Every key may be left out: the value above holds. */
#ifndef DB_SETTINGS_PUBLISHING_H
#define DB_SETTINGS_PUBLISHING_H

#include "base/report.h"

struct settings_publishing {
    bool needs_approval;
    unsigned roles; /* bit per enum admin_role that may approve; 0: all who may publish */
    int64_t late_ms;
    bool may_return;
    int64_t watch_ms;
    uint64_t min_requests;
    double max_block_factor, min_block_rate, max_error_rate;
};

struct str settings_publishing_default_document(void);

/* OK or ERR_INVALID with faults. The report is initialised here and always to be finished by the
 * caller. *out is written only on OK. */
enum err settings_publishing_parse(struct str document, struct report *report,
                                   struct settings_publishing *out) MUST_CHECK;

/* Does `after` let pass what `before` wanted a second person for? */
bool settings_publishing_is_weaker(const struct settings_publishing *before,
                                   const struct settings_publishing *after);

#endif
