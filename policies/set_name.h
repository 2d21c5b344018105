/* set_name: host names of one policy document (`hosts` and lists of domains), numbered. A host is
 * looked up by itself and by every name above it; texts are compared whole, so there is no wrong
 * answer and no limit on names, rules a name, or answers. For millions of names there is
 * set_domain. Owner: caller's storage; set_name_fini works on a zeroed one. Borrows: the texts, for
 * its whole life. Threads: read-only once made. */
#ifndef POLICIES_SET_NAME_H
#define POLICIES_SET_NAME_H

#include "base/str.h"

#define SET_NAME_LABELS 128 /* a host has no more */

struct set_name_slot {
    uint32_t hash, id; /* id + 1; 0: free */
};

struct set_name {
    struct set_name_slot *slots;
    struct str *text; /* n, numbered as given */
    uint32_t n, mask;
    uint64_t seed;
    bool has_single_labels;
};

struct set_name_probe { /* a look-up under way */
    struct str host;
    unsigned n;
    uint32_t hash[SET_NAME_LABELS];
    uint8_t from[SET_NAME_LABELS]; /* where in the host the name begins */
};

/* texts: distinct, in normal form (base/host.h). ERR_NOMEM. */
enum err set_name_init(struct set_name *s, const struct str *texts, uint32_t n) MUST_CHECK;
void set_name_fini(struct set_name *s);

/* A look-up in two steps, so that the table's lines are on their way while the caller does
 * something else. host: normal form, to be kept until the end. is_ip: only itself is looked up. */
void set_name_begin(const struct set_name *s, struct str host, bool is_ip,
                    struct set_name_probe *p);
/* on_hit gets the number of each text that is the host or lies above it, the longest first. */
void set_name_end(const struct set_name *s, const struct set_name_probe *p,
                  void (*on_hit)(void *ctx, uint32_t id), void *ctx);

#endif
