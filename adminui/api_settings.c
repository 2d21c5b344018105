/* api_settings: one table of documents; the readers of each judge them. */
#include "adminui/api_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/changes.h"
#include "adminui/desk.h"
#include "adminui/fields.h"
#include "adminui/problem.h"
#include "adminui/proxy_link.h"
#include "adminui/reply.h"
#include "base/secret.h"
#include "db/settings_directory.h"
#include "db/settings_proxy.h"
#include "db/settings_rows.h"
#include "db/settings_secret.h"
#include "db/settings_upstreams.h"
#include "pac/pac_parse.h"

#define TEST_MS 60000

static enum err check_proxy(struct str document, struct report *r)
{
    struct settings_proxy s = {0};
    enum err e = settings_proxy_parse(document, r, &s);
    settings_proxy_fini(&s);
    return e;
}

static enum err check_pac(struct str document, struct report *r)
{
    struct pac_model *m = NULL;
    enum err e = pac_parse(document, r, &m);
    pac_model_unref(m);
    return e;
}

static enum err check_directory(struct str document, struct report *r)
{
    struct settings_directory s = {0};
    enum err e = settings_directory_parse(document, r, &s);
    settings_directory_fini(&s);
    return e;
}

static enum err check_publishing(struct str document, struct report *r)
{
    struct settings_publishing s;
    return settings_publishing_parse(document, r, &s);
}

static enum err check_upstreams(struct str document, struct report *r)
{
    struct settings_upstreams s = {0};
    enum err e = settings_upstreams_parse(document, r, &s);
    settings_upstreams_fini(&s);
    return e;
}

static const struct document {
    const char *name;
    struct str (*otherwise)(void);
    enum err (*check)(struct str document, struct report *r);
} documents[] = {
    {"proxy", settings_proxy_default_document, check_proxy},
    {"directory", settings_directory_default_document, check_directory},
    {"pac", pac_parse_default_document, check_pac},
    {"publishing", settings_publishing_default_document, check_publishing},
    {"upstreams", settings_upstreams_default_document, check_upstreams},
};
#define N_DOCUMENTS (sizeof documents / sizeof *documents)

static const struct document *named(struct str name)
{
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        if (str_eq(name, str_of(documents[i].name)))
            return &documents[i];
    return NULL;
}

enum err api_settings_judge(struct str name, struct str document, struct report *r)
{
    const struct document *d = named(name);
    if (d)
        return d->check(document, r);
    report_init(r);
    return ERR_NOT_FOUND;
}

