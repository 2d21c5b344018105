/* settings_traffic: tables of members, one reader for all of them. */
#include "db/settings_traffic.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define POINTER_BYTES 200
#define NAME_MAX      64
#define BYTES_S_LEAST 1024 /* slower is a stop, not a bound */
#define BYTES_S_MOST  1000000000000
#define BURST_LEAST   10

struct reading {
    struct arena *arena;
    struct report *report;
    enum err err;
    size_t n_networks;
    char at[POINTER_BYTES]; /* of the object being read */
};

/* A number of an object: where it goes, and within which bounds. */
struct member {
    const char *key;
    size_t offset;
    size_t bytes; /* of the place: 1, 4 or 8 */
    json_int_t least, most;
};

#define OF(type, field) offsetof(struct type, field), sizeof(((struct type *)0)->field)
static const struct member bounds_members[] = {
    {"requests_per_second", OF(traffic_bounds, requests_s), 1, 1000000},
    {"burst", OF(traffic_bounds, burst), 1, 1000000},
    {"concurrent_requests", OF(traffic_bounds, running), 1, 1000000},
    {"tunnels", OF(traffic_bounds, tunnels), 1, 1000000},
    {"bytes_per_second", OF(traffic_bounds, bytes_s), BYTES_S_LEAST, BYTES_S_MOST},
    {"connections", OF(traffic_bounds, connections), 1, 1000000}, /* last: clients have theirs
                                                                      under limits */
};
#define N_BOUNDS (sizeof bounds_members / sizeof *bounds_members)

static const struct member total_members[] = {
    {"concurrent_requests", OF(traffic, total_running), 1, 1000000},
    {"new_connections_per_second", OF(traffic, total_connections_s), 1, 1000000},
    {"bytes_per_second", OF(traffic, total_bytes_s), BYTES_S_LEAST, BYTES_S_MOST},
    {"queue_delay_ms", OF(traffic, queue_delay_ms), 10, 60000},
};
#define N_TOTAL (sizeof total_members / sizeof *total_members)

static const struct member min_members[] = {
    {"bytes_per_second", OF(traffic, min_bytes_s), 1, 1000000},
    {"window_ms", OF(traffic, min_window_ms), 100, 3600000},
};
#define N_MIN (sizeof min_members / sizeof *min_members)

static const struct member plain_members[] = {
    {"delay_ms", OF(traffic, delay_ms), 1, 60000},
    {"ipv4_prefix", OF(traffic, prefix4), 8, 32},
    {"ipv6_prefix", OF(traffic, prefix6), 16, 128},
};
#define N_PLAIN (sizeof plain_members / sizeof *plain_members)

static void fault(struct reading *r, const char *key, const char *code, const char *message)
{
    char pointer[POINTER_BYTES + 110];
    snprintf(pointer, sizeof pointer, "%s%s%.100s", r->at, *key ? "/" : "", key);
    report_fault(r->report, pointer, code, "%s", message);
}

static void put(void *to, const struct member *m, json_int_t v)
{
    char *at = (char *)to + m->offset;
    uint8_t one = (uint8_t)v;
    uint32_t four = (uint32_t)v;
    uint64_t eight = (uint64_t)v;
    memcpy(at,
           m->bytes == 1   ? (void *)&one
           : m->bytes == 4 ? (void *)&four
                           : (void *)&eight,
           m->bytes);
}

static void read_number(struct reading *r, const struct member *m, const json_t *v, void *to)
{
    char message[120];
    json_int_t x = json_is_null(v) ? 0 : json_integer_value(v);
    bool is_none = x == 0 && m->bytes != 1; /* a prefix is always there */
    if (!json_is_integer(v) && !json_is_null(v)) {
        fault(r, m->key, "bad-type", "This must be a whole number; 0 or null: no bound.");
    } else if (!is_none && (x < m->least || x > m->most)) {
        snprintf(message, sizeof message,
                 m->bytes == 1 ? "This must be from %lld to %lld."
                               : "This must be from %lld to %lld, or 0 for no bound.",
                 (long long)m->least, (long long)m->most);
        fault(r, m->key, "out-of-range", message);
    } else {
        put(to, m, x);
    }
}

