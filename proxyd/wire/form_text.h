/* form_text: fields of application/x-www-form-urlencoded, as browsers send forms and queries. Pure.
 * Threads: safe anywhere. See: the URL standard, 5.1. */
#ifndef PROXYD_WIRE_FORM_TEXT_H
#define PROXYD_WIRE_FORM_TEXT_H

#include "base/arena.h"

/* The value of the first field of this name, decoded, in the arena. ERR_NOT_FOUND; ERR_INVALID (a
 * broken escape, a NUL byte); ERR_NOMEM. */
enum err form_text_value(struct str fields, struct str name, struct arena *a,
                         struct str *out) MUST_CHECK;

#endif
