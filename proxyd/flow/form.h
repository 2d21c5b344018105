/* form: the body of a form that was sent to one of our own pages, read within a bound. What is in
 * it is taken apart by wire/form_text. Threads: the worker's. */
#ifndef PROXYD_FLOW_FORM_H
#define PROXYD_FLOW_FORM_H

#include "proxyd/flow/request.h"

#define FORM_MAX 16384 /* bytes of a body */

/* Reads on. OK: the whole body is there (form_fields). ERR_AGAIN: more to come; ERR_LIMIT: longer
 * than FORM_MAX; ERR_INVALID: broken framing; else the client is gone. */
enum err form_read(struct request *r) MUST_CHECK;
struct str form_fields(const struct request *r);

#endif
