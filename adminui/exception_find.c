/* exception_find: the body, then the engine. */
#include "adminui/exception_find.h"

#include <stdio.h>
#include <string.h>

#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "base/url.h"
#include "db/event_filter.h"
#include "policies/explain.h"
#include "policies/replay.h"
#include "policies/request_facts.h"

#define AHEAD_MS  (INT64_C(366) * 24 * 3600 * 1000)
#define NAMES_MAX 1000
#define NO_PLACE  (-2)
#define SPECIAL   "\\^$.|?*+()[]{}"

/* --- the body ----------------------------------------------------------------------------------
 */

bool exception_find_until(struct call *c, int64_t now_ms, int64_t *until_ms)
{
    int64_t minutes = fields_int(c->json, "minutes", 0);
    struct str until = fields_str(c->json, "until", (struct str){0});
    *until_ms = now_ms + minutes * 60000;
    if ((minutes > 0) == (until.n > 0)) {
        problem_reply_fault(c, "/minutes", "one-of", "Give one of minutes and until.");
        return false;
    }
    if (until.n && event_filter_time(until, now_ms, until_ms) != OK) {
        problem_reply_fault(c, "/until", "bad-time", "A time is RFC 3339.");
        return false;
    }
    if (*until_ms > now_ms && *until_ms <= now_ms + AHEAD_MS)
        return true;
    problem_reply_fault(c, until.n ? "/until" : "/minutes", "out-of-range",
                        "An exception ends in the future, and within a year.");
    return false;
}

static bool read_whom(struct call *c, struct exception_ask *x)
{
    static const char *const kinds[] = {"users", "groups", "networks"};
    const json_t *whom = json_object_get(c->json, "for");
    struct cidr net;
    size_t i;
    const json_t *v;
    unsigned n = json_is_true(json_object_get(whom, "everybody"));
    for (int k = 0; k < 3; k++) {
        json_t *names = json_object_get(whom, kinds[k]);
        if (json_array_size(names) == 0)
            continue;
        x->who = kinds[k];
        x->names = names;
        n++;
    }
    if (n != 1 || json_array_size(x->names) > NAMES_MAX) {
        problem_reply_fault(c, "/for", "one-of",
                            "Give one of users, groups, networks, or everybody: true.");
        return false;
    }
    json_array_foreach(x->names, i, v)
    {
        struct str name = str_of(json_string_value(v));
        bool is_net = x->who[0] == 'n';
        if (name.n && name.n <= 256 && (!is_net || cidr_parse(name, &net) == OK))
            continue;
        problem_reply_fault(c, "/for", "bad-value",
                            is_net ? "A network is such as 10.1.0.0/16." : "This is no name.");
        return false;
    }
    return true;
}

static bool use_host(struct call *c, struct exception_ask *x, struct str raw, const char *at)
{
    struct host h;
    if (host_normalise(raw, &h) != OK) {
        problem_reply_fault(c, at, "bad-host", "This is no host.");
        return false;
    }
    x->host = arena_str(&c->arena, host_str(&h));
    return x->host.p != NULL;
}

/* "^http://host/path" with what a pattern would read otherwise escaped, and any query. */
static bool use_url(struct call *c, struct exception_ask *x, struct str raw)
{
    struct url u;
    struct str normal;
    struct buf b;
    if (url_parse(raw, &u) != OK || url_normal(&u, &c->arena, &normal) != OK) {
        problem_reply_fault(c, "/url", "bad-url", "This is no http URL.");
        return false;
    }
    if (u.scheme == URL_HTTPS) {
        problem_reply_fault(c, "/url", "not-seen",
                            "Inside TLS addresses are not seen: allow the host instead.");
        return false;
    }
    buf_init(&b, 64 << 10);
    buf_add_c(&b, '^');
    for (size_t i = 0; i < normal.n; i++) {
        if (strchr(SPECIAL, normal.p[i]))
            buf_add_c(&b, '\\');
        buf_add_c(&b, normal.p[i]);
    }
    buf_add_z(&b, str_find(normal, '?') == STR_NPOS ? "(\\?|$)" : "$");
    x->pattern = arena_str(&c->arena, buf_str(&b));
    buf_fini(&b);
    return x->pattern.p != NULL;
}

static bool read_what(struct call *c, struct exception_ask *x)
{
    struct str host = fields_str(c->json, "host", (struct str){0});
    struct str url = fields_str(c->json, "url", (struct str){0});
    x->category = fields_str(c->json, "category", (struct str){0});
    if ((host.n > 0) + (url.n > 0) + (x->category.n > 0) > 1) {
        problem_reply_fault(c, "/host", "one-of", "Give one of host, url and category.");
        return false;
    }
    if (host.n)
        return use_host(c, x, host, "/host");
    if (url.n)
        return use_url(c, x, url);
    if (x->category.n || fields_has(c->json, "record"))
        return true; /* the record's host, once it is read */
    problem_reply_fault(c, "/host", "required", "Give a record, host, url or category.");
    return false;
}

