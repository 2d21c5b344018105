/* pac_table: the entries of all routes of one profile brought into the sorted tables of the model.
 * An entry that stands in two routes is a fault, twice in one route is nothing.
 * Owner: raw entries are the caller's and get sorted in place; results live in the arena given.
 * Pure. */
#ifndef PAC_PAC_TABLE_H
#define PAC_PAC_TABLE_H

#include "base/arena.h"
#include "base/report.h"
#include "pac/pac_model.h"

struct pac_raw_name {
    struct str name;
    uint16_t route;
    const char *pointer; /* where it stands in the document */
};
struct pac_raw_net {
    struct cidr net;
    uint16_t route;
    const char *pointer;
};
struct pac_raw {
    struct pac_raw_name *exact, *suffix;
    struct pac_raw_net *nets;
    size_t n_exact, n_suffix, n_nets;
};

/* Fills the tables of out. Networks that lie in one another are cut into disjoint ranges, the most
 * specific one winning. ERR_NOMEM. */
enum err pac_table_fill(struct pac_raw *raw, struct arena *a, struct report *r,
                        struct pac_profile *out) MUST_CHECK;

#endif
