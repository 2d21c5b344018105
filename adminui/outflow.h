/* outflow: bytes on their way from a producer thread (log export, live tail) to a connection that
 * libmicrohttpd serves. Bounded: the producer waits or is told that there is no room. The reader
 * never waits: with nothing there it suspends its connection, the next write wakes it.
 * Owner: reference counted, one reference each for producer and reply. Threads: one producer, one
 * reader, and outflow_stop from anywhere. */
#ifndef ADMINUI_OUTFLOW_H
#define ADMINUI_OUTFLOW_H

#include <sys/types.h>

#include "base/str.h"

struct outflow;

struct outflow *outflow_new(size_t bound_bytes); /* NULL: no memory */
struct outflow *outflow_ref(struct outflow *o);
void outflow_unref(struct outflow *o);

/* Producer. False: nobody reads any more; what is written is dropped. */
bool outflow_write(struct outflow *o, struct str s); /* waits for room */
bool outflow_try(struct outflow *o, struct str s);   /* whole or not at all: false without room */
void outflow_end(struct outflow *o);                 /* nothing more comes */
bool outflow_is_gone(struct outflow *o);             /* the reader left, or outflow_stop */

/* Reader. park is called, under the lock, when there is nothing: it suspends the connection; wake
 * is called once when something comes, from the producer's thread. */
void outflow_attach(struct outflow *o, void (*park)(void *), void (*wake)(void *), void *ctx);
ssize_t outflow_read(struct outflow *o, char *out, size_t room); /* 0: parked, -1: end */
void outflow_leave(struct outflow *o);                           /* the reader is gone */

/* The server ends: writes fail, the reader gets the end after what is buffered. */
void outflow_stop(struct outflow *o);

#endif
