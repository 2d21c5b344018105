/* canary: for whom a version on trial judges beside the live one: people by name, by group, or by
 * the network they come from. One match is enough; names are compared without ASCII case, as in
 * rules. Pure. Owner: reference counted (atomic). Threads: reading is safe anywhere.
 * Limit: CANARY_MAX entries of each kind. */
#ifndef POLICIES_CANARY_H
#define POLICIES_CANARY_H

#include <jansson.h>

#include "base/cidr.h"
#include "base/report.h"

#define CANARY_MAX 1000

struct canary;

/* {"networks": ["10.1.0.0/16"], "groups": ["it"], "users": ["alice"], "minutes": 30}; every member
 * may be left out, one name or network must be there; minutes is for the caller and only checked
 * to be a number of at most 30 days. ERR_INVALID with faults (appended; pointers below `at`),
 * ERR_NOMEM. One reference for the caller. */
enum err canary_read(const json_t *scope, const char *at, struct report *report,
                     struct canary **out) MUST_CHECK;
/* The same from text. */
enum err canary_parse(struct str text, struct report *report, struct canary **out) MUST_CHECK;

struct canary *canary_ref(struct canary *c);
void canary_unref(struct canary *c); /* NULL is fine */

bool canary_has_network(const struct canary *c, const struct ip *client);
bool canary_has_people(const struct canary *c); /* would a name or its groups decide? */
bool canary_has_person(const struct canary *c, struct str user, const struct str *groups,
                       size_t n_groups);

#endif
