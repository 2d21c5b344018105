/* floor: the least a relay can cost on this machine: it accepts, dials one fixed origin and moves
 * bytes both ways; of HTTP it knows only that "CONNECT " is answered with 200. What it costs is the
 * kernel's share; what proxyd costs beyond it is what judging, recording and being careful cost.
 * Three engines do the same work, so that they can be compared: epoll with copying, epoll with
 * splice(2), io_uring. All state is static and unchecked: this is a measuring device, not a proxy.
 */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

enum { FLOOR_ENDS = 16384, FLOOR_BUF = 262144 };

extern struct sockaddr_in floor_origin;
extern const char floor_yes[];
enum { FLOOR_YES_N = 19 };

/* Bytes of the CONNECT head at p; 0: it is something else, and goes on as it is. */
size_t floor_connect_head(const char *p, size_t n);

/* Run until they are killed. listener: a listening socket. */
void floor_epoll(int listener, bool with_splice);
void floor_uring(int listener);

#endif