bool api_settings_load(struct call *c, struct str name, struct str *document, uint64_t *version)
{
    struct settings_row row = {0};
    const struct document *d = named(name);
    enum err e = d ? settings_rows_get(c->desk->store, &c->arena, name, &row) : ERR_NOT_FOUND;
    if (e != OK && (e != ERR_NOT_FOUND || !d)) {
        problem_reply_err(c, e, "settings document");
        return false;
    }
    *document = e == OK ? row.document : d->otherwise();
    *version = row.version;
    return true;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static json_t *shown(struct str document)
{
    json_t *j = json_loadb(document.p, document.n, 0, NULL);
    settings_secret_hide(j);
    return j;
}

static void reply_document(struct call *c, struct str name)
{
    struct str document;
    uint64_t version;
    char tag[64];
    if (!api_settings_load(c, name, &document, &version))
        return;
    call_etag(tag, "s", version);
    if (!call_not_modified(c, tag))
        reply_json(c, 200, shown(document));
}

void api_settings_get(struct call *c)
{
    reply_document(c, c->params[0]);
}

void api_settings_directory(struct call *c)
{
    reply_document(c, STR("directory"));
}

void api_settings_pac(struct call *c)
{
    reply_document(c, STR("pac"));
}

static bool all_tag(struct call *c, char tag[64])
{
    uint64_t stamp;
    enum err e = settings_rows_stamp(c->desk->store, &stamp);
    if (e != OK) {
        problem_reply_err(c, e, "settings");
        return false;
    }
    call_etag(tag, "all", stamp);
    return true;
}

void api_settings_all(struct call *c)
{
    char tag[64];
    json_t *all = json_object();
    bool good = all_tag(c, tag);
    for (size_t i = 0; good && i < N_DOCUMENTS; i++) {
        struct str document;
        uint64_t version;
        good = api_settings_load(c, str_of(documents[i].name), &document, &version);
        if (good)
            json_object_set_new(all, documents[i].name, shown(document));
    }
    if (good && !call_not_modified(c, tag))
        reply_json(c, 200, json_incref(all));
    json_decref(all);
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Checks one document; faults get the prefix in front of their pointers. */
static bool check(struct call *c, const struct document *d, struct str text, const char *prefix)
{
    struct report r, moved;
    char pointer[400];
    enum err e = d->check(text, &r);
    if (e == ERR_INVALID) {
        report_init(&moved);
        for (size_t i = 0; i < r.n_faults; i++) {
            snprintf(pointer, sizeof pointer, "%s%s", prefix, r.faults[i].pointer);
            report_fault(&moved, pointer, r.faults[i].code, "%s", r.faults[i].message);
        }
        problem_reply_report(c, &moved, false);
        report_fini(&moved);
    } else if (e != OK) {
        problem_reply_err(c, e, "settings document");
    }
    report_fini(&r);
    return e == OK;
}

struct new_document {
    const struct document *document;
    json_t *value;      /* borrowed; secrets are filled in */
    const char *prefix; /* of pointers in faults */
};

/* The document as it will be stored, or NULL with the problem answered. */
static char *prepare(struct call *c, const struct new_document *x, uint64_t *version)
{
    struct str old;
    if (!api_settings_load(c, str_of(x->document->name), &old, version))
        return NULL;
    json_t *was = json_loadb(old.p, old.n, 0, NULL);
    settings_secret_keep(x->value, was);
    json_decref(was);
    char *text = json_dumps(x->value, JSON_COMPACT);
    if (!text)
        problem_reply_err(c, ERR_NOMEM, "settings document");
    return text;
}

static bool store_one(struct call *c, const struct new_document *x, bool needs_if_match)
{
    char tag[64];
    uint64_t version;
    char *text = prepare(c, x, &version);
    if (!text)
        return false;
    call_etag(tag, "s", version);
    struct settings_row row = {.name = str_of(x->document->name),
                               .document = str_of(text),
                               .author = str_of(c->caller.name),
                               .at_ms = clock_wall_ms(&c->app->clock)};
    bool good = (!needs_if_match || call_if_match(c, tag)) &&
                check(c, x->document, row.document, x->prefix);
    if (good) {
        enum err e = settings_rows_put(c->desk->store, &row, version, &version);
        good = e == OK;
        if (!good)
            problem_reply_err(c, e, "settings document");
    }
    secret_wipe(text, strlen(text));
    free(text);
    return good;
}

/* Would this document let a change pass that needs a second person now? The same person could
 * otherwise switch the second one off, publish, and switch it on again. */
static bool is_weaker(struct call *c, const json_t *value, bool *out)
{
    struct settings_publishing now, then;
    struct report r;
    char *text = json_dumps(value, JSON_COMPACT);
    enum err e = text ? settings_publishing_parse(str_of(text), &r, &then) : ERR_NOMEM;
    if (text)
        report_fini(&r);
    free(text);
    *out = false;
    if (e == ERR_INVALID)
        return true; /* the check of the document says so */
    if (e == OK)
        e = changes_settings(c->desk, &c->arena, &now);
    if (e != OK) {
        problem_reply_err(c, e, "settings document");
        return false;
    }
    *out = settings_publishing_is_weaker(&now, &then);
    return true;
}

/* Such a document becomes a change that somebody else has to agree to. */
static void ask_for_weaker(struct call *c)
{
    struct str old;
    uint64_t version, id;
    char tag[64];
    char *text = json_dumps(c->json, JSON_COMPACT);
    struct change x = {.kind = CHANGE_SETTINGS,
                       .state = CHANGE_AWAITING,
                       .document = arena_str(&c->arena, str_of(text)),
                       .comment = STR("less strict publishing settings"),
                       .author = str_of(c->caller.name),
                       .person = str_of(c->caller.person),
                       .flags = CHANGE_APPROVAL,
                       .at_ms = clock_wall_ms(&c->app->clock)};
    free(text);
    if (!api_settings_load(c, STR("publishing"), &old, &version))
        return;
    call_etag(tag, "s", version);
    if (!call_if_match(c, tag))
        return;
    enum err e = x.document.n ? change_rows_add(c->desk->store, &x, &id) : ERR_NOMEM;
    if (e != OK) {
        problem_reply_err(c, e, "change");
        return;
    }
    call_audit(c, STR("publishing, waits for a second person"), NULL, json_incref(c->json));
    reply_json(c, 202, json_pack("{s:o}", "pending", reply_u64(id)));
}

static void put_document(struct call *c, struct str name)
{
    bool weaker = false;
    const struct document *d = named(name);
    if (!d) {
        problem_reply_err(c, ERR_NOT_FOUND, "settings document");
        return;
    }
    if (str_eq(name, STR("publishing")) && !is_weaker(c, c->json, &weaker))
        return;
    if (weaker) {
        ask_for_weaker(c);
        return;
    }
    struct new_document x = {d, c->json, ""};
    if (!store_one(c, &x, true))
        return;
    json_t *after = json_deep_copy(c->json);
    settings_secret_hide(after);
    call_audit(c, name, NULL, after);
    reply_document(c, name);
}

void api_settings_put(struct call *c)
{
    put_document(c, c->params[0]);
}

void api_settings_put_directory(struct call *c)
{
    put_document(c, STR("directory"));
}

void api_settings_put_pac(struct call *c)
{
    put_document(c, STR("pac"));
}

void api_settings_put_all(struct call *c)
{
    char tag[64], prefix[40];
    const char *name;
    json_t *value;
    if (!all_tag(c, tag) || !call_if_match(c, tag))
        return;
    json_object_foreach(c->json, name, value)
    {
        const struct document *d = named(str_of(name));
        snprintf(prefix, sizeof prefix, "/%.30s", name);
        if (!d || !json_is_object(value)) {
            problem_reply_fault(c, prefix, "unknown-member",
                                "Settings documents are objects named proxy, directory, pac, "
                                "publishing and upstreams.");
            return;
        }
        bool weaker = false;
        if (str_eq(str_of(name), STR("publishing")) && !is_weaker(c, value, &weaker))
            return;
        if (weaker) {
            problem_reply_fault(c, prefix, "second-person",
                                "This needs a second person: put it to /settings/publishing.");
            return;
        }
        struct new_document x = {d, value, prefix};
        if (!store_one(c, &x, false))
            return;
    }
    json_t *after = json_deep_copy(c->json);
    settings_secret_hide(after);
    call_audit(c, STR("settings"), NULL, after);
    api_settings_all(c);
}

/* Stored in any case; proxyd takes it up now, or when it starts. */
void api_settings_changed(struct call *c)
{
    struct proxy_reload r;
    proxy_link_reload(c->app, &r);
}

/* --- trying the directory ----------------------------------------------------------------------
 */

/* The settings to try: those sent, with stored secrets for null, else the stored ones. */
static json_t *settings_to_try(struct call *c)
{
    struct str stored;
    uint64_t version;
    json_t *sent = json_object_get(c->json, "settings");
    if (!api_settings_load(c, STR("directory"), &stored, &version))
        return NULL;
    json_t *was = json_loadb(stored.p, stored.n, 0, NULL);
    if (!json_is_object(sent))
        return was;
    json_t *copy = json_deep_copy(sent);
    settings_secret_keep(copy, was);
    json_decref(was);
    return copy;
}

void api_settings_forget(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, true, false, 0, 256}};
    if (!fields_check(c, fields, 1))
        return;
    call_audit(c, fields_str(c->json, "username", (struct str){0}), NULL, NULL);
    reply_empty(c, 204);
}