bool exception_find_read(struct call *c, struct exception_ask *x)
{
    *x = (struct exception_ask){
        .now_ms = clock_wall_ms(&c->app->clock),
        .reason = fields_str(c->json, "reason", (struct str){0}),
        .owner = fields_str(c->json, "owner", str_of(c->caller.person)),
    };
    return read_what(c, x) && read_whom(c, x) && exception_find_until(c, x->now_ms, &x->until_ms);
}

/* --- its place ---------------------------------------------------------------------------------
 */

struct judging {
    struct call *c;
    struct exception_ask *x;
    const struct snapshot *s;
    json_t *explained;
};

static bool judge_record(void *ctx, const struct record *r)
{
    struct judging *j = ctx;
    struct replay_room room;
    struct facts f;
    replay_facts(r, &room, &f);
    if (replay_is_cut(j->s, r))
        replay_cut(&f);
    f.now_ms = j->x->now_ms;
    j->explained = explain_facts(j->s, &f);
    if (!j->x->host.n && !j->x->pattern.n && !j->x->category.n)
        j->x->host = arena_str(&j->c->arena, r->host);
    return false;
}

static enum err by_record(struct judging *j)
{
    const json_t *name = json_object_get(j->c->json, "record");
    uint64_t id = (uint64_t)json_integer_value(name);
    struct event_emit emit = {judge_record, j};
    if (json_is_string(name) && str_to_u64(str_of(json_string_value(name)), INT64_MAX, &id) != OK)
        return ERR_NOT_FOUND;
    return event_query_get(j->c->desk->events, id, &emit);
}

/* A plain visit to the host, or the URL, by whom it is for; who else they are is not known, so
 * every rule about people that could refuse them counts. */
static enum err by_target(struct judging *j)
{
    struct request_facts q;
    struct report r;
    const struct exception_ask *x = j->x;
    json_t *request = json_object();
    char url[HOST_MAX + 16];
    struct str given = fields_str(j->c->json, "url", (struct str){0});
    snprintf(url, sizeof url,
             str_find(x->host, ':') != STR_NPOS ? "http://[%.*s]/" : "http://%.*s/",
             STR_ARG(x->host));
    json_object_set_new(request, "url",
                        given.n ? json_stringn(given.p, given.n) : json_string(url));
    if (x->who && x->who[0] == 'n') {
        struct str net = str_of(json_string_value(json_array_get(x->names, 0))), address;
        str_split(&net, '/', &address);
        json_object_set_new(request, "client", json_stringn(address.p, address.n));
    }
    report_init(&r);
    enum err e = request_facts_init(&q, request, x->now_ms, &r);
    if (e == OK) {
        q.facts.known &= ~(FACTS_BIT(FACTS_IDENTITY) | FACTS_BIT(FACTS_ANSWER) |
                           FACTS_BIT(FACTS_CONTENT) | FACTS_BIT(FACTS_ADDRESS));
        j->explained = explain_facts(j->s, &q.facts);
        request_facts_fini(&q);
    }
    report_fini(&r);
    json_decref(request);
    return e == OK && !j->explained ? ERR_NOMEM : e;
}

static long place(struct judging *j, const json_t *document)
{
    bool has_record = fields_has(j->c->json, "record");
    enum err e = OK;
    if (!has_record && j->x->category.n)
        return exception_rule_place_category(j->x->category, document);
    e = has_record ? by_record(j) : by_target(j);
    if (e == OK && j->x->category.n && exception_rule_place(j->explained, document) < 0)
        return exception_rule_place_category(j->x->category, document);
    if (e == OK)
        return exception_rule_place(j->explained, document);
    if (e == ERR_NOT_FOUND && has_record)
        problem_reply_fault(j->c, "/record", "unknown-record",
                            "There is no record of this number.");
    else
        problem_reply_err(j->c, e, "policy");
    return NO_PLACE;
}

long exception_find_place(struct call *c, struct exception_ask *x, const struct policy_ask *ask,
                          const json_t *document)
{
    struct report r;
    struct snapshot *s = NULL;
    enum err e = policy_hold_get(c->app->policies, ask, &r, &s);
    report_fini(&r);
    if (e != OK) {
        problem_reply(c, PROBLEM_CONFLICT,
                      "This document cannot be published as it is; see its "
                      "report.");
        return NO_PLACE;
    }
    struct judging j = {c, x, s, NULL};
    long at = place(&j, document);
    if (at == -1)
        problem_reply(c, PROBLEM_CONFLICT, "Nothing blocks this for them: no exception is needed.");
    json_decref(j.explained);
    snapshot_unref(s);
    return at;
}
