/* settings_privacy: the member "listeners" of the settings document "proxy" as a value, every fault
 * reported with its JSON pointer. Called by settings_proxy alone. Pure but for memory.
 *
 * "listeners": [{"listener": "127.0.0.1:3128",   its address as the bootstrap file has it
 *                "privacy": "via",               or named, anonymous, high-anonymity
 *                "referer": "keep",              or same-host, none
 *                "trust_forwarded": []}]         with named: proxies of the house
 * What the bootstrap file says of a listener holds; this is for what it leaves open. A listener
 * that is not there (any more) is no fault. */
#ifndef DB_SETTINGS_PRIVACY_H
#define DB_SETTINGS_PRIVACY_H

#include <jansson.h>

#include "base/arena.h"
#include "base/privacy.h"
#include "base/report.h"

/* list: NULL for none. *out's array is the arena's; usable only when no fault was reported.
 * ERR_NOMEM. */
enum err settings_privacy_parse(const json_t *list, struct arena *a, struct report *report,
                                struct privacy_settings *out) MUST_CHECK;

#endif
