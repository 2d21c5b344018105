/* lead: the buffer that goes out before a pump's own bytes: a head. Threads: one worker. */
#ifndef PROXYD_FLOW_LEAD_H
#define PROXYD_FLOW_LEAD_H

#include "base/buf.h"
#include "proxyd/io/pump.h"

/* A writer with room for `need` bytes behind what the pump's lead holds already; it never touches
 * the heap. ERR_NOMEM, ERR_LIMIT. */
enum err lead_open(struct pump *p, size_t need, struct buf *out) MUST_CHECK;
/* What was written now belongs to the lead. */
void lead_close(struct pump *p, const struct buf *b);
/* Appends a short text. ERR_NOMEM. */
enum err lead_add(struct pump *p, struct str text) MUST_CHECK;

#endif