static const struct member *named(const struct member *all, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i].key, key) == 0)
            return &all[i];
    return NULL;
}

/* An object of numbers. */
static void read_group(struct reading *r, json_t *o, const struct member *all, size_t n, void *to)
{
    const char *key;
    json_t *v;
    if (!json_is_object(o)) {
        fault(r, "", "bad-type", "This must be an object.");
        return;
    }
    json_object_foreach(o, key, v)
    {
        const struct member *m = named(all, n, key);
        if (m)
            read_number(r, m, v, to);
        else
            fault(r, key, "unknown-key", "no such setting");
    }
}

/* Where nobody has said how much may come at once: what two seconds allow. */
static void fill_burst(struct traffic_bounds *b)
{
    if (b->burst == 0)
        b->burst = b->requests_s * 2 < BURST_LEAST ? BURST_LEAST : b->requests_s * 2;
}

/* --- classes --------------------------------------------------------------------------------- */

static void read_networks(struct reading *r, const json_t *list, struct traffic_class *c)
{
    size_t i, n = json_array_size(list);
    json_t *v;
    char key[40];
    if (!json_is_array(list) || n == 0) {
        fault(r, "networks", "bad-value", "networks must be a list with at least one network.");
        return;
    }
    r->n_networks += n;
    if (r->n_networks > TRAFFIC_NETWORKS_MAX) {
        fault(r, "networks", "too-many", "There may be 512 networks in all classes together.");
        return;
    }
    struct cidr *nets = arena_alloc(r->arena, n * sizeof *nets);
    if (!nets) {
        r->err = ERR_NOMEM;
        return;
    }
    json_array_foreach(list, i, v)
    {
        struct str text = str_make(json_string_value(v), json_string_length(v));
        if (json_is_string(v) && cidr_parse(text, &nets[i]) == OK)
            continue;
        snprintf(key, sizeof key, "networks/%zu", i);
        fault(r, key, "bad-network", "This must be an address or a network like 10.0.0.0/8.");
    }
    c->networks = nets;
    c->n_networks = n;
}

