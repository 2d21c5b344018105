/* changes: small steps over the rows; whoever calls has begun the transaction. */
#include "adminui/changes.h"

#include <stdio.h>
#include <stdlib.h>

#include "adminui/exception_rule.h"
#include "adminui/policy_hold.h"
#include "db/policy_rows.h"
#include "db/settings_rows.h"

#define BY_ITSELF STR("proxyd")

enum err changes_settings(struct desk *d, struct arena *a, struct settings_publishing *out)
{
    struct settings_row row;
    struct report r;
    enum err e = settings_rows_get(d->store, a, STR("publishing"), &row);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    struct str text = e == OK ? row.document : settings_publishing_default_document();
    e = settings_publishing_parse(text, &r, out);
    report_fini(&r);
    return e;
}

enum err changes_end(struct desk *d, struct change *c, const struct changes_end *x)
{
    c->state = x->to;
    c->message = x->message;
    c->ended_ms = x->now_ms;
    return change_rows_move(d->store, c, x->from);
}

/* --- live --- */

static enum err end_trial(struct desk *d, struct arena *a, int64_t now_ms)
{
    struct change c;
    enum err e = change_rows_canary(d->store, a, &c);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    struct changes_end end = {CHANGE_CANARY, CHANGE_ABORTED,
                              STR("another version went live meanwhile"), now_ms};
    return changes_end(d, &c, &end);
}

enum err changes_went_live(struct desk *d, struct arena *a, const struct changes_live *x)
{
    struct settings_publishing p;
    enum err e = end_trial(d, a, x->now_ms);
    if (e == OK)
        e = changes_settings(d, a, &p);
    if (e != OK)
        return e;
    bool is_on = x->is_watched && p.may_return && x->previous > 0;
    struct watch w = {.version = x->version,
                      .previous = x->previous,
                      .state = is_on ? WATCH_ON : WATCH_ENDED,
                      .since_ms = x->now_ms,
                      .until_ms = x->now_ms + (is_on ? p.watch_ms : 0),
                      .message = STR("")};
    return watch_rows_put(d->store, &w);
}

struct going {
    struct policy_text text;
    struct policy_publish how;
    bool is_watched;
};

static enum err go_live(struct desk *d, struct arena *a, const struct going *g, uint64_t *version)
{
    uint64_t previous;
    enum err e = policy_rows_live_number(d->store, &previous);
    if (e == OK)
        e = policy_rows_publish_text(d->store, &g->text, &g->how, version);
    if (e != OK)
        return e;
    struct changes_live live = {*version, previous, g->how.at_ms, g->is_watched};
    return changes_went_live(d, a, &live);
}

static struct policy_publish how_of(const struct change *c, int64_t now_ms)
{
    return (struct policy_publish){
        .comment = c->comment, .author = c->author, .at_ms = now_ms, .n_rules = c->n_rules};
}

/* --- the draft --- */

static enum err follow(struct str draft, struct str before, struct str after, char **out)
{
    json_t *d = json_loadb(draft.p, draft.n, 0, NULL), *b = json_loadb(before.p, before.n, 0, NULL),
           *x = json_loadb(after.p, after.n, 0, NULL);
    enum err e = d && b && x ? exception_rule_follow(d, b, x) : ERR_CORRUPT;
    *out = e == OK ? json_dumps(d, JSON_COMPACT) : NULL;
    json_decref(d);
    json_decref(b);
    json_decref(x);
    return e == OK && !*out ? ERR_NOMEM : e;
}

enum err changes_follow_draft(struct desk *d, struct arena *a, struct str before, struct str after)
{
    struct policy_draft draft;
    char *text = NULL;
    uint64_t revision;
    enum err e = policy_rows_draft(d->store, a, &draft);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e; /* there is none: it is what is live */
    e = follow(draft.document, before, after, &text);
    if (e == ERR_CORRUPT)
        return OK; /* a draft may be anything; it is its editor's business */
    if (e == OK) {
        uint64_t expected = draft.revision;
        draft.document = str_of(text);
        draft.at_ms = clock_wall_ms(&d->app->clock);
        e = policy_rows_put_draft(d->store, &draft, expected, &revision);
    }
    free(text);
    return e;
}

/* --- carrying out --- */

enum err changes_judge(struct app *app, const struct change *c, struct changes_judged *out)
{
    struct policy_ask ask = {.document = c->document};
    json_t *report = NULL;
    *out = (struct changes_judged){.fit = POLICY_DOCS_GOOD};
    if (c->kind == CHANGE_SETTINGS)
        return OK;
    enum err e = policy_docs_judge(app, &ask, &out->fit, &report);
    if (e != OK)
        return e;
    out->report = json_dumps(report, JSON_COMPACT);
    json_decref(report);
    return out->report ? OK : ERR_NOMEM;
}

void changes_judged_fini(struct changes_judged *j)
{
    free(j->report);
    *j = (struct changes_judged){0};
}

static enum err store_settings(struct desk *d, struct arena *a, const struct change *c,
                               int64_t now_ms)
{
    struct settings_row was = {0};
    enum err e = settings_rows_get(d->store, a, STR("publishing"), &was);
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    struct settings_row row = {
        .name = STR("publishing"), .document = c->document, .author = c->author, .at_ms = now_ms};
    return settings_rows_put(d->store, &row, was.version, NULL);
}

