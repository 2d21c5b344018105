/* fuzz_settings: any bytes as the settings documents "proxy" (traffic and listeners in it) and
 * "upstreams", and as the configuration of a subscription. What is accepted must keep the promises
 * that who uses it relies on without looking again. */
#include <stddef.h>
#include <stdint.h>

#include "adminui/subscription_config.h"
#include "base/must.h"
#include "db/settings_proxy.h"
#include "db/settings_upstreams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_bounds(const struct traffic_bounds *b)
{
    must(b->requests_s == 0 || b->burst >= 1);
    must(b->requests_s <= 1000000000); /* a request has a price in nanoseconds */
}

static void check_traffic(const struct traffic *t)
{
    struct ip ip = {{0}};
    struct traffic copy;
    struct arena a;
    check_bounds(&t->client);
    check_bounds(&t->user);
    must(t->prefix4 <= 32 && t->prefix6 <= 128 && t->n_classes <= TRAFFIC_CLASSES_MAX);
    must(t->total_connections_s <= 1000000000 && (!t->min_bytes_s || t->min_window_ms));
    for (size_t i = 0; i < t->n_classes; i++) {
        const struct traffic_class *c = &t->classes[i];
        check_bounds(&c->bounds);
        must(c->name.n > 0);
        for (size_t k = 0; k < c->n_networks; k++)
            must(c->networks[k].bits <= 128 && traffic_class_of(t, &c->networks[k].ip) != 0);
    }
    must(traffic_client_of(t, &ip).bits <= 128);
    arena_init(&a, 4096, 1 << 24);
    must(traffic_copy(t, &a, &copy) == OK && copy.stamp == t->stamp);
    arena_fini(&a);
}

static void as_proxy(struct str text)
{
    struct settings_proxy s;
    struct report r;
    enum err e = settings_proxy_parse(text, &r, &s);
    must((e == ERR_INVALID) == report_has_faults(&r));
    if (e == OK) {
        must(s.head_ms && s.idle_ms && s.identity_ms && s.resolve_ms && s.connect_ms &&
             s.answer_ms);
        must(s.body_ms && s.tunnel_ms && s.reply_ms && s.pool_ms && s.clients);
        must(s.line_bytes && s.field_bytes && s.fields && s.head_bytes && s.node.n);
        check_traffic(&s.traffic);
        settings_proxy_fini(&s);
    }
    report_fini(&r);
}

static void as_upstreams(struct str text)
{
    struct settings_upstreams s;
    struct report r;
    enum err e = settings_upstreams_parse(text, &r, &s);
    must((e == ERR_INVALID) == report_has_faults(&r));
    if (e == OK) {
        bool has_standard = s.standard.n == 0;
        must(s.n <= SETTINGS_UPSTREAMS_GROUPS);
        for (size_t i = 0; i < s.n; i++) {
            const struct settings_upstreams_group *g = &s.groups[i];
            has_standard = has_standard || str_eq(g->name, s.standard);
            must(g->name.n && g->n >= 1 && g->n <= SETTINGS_UPSTREAMS_MEMBERS && g->connect_ms);
            must(g->down_after && g->up_after && (g->interval_ms == 0 || g->timeout_ms));
            for (size_t k = 0; k < g->n; k++)
                must(g->members[k].port && g->members[k].weight && g->members[k].weight <= 65535);
        }
        must(has_standard);
        settings_upstreams_fini(&s);
    }
    report_fini(&r);
}

/* What is accepted and written down is accepted again. */
static void as_subscription(struct str text)
{
    struct subscription_config c, again;
    struct report r;
    json_t *j = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    report_init(&r);
    subscription_config_read(j, &c, &r);
    if (j && !report_has_faults(&r)) {
        json_t *written = subscription_config_json(&c, c.password);
        subscription_config_read(written, &again, &r);
        must(!report_has_faults(&r) && again.max_bytes == c.max_bytes && again.every_hours > 0);
        json_decref(written);
    }
    report_fini(&r);
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str text = str_make(data, n);
    as_proxy(text);
    as_upstreams(text);
    as_subscription(text);
    return 0;
}
