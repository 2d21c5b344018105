/* people: see people.h. */
#include "proxyd/main/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/secret.h"
#include "db/identity_rows.h"
#include "db/settings_directory.h"
#include "db/settings_rows.h"
#include "proxyd/main/directory_map.h"
#include "proxyd/main/source.h"

enum { PAGE = 256 };

enum err people_init(struct people *p, const struct clock *clock)
{
    *p = (struct people){.clock = clock};
    must(pthread_mutex_init(&p->lock, NULL) == 0);
    struct identity_options o = {.clock = clock};
    return identity_new(&o, &p->identity);
}

void people_stop(struct people *p)
{
    if (p->identity)
        identity_stop(p->identity);
}

static void forget_document(struct people *p)
{
    if (p->document)
        secret_wipe(p->document, strlen(p->document));
    free(p->document);
    p->document = NULL;
}

void people_fini(struct people *p)
{
    if (!p->clock)
        return;
    identity_free(p->identity);
    id_ldap_unref(p->ldap);
    forget_document(p);
    pthread_mutex_destroy(&p->lock);
    memset(p, 0, sizeof *p);
}

struct identity *people_identity(struct people *p)
{
    return p->identity;
}

/* --- local users ---------------------------------------------------------------------------------
 */

/* "a\nb" as a table of views in the arena; the text itself is in the arena already. */
static bool split_groups(struct arena *a, struct str text, struct identity_local_user *u)
{
    size_t n = text.n > 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    struct str *groups = arena_alloc(a, (n + 1) * sizeof *groups), part;
    if (!groups)
        return false;
    while (str_split(&text, '\n', &part)) {
        if (part.n > 0)
            groups[u->n_groups++] = part;
    }
    u->groups = groups;
    return true;
}

static enum err add_page(struct identity_config *c, const struct identity_user *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct identity_local_user *u = &c->users[c->n_users++];
        *u = (struct identity_local_user){
            .name = rows[i].name, .hash = rows[i].hash, .is_enabled = rows[i].enabled};
        if (!split_groups(&c->arena, rows[i].groups, u))
            return ERR_NOMEM;
    }
    return OK;
}

static enum err read_users(struct store *store, struct identity_config *c)
{
    uint64_t total = 0;
    struct identity_page page = {0};
    enum err e = identity_rows_count(store, &total);
    if (e != OK)
        return e;
    c->users = arena_alloc(&c->arena, (total + PAGE) * sizeof *c->users);
    if (!c->users)
        return ERR_NOMEM;
    for (bool is_more = true; is_more && e == OK;) {
        struct identity_user rows[PAGE];
        size_t n = PAGE;
        e = identity_rows_list(store, &c->arena, &page, rows, &n);
        if (e == OK && c->n_users + n > total + PAGE)
            e = ERR_CONFLICT; /* many more since they were counted: the next reload sees them */
        if (e == OK)
            e = add_page(c, rows, n);
        is_more = e == OK && n == PAGE;
        if (is_more)
            page.after = rows[n - 1].name;
    }
    return e;
}

/* --- directory -----------------------------------------------------------------------------------
 */

static void tell_faults(json_t *problems, const struct report *r)
{
    for (size_t i = 0; i < r->n_faults; i++)
        source_problem(problems, "directory", r->faults[i].pointer, r->faults[i].code,
                       r->faults[i].message);
}

/* The parsed document becomes what is in force. */
static enum err take_directory(struct people *p, const struct settings_directory *s)
{
    struct id_ldap *ldap = NULL;
    if (s->is_enabled) {
        struct ldap_settings map;
        directory_map(s, &map);
        enum err e = id_ldap_new(&map, p->clock, &ldap);
        if (e != OK)
            return e;
    }
    id_ldap_unref(p->ldap);
    p->ldap = ldap;
    p->good_ms = s->good_s * 1000;
    p->bad_ms = s->bad_s * 1000;
    p->stale_ms = s->stale_s * 1000;
    return OK;
}

