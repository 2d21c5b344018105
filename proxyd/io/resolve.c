/* resolve: c-ares on the worker's loop, and the cache in front of it. */
#include "proxyd/io/resolve.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/host.h"
#include "base/map.h"
#include "base/must.h"

#define SOCKETS_MAX   64
#define GONE_TTL_MS   10000 /* no such name */
#define FAILED_TTL_MS 2000
#define OTHER_MS      50 /* what one family is waited for when the other is there (RFC 8305 3) */
#define CSV_BYTES     8192

struct entry {
    struct resolve *r;
    struct list by_age;  /* in r->aged, oldest first; alone while being asked */
    struct list waiters; /* resolve_query.node */
    struct timer other;  /* until those who wait are told the one family that is there */
    int64_t until_ms;
    int64_t ttl_s;
    unsigned n_owed; /* answers that c-ares owes */
    bool is_told;    /* there is an answer to give, if perhaps of one family alone */
    struct resolve_answer answer;
    struct host name;
};

struct ares_socket {
    struct loop_fd lf; /* -1: free */
    struct resolve *r;
    uint32_t events;
};

struct resolve {
    struct loop *loop;
    ares_channel channel;
    ares_channel files; /* /etc/hosts; NULL: not read */
    struct map by_name;
    struct list aged;
    struct timer tick;
    struct ares_socket sockets[SOCKETS_MAX];
    unsigned min_ttl_s, max_ttl_s;
    uint64_t n_asked, n_hits, n_failed;
    bool is_closing;
};

static void arm(struct resolve *r)
{
    struct timeval most = {.tv_sec = 1}, tv;
    const struct timeval *t = ares_timeout(r->channel, &most, &tv);
    bool is_busy = false;
    for (int i = 0; i < SOCKETS_MAX && !is_busy; i++)
        is_busy = r->sockets[i].lf.fd >= 0;
    if (!is_busy) {
        timer_stop(&r->loop->timers, &r->tick);
        return;
    }
    timer_set(&r->loop->timers, &r->tick,
              r->loop->now_ms + t->tv_sec * 1000 + t->tv_usec / 1000 + 1);
}

