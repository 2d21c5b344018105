/* source: store and index to flow_set. */
#include "proxyd/main/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "db/change_rows.h"
#include "db/identity_rows.h"
#include "db/index_file.h"
#include "db/policy_rows.h"
#include "db/policy_store.h"
#include "db/settings_rows.h"
#include "pac/pac_parse.h"
#include "policies/compile.h"
#include "proxyd/main/compile_aside.h"
#include "proxyd/main/last_good.h"
#include "proxyd/main/parents_map.h"
#include "proxyd/main/settings_map.h"
#include "proxyd/main/trial_source.h"

#define TEXT_MAX ((size_t)512 << 20) /* all documents of one load */

struct source {
    const char *state_dir;
    char db_path[4096];
    struct store *store;
    struct stamp {
        uint64_t policy, trial, settings, people;
    } stamp;               /* of what was loaded last */
    uint64_t data_version; /* of the store when it was last looked at */
    struct index_file index;
    struct snapshot *policy; /* the last good one; NULL: none yet */
    uint64_t policy_version;
    struct trial_source trial;
    struct settings_proxy proxy; /* the last good ones */
    struct pac_model *pac;
    uint64_t pac_version;
    struct parent_book *book; /* health of parent proxies */
    struct parents *parents;  /* the last good ones; NULL: none */
    uint64_t parents_version;
};

static enum err init_index(struct source *s)
{
    char path[sizeof s->index.main.path];
    int n = snprintf(path, sizeof path, "%s/categories.idx", s->state_dir);
    return n > 0 && (size_t)n < sizeof path ? index_file_init(&s->index, path) : ERR_LIMIT;
}

