/* canary: two sets of names and a few networks. */
#include "policies/canary.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

#define NAME_MAX_BYTES 256
#define MINUTES_MAX    43200

struct canary {
    atomic_uint n_refs;
    struct map users, groups; /* lower case, to the canary itself */
    struct cidr *networks;
    size_t n_networks;
};

struct canary *canary_ref(struct canary *c)
{
    atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
    return c;
}

void canary_unref(struct canary *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    map_fini(&c->users);
    map_fini(&c->groups);
    free(c->networks);
    free(c);
}

static bool lower(struct str in, char out[NAME_MAX_BYTES], struct str *name)
{
    if (in.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < in.n; i++)
        out[i] = str_lower(in.p[i]);
    *name = str_make(out, in.n);
    return true;
}

static bool has_name(const struct map *names, struct str in)
{
    char text[NAME_MAX_BYTES];
    struct str name;
    return names->n && lower(in, text, &name) && map_get(names, name);
}

bool canary_has_network(const struct canary *c, const struct ip *client)
{
    for (size_t i = 0; i < c->n_networks; i++)
        if (cidr_has(&c->networks[i], client))
            return true;
    return false;
}

bool canary_has_people(const struct canary *c)
{
    return c->users.n || c->groups.n;
}

bool canary_has_person(const struct canary *c, struct str user, const struct str *groups,
                       size_t n_groups)
{
    if (user.n && has_name(&c->users, user))
        return true;
    for (size_t i = 0; i < n_groups; i++)
        if (has_name(&c->groups, groups[i]))
            return true;
    return false;
}

/* --- reading --- */

struct reading {
    struct canary *c;
    struct report *report;
    const char *at;
    enum err e; /* ERR_NOMEM, or OK */
};

static void fault(struct reading *x, const char *key, const char *code, const char *message)
{
    char pointer[200];
    snprintf(pointer, sizeof pointer, "%s/%.100s", x->at, key);
    report_fault(x->report, pointer, code, "%s", message);
}

static void fault_at(struct reading *x, const char *key, size_t i, const char *message)
{
    char name[64];
    snprintf(name, sizeof name, "%s/%zu", key, i);
    fault(x, name, "bad-value", message);
}

/* The list of this name when it is one of at most CANARY_MAX. */
static const json_t *list_of(struct reading *x, const json_t *scope, const char *key)
{
    const json_t *v = json_object_get(scope, key);
    if (!v || json_is_null(v))
        return NULL;
    if (!json_is_array(v) || json_array_size(v) > CANARY_MAX) {
        fault(x, key, "bad-type", "this must be a list of at most 1000 texts");
        return NULL;
    }
    return v;
}

static void read_names(struct reading *x, const json_t *scope, const char *key, struct map *to)
{
    char text[NAME_MAX_BYTES];
    struct str name;
    size_t i;
    const json_t *v;
    json_array_foreach(list_of(x, scope, key), i, v)
    {
        struct str in = str_of(json_string_value(v));
        if (!in.n || !lower(in, text, &name))
            fault_at(x, key, i, "this must be a name of at most 256 bytes");
        else if (map_put(to, name, x->c, NULL) != OK)
            x->e = ERR_NOMEM;
    }
}

static void read_networks(struct reading *x, const json_t *scope)
{
    const json_t *list = list_of(x, scope, "networks"), *v;
    size_t i;
    x->c->networks = calloc(json_array_size(list) + 1, sizeof *x->c->networks);
    if (!x->c->networks) {
        x->e = ERR_NOMEM;
        return;
    }
    json_array_foreach(list, i, v)
    {
        struct cidr *net = &x->c->networks[x->c->n_networks];
        if (cidr_parse(str_of(json_string_value(v)), net) == OK)
            x->c->n_networks++;
        else
            fault_at(x, "networks", i, "this must be a network such as 10.1.0.0/16");
    }
}

static void read_rest(struct reading *x, const json_t *scope)
{
    static const char *const known[] = {"networks", "groups", "users", "minutes"};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)scope, key, v)
    {
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            is_known |= strcmp(key, known[i]) == 0;
        if (!is_known)
            fault(x, key, "unknown-key", "no such member");
    }
    const json_t *minutes = json_object_get(scope, "minutes");
    double m = json_number_value(minutes);
    if (minutes && !json_is_null(minutes) &&
        (!json_is_number(minutes) || !(m > 0 && m <= MINUTES_MAX)))
        fault(x, "minutes", "out-of-range", "minutes must be a number of at most 43200");
}

enum err canary_read(const json_t *scope, const char *at, struct report *report,
                     struct canary **out)
{
    if (!json_is_object(scope)) {
        report_fault(report, at, "bad-type", "this must be an object");
        return ERR_INVALID;
    }
    struct reading x = {.c = calloc(1, sizeof *x.c), .report = report, .at = at};
    if (!x.c)
        return ERR_NOMEM;
    size_t n_before = report->n_faults;
    atomic_init(&x.c->n_refs, 1);
    map_init(&x.c->users);
    map_init(&x.c->groups);
    read_names(&x, scope, "users", &x.c->users);
    read_names(&x, scope, "groups", &x.c->groups);
    read_networks(&x, scope);
    read_rest(&x, scope);
    bool is_empty = !x.c->users.n && !x.c->groups.n && !x.c->n_networks;
    if (x.e == OK && is_empty && report->n_faults == n_before)
        report_fault(report, at, "empty", "name at least one network, group or user");
    if (x.e == OK && (report->n_faults != n_before || report->n_dropped))
        x.e = ERR_INVALID;
    if (x.e == OK)
        *out = x.c;
    else
        canary_unref(x.c);
    return x.e;
}

enum err canary_parse(struct str text, struct report *report, struct canary **out)
{
    json_t *scope = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, NULL);
    enum err e = canary_read(scope, "", report, out);
    json_decref(scope);
    return e;
}
