/* settings_privacy: a list of small objects. */
#include "db/settings_privacy.h"

#include <stdio.h>
#include <string.h>

struct reading {
    struct report *report;
    size_t i;
};

static void fault(struct reading *r, const char *key, const char *code, const char *message)
{
    char pointer[200];
    snprintf(pointer, sizeof pointer, "/listeners/%zu%s%.100s", r->i, *key ? "/" : "", key);
    report_fault(r->report, pointer, code, "%s", message);
}

static struct str text_of(const json_t *v)
{
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static void read_name(struct reading *r, const json_t *v, char out[PRIVACY_NAME_BYTES])
{
    struct ip_port at;
    struct str text = text_of(v);
    if (text.n == 0 || text.n >= PRIVACY_NAME_BYTES || ip_port_parse(text, &at) != OK)
        fault(r, "listener", "bad-value",
              "listener must be an address and port as in the configuration file, such as "
              "127.0.0.1:3128.");
    else
        memcpy(out, text.p, text.n);
}

static void read_trust(struct reading *r, const json_t *list, struct privacy *p)
{
    size_t i;
    json_t *v;
    char key[60];
    if (!json_is_array(list)) {
        fault(r, "trust_forwarded", "bad-type", "trust_forwarded must be a list of networks.");
        return;
    }
    json_array_foreach(list, i, v)
    {
        enum err e = privacy_add_trust(p, text_of(v));
        snprintf(key, sizeof key, "trust_forwarded/%zu", i);
        if (e == ERR_LIMIT) {
            fault(r, "trust_forwarded", "too-many", "There may be 16 networks.");
            return;
        }
        if (e != OK)
            fault(r, key, "bad-network", "This must be an address or a network like 10.0.0.0/8.");
    }
}

static void read_member(struct reading *r, const char *key, const json_t *v, struct privacy *p)
{
    if (strcmp(key, "privacy") == 0) {
        p->has_mode = true;
        if (privacy_mode_parse(text_of(v), &p->mode) != OK)
            fault(r, key, "bad-value", "privacy must be via, named, anonymous or high-anonymity.");
    } else if (strcmp(key, "referer") == 0) {
        p->has_referer = true;
        if (privacy_referer_parse(text_of(v), &p->referer) != OK)
            fault(r, key, "bad-value", "referer must be keep, same-host or none.");
    } else if (strcmp(key, "trust_forwarded") == 0) {
        read_trust(r, v, p);
    } else if (strcmp(key, "listener") != 0) {
        fault(r, key, "unknown-key", "no such setting");
    }
}

static void read_one(struct reading *r, json_t *o, struct privacy_settings *s)
{
    const char *key;
    json_t *v;
    if (!json_is_object(o)) {
        fault(r, "", "bad-type", "This must be an object.");
        return;
    }
    json_object_foreach(o, key, v) read_member(r, key, v, &s->listeners[s->n].p);
    read_name(r, json_object_get(o, "listener"), s->listeners[s->n].name);
    const char *name = s->listeners[s->n].name;
    if (*name && privacy_settings_of(s, str_of(name)))
        fault(r, "listener", "duplicate", "This listener stands above already.");
    s->n++;
}

enum err settings_privacy_parse(const json_t *list, struct arena *a, struct report *report,
                                struct privacy_settings *out)
{
    struct reading r = {.report = report};
    size_t n = json_array_size(list);
    json_t *v;
    *out = (struct privacy_settings){0};
    if (!list)
        return OK;
    if (!json_is_array(list) || n > PRIVACY_SETTINGS_MAX) {
        report_fault(report, "/listeners", "bad-type",
                     "listeners must be a list of at most %d objects.", PRIVACY_SETTINGS_MAX);
        return OK;
    }
    out->listeners = arena_alloc(a, (n + 1) * sizeof *out->listeners);
    if (!out->listeners)
        return ERR_NOMEM;
    memset(out->listeners, 0, (n + 1) * sizeof *out->listeners);
    json_array_foreach(list, r.i, v) read_one(&r, v, out);
    return OK;
}
