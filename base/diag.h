/* diag: operator messages on stderr, one line each: "level: room: message key=value key=value".
 * Only the programs' top rooms call it (main, flow, adminui); library rooms return errors instead.
 * Values are quoted when they hold anything but plain printable bytes, control bytes are escaped,
 * so hostile input cannot forge a line. Threads: safe anywhere (one write(2) a line). */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/str.h"

enum diag_level { DIAG_DEBUG, DIAG_INFO, DIAG_WARN, DIAG_ERROR };

/* pairs: key, value, key, value, ..., NULL; keys are literals, values zero-terminated.
 * Example: diag(DIAG_ERROR, "main", "cannot listen", "address", "127.0.0.1:3128", "why", "in use",
 * NULL); */
void diag(enum diag_level level, const char *room, const char *message, ...)
    __attribute__((sentinel));

/* Messages below this level are not written; starts at DIAG_INFO. To be called before threads
 * start. */
void diag_set_level(enum diag_level lowest);

#endif
