/* pac_emit: the model of one profile written as a JavaScript file for every engine since ES3.
 * ASCII, no DNS helper unless the profile asks for it, look-ups by object map and binary search.
 * The same input gives the same bytes, so the ETag is stable. Pure. Threads: safe anywhere. See:
 * pac_model.h for the meaning, pac_decide.h for the same in C. */
#ifndef PAC_PAC_EMIT_H
#define PAC_PAC_EMIT_H

#include "base/buf.h"
#include "pac/pac_entry.h"

#define PAC_TYPE       "application/x-ns-proxy-autoconfig"
#define PAC_WARN_BYTES 262144u /* some middle boxes cap here */
#define PAC_MAX_BYTES  900000u /* Chromium and WinHTTP stop at 1 MB */
#define PAC_ETAG_BYTES 20      /* quotes, 16 hexadecimal digits, zero */

struct pac_input {
    const struct pac_model *model;
    size_t profile;   /* pac_model_profile_for */
    uint64_t version; /* of the settings, for the first comment */
    struct pac_self self;
};

/* Appends the file. ERR_LIMIT over PAC_MAX_BYTES or out's ceiling, ERR_INVALID when an entry needs
 * pac_self and it is no host, ERR_NOMEM. On error what was appended is of no use. */
enum err pac_emit(const struct pac_input *in, struct buf *out) MUST_CHECK;

/* Strong entity tag of a file, quoted and zero-terminated. */
void pac_emit_etag(struct str text, char out[PAC_ETAG_BYTES]);

#endif
