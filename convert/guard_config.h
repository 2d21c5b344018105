/* guard_config: squidGuard.conf as what it declares: times, sources, destinations and the acl, each
 * remembering its line. Reads everything it knows and reports each line it does not.
 * Owner: guard_config_fini. Borrows: texts point into the upload.
 * See: squidGuard's documentation, "Configuration". */
#ifndef CONVERT_GUARD_CONFIG_H
#define CONVERT_GUARD_CONFIG_H

#include "convert/outcome.h"
#include "convert/upload.h"

#define GUARD_MAX 2000 /* of each kind */

enum guard_when { GUARD_ANYTIME, GUARD_WITHIN, GUARD_OUTSIDE };

struct guard_time {
    struct str name;
    json_t *windows;
    const char *schedule; /* of the document, once used */
};

struct guard_source {
    struct str name;
    json_t *networks, *users, *groups; /* of those that are not empty, each must fit */
    const char *cannot;                /* a sentence: it asks something we cannot */
    enum guard_when when;
    struct str time;
};

struct guard_dest {
    struct str name;
    const char *category; /* of the document; NULL until used */
    uint64_t n_entries;
};

struct guard_pass {    /* one block of the acl: what a source may */
    struct str source; /* "default" for everybody else */
    enum guard_when when;
    struct str time;
    struct str items; /* behind "pass" */
    unsigned line;    /* of its pass; 0: it has none */
    struct str text;
};

struct guard_config {
    struct str file;
    struct guard_time *times;
    struct guard_source *sources;
    struct guard_dest *dests;
    struct guard_pass *passes;
    size_t n_times, n_sources, n_dests, n_passes;
};

enum err guard_config_read(const struct upload *u, const struct upload_file *main,
                           struct outcome *o, struct guard_config *out) MUST_CHECK;
void guard_config_fini(struct guard_config *g);

struct guard_time *guard_config_time(const struct guard_config *g, struct str name);
struct guard_source *guard_config_source(const struct guard_config *g, struct str name);
struct guard_dest *guard_config_dest(const struct guard_config *g, struct str name);

#endif
