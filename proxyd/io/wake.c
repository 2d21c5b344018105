/* wake: a stack with atomic push, taken whole and turned round by the reader; the eventfd is
 * written only by the poster that finds the box empty. */
#include "proxyd/io/wake.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void run_all(struct wake *w)
{
    struct wake_message *m = atomic_exchange_explicit(&w->newest, NULL, memory_order_acquire);
    struct wake_message *oldest = NULL;
    while (m) {
        struct wake_message *next = m->next;
        m->next = oldest;
        oldest = m;
        m = next;
    }
    while (oldest) {
        struct wake_message *next = oldest->next;
        oldest->run(oldest, w->owner);
        oldest = next;
    }
}

static void on_event(struct loop_fd *f, uint32_t events)
{
    struct wake *w = LIST_ENTRY(f, struct wake, lf);
    uint64_t n;
    (void)events;
    while (read(f->fd, &n, sizeof n) < 0 && errno == EINTR) {
    }
    run_all(w);
}

enum err wake_open(struct wake *w, struct loop *l, void *owner)
{
    memset(w, 0, sizeof *w);
    w->lf.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->lf.fd < 0)
        return ERR_IO;
    w->lf.on_event = on_event;
    w->owner = owner;
    enum err e = loop_add(l, &w->lf, EPOLLIN);
    if (e != OK) {
        close(w->lf.fd);
        return e;
    }
    w->loop = l;
    return OK;
}

void wake_close(struct wake *w)
{
    if (!w->loop)
        return;
    run_all(w);
    loop_remove(w->loop, &w->lf);
    close(w->lf.fd);
    w->loop = NULL;
}

void wake_post(struct wake *w, struct wake_message *m)
{
    struct wake_message *head = atomic_load_explicit(&w->newest, memory_order_relaxed);
    do {
        m->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&w->newest, &head, m, memory_order_release,
                                                    memory_order_relaxed));
    if (head)
        return; /* whoever put that one has rung the bell */
    uint64_t one = 1;
    while (write(w->lf.fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}
