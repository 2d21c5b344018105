/* privacy_report: the fields a privacy test sends, and the comparison of what was sent, seen and
 * answered as JSON. Pure. Called by privacy_test and its unit test. */
#ifndef PROXYD_MAIN_PRIVACY_REPORT_H
#define PROXYD_MAIN_PRIVACY_REPORT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/privacy.h"
#include "proxyd/flow/disclose.h"

struct privacy_report {
    struct str listener;
    struct privacy privacy;
    struct str this_proxy;         /* our pseudonym */
    struct ip_port client, source; /* of the test's client; what the server saw */
    struct str sent, seen, answer; /* heads, as bytes */
    struct str line;               /* a PROXY line in front of what was seen; empty: none */
    bool line_names_client;
};

/* Lines with each field that could tell of a client or a proxy. */
void privacy_report_fields(struct buf *out);

/* {"ok": true, "kept": bool, "items": [...], ...}; {"ok": false, ...} for a head that cannot be
 * read; NULL: out of memory. */
json_t *privacy_report_json(const struct privacy_report *r);

/* "file", "settings" or "default". */
const char *privacy_said_by(const struct worker_listener *l, const struct disclosure *d);

#endif
