/* api_pac: model, profile for a client, and one of the readings of pac/. */
#include "adminui/api_pac.h"

#include <stdio.h>
#include <string.h>

#include "adminui/api_settings.h"
#include "adminui/app.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/url.h"
#include "pac/deploy.h"
#include "pac/pac_decide.h"
#include "pac/pac_parse.h"

struct loaded {
    struct pac_model *model;
    struct pac_input in;
    char self[256]; /* what a proxy without a host stands for in a preview */
};

/* A preview is not asked at any address: the proxy's listening address stands for it, the host name
 * where that is no address of one machine. */
static void set_self(struct call *c, struct loaded *l)
{
    const struct bootstrap_listener *at = &c->app->boot->listen[0];
    struct buf b;
    buf_init(&b, sizeof l->self - 1);
    if (ip_classify(&at->at.ip) == IP_UNSPECIFIED)
        buf_add_z(&b, c->app->node[0] ? c->app->node : "proxy");
    else
        ip_format(&at->at.ip, &b);
    if (b.n)
        memcpy(l->self, b.p, b.n);
    l->self[b.n] = 0;
    buf_fini(&b);
    l->in.self = (struct pac_self){.host = str_of(l->self), .port = at->at.port};
}

/* False: the problem is answered. client: text of an address. */
static bool load(struct call *c, struct str client, const char *pointer, struct loaded *l)
{
    struct str document;
    struct report r;
    struct ip ip;
    uint64_t version;
    *l = (struct loaded){0};
    if (ip_parse(client, &ip) != OK) {
        problem_reply_fault(c, pointer, "bad-address", "client is an IP address.");
        return false;
    }
    if (!api_settings_load(c, STR("pac"), &document, &version))
        return false;
    enum err e = pac_parse(document, &r, &l->model);
    report_fini(&r);
    if (e != OK) {
        problem_reply_err(c, e, "PAC settings");
        return false;
    }
    l->in.model = l->model;
    l->in.version = version;
    l->in.profile = pac_model_profile_for(l->model, &ip);
    set_self(c, l);
    return true;
}

void api_pac_file(struct call *c)
{
    struct loaded l;
    if (!load(c, call_query(c, "client", STR("127.0.0.1")), "/client", &l))
        return;
    reply_text(c, 200, PAC_TYPE, (struct str){0});
    enum err e = pac_emit(&l.in, &c->reply.body);
    if (e != OK)
        problem_reply_err(c, e, "PAC file");
    else
        pac_emit_etag(buf_str(&c->reply.body), c->reply.etag);
    pac_model_unref(l.model);
}

static void reply_answer(struct call *c, const struct loaded *l, const struct url *u)
{
    struct buf text;
    struct pac_answer answer;
    struct pac_query q = {.url = fields_str(c->json, "url", (struct str){0}),
                          .host = host_str(&u->host)};
    buf_init(&text, 64u << 10);
    enum err e = pac_decide(&l->in, &q, &text, &answer);
    const struct pac_profile *p = &l->model->profiles[l->in.profile];
    if (e != OK)
        problem_reply_err(c, e, "PAC answer");
    else
        reply_json(c, 200,
                   json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "result", reply_str(buf_str(&text)),
                             "reason", pac_decide_why_name(answer.why), "host", reply_str(q.host),
                             "matched", reply_str(answer.matched), "route",
                             reply_str(p->routes[answer.route].name), "profile",
                             reply_str(p->name)));
    buf_fini(&text);
}

void api_pac_test(struct call *c)
{
    static const struct field fields[] = {{"url", FIELD_STR, true, false, 1, 8192},
                                          {"client", FIELD_STR, false, false, 1, 64}};
    struct loaded l;
    struct url u;
    if (!fields_check(c, fields, 2))
        return;
    if (url_parse(fields_str(c->json, "url", (struct str){0}), &u) != OK) {
        problem_reply_fault(c, "/url", "bad-url", "Give an http or https URL.");
        return;
    }
    if (!load(c, fields_str(c->json, "client", STR("127.0.0.1")), "/client", &l))
        return;
    reply_answer(c, &l, &u);
    pac_model_unref(l.model);
}

void api_pac_deploy_list(struct call *c)
{
    const struct deploy_target *t;
    json_t *all = json_array();
    for (size_t i = 0; (t = deploy_at(i)) != NULL; i++)
        json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s}", "target", t->name, "title",
                                             t->title, "file_name", t->filename, "content_type",
                                             t->type, "notes", t->notes));
    reply_json(c, 200, json_pack("{s:o}", "items", all));
}

/* The address out of the query, the settings, or the proxy's own. */
static struct str pac_url(struct call *c, const struct loaded *l, char *room, size_t n)
{
    struct str asked = call_query(c, "pac_url", l->model->url);
    if (asked.n)
        return asked;
    bool is_v6 = strchr(l->self, ':') != NULL;
    snprintf(room, n, is_v6 ? "http://[%s]:%u/proxy.pac" : "http://%s:%u/proxy.pac", l->self,
             l->in.self.port);
    return str_of(room);
}

void api_pac_deploy(struct call *c)
{
    const struct deploy_target *t = deploy_named(c->params[0]);
    struct loaded l;
    char room[320];
    if (!t) {
        problem_reply_err(c, ERR_NOT_FOUND, "deployment target");
        return;
    }
    if (!load(c, call_query(c, "client", STR("127.0.0.1")), "/client", &l))
        return;
    struct deploy_input in = {.pac = &l.in,
                              .pac_url = pac_url(c, &l, room, sizeof room),
                              .wpad_domain = call_query(c, "wpad_domain", (struct str){0}),
                              .wpad_address = call_query(c, "wpad_address", (struct str){0})};
    reply_text(c, 200, t->type, (struct str){0});
    enum err e = deploy_write(t, &in, &c->reply.body);
    if (e == ERR_INVALID)
        problem_reply_fault(c, "/pac_url", "bad-url",
                            "pac_url is an http or https URL of plain ASCII, wpad_domain a name, "
                            "wpad_address an address.");
    else if (e != OK)
        problem_reply_err(c, e, "snippet");
    else
        reply_file_name(c, t->filename);
    pac_model_unref(l.model);
}
