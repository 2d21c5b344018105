/* deploy: ready-made text that tells clients of each kind where the PAC file is, every value
 * escaped for the format it stands in. Pure. Threads: safe anywhere. */
#ifndef PAC_DEPLOY_H
#define PAC_DEPLOY_H

#include "base/buf.h"
#include "pac/pac_emit.h"

struct deploy_target {
    const char *name;     /* "chrome-gpo": the last part of the API's address */
    const char *title;    /* for people */
    const char *filename; /* to save it as */
    const char *type;     /* media type */
    const char *notes;    /* what to know before using it, one or more sentences */
};

struct deploy_input {
    const struct pac_input *pac; /* the profile whose proxies and direct names are spoken of */
    struct str pac_url;          /* https://... for policy; http or https, validated here */
    struct str wpad_domain;      /* "corp.example": where wpad. is put; may be empty */
    struct str wpad_address;     /* IPv4 address of the machine that answers WPAD; may be empty */
};

/* The target at a position, NULL after the last. */
const struct deploy_target *deploy_at(size_t i);
const struct deploy_target *deploy_named(struct str name); /* NULL when there is none */

/* Appends the text. ERR_INVALID when pac_url is no http(s) URL of plain ASCII or another value does
 * not follow its grammar, ERR_LIMIT, ERR_NOMEM. */
enum err deploy_write(const struct deploy_target *t, const struct deploy_input *in,
                      struct buf *out) MUST_CHECK;

#endif
