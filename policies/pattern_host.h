/* pattern_host: patterns that say no more than a list of names does ("^https?://([^/]+\.)?
 * example\.com(/|$)" in its usual spellings), told apart, so that they become names: known before a
 * TLS connection is opened, and as cheap as a name. Only spellings whose meaning on normalised URLs
 * (base/url.h) is exactly the name's are taken. Pure. */
#ifndef POLICIES_PATTERN_HOST_H
#define POLICIES_PATTERN_HOST_H

#include "base/str.h"

#define PATTERN_HOST_BYTES 256

struct pattern_host {
    char name[PATTERN_HOST_BYTES]; /* normal form, zero-terminated */
    bool has_below;                /* names below it as well */
    bool has_any_port;             /* else only the scheme's own */
    bool has_www;                  /* "www." and the name as well (has_below is false) */
};

bool pattern_host_read(struct str pattern, struct pattern_host *out);

#endif