/* True when the directory in force is another one now. */
static bool load_directory(struct people *p, struct store *store, json_t *problems)
{
    struct arena a;
    struct settings_row row;
    struct settings_directory s;
    struct report r = {0};
    arena_init(&a, 8192, 4u << 20);
    enum err e = settings_rows_get(store, &a, STR("directory"), &row);
    struct str text = e == OK ? row.document : settings_directory_default_document();
    bool is_new = false;
    if (e != OK && e != ERR_NOT_FOUND) {
        source_problem(problems, "directory", "", err_name(e), store_why(store));
    } else if (!p->document || !str_eq(str_of(p->document), text)) {
        e = settings_directory_parse(text, &r, &s);
        tell_faults(problems, &r);
        if (e == OK) {
            e = take_directory(p, &s);
            settings_directory_fini(&s);
            if (e != OK)
                source_problem(problems, "directory", "", err_name(e),
                               "the directory settings cannot be used; the former ones stay");
        }
        is_new = e == OK;
    }
    if (is_new) {
        pthread_mutex_lock(&p->lock);
        forget_document(p);
        p->document = str_dup(text);
        pthread_mutex_unlock(&p->lock);
    }
    report_fini(&r);
    arena_fini(&a);
    return is_new;
}

static enum err configure(struct people *p, struct store *store)
{
    struct identity_config *c = identity_config_new();
    if (!c)
        return ERR_NOMEM;
    enum err e = read_users(store, c);
    if (e != OK) {
        identity_config_free(c);
        return e;
    }
    c->ldap = p->ldap ? id_ldap_ref(p->ldap) : NULL;
    c->good_ms = p->good_ms;
    c->bad_ms = p->bad_ms;
    c->stale_ms = p->stale_ms;
    c->stamp = p->stamp + 1;
    e = identity_configure(p->identity, c);
    if (e == OK)
        p->stamp++;
    return e;
}

void people_load(struct people *p, struct store *store, json_t *problems)
{
    uint64_t counter = 0;
    if (!store)
        return;
    bool is_new = load_directory(p, store, problems);
    enum err e = identity_rows_counter(store, &counter);
    if (e == OK && !is_new && p->is_configured && counter == p->local_counter)
        return;
    if (e == OK)
        e = configure(p, store);
    if (e != OK) {
        source_problem(problems, "users", "", err_name(e),
                       "the users cannot be read; those of before stay in force");
        return;
    }
    p->local_counter = counter;
    p->is_configured = true;
}

void people_forget(struct people *p, const char *user)
{
    identity_forget(p->identity, str_of(user));
}

/* --- for administrators --------------------------------------------------------------------------
 */

static const char *state_name(enum id_ldap_state s)
{
    switch (s) {
    case ID_LDAP_UNTRIED: return "untried";
    case ID_LDAP_UP: return "up";
    case ID_LDAP_DOWN: return "down";
    }
    return "";
}

/* Up when one server is; down when all are. */
static const char *whole_state(const struct identity_status *s)
{
    size_t n_down = 0;
    if (!s->has_directory)
        return "off";
    for (size_t i = 0; i < s->n_servers; i++) {
        if (s->servers[i].state == ID_LDAP_UP)
            return "up";
        n_down += s->servers[i].state == ID_LDAP_DOWN;
    }
    return s->n_servers > 0 && n_down == s->n_servers ? "down" : "untried";
}

static json_t *directory_status(const struct identity_status *s)
{
    json_t *servers = json_array();
    for (size_t i = 0; i < s->n_servers; i++) {
        const struct id_ldap_server *v = &s->servers[i];
        json_array_append_new(servers, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "server",
                                                 v->url, "state", state_name(v->state), "detail",
                                                 v->detail ? v->detail : "", "failures",
                                                 (json_int_t)v->failures, "last_ok_ms",
                                                 (json_int_t)v->last_ok_ms, "last_failure_ms",
                                                 (json_int_t)v->last_failure_ms, "retry_at_ms",
                                                 (json_int_t)v->retry_at_ms));
    }
    return json_pack("{s:b, s:s, s:o}", "enabled", s->has_directory, "state", whole_state(s),
                     "servers", servers);
}