enum err source_open(const char *state_dir, struct source **out)
{
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->state_dir = state_dir;
    struct report r, p;
    int n = snprintf(s->db_path, sizeof s->db_path, "%s/policy.db", state_dir);
    enum err e = n > 0 && (size_t)n < sizeof s->db_path ? OK : ERR_LIMIT;
    if (e == OK)
        e = init_index(s);
    s->book = parent_book_new();
    if (e == OK && !s->book)
        e = ERR_NOMEM;
    if (e == OK) {
        e = settings_proxy_parse(settings_proxy_default_document(), &r, &s->proxy);
        report_fini(&r);
    }
    if (e == OK) {
        e = pac_parse(pac_parse_default_document(), &p, &s->pac);
        report_fini(&p);
    }
    if (e != OK) {
        source_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    store_close(s->store);
    snapshot_unref(s->policy);
    trial_source_fini(&s->trial);
    index_file_fini(&s->index);
    settings_proxy_fini(&s->proxy);
    pac_model_unref(s->pac);
    parents_unref(s->parents);
    parent_book_free(s->book);
    free(s);
}

struct store *source_store(struct source *s)
{
    return s->store;
}

struct snapshot *source_policy(struct source *s)
{
    return s->policy ? snapshot_ref(s->policy) : NULL;
}

void source_problem(json_t *problems, const char *where, const char *pointer, const char *code,
                    const char *message)
{
    json_array_append_new(problems, json_pack("{s:s, s:s, s:s, s:s}", "where", where, "pointer",
                                              pointer, "code", code, "message", message));
}

static enum err read_stamp(struct source *s, struct stamp *out)
{
    enum err e = policy_rows_live_number(s->store, &out->policy);
    if (e == OK)
        e = change_rows_canary_version(s->store, &out->trial);
    if (e == OK)
        e = settings_rows_stamp(s->store, &out->settings);
    return e == OK ? identity_rows_counter(s->store, &out->people) : e;
}

bool source_has_changed(struct source *s)
{
    uint64_t v = 0;
    struct stamp now = {0};
    if (!s->store) {
        char why[STORE_WHY_BYTES];
        return policy_store_open(s->db_path, STORE_READ, why, &s->store) == OK;
    }
    if (index_file_has_changed(&s->index) || store_data_version(s->store, &v) != OK)
        return true;
    if (v == s->data_version)
        return false; /* sessions and audit rows change the file as well: look closer */
    s->data_version = v;
    return read_stamp(s, &now) != OK || memcmp(&now, &s->stamp, sizeof now) != 0;
}

/* Compiles document as version; on success it is the policy in hand. */
static enum err take_policy(struct source *s, struct str document, uint64_t version,
                            json_t *problems)
{
    struct compile_input in = {
        .document = document, .version = version, .index = s->index.index, .previous = s->policy};
    struct report report;
    struct snapshot *made = NULL;
    enum err e = compile_aside(&in, &report, &made);
    for (size_t i = 0; i < report.n_faults; i++)
        source_problem(problems, "policy", report.faults[i].pointer, report.faults[i].code,
                       report.faults[i].message);
    report_fini(&report);
    if (e != OK)
        return e;
    snapshot_unref(s->policy);
    s->policy = made;
    s->policy_version = version;
    return OK;
}

static enum err load_live(struct source *s, struct arena *a, json_t *problems, bool is_new_index)
{
    uint64_t live = 0;
    enum err e = policy_rows_live_number(s->store, &live);
    if (e != OK || live == 0 || (live == s->policy_version && !is_new_index && s->policy))
        return e;
    struct policy_version v;
    e = policy_rows_live(s->store, a, &v);
    if (e == OK)
        e = take_policy(s, v.document, v.version, problems);
    if (e == OK && last_good_save(s->state_dir, v.version, v.document) != OK)
        diag(DIAG_WARN, "main", "cannot keep a copy of the policy for the next start", "dir",
             s->state_dir, NULL);
    return e;
}

static enum err load_policy(struct source *s, struct arena *a, json_t *problems)
{
    bool is_new_index = false;
    enum err e = index_file_refresh(&s->index, &is_new_index);
    if (e != OK)
        source_problem(problems, "categories", "", "index",
                       "the category index cannot be used; the one before stays in force");
    e = load_live(s, a, problems, is_new_index);
    if (e != OK)
        return e;
    struct trial_ask ask = {s->store, a, s->index.index, s->policy, is_new_index, problems};
    return trial_source_load(&s->trial, &ask);
}

/* The copy of a former run, when the store cannot give the live policy and none is in hand. */
static bool load_last_good(struct source *s, struct arena *a, json_t *problems)
{
    uint64_t version;
    struct str document;
    bool is_new;
    if (s->policy || last_good_load(s->state_dir, a, &version, &document) != OK)
        return false;
    enum err e = index_file_refresh(&s->index, &is_new);
    if (e != OK)
        source_problem(problems, "categories", "", "index", "the category index cannot be used");
    return take_policy(s, document, version, problems) == OK;
}

static void report_problems(json_t *problems, const char *where, const struct report *r)
{
    for (size_t i = 0; i < r->n_faults; i++)
        source_problem(problems, where, r->faults[i].pointer, r->faults[i].code,
                       r->faults[i].message);
}

static enum err load_proxy_settings(struct source *s, struct arena *a, json_t *problems)
{
    struct settings_row row;
    struct settings_proxy made;
    struct report r;
    enum err e = settings_rows_get(s->store, a, STR("proxy"), &row);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    e = settings_proxy_parse(row.document, &r, &made);
    report_problems(problems, "settings proxy", &r);
    report_fini(&r);
    if (e == OK) {
        settings_proxy_fini(&s->proxy);
        s->proxy = made;
    }
    return e == ERR_INVALID ? OK : e;
}

static enum err load_pac(struct source *s, struct arena *a, json_t *problems)
{
    struct settings_row row;
    struct pac_model *made;
    struct report r;
    enum err e = settings_rows_get(s->store, a, STR("pac"), &row);
    if (e != OK || row.version == s->pac_version)
        return e == ERR_NOT_FOUND ? OK : e;
    e = pac_parse(row.document, &r, &made);
    report_problems(problems, "settings pac", &r);
    report_fini(&r);
    if (e == OK) {
        pac_model_unref(s->pac);
        s->pac = made;
        s->pac_version = row.version;
    }
    return e == ERR_INVALID ? OK : e;
}

static enum err load_parents(struct source *s, struct arena *a, json_t *problems)
{
    struct settings_row row;
    struct settings_upstreams read = {0};
    struct parents *made = NULL;
    struct report r;
    enum err e = settings_rows_get(s->store, a, STR("upstreams"), &row);
    if (e != OK || row.version == s->parents_version)
        return e == ERR_NOT_FOUND ? OK : e;
    e = settings_upstreams_parse(row.document, &r, &read);
    report_problems(problems, "settings upstreams", &r);
    report_fini(&r);
    if (e == OK)
        e = parents_map(&read, s->book, &made);
    settings_upstreams_fini(&read);
    if (e == OK) {
        parents_unref(s->parents);
        s->parents = made;
        s->parents_version = row.version;
    }
    return e == ERR_INVALID ? OK : e;
}

/* Everything of the store in one consistent view. */
static enum err load_store(struct source *s, struct arena *a, json_t *problems)
{
    char why[STORE_WHY_BYTES] = "";
    enum err e = OK;
    if (!s->store)
        e = policy_store_open(s->db_path, STORE_READ, why, &s->store);
    if (e != OK) {
        if (e != ERR_NOT_FOUND)
            source_problem(problems, "store", "", "store", why);
        return e;
    }
    e = store_data_version(s->store, &s->data_version);
    if (e == OK)
        e = store_begin(s->store);
    if (e == OK) {
        enum err policy = read_stamp(s, &s->stamp);
        if (policy == OK)
            policy = load_policy(s, a, problems);
        e = load_proxy_settings(s, a, problems);
        if (e == OK)
            e = load_pac(s, a, problems);
        if (e == OK)
            e = load_parents(s, a, problems);
        store_rollback(s->store); /* nothing was written */
        if (policy != OK)
            e = policy;
    }
    if (e != OK && e != ERR_INVALID) {
        source_problem(problems, "store", "", "store", store_why(s->store));
        store_close(s->store);
        s->store = NULL; /* opened anew at the next load */
    }
    return e;
}

/* A version is on trial only beside a live one that runs. */
static void add_trial(const struct source *s, struct source_loaded *out)
{
    if (!s->trial.policy || !s->policy)
        return;
    flow_set_try(out->set, snapshot_ref(s->trial.policy), canary_ref(s->trial.scope));
    out->trial_version = s->trial.version;
}

static enum err make_set(struct source *s, struct source_loaded *out)
{
    struct flow_settings flow;
    settings_map(&s->proxy, &flow);
    struct snapshot *policy = s->policy ? snapshot_ref(s->policy) : NULL;
    struct pac_model *pac = pac_model_ref(s->pac);
    enum err e = flow_set_new(&flow, policy, pac, s->pac_version, &out->set);
    if (e != OK) {
        snapshot_unref(policy);
        pac_model_unref(pac);
    } else {
        add_trial(s, out);
        flow_set_through(out->set, parents_ref(s->parents));
    }
    return e;
}

enum err source_load(struct source *s, json_t *problems, struct source_loaded *out)
{
    struct arena a;
    arena_init(&a, 65536, TEXT_MAX);
    bool is_first = !s->policy;
    bool is_last_good = false;
    enum err e = load_store(s, &a, problems);
    if (e != OK && is_first)
        is_last_good = load_last_good(s, &a, problems);
    arena_fini(&a);
    if (e != OK && e != ERR_NOT_FOUND && !is_last_good)
        return e;
    struct source_loaded made = {.policy_version = s->policy_version,
                                 .retention_days = s->proxy.retention_days,
                                 .is_last_good = is_last_good};
    e = make_set(s, &made);
    if (e == OK)
        *out = made;
    return e;
}

enum err source_empty(struct source *s, struct source_loaded *out)
{
    struct source_loaded made = {.policy_version = s->policy_version,
                                 .retention_days = s->proxy.retention_days};
    enum err e = make_set(s, &made);
    if (e == OK)
        *out = made;
    return e;
}

json_t *source_status(const struct source *s)
{
    return json_pack("{s:b, s:I}", "is_open", s->index.main.opened != NULL, "bytes",
                     (json_int_t)(s->index.main.opened ? s->index.main.st.st_size : 0));
}
