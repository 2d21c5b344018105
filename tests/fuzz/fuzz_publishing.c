/* fuzz_publishing: any bytes as the settings document "publishing" and as the people of a trial.
 * What is accepted must keep its promises: bounds that can be used, somebody whom a trial is for.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "db/settings_publishing.h"
#include "policies/canary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void as_settings(struct str text)
{
    struct settings_publishing p;
    struct report r;
    enum err e = settings_publishing_parse(text, &r, &p);
    must((e == ERR_INVALID) == report_has_faults(&r));
    if (e == OK) {
        must(p.late_ms >= 0 && p.watch_ms > 0 && p.min_requests > 0);
        must(p.max_block_factor >= 1 && p.min_block_rate >= 0 && p.min_block_rate <= 1);
        must(p.max_error_rate >= 0 && p.max_error_rate <= 1);
        must(!settings_publishing_is_weaker(&p, &p));
    }
    report_fini(&r);
}

static void as_trial(struct str text)
{
    const struct ip nobody = {{0}};
    struct canary *c;
    struct report r;
    report_init(&r);
    enum err e = canary_parse(text, &r, &c);
    must((e == ERR_INVALID) == report_has_faults(&r));
    if (e == OK) {
        canary_has_network(c, &nobody);
        must(!canary_has_person(c, STR(""), NULL, 0));
        canary_unref(c);
    }
    report_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    as_settings(str_make(data, n));
    as_trial(str_make(data, n));
    return 0;
}
