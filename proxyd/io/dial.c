/* dial: attempts side by side, the first that connects wins. */
#include "proxyd/io/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxyd/io/fd.h"
#include "proxyd/io/stream_fd.h"

#define STAGGER_MS 250

/* Families in turn, the first answer's family first. */
static void put_in_order(struct dial *d, const struct resolve_answer *a)
{
    unsigned used = 0;
    d->n = 0;
    bool want_v4 = a->n > 0 && ip_is_v4(&a->ip[0]);
    while (d->n < a->n) {
        unsigned pick = a->n;
        for (unsigned i = 0; i < a->n && pick == a->n; i++)
            if (!(used >> i & 1) && ip_is_v4(&a->ip[i]) == want_v4)
                pick = i;
        want_v4 = !want_v4;
        if (pick == a->n)
            continue; /* none of this family is left */
        used |= 1u << pick;
        d->ip[d->n++] = a->ip[pick];
    }
}

static void end_attempt(struct dial *d, struct dial_attempt *a)
{
    if (a->lf.fd < 0)
        return;
    loop_forget(d->loop, &a->lf);
    fd_close(&a->lf.fd);
}

void dial_stop(struct dial *d)
{
    timer_stop(&d->loop->timers, &d->stagger);
    timer_stop(&d->loop->timers, &d->limit);
    for (int i = 0; i < DIAL_AT_ONCE; i++)
        if (&d->attempts[i] != d->won)
            end_attempt(d, &d->attempts[i]);
}

void dial_give_up(struct dial *d)
{
    if (d->won)
        end_attempt(d, d->won);
    d->won = NULL;
}

/* The attempt's socket is connected; the others end. */
static void win(struct dial *d, struct dial_attempt *a, uint32_t events)
{
    d->won_events = events;
    d->won = a;
    d->winner = (struct ip_port){d->ip[a->index], d->port};
    dial_stop(d);
}

static void on_event(struct loop_fd *f, uint32_t events);

/* Starts connecting to one address. ERR_AGAIN: under way; OK: connected; else why not. */
static enum err try_address(struct dial *d, struct dial_attempt *a, uint8_t index)
{
    struct ip_port at = {d->ip[index], d->port};
    enum guard_word g = guard_judge(d->guard, &at);
    if (g != GUARD_MAY) {
        d->refused = g;
        return ERR_DENIED;
    }
    struct sockaddr_storage ss;
    socklen_t n = ip_port_to_sockaddr(&at, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    fd_no_delay(fd);
    a->index = index;
    a->dial = d;
    a->lf.fd = fd;
    a->lf.on_event = on_event;
    int rc = connect(fd, (const struct sockaddr *)&ss, n);
    if (rc != 0 && errno != EINPROGRESS) {
        enum err e = err_from_errno(errno);
        fd_close(&a->lf.fd);
        return e;
    }
    enum err e = loop_add(d->loop, &a->lf, STREAM_FD_EVENTS);
    if (e != OK) {
        fd_close(&a->lf.fd);
        return e;
    }
    return rc == 0 ? OK : ERR_AGAIN;
}

static bool is_trying(const struct dial *d)
{
    for (int i = 0; i < DIAL_AT_ONCE; i++)
        if (d->attempts[i].lf.fd >= 0)
            return true;
    return false;
}

/* Starts the next address that can be started. OK: connected at once. ERR_AGAIN: attempts are under
 * way. Otherwise all have failed. */
static enum err go_on(struct dial *d)
{
    while (d->next < d->n) {
        struct dial_attempt *a = NULL;
        for (int i = 0; i < DIAL_AT_ONCE && !a; i++)
            if (d->attempts[i].lf.fd < 0)
                a = &d->attempts[i];
        if (!a)
            return ERR_AGAIN;
        enum err e = try_address(d, a, d->next++);
        if (e == OK) {
            win(d, a, 0);
            return OK;
        }
        if (e == ERR_AGAIN) {
            if (d->next < d->n)
                timer_set(&d->loop->timers, &d->stagger, d->loop->now_ms + STAGGER_MS);
            return ERR_AGAIN;
        }
        /* that an address is forbidden is told only when none was even tried */
        if (e != ERR_DENIED || d->last_err == OK)
            d->last_err = e;
    }
    return is_trying(d) ? ERR_AGAIN : d->last_err;
}

static void report(struct dial *d, enum err e)
{
    if (e == ERR_AGAIN)
        return;
    dial_stop(d);
    d->on_done(d, e);
}

static void on_event(struct loop_fd *f, uint32_t events)
{
    struct dial_attempt *a = LIST_ENTRY(f, struct dial_attempt, lf);
    struct dial *d = a->dial;
    if (a == d->won)
        return; /* the caller has not adopted it yet; its stream looks for itself */
    if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
        return;
    enum err e = events & (EPOLLERR | EPOLLHUP) ? fd_error(f->fd) : OK;
    if (e == OK && (events & EPOLLHUP))
        e = ERR_CLOSED;
    if (e == OK) {
        win(d, a, events);
        report(d, OK);
        return;
    }
    d->last_err = e;
    end_attempt(d, a);
    timer_stop(&d->loop->timers, &d->stagger);
    report(d, go_on(d));
}

static void on_stagger(struct timer *t)
{
    struct dial *d = LIST_ENTRY(t, struct dial, stagger);
    report(d, go_on(d));
}

static void on_limit(struct timer *t)
{
    report(LIST_ENTRY(t, struct dial, limit), ERR_TIMEOUT);
}

enum err dial_start(struct dial *d, const struct resolve_answer *answer)
{
    d->won = NULL;
    d->next = 0;
    d->last_err = OK;
    d->refused = GUARD_MAY;
    timer_init(&d->stagger, on_stagger);
    timer_init(&d->limit, on_limit);
    for (int i = 0; i < DIAL_AT_ONCE; i++)
        d->attempts[i].lf.fd = -1;
    put_in_order(d, answer);
    if (d->n == 0)
        return ERR_UNREACHABLE;
    enum err e = go_on(d);
    if (e == ERR_AGAIN && d->limit_ms)
        timer_set(&d->loop->timers, &d->limit, d->loop->now_ms + d->limit_ms);
    return e;
}