json_t *people_status(struct people *p)
{
    struct arena a;
    struct identity_status s;
    arena_init(&a, 4096, 1u << 20);
    identity_status(p->identity, &a, &s);
    json_t *out =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "local_users", (json_int_t)s.n_local_users,
                  "cached", (json_int_t)s.n_cached, "cached_bad", (json_int_t)s.n_cached_bad,
                  "queued", (json_int_t)s.n_queued, "threads", (json_int_t)s.n_threads, "busy",
                  (json_int_t)s.n_busy, "directory", directory_status(&s));
    const struct {
        const char *name;
        uint64_t n;
    } counters[] = {{"asked", s.n_asked},        {"from_cache", s.n_from_cache},
                    {"denied", s.n_denied},      {"unavailable", s.n_unavailable},
                    {"stale", s.n_stale},        {"refused_busy", s.n_refused_busy},
                    {"refreshed", s.n_refreshed}};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        json_object_set_new(out, counters[i].name, json_integer((json_int_t)counters[i].n));
    arena_fini(&a);
    return out;
}

/* The settings to be tried, as text for the caller to wipe and free: those sent, or those in force.
 */
static char *test_document(struct people *p, const json_t *request)
{
    const json_t *sent = json_object_get(request, "settings");
    if (json_is_object(sent))
        return json_dumps(sent, JSON_COMPACT);
    pthread_mutex_lock(&p->lock);
    char *copy = p->document ? strdup(p->document) : NULL;
    pthread_mutex_unlock(&p->lock);
    return copy;
}

static json_t *answer_error(const char *what)
{
    return json_pack("{s:b, s:s}", "ok", 0, "error", what);
}

static json_t *answer_faults(const struct report *r)
{
    json_t *errors = json_array();
    tell_faults(errors, r);
    return json_pack("{s:b, s:s, s:o}", "ok", 0, "error", "the settings have faults", "errors",
                     errors);
}

static json_t *run_test(const struct settings_directory *s, const json_t *request)
{
    struct arena a;
    struct ldap_settings map;
    struct id_ldap_step steps[ID_LDAP_STEPS_MAX];
    const json_t *user = json_object_get(request, "username");
    const json_t *password = json_object_get(request, "password");
    struct id_ldap_ask ask = {
        .user = str_make(json_string_value(user), json_string_length(user)),
        .password = str_make(json_string_value(password), json_string_length(password)),
        .arena = &a};
    arena_init(&a, 8192, 4u << 20);
    directory_map(s, &map);
    size_t n = id_ldap_test(&map, &ask, steps);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:b, s:I, s:s%}", "step", steps[i].step, "ok",
                                              steps[i].ok, "ms", (json_int_t)steps[i].ms, "detail",
                                              steps[i].detail.p ? steps[i].detail.p : "",
                                              steps[i].detail.n));
    bool is_good = n > 0 && steps[n - 1].ok;
    arena_fini(&a);
    return json_pack("{s:b, s:o}", "ok", is_good, "steps", list);
}

json_t *people_test(struct people *p, const json_t *request)
{
    struct report r = {0};
    struct settings_directory s;
    if (json_string_length(json_object_get(request, "username")) == 0)
        return answer_error("a directory test takes \"username\"");
    char *text = test_document(p, request);
    if (!text)
        return answer_error("there are no directory settings yet");
    enum err e = settings_directory_parse(str_of(text), &r, &s);
    json_t *out = e == OK            ? run_test(&s, request)
                  : e == ERR_INVALID ? answer_faults(&r)
                                     : answer_error(err_name(e));
    if (e == OK)
        settings_directory_fini(&s);
    report_fini(&r);
    secret_wipe(text, strlen(text));
    free(text);
    return out;
}
