/* takers: a list of accounts, sorted, and a watch over four counters. */
#include "proxyd/main/takers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "proxyd/main/wiring.h"

#define ITEMS_DEFAULT 50
#define ITEMS_MAX     1000
#define SINCE_MS      60000 /* who has been gone for longer is not shown */

/* --- the list -------------------------------------------------------------------------------- */

struct taker {
    enum limits_kind kind;
    struct cidr net;
    char name[LIMITS_TEXT + 1];
    const char *class_name;
    size_t class_n;
    uint32_t n_connections, n_running, n_tunnels, n_refused, n_delayed;
    double rate, load;
    struct traffic_bounds bounds;
    bool is_exempt;
    int64_t owed_ms; /* until what it moved is paid for */
};

struct listing {
    const struct traffic *traffic;
    int64_t now_ms;
    struct taker *all;
    size_t n, cap;
    bool is_full;
};

static double part(double n, double bound)
{
    return bound > 0 ? n / bound : 0;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static void find_bounds(const struct traffic *t, const struct limits_account *a, struct taker *out)
{
    unsigned n = a->kind == LIMITS_CLIENT ? traffic_class_of(t, &a->net.ip) : 0;
    for (unsigned i = 0; a->kind == LIMITS_CLASS && i < t->n_classes; i++)
        if (str_eq(t->classes[i].name, str_make(a->text, a->text_n)))
            n = i + 1;
    out->bounds = a->kind == LIMITS_USER ? t->user : *traffic_bounds_of(t, n);
    if (n) {
        out->class_name = t->classes[n - 1].name.p;
        out->class_n = t->classes[n - 1].name.n;
        out->is_exempt = t->classes[n - 1].is_exempt;
    }
}

static void weigh(struct taker *x)
{
    const struct traffic_bounds *b = &x->bounds;
    if (x->is_exempt)
        return;
    x->load = most(part(x->n_connections, b->connections), part(x->n_running, b->running));
    x->load = most(x->load, part(x->n_tunnels, b->tunnels));
    x->load = most(x->load, part(x->rate, b->requests_s));
    if (b->bytes_s && x->owed_ms > 0)
        x->load = most(x->load, 1);
}

static void see(void *ctx, const struct limits_account *a)
{
    struct listing *s = ctx;
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct taker *more = realloc(s->all, cap * sizeof *more);
        s->is_full = !more;
        if (!more)
            return;
        s->all = more;
        s->cap = cap;
    }
    struct taker *x = &s->all[s->n++];
    int64_t paid_us = atomic_load_explicit(&a->next_us, memory_order_relaxed);
    *x = (struct taker){.kind = a->kind,
                        .net = a->net,
                        .n_connections = atomic_load(&a->n_connections),
                        .n_running = atomic_load(&a->n_running),
                        .n_tunnels = atomic_load(&a->n_tunnels),
                        .n_refused = atomic_load(&a->n_refused),
                        .n_delayed = atomic_load(&a->n_delayed),
                        .rate = limits_rate(a, s->now_ms),
                        .owed_ms = paid_us / 1000 - s->now_ms};
    for (unsigned i = 0; i < a->text_n; i++)
        x->name[i] = a->text[i];
    find_bounds(s->traffic, a, x);
    weigh(x);
}

static int by_load(const void *a, const void *b)
{
    const struct taker *x = a, *y = b;
    if (x->load != y->load)
        return x->load < y->load ? 1 : -1;
    if (x->n_refused != y->n_refused)
        return x->n_refused < y->n_refused ? 1 : -1;
    uint32_t nx = x->n_running + x->n_tunnels, ny = y->n_running + y->n_tunnels;
    if (nx != ny)
        return nx < ny ? 1 : -1;
    return (x->n_connections < y->n_connections) - (x->n_connections > y->n_connections);
}

/* "192.0.2.7", "2001:db8:1:2::/64", a name. */
static json_t *name_of(const struct taker *x)
{
    char room[80];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    if (x->kind != LIMITS_CLIENT)
        return json_string(x->kind == LIMITS_CROWD ? "(no place left in the table)" : x->name);
    if (x->net.bits == 128)
        ip_format(&x->net.ip, &b);
    else
        cidr_format(&x->net, &b);
    return json_stringn(b.p, b.n);
}

static json_t *bound(uint64_t v, bool is_exempt)
{
    return v && !is_exempt ? json_integer((json_int_t)v) : json_null();
}

static json_t *taker_json(const struct taker *x)
{
    static const char *const kinds[] = {"client", "class", "user", "others"};
    const struct traffic_bounds *b = &x->bounds;
    bool is_free = x->is_exempt;
    json_t *class_name = x->class_name ? json_stringn(x->class_name, x->class_n) : json_null();
    json_t *bounds =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "connections", bound(b->connections, is_free),
                  "concurrent_requests", bound(b->running, is_free), "tunnels",
                  bound(b->tunnels, is_free), "requests_per_second", bound(b->requests_s, is_free),
                  "bytes_per_second", bound(b->bytes_s, is_free));
    return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:f, s:I, s:I, s:f, s:b, s:o}", "kind",
                     kinds[x->kind], "name", name_of(x), "class", class_name, "connections",
                     (json_int_t)x->n_connections, "requests", (json_int_t)x->n_running, "tunnels",
                     (json_int_t)x->n_tunnels, "requests_per_second", x->rate, "refused",
                     (json_int_t)x->n_refused, "delayed", (json_int_t)x->n_delayed, "load", x->load,
                     "exempt", x->is_exempt, "bounds", bounds);
}

