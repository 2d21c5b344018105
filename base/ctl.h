/* ctl: framing on the control socket between adminui and proxyd (<state>/control.sock,
 * SOCK_STREAM). A message is a 4-byte little-endian length and that many bytes of JSON text. One
 * request, one answer, then either side may close. Requests: {"do":
 * "reload"|"status"|"forget-user"|..., ...}; answers: {"ok": true, ...} or {"ok": false, "error":
 * "...", "errors": [...]}. Limit: CTL_MAX_BYTES a message. Threads: one at a time per descriptor.
 * Blocks, within timeout_ms. */
#ifndef BASE_CTL_H
#define BASE_CTL_H

#include "base/buf.h"

#define CTL_MAX_BYTES (1u << 20)

/* Connects to the socket. ERR_NOT_FOUND or ERR_REFUSED when the daemon is not there. */
enum err ctl_connect(const char *path, int *fd) MUST_CHECK;
enum err ctl_send(int fd, struct str message, int timeout_ms) MUST_CHECK;
/* Replaces the content of out. ERR_LIMIT, ERR_TIMEOUT, ERR_CLOSED, ERR_EOF. */
enum err ctl_receive(int fd, struct buf *out, int timeout_ms) MUST_CHECK;
/* connect, send, receive, close. */
enum err ctl_ask(const char *path, struct str message, struct buf *answer,
                 int timeout_ms) MUST_CHECK;

#endif
