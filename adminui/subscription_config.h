/* subscription_config: the settings of a subscription, from and to JSON. Pure. */
#ifndef ADMINUI_SUBSCRIPTION_CONFIG_H
#define ADMINUI_SUBSCRIPTION_CONFIG_H

#include <jansson.h>

#include "base/report.h"
#include "db/list_formats.h"

struct subscription_config { /* texts are borrowed from the JSON */
    const char *name, *url, *category, *prefix, *username, *password, *ca_file, *proxy;
    const char *checksum;     /* hex of SHA-256 the file must have; empty: none */
    const char *checksum_url; /* a small file that begins with the SHA-256 or MD5; empty: none */
    enum list_format format;
    unsigned every_hours;
    bool is_enabled, may_be_private;
    uint64_t max_bytes, max_entries;
    unsigned shrink_percent, grow_percent; /* beyond: a person decides; 0: no bound */
};

/* Every fault is reported with its pointer. */
void subscription_config_read(const json_t *json, struct subscription_config *out,
                              struct report *report);

/* All members with their defaults filled in; the secret as `password` says (NULL: null). */
json_t *subscription_config_json(const struct subscription_config *c, const char *password);

#endif
