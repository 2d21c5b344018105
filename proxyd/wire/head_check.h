/* head_check: what the fields of a complete head mean together: framing, connection, host and
 * target; and what of that is refused. Called by http_head only, split from it for size.
 * Pure. See: RFC 9112 3.2, 6; RFC 9110 7.2, 7.6.1, 10.1.1. */
#ifndef PROXYD_WIRE_HEAD_CHECK_H
#define PROXYD_WIRE_HEAD_CHECK_H

#include "proxyd/wire/http_head.h"

/* The start line and all fields are parsed; fills the rest of *h. ERR_INVALID with *why. */
enum err head_check_request(struct http_head *h, struct http_refusal *why) MUST_CHECK;
enum err head_check_response(struct http_head *h, struct http_refusal *why) MUST_CHECK;

#endif
