/* static_files: the built dashboard (web/dist) off the disk: hashed assets for ever, index.html
 * never from a cache, index.html for every page of the application, a page that says how to build
 * it when it is not there. Threads: safe anywhere. */
#ifndef ADMINUI_STATIC_FILES_H
#define ADMINUI_STATIC_FILES_H

#include "base/str.h"

struct static_file {
    unsigned status;
    int fd; /* -1: text is the body; else the caller's to close */
    uint64_t n_bytes;
    struct str text;                     /* static */
    const char *type, *cache, *encoding; /* static; encoding may be empty */
    char etag[64];                       /* empty: none */
};

/* path: raw path of the request, already past the guard (no dot segments, no encoded slash). */
void static_files_open(const char *dir, struct str path, struct str accept_encoding,
                       struct static_file *out);

#endif
