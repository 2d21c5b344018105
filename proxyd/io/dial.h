/* dial: connecting to the first of several addresses that answers (RFC 8305: families taken in
 * turn, a new attempt every 250 ms or as soon as one fails). Each address is judged by the guard
 * right before connect(2): what was resolved a moment ago is what is dialled, and nothing is looked
 * up again. Owner: caller's storage; dial_stop before it goes. Threads: one worker. */
#ifndef PROXYD_IO_DIAL_H
#define PROXYD_IO_DIAL_H

#include "proxyd/io/guard.h"
#include "proxyd/io/loop.h"
#include "proxyd/io/resolve.h"

#define DIAL_AT_ONCE 3

struct dial;

struct dial_attempt {
    struct loop_fd lf; /* -1: unused */
    struct dial *dial;
    uint8_t index; /* of the address */
};

struct dial {
    struct loop *loop;
    const struct guard *guard;
    uint16_t port;
    uint8_t n, next; /* addresses; the next one to try */
    struct ip ip[RESOLVE_ADDRESSES_MAX];
    struct dial_attempt attempts[DIAL_AT_ONCE];
    struct timer stagger, limit;
    uint32_t limit_ms;       /* all attempts together; 0: the caller's own limit */
    enum err last_err;       /* of the attempt that failed last */
    enum guard_word refused; /* why the guard said no, GUARD_MAY when it did not */
    struct ip_port winner;
    /* After OK: connected, known to the loop as STREAM_FD_EVENTS; the caller adopts or ends it. */
    struct dial_attempt *won;
    uint32_t won_events; /* what the loop told of it */
    /* Called once from the loop, unless dial_start has answered at once. */
    void (*on_done)(struct dial *d, enum err e);
};

/* answer: addresses to try; copied, put into RFC 8305 order. ERR_AGAIN: on_done follows.
 * ERR_DENIED: the guard refused all (see refused). OK and d->won: connected at once. Other errors:
 * all failed at once. ERR_TIMEOUT: limit_ms have passed. loop, guard, port, limit_ms and on_done
 * are set by the caller before. */
enum err dial_start(struct dial *d, const struct resolve_answer *answer) MUST_CHECK;
void dial_stop(struct dial *d);    /* closes attempts; on_done will not be called */
void dial_give_up(struct dial *d); /* closes the one that won and was not adopted */

#endif