static json_t *table_json(const struct limits_info *i)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "slots", (json_int_t)i->n_slots, "held",
                     (json_int_t)i->n_held, "forgotten", (json_int_t)i->n_forgotten, "crowded",
                     (json_int_t)i->n_crowded);
}

json_t *takers_clients(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    json_int_t ask = json_integer_value(json_object_get(request, "limit"));
    size_t limit = ask < 1 ? ITEMS_DEFAULT : ask > ITEMS_MAX ? ITEMS_MAX : (size_t)ask;
    struct flow_set *set = reload_set(&w->reload);
    struct listing s = {.traffic = &set->settings.traffic, .now_ms = clock_mono_ms(&w->clock)};
    struct limits_info info;
    json_t *items = json_array();
    limits_each(w->workers.shared.limits, s.now_ms, SINCE_MS, see, &s);
    limits_info(w->workers.shared.limits, &info);
    if (s.n)
        qsort(s.all, s.n, sizeof *s.all, by_load);
    for (size_t i = 0; i < s.n && i < limit; i++)
        json_array_append_new(items, taker_json(&s.all[i]));
    json_t *out = json_pack("{s:b, s:o, s:b, s:o}", "ok", 1, "items", items, "truncated",
                            s.n > limit || s.is_full, "table", table_json(&info));
    free(s.all);
    flow_set_unref(set);
    return out;
}

/* --- shedding -------------------------------------------------------------------------------- */

uint64_t takers_n_shed(const struct workers *w)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < w->n; i++)
        n += stats_get(&w->stats[i], STATS_LIMITED_CONNECTIONS) +
             stats_get(&w->stats[i], STATS_LIMITED_CONNECTION_RATE) +
             stats_get(&w->stats[i], STATS_LIMITED_TOTAL_REQUESTS) +
             stats_get(&w->stats[i], STATS_LIMITED_CLIENT_SHARE) +
             stats_get(&w->stats[i], STATS_LIMITED_QUEUE_DELAY) +
             stats_get(&w->stats[i], STATS_LIMITED_MEMORY);
    return n;
}

json_t *takers_status(const struct workers *w)
{
    struct limits_info i;
    limits_info(w->shared.limits, &i);
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:I, s:b, s:o}", "connections",
                     (json_int_t)i.n_connections, "requests", (json_int_t)i.n_running,
                     "clients_with_requests", (json_int_t)i.n_active, "shed",
                     (json_int_t)takers_n_shed(w), "is_shedding", (int)atomic_load(&w->is_shedding),
                     "short", (json_int_t)takers_n_short(w), "is_short",
                     (int)atomic_load(&w->is_short), "accounts", table_json(&i));
}

uint64_t takers_n_short(const struct workers *w)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < w->n; i++)
        n += stats_get(&w->stats[i], STATS_SHORT_DESCRIPTORS) +
             stats_get(&w->stats[i], STATS_SHORT_MEMORY);
    return n;
}

enum takers_news takers_look(struct takers_watch *x, uint64_t n_shed, int64_t now_ms)
{
    if (n_shed != x->n_before) {
        bool is_first = !x->is_shedding;
        if (is_first) {
            x->began_ms = now_ms;
            x->n_at_begin = x->n_before;
        }
        x->is_shedding = true;
        x->last_ms = now_ms;
        x->n_before = n_shed;
        return is_first ? TAKERS_BEGUN : TAKERS_NOTHING;
    }
    if (!x->is_shedding || now_ms - x->last_ms < TAKERS_CALM_MS)
        return TAKERS_NOTHING;
    x->is_shedding = false;
    return TAKERS_ENDED;
}

/* What is said when it begins and when it has ended. */
static void tell(const struct takers_watch *x, enum takers_news news, const char *begun,
                 const char *ended)
{
    char n[24], seconds[24];
    switch (news) {
    case TAKERS_NOTHING: break;
    case TAKERS_BEGUN: diag(DIAG_WARN, "main", begun, NULL); break;
    case TAKERS_ENDED:
        snprintf(n, sizeof n, "%llu", (unsigned long long)(x->n_before - x->n_at_begin));
        snprintf(seconds, sizeof seconds, "%lld", (long long)((x->last_ms - x->began_ms) / 1000));
        diag(DIAG_INFO, "main", ended, "times", n, "lasted_s", seconds, NULL);
        break;
    }
}

void takers_watch(struct takers_watch *shed, struct takers_watch *shortage, struct workers *w,
                  int64_t now_ms)
{
    tell(shed, takers_look(shed, takers_n_shed(w), now_ms),
         "overloaded: connections or requests are being turned away", "no longer overloaded");
    tell(shortage, takers_look(shortage, takers_n_short(w), now_ms),
         "out of descriptors or memory: connections or requests are being turned away",
         "descriptors and memory suffice again");
    atomic_store(&w->is_shedding, shed->is_shedding);
    atomic_store(&w->is_short, shortage->is_shedding);
}