static void on_tick(struct timer *t)
{
    struct resolve *r = LIST_ENTRY(t, struct resolve, tick);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static void on_socket(struct loop_fd *f, uint32_t events)
{
    struct ares_socket *s = LIST_ENTRY(f, struct ares_socket, lf);
    struct resolve *r = s->r;
    int fd = f->fd;
    bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    ares_process_fd(r->channel, events & EPOLLIN || is_broken ? fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    arm(r);
}

/* c-ares says which of its sockets it wants to hear of. */
static void on_state(void *ctx, ares_socket_t fd, int is_read, int is_write)
{
    struct resolve *r = ctx;
    struct ares_socket *s = NULL, *unused = NULL;
    for (int i = 0; i < SOCKETS_MAX && !s; i++) {
        if (r->sockets[i].lf.fd == fd)
            s = &r->sockets[i];
        else if (r->sockets[i].lf.fd < 0)
            unused = &r->sockets[i];
    }
    uint32_t events = (is_read ? EPOLLIN : 0u) | (is_write ? EPOLLOUT : 0u);
    if (s && !events) {
        loop_remove(r->loop, &s->lf);
        s->lf.fd = -1;
    } else if (s && events != s->events) {
        s->events = events;
        if (loop_modify(r->loop, &s->lf, events) != OK)
            s->events = 0; /* the query ends by its time limit */
    } else if (!s && unused && events) {
        unused->lf.fd = fd;
        unused->events = events;
        if (loop_add(r->loop, &unused->lf, events) != OK)
            unused->lf.fd = -1;
    }
}

static enum err set_servers(struct resolve *r, const struct resolve_config *c)
{
    struct buf b;
    buf_init(&b, CSV_BYTES);
    for (size_t i = 0; i < c->n_servers; i++) {
        if (i)
            buf_add_c(&b, ',');
        ip_port_format(&c->servers[i], &b);
    }
    char *text = buf_take(&b);
    if (!text) {
        buf_fini(&b);
        return ERR_NOMEM;
    }
    int rc = ares_set_servers_ports_csv(r->channel, text);
    free(text);
    return rc == ARES_SUCCESS ? OK : ERR_INVALID;
}

static enum err open_channel(struct resolve *r, const struct resolve_config *c, char *lookups,
                             ares_channel *out)
{
    struct ares_options o = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = c->timeout_ms ? (int)c->timeout_ms : 2000,
        .tries = c->tries ? (int)c->tries : 2,
        .sock_state_cb = on_state,
        .sock_state_cb_data = r,
        .lookups = lookups, /* "b": DNS, "f": files */
        .ndots = 0,
        .domains = NULL, /* ares_getaddrinfo searches them whatever the flag says */
        .ndomains = 0,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
               ARES_OPT_LOOKUPS | ARES_OPT_NDOTS | ARES_OPT_DOMAINS;
    return ares_init_options(out, &o, mask) == ARES_SUCCESS ? OK : ERR_NOMEM;
}

static enum err open_channels(struct resolve *r, const struct resolve_config *c)
{
    char dns[] = "b", files[] = "f";
    enum err e = open_channel(r, c, dns, &r->channel);
    if (e == OK && c->n_servers)
        e = set_servers(r, c);
    else if (e == OK)
        e = open_channel(r, c, files, &r->files);
    return e;
}

enum err resolve_open(struct loop *l, const struct resolve_config *c, struct resolve **out)
{
    struct resolve *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->loop = l;
    r->min_ttl_s = c->min_ttl_s ? c->min_ttl_s : 1;
    r->max_ttl_s = c->max_ttl_s ? c->max_ttl_s : 3600;
    map_init(&r->by_name);
    list_init(&r->aged);
    timer_init(&r->tick, on_tick);
    for (int i = 0; i < SOCKETS_MAX; i++)
        r->sockets[i] = (struct ares_socket){.lf = {-1, on_socket}, .r = r};
    enum err e = open_channels(r, c);
    if (e != OK) {
        resolve_close(r);
        return e;
    }
    *out = r;
    return OK;
}

static void drop(struct resolve *r, struct entry *x)
{
    timer_stop(&r->loop->timers, &x->other);
    list_remove(&x->by_age);
    must(map_remove(&r->by_name, host_str(&x->name)) == x);
    free(x);
}

void resolve_close(struct resolve *r)
{
    if (!r)
        return;
    r->is_closing = true;
    if (r->channel)
        ares_destroy(r->channel); /* calls back what is under way */
    if (r->files)
        ares_destroy(r->files);
    timer_stop(&r->loop->timers, &r->tick);
    while (!list_empty(&r->aged))
        drop(r, LIST_ENTRY(r->aged.next, struct entry, by_age));
    map_fini(&r->by_name);
    free(r);
}

/* IPv6 stands first, in whatever order the answers come. */
static void add(struct resolve_answer *a, const struct ip *ip)
{
    unsigned at = a->n;
    for (unsigned i = 0; i < a->n; i++)
        if (ip_eq(&a->ip[i], ip))
            return;
    while (at > 0 && !ip_is_v4(ip) && ip_is_v4(&a->ip[at - 1])) {
        a->ip[at] = a->ip[at - 1];
        at--;
    }
    a->ip[at] = *ip;
    a->n++;
}

static void take_addresses(struct entry *x, const struct ares_addrinfo *info)
{
    struct resolve_answer *a = &x->answer;
    for (const struct ares_addrinfo_node *n = info->nodes; n && a->n < RESOLVE_ADDRESSES_MAX;
         n = n->ai_next) {
        struct ip_port at;
        struct sockaddr_storage ss = {0};
        if (!n->ai_addr || n->ai_addrlen > sizeof ss)
            continue;
        memcpy(&ss, n->ai_addr, n->ai_addrlen);
        if (ip_port_from_sockaddr((const struct sockaddr *)&ss, &at) != OK)
            continue;
        add(a, &at.ip);
        if (n->ai_ttl >= 0 && n->ai_ttl < x->ttl_s)
            x->ttl_s = n->ai_ttl;
    }
}

static enum err err_of(int status)
{
    switch (status) {
    case ARES_SUCCESS: return OK;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME: return ERR_NOT_FOUND;
    case ARES_ETIMEOUT: return ERR_TIMEOUT;
    case ARES_ENOMEM: return ERR_NOMEM;
    default: return ERR_UNREACHABLE;
    }
}

/* Those who wait get what is there. */
static void tell(struct entry *x)
{
    struct resolve_answer copy = x->answer; /* a waiter may ask again and so change the cache */
    struct list waiters;
    x->is_told = true;
    timer_stop(&x->r->loop->timers, &x->other);
    if (list_empty(&x->waiters))
        return;
    list_insert_between(&waiters, x->waiters.prev, &x->waiters);
    list_remove(&x->waiters);
    while (!list_empty(&waiters)) {
        struct resolve_query *q = LIST_ENTRY(waiters.next, struct resolve_query, node);
        list_remove(&q->node);
        q->on_done(q, &copy);
    }
}

static void on_other_late(struct timer *t)
{
    tell(LIST_ENTRY(t, struct entry, other));
}

/* Both families, or the file, have answered. */
static void finish(struct entry *x)
{
    struct resolve *r = x->r;
    int64_t now_ms = r->loop->now_ms, least = r->min_ttl_s;
    if (x->answer.err == OK) {
        x->until_ms = now_ms + (x->ttl_s < least ? least : x->ttl_s) * 1000;
    } else {
        r->n_failed++;
        x->until_ms = now_ms + (x->answer.err == ERR_NOT_FOUND ? GONE_TTL_MS : FAILED_TTL_MS);
    }
    list_push_back(&r->aged, &x->by_age);
    tell(x);
}

/* That there is no address of one family says nothing as long as the other has one, or failed. */
static void take(struct entry *x, int status, struct ares_addrinfo *info)
{
    enum err e = err_of(status);
    if (info) {
        if (status == ARES_SUCCESS)
            take_addresses(x, info);
        ares_freeaddrinfo(info);
    }
    if (x->answer.n > 0)
        x->answer.err = OK;
    else if (e != OK && e != ERR_NOT_FOUND)
        x->answer.err = e;
}

static void on_answer(void *ctx, int status, int n_timeouts, struct ares_addrinfo *info)
{
    struct entry *x = ctx;
    struct resolve *r = x->r;
    (void)n_timeouts;
    take(x, status, info);
    if (--x->n_owed == 0)
        finish(x);
    else if (x->answer.n > 0 && !r->is_closing)
        timer_set(&r->loop->timers, &x->other, r->loop->now_ms + OTHER_MS);
}

/* Called back before ares_getaddrinfo returns. */
static void on_file(void *ctx, int status, int n_timeouts, struct ares_addrinfo *info)
{
    (void)n_timeouts;
    take(ctx, status, info);
}

static void ask(struct resolve *r, struct entry *x)
{
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_socktype = SOCK_STREAM};
    hints.ai_family = AF_UNSPEC;
    x->answer = (struct resolve_answer){.err = ERR_NOT_FOUND};
    x->ttl_s = r->max_ttl_s;
    x->is_told = false;
    list_remove(&x->by_age);
    r->n_asked++;
    if (r->files)
        ares_getaddrinfo(r->files, x->name.text, NULL, &hints, on_file, x);
    if (x->answer.n > 0) {
        finish(x);
        return;
    }
    x->answer.err = ERR_NOT_FOUND;
    x->n_owed = 2;
    hints.ai_family = AF_INET6;
    ares_getaddrinfo(r->channel, x->name.text, NULL, &hints, on_answer, x);
    hints.ai_family = AF_INET;
    ares_getaddrinfo(r->channel, x->name.text, NULL, &hints, on_answer, x);
    arm(r);
}

static enum err new_entry(struct resolve *r, struct str host, struct entry **out)
{
    if (host.n == 0 || host.n > HOST_MAX)
        return ERR_INVALID;
    if (r->by_name.n >= RESOLVE_CACHE_MAX) {
        if (list_empty(&r->aged))
            return ERR_NOMEM;
        drop(r, LIST_ENTRY(r->aged.next, struct entry, by_age));
    }
    struct entry *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    x->r = r;
    memcpy(x->name.text, host.p, host.n);
    x->name.n = (uint8_t)host.n;
    list_init(&x->by_age);
    list_init(&x->waiters);
    timer_init(&x->other, on_other_late);
    enum err e = map_put(&r->by_name, host_str(&x->name), x, NULL);
    if (e != OK) {
        free(x);
        return e;
    }
    *out = x;
    return OK;
}

enum err resolve_ask(struct resolve *r, struct str host, struct resolve_query *q,
                     struct resolve_answer *out)
{
    struct entry *x = map_get(&r->by_name, host);
    if (!x) {
        enum err e = new_entry(r, host, &x);
        if (e != OK)
            return e;
        ask(r, x);
    } else if (x->n_owed == 0 && x->until_ms <= r->loop->now_ms) {
        ask(r, x);
    } else if (x->is_told) {
        r->n_hits++;
    }
    if (x->is_told) { /* cached, or c-ares knew at once (a hosts file, no server) */
        *out = x->answer;
        return OK;
    }
    list_push_back(&x->waiters, &q->node);
    return ERR_AGAIN;
}

void resolve_cancel(struct resolve_query *q)
{
    list_remove(&q->node);
}

void resolve_count(const struct resolve *r, struct resolve_counters *out)
{
    *out = (struct resolve_counters){r->n_asked, r->n_hits, r->n_failed, r->by_name.n};
}