static enum err start_trial(struct desk *d, struct change *c, int64_t now_ms)
{
    struct policy_text text = {.document = c->document, .is_trial = true};
    struct policy_publish how = how_of(c, now_ms);
    enum err e = policy_rows_live_number(d->store, &c->base_version);
    if (e == OK)
        e = policy_rows_publish_text(d->store, &text, &how, &c->version);
    c->state = CHANGE_CANARY;
    c->since_ms = now_ms;
    c->until_ms = c->canary_ms ? now_ms + c->canary_ms : 0;
    return e;
}

static enum err publish(struct desk *d, struct arena *a, struct change *c, int64_t now_ms)
{
    struct going g = {.text = {.document = c->document, .copy_of = c->copy_of},
                      .how = how_of(c, now_ms),
                      .is_watched = c->kind == CHANGE_PUBLISH && !(c->flags & CHANGE_UNWATCHED)};
    struct policy_version before = {0};
    enum err e = OK;
    if (c->kind == CHANGE_EXCEPTION)
        e = policy_rows_live(d->store, a, &before);
    c->state = CHANGE_DONE;
    c->ended_ms = now_ms;
    if (e == OK)
        e = go_live(d, a, &g, &c->version);
    if (e == OK && c->kind == CHANGE_EXCEPTION)
        e = changes_follow_draft(d, a, before.document, c->document);
    return e;
}

enum err changes_carry_out(struct desk *d, struct arena *a, struct change *c,
                           const struct changes_carry *x)
{
    enum policy_docs_fit fit = x->judged->fit;
    bool is_fit =
        fit == POLICY_DOCS_GOOD || (fit == POLICY_DOCS_TEST_FAILS && c->flags & CHANGE_FORCED);
    enum err e = OK;
    c->report = arena_str(a, str_of(x->judged->report));
    if (!c->report.p)
        return ERR_NOMEM;
    if (c->kind == CHANGE_SETTINGS) {
        c->state = CHANGE_DONE;
        c->ended_ms = x->now_ms;
        e = store_settings(d, a, c, x->now_ms);
    } else if (!is_fit) {
        c->state = CHANGE_FAILED;
        c->ended_ms = x->now_ms;
        c->message = fit == POLICY_DOCS_FAULTY
                         ? STR("the document can no longer be published; see its report")
                         : STR("a test of the document fails; see its report");
    } else if (c->canary.n) {
        e = start_trial(d, c, x->now_ms);
    } else {
        e = publish(d, a, c, x->now_ms);
    }
    return e == OK ? change_rows_move(d->store, c, x->from) : e;
}

enum err changes_promote(struct desk *d, struct arena *a, struct change *c, int64_t now_ms)
{
    struct policy_version v;
    char comment[64];
    uint64_t trial = c->version;
    enum err e = policy_rows_version(d->store, a, trial, &v);
    if (e != OK)
        return e;
    snprintf(comment, sizeof comment, "after the trial of version %llu", (unsigned long long)trial);
    struct going g = {.text = {.document = v.document},
                      .how = how_of(c, now_ms),
                      .is_watched = !(c->flags & CHANGE_UNWATCHED)};
    if (!g.how.comment.n)
        g.how.comment = str_of(comment);
    struct str message = arena_str(a, str_of(comment));
    if (!message.p)
        return ERR_NOMEM;
    struct changes_end end = {CHANGE_CANARY, CHANGE_DONE, message, now_ms};
    e = changes_end(d, c, &end); /* first: what goes live ends a trial that runs */
    if (e == OK)
        e = go_live(d, a, &g, &c->version);
    return e == OK ? change_rows_move(d->store, c, CHANGE_DONE) : e;
}

enum err changes_return(struct desk *d, struct arena *a, const struct changes_back *x,
                        uint64_t *version)
{
    struct policy_version v;
    struct watch w = *x->watch;
    char comment[400];
    enum err e = policy_rows_version(d->store, a, w.previous, &v);
    if (e != OK)
        return e;
    snprintf(comment, sizeof comment, "returned to version %llu by itself: %.*s",
             (unsigned long long)w.previous, STR_ARG(x->why));
    struct going g = {.text = {.document = v.document, .copy_of = w.previous},
                      .how = {.comment = str_of(comment),
                              .author = BY_ITSELF,
                              .at_ms = x->now_ms,
                              .n_rules = v.n_rules}};
    e = go_live(d, a, &g, version);
    w.state = WATCH_RETURNED;
    w.message = str_of(comment);
    return e == OK ? watch_rows_put(d->store, &w) : e;
}

enum err changes_measure(struct desk *d, uint64_t version, uint64_t previous,
                         struct event_trial *out)
{
    struct event_trial_ask ask = {
        .version = version, .previous = previous, .now_ms = clock_wall_ms(&d->app->clock)};
    enum err e = policy_rows_copy_of(d->store, previous, &ask.same);
    return e == OK ? event_trial_compare(d->events, &ask, out) : e;
}
