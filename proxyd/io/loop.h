/* loop: one worker's epoll loop: descriptors, timers, tasks for the end of the turn, and the time,
 * which is read once a turn. Owner: caller's storage. Threads: all functions on the loop's own
 * thread, except loop_stop through the worker's mailbox. */
#ifndef PROXYD_IO_LOOP_H
#define PROXYD_IO_LOOP_H

#include "base/clock.h"
#include "proxyd/io/timer.h"
#include "base/err.h"

struct epoll_event;
struct loop_slot;

struct loop_fd { /* a member of the struct that waits on the descriptor */
    int fd;
    void (*on_event)(struct loop_fd *f, uint32_t epoll_events);
};

struct loop_task { /* runs once at the end of the turn */
    struct list node;
    void (*run)(struct loop_task *t);
};

struct loop {
    int epoll_fd;
    bool is_stopping;
    struct epoll_event *batch;
    struct loop_slot *slots; /* by descriptor number */
    size_t n_slots;
    int64_t now_ms;  /* monotonic, of this turn */
    int64_t wall_ms; /* Unix time, of this turn */
    const struct clock *clock;
    struct timer_wheel timers;
    struct list tasks;
    uint64_t n_turns;
};

/* clock: borrowed for the life of the loop. ERR_NOMEM, ERR_IO. */
enum err loop_open(struct loop *l, const struct clock *clock) MUST_CHECK;
void loop_close(struct loop *l); /* works on a zeroed one; descriptors stay open */

/* events: as for epoll_ctl(2); EPOLLET is the caller's choice. ERR_FULL, ERR_NOMEM. */
enum err loop_add(struct loop *l, struct loop_fd *f, uint32_t events) MUST_CHECK;
enum err loop_modify(struct loop *l, struct loop_fd *f, uint32_t events) MUST_CHECK;
/* No event of f is delivered after either of these. */
void loop_remove(struct loop *l, struct loop_fd *f);       /* the descriptor stays open */
void loop_forget(struct loop *l, const struct loop_fd *f); /* to be closed by the caller at once */
/* The registered descriptor's events go to `to` from now on, with the events it is registered for;
 * to->fd is set. No system call. */
void loop_hand_over(struct loop *l, const struct loop_fd *from, struct loop_fd *to);

static inline void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *t))
{
    list_init(&t->node);
    t->run = run;
}
/* Once per turn at most; deferring a deferred task changes nothing. */
static inline void loop_defer(struct loop *l, struct loop_task *t)
{
    if (list_empty(&t->node))
        list_push_back(&l->tasks, &t->node);
}
static inline void loop_undefer(struct loop_task *t)
{
    list_remove(&t->node);
}

/* One turn: waits at most max_wait_ms (-1: until something happens). ERR_IO. */
enum err loop_turn(struct loop *l, int max_wait_ms) MUST_CHECK;
/* Turns until loop_stop. */
enum err loop_run(struct loop *l) MUST_CHECK;
void loop_stop(struct loop *l);

#endif
