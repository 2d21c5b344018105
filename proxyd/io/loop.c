/* loop: the turn: wait, events, timers, tasks. */
#include "proxyd/io/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/must.h"

#define BATCH 256

/* Who gets the events of a descriptor. epoll carries its number and the slot's generation, so an
 * event that was already fetched when the descriptor was closed finds nobody, even if the number is
 * in use again. */
struct loop_slot {
    struct loop_fd *f;
    uint32_t generation;
};

enum err loop_open(struct loop *l, const struct clock *clock)
{
    memset(l, 0, sizeof *l);
    l->clock = clock;
    l->batch = calloc(BATCH, sizeof *l->batch);
    if (!l->batch)
        return ERR_NOMEM;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        free(l->batch);
        memset(l, 0, sizeof *l);
        return ERR_IO;
    }
    l->now_ms = clock_mono_ms(clock);
    l->wall_ms = clock_wall_ms(clock);
    timer_wheel_init(&l->timers, l->now_ms);
    list_init(&l->tasks);
    return OK;
}

void loop_close(struct loop *l)
{
    if (!l->batch)
        return;
    close(l->epoll_fd);
    free(l->batch);
    free(l->slots);
    memset(l, 0, sizeof *l);
}

static enum err make_slot(struct loop *l, int fd)
{
    size_t want = (size_t)fd + 1;
    if (want <= l->n_slots)
        return OK;
    size_t n = l->n_slots ? l->n_slots : 64;
    while (n < want)
        n *= 2;
    struct loop_slot *slots = realloc(l->slots, n * sizeof *slots);
    if (!slots)
        return ERR_NOMEM;
    memset(slots + l->n_slots, 0, (n - l->n_slots) * sizeof *slots);
    l->slots = slots;
    l->n_slots = n;
    return OK;
}

static enum err control(const struct loop *l, int op, const struct loop_fd *f, uint32_t events)
{
    struct epoll_event e = {.events = events};
    e.data.u64 = (uint64_t)l->slots[f->fd].generation << 32 | (uint32_t)f->fd;
    if (epoll_ctl(l->epoll_fd, op, f->fd, &e) == 0)
        return OK;
    return errno == ENOSPC ? ERR_FULL : err_from_errno(errno);
}

enum err loop_add(struct loop *l, struct loop_fd *f, uint32_t events)
{
    enum err e = make_slot(l, f->fd);
    if (e != OK)
        return e;
    struct loop_slot *s = &l->slots[f->fd];
    s->generation++;
    e = control(l, EPOLL_CTL_ADD, f, events);
    s->f = e == OK ? f : NULL;
    return e;
}

enum err loop_modify(struct loop *l, struct loop_fd *f, uint32_t events)
{
    return control(l, EPOLL_CTL_MOD, f, events);
}

void loop_forget(struct loop *l, const struct loop_fd *f)
{
    if (l->slots[f->fd].f == f)
        l->slots[f->fd].f = NULL;
}

void loop_remove(struct loop *l, struct loop_fd *f)
{
    enum err e = control(l, EPOLL_CTL_DEL, f, 0);
    (void)e; /* not registered is as good as removed */
    loop_forget(l, f);
}

void loop_hand_over(struct loop *l, const struct loop_fd *from, struct loop_fd *to)
{
    to->fd = from->fd;
    must(l->slots[to->fd].f == from);
    l->slots[to->fd].f = to;
}

static int wait_ms(const struct loop *l, int max_wait_ms)
{
    if (!list_empty(&l->tasks))
        return 0;
    int64_t next = timer_wheel_next(&l->timers);
    if (next < 0)
        return max_wait_ms;
    int64_t in = next - l->now_ms;
    if (in < 0)
        in = 0;
    if (max_wait_ms >= 0 && in > max_wait_ms)
        return max_wait_ms;
    return in > INT_MAX ? INT_MAX : (int)in;
}

static void run_tasks(struct loop *l)
{
    struct list todo;
    if (list_empty(&l->tasks))
        return;
    list_insert_between(&todo, l->tasks.prev, &l->tasks);
    list_remove(&l->tasks);
    /* what these defer belongs to the next turn */
    while (!list_empty(&todo)) {
        struct loop_task *t = LIST_ENTRY(todo.next, struct loop_task, node);
        list_remove(&t->node);
        t->run(t);
    }
}

enum err loop_turn(struct loop *l, int max_wait_ms)
{
    int n = epoll_wait(l->epoll_fd, l->batch, BATCH, wait_ms(l, max_wait_ms));
    if (n < 0 && errno != EINTR)
        return ERR_IO;
    l->now_ms = clock_mono_ms(l->clock);
    l->wall_ms = clock_wall_ms(l->clock);
    l->n_turns++;
    for (int i = 0; i < n; i++) {
        const struct loop_slot *slot = &l->slots[(uint32_t)l->batch[i].data.u64];
        if (slot->f && slot->generation == (uint32_t)(l->batch[i].data.u64 >> 32))
            slot->f->on_event(slot->f, l->batch[i].events);
    }
    timer_wheel_advance(&l->timers, l->now_ms);
    run_tasks(l);
    return OK;
}

enum err loop_run(struct loop *l)
{
    while (!l->is_stopping) {
        enum err e = loop_turn(l, -1);
        if (e != OK)
            return e;
    }
    return OK;
}

void loop_stop(struct loop *l)
{
    l->is_stopping = true;
}