void api_settings_forgotten(struct call *c)
{
    json_t *answer = NULL;
    struct str name = fields_str(c->json, "username", (struct str){0});
    json_t *ask = json_pack("{s:s,s:o}", "do", "forget-user", "user", reply_str(name));
    enum err e = proxy_link_ask(c->app, ask, TEST_MS, &answer);
    if (e != OK)
        problem_reply(c, PROBLEM_PROXY_DOWN, "%s; it remembers nobody then.", proxy_link_why(e));
    json_decref(answer);
}

void api_settings_directory_test(struct call *c)
{
    static const struct field fields[] = {{"username", FIELD_STR, true, false, 0, 256},
                                          {"password", FIELD_STR, false, true, 0, 1024},
                                          {"settings", FIELD_OBJECT, false, true, 0, 0}};
    json_t *answer = NULL;
    if (!fields_check(c, fields, 3))
        return;
    json_t *settings = settings_to_try(c);
    if (!settings)
        return;
    json_t *password =
        fields_has(c->json, "password") ? json_object_get(c->json, "password") : NULL;
    json_t *ask = json_pack("{s:s,s:o,s:O}", "do", "directory-test", "settings", settings,
                            "username", json_object_get(c->json, "username"));
    if (password)
        json_object_set(ask, "password", password);
    call_audit(c, fields_str(c->json, "username", (struct str){0}), NULL, NULL);
    enum err e = proxy_link_ask(c->app, ask, TEST_MS, &answer);
    if (e != OK)
        problem_reply(c, PROBLEM_PROXY_DOWN, "The directory is tried by proxyd: %s.",
                      proxy_link_why(e));
    else if (!json_is_array(json_object_get(answer, "steps")))
        problem_reply(c, PROBLEM_INVALID, "%s",
                      json_string_value(json_object_get(answer, "error"))
                          ? json_string_value(json_object_get(answer, "error"))
                          : "proxyd could not try it.");
    else
        reply_json(c, 200, json_incref(answer));
    json_decref(answer);
}
