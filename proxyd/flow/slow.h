/* slow: a client that keeps its server waiting. While a body moves, the time is measured in which
 * nothing but the client holds it up: its bytes do not come (upload), or it does not take what
 * waits for it (download). Each window of so much time must have moved
 * settings.traffic.min_bytes_s; the first window is a grace. What else holds a body up (the server,
 * our own bounds, other connections) never counts, nor does a tunnel, an idle connection, or
 * waiting for an answer. Downloads count as moved what the client's machine has acknowledged, since
 * megabytes may wait in the kernel. Costs nothing while everything flows. Owner: the work. Threads:
 * one worker. */
#ifndef PROXYD_FLOW_SLOW_H
#define PROXYD_FLOW_SLOW_H

#include <stdbool.h>
#include <stdint.h>

struct request;

struct slow {          /* of a request's body in one direction; zeroed to begin */
    int64_t since_ms;  /* the client holds it up since; 0: it does not */
    int64_t waited_ms; /* before that, in this window */
    uint64_t mark;     /* bytes moved when the window began */
    bool is_marked;    /* the first window is over */
};

/* After bytes were tried to move: does only the client hold them up now? */
void slow_note(struct request *r, bool is_clients_turn);
/* When slow_judge is to be asked; INT64_MAX: not now. */
int64_t slow_look_at(const struct request *r);
/* At that time. True: it moves fast enough, or nobody bounds it. */
bool slow_judge(struct request *r);

/* The arithmetic, for its test: a window has ended with so many bytes moved in all. */
bool slow_window(struct slow *s, uint64_t moved, uint64_t bytes_s, int64_t now_ms);

#endif
