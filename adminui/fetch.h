/* fetch: one file over HTTP(S) into a file of ours, by libcurl, as a careful stranger would:
 * bounded in bytes and time, certificates verified, redirects followed a few times, and every
 * address judged when it is dialled, so that no name and no redirect leads to this machine or a
 * private network. Blocks: threads of their own only. */
#ifndef ADMINUI_FETCH_H
#define ADMINUI_FETCH_H

#include <stdatomic.h>

#include "base/str.h"

#define FETCH_WHY_BYTES 240
#define FETCH_TAG_BYTES 256

struct fetch_ask {
    const char *url;
    const char *to; /* path of the file to be written */
    uint64_t max_bytes;
    const char *username, *password;  /* NULL: none; sent to the URL's own host alone */
    const char *ca_file;              /* NULL: the system's */
    const char *proxy;                /* NULL: none; the environment is not looked at */
    const char *etag, *last_modified; /* of what we have; empty: none */
    bool may_be_private; /* loopback and private addresses; never link-local or metadata */
    const atomic_bool *is_cancelled; /* NULL: never */
};

struct fetch_answer {
    long status;       /* of HTTP; 0: none came */
    bool is_unchanged; /* 304: nothing was written */
    uint64_t bytes;
    char etag[FETCH_TAG_BYTES], last_modified[FETCH_TAG_BYTES];
    char why[FETCH_WHY_BYTES]; /* one sentence when it failed */
};

/* OK: the file is there whole, or is_unchanged. ERR_INVALID (URL), ERR_DENIED (an address we do not
 * dial), ERR_LIMIT (too large), ERR_TIMEOUT, ERR_UNREACHABLE, ERR_REFUSED (a status that is not
 * 200), ERR_CLOSED (cancelled), ERR_IO. */
enum err fetch_file(const struct fetch_ask *ask, struct fetch_answer *out) MUST_CHECK;

#endif