static void read_name(struct reading *r, const json_t *v, struct traffic_class *c)
{
    struct str text = str_make(json_string_value(v), json_string_length(v));
    bool is_good = json_is_string(v) && text.n > 0 && text.n <= NAME_MAX;
    for (size_t i = 0; is_good && i < text.n; i++)
        is_good = (unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7f;
    if (!is_good) {
        fault(r, "name", "bad-text", "name must be a text of 1 to 64 bytes.");
        return;
    }
    c->name = arena_str(r->arena, text);
    if (!c->name.p)
        r->err = ERR_NOMEM;
}

static void read_switch(struct reading *r, const char *key, const json_t *v, bool *out)
{
    if (json_is_boolean(v))
        *out = json_is_true(v);
    else
        fault(r, key, "bad-type", "This must be true or false.");
}

static void read_class(struct reading *r, json_t *o, struct traffic_class *c)
{
    const char *key;
    json_t *v;
    if (!json_is_object(o)) {
        fault(r, "", "bad-type", "A class must be an object.");
        return;
    }
    if (json_object_get(o, "requests_per_second"))
        c->bounds.burst = 0; /* everybody's goes with everybody's rate */
    json_object_foreach(o, key, v)
    {
        const struct member *m = named(bounds_members, N_BOUNDS, key);
        if (m)
            read_number(r, m, v, &c->bounds);
        else if (strcmp(key, "exempt") == 0)
            read_switch(r, key, v, &c->is_exempt);
        else if (strcmp(key, "together") == 0)
            read_switch(r, key, v, &c->is_together);
        else if (strcmp(key, "name") != 0 && strcmp(key, "networks") != 0)
            fault(r, key, "unknown-key", "no such setting");
    }
    fill_burst(&c->bounds);
    read_name(r, json_object_get(o, "name"), c);
    read_networks(r, json_object_get(o, "networks"), c);
}

static bool is_doubled(const struct traffic *t, size_t n)
{
    for (size_t i = 0; t->classes[n].name.n && i < n; i++)
        if (str_eq(t->classes[i].name, t->classes[n].name))
            return true;
    return false;
}

static void read_classes(struct reading *r, const json_t *list, struct traffic *out)
{
    size_t i, n = json_array_size(list);
    json_t *v;
    if (!json_is_array(list) || n > TRAFFIC_CLASSES_MAX) {
        fault(r, "classes", "bad-value", "classes must be a list of at most 64 classes.");
        return;
    }
    struct traffic_class *all = arena_alloc(r->arena, (n + 1) * sizeof *all);
    if (!all) {
        r->err = ERR_NOMEM;
        return;
    }
    out->classes = all;
    json_array_foreach(list, i, v)
    {
        all[i] = (struct traffic_class){.bounds = out->client};
        snprintf(r->at, sizeof r->at, "/traffic/classes/%zu", i);
        read_class(r, v, &all[i]);
        if (is_doubled(out, i))
            fault(r, "name", "doubled", "Another class has this name.");
        snprintf(r->at, sizeof r->at, "/traffic");
    }
    out->n_classes = n;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void read_in(struct reading *r, const char *key, json_t *v, struct traffic *out)
{
    snprintf(r->at, sizeof r->at, "/traffic/%s", key);
    if (strcmp(key, "total") == 0)
        read_group(r, v, total_members, N_TOTAL, out);
    else if (strcmp(key, "min_rate") == 0)
        read_group(r, v, min_members, N_MIN, out);
    else if (strcmp(key, "per_user") == 0)
        read_group(r, v, bounds_members, N_BOUNDS, &out->user);
    else
        read_group(r, v, bounds_members, N_BOUNDS - 1, &out->client);
    snprintf(r->at, sizeof r->at, "/traffic");
}

static void read_when_over(struct reading *r, const json_t *v, bool *is_delaying)
{
    const char *x = json_string_value(v);
    if (x && (strcmp(x, "refuse") == 0 || strcmp(x, "delay") == 0))
        *is_delaying = strcmp(x, "delay") == 0;
    else
        fault(r, "when_over", "bad-value", "when_over must be \"refuse\" or \"delay\".");
}

static void read_all(struct reading *r, json_t *o, struct traffic *out)
{
    const char *key;
    json_t *v;
    bool is_delaying = false;
    json_object_foreach(o, key, v)
    {
        const struct member *m = named(plain_members, N_PLAIN, key);
        if (m)
            read_number(r, m, v, out);
        else if (strcmp(key, "per_client") == 0 || strcmp(key, "per_user") == 0 ||
                 strcmp(key, "total") == 0 || strcmp(key, "min_rate") == 0)
            read_in(r, key, v, out);
        else if (strcmp(key, "when_over") == 0)
            read_when_over(r, v, &is_delaying);
        else if (strcmp(key, "classes") != 0)
            fault(r, key, "unknown-key", "no such setting");
    }
    if (!is_delaying)
        out->delay_ms = 0;
    fill_burst(&out->client);
    fill_burst(&out->user);
    if (json_object_get(o, "classes")) /* last: it starts from what everybody has */
        read_classes(r, json_object_get(o, "classes"), out);
}

enum err settings_traffic_parse(const json_t *o, uint32_t connections, struct arena *a,
                                struct report *report, struct traffic *out)
{
    struct reading r = {.arena = a, .report = report, .at = "/traffic"};
    traffic_default(connections, out);
    out->delay_ms = 2000;
    if (o && !json_is_object(o))
        fault(&r, "", "bad-type", "traffic must be an object.");
    else
        read_all(&r, (json_t *)(uintptr_t)o, out);
    if (r.err == OK)
        traffic_seal(out);
    return r.err;
}
