/* overseer: three looks in a row: what is due, what is on trial, what is watched. */
#include "adminui/overseer.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adminui/alarm.h"
#include "adminui/changes.h"
#include "adminui/desk.h"
#include "adminui/proxy_link.h"
#include "base/diag.h"
#include "db/audit_rows.h"
#include "db/policy_rows.h"

#define EVERY_MS  1000
#define TEXT_MAX  ((size_t)256 << 20) /* documents of one look */
#define NOTE_MS   10000               /* published later than this: the change says so */
#define BESIDE_MS 60000               /* nobody looked so long after a watch ended: no verdict */

struct look { /* one thing that is done */
    struct desk *d;
    struct arena *a;
    int64_t now_ms;
    struct settings_publishing settings;
    bool is_told; /* proxyd has to know */
};

/* --- what was done, in the audit trail and to the operator ------------------------------------
 */

struct deed {
    const char *action;
    uint64_t change, version;
    struct str why;
};

static enum err audit(struct look *x, const struct deed *t)
{
    char object[80];
    uint64_t id;
    json_t *after = json_pack("{s:I,s:s%}", "version", (json_int_t)t->version, "why",
                              t->why.n ? t->why.p : "", t->why.n);
    char *text = after ? json_dumps(after, JSON_COMPACT) : NULL;
    json_decref(after);
    if (t->change)
        snprintf(object, sizeof object, "change %llu", (unsigned long long)t->change);
    else
        snprintf(object, sizeof object, "version %llu", (unsigned long long)t->version);
    struct audit_row row = {.at_ms = x->now_ms,
                            .actor = STR("proxyd"),
                            .via = STR("clock"),
                            .action = str_of(t->action),
                            .object = str_of(object),
                            .after = str_of(text),
                            .result = STR("ok")};
    enum err e = audit_rows_add(x->d->store, &row, &id);
    diag(DIAG_WARN, "policy", t->action, "what", object, "why", text ? text : "", NULL);
    free(text);
    return e;
}

/* In one transaction. */
static void done(struct look *x, enum err e, const struct deed *t)
{
    struct store *s = x->d->store;
    if (e == OK)
        e = audit(x, t);
    e = store_end(s, e);
    if (e == OK)
        x->is_told = true;
    else if (e != ERR_CONFLICT) /* a person was faster */
        diag(DIAG_WARN, "policy", "a change could not be carried out; it is tried again", "why",
             store_why(s)[0] ? store_why(s) : err_name(e), NULL);
}

/* --- scheduled ---------------------------------------------------------------------------------
 */

static struct str late_note(struct look *x, int64_t late_ms)
{
    char text[100];
    if (late_ms < NOTE_MS)
        return (struct str){"", 0};
    snprintf(text, sizeof text, "%lld s late: the dashboard was not running",
             (long long)(late_ms / 1000));
    return arena_str(x->a, str_of(text));
}

/* Why it must not happen unasked; empty: nothing is in its way. */
static struct str obstacle(struct look *x, const struct change *c)
{
    uint64_t live = 0, trial = 0;
    char text[160] = "";
    if (policy_rows_live_number(x->d->store, &live) != OK ||
        change_rows_canary_version(x->d->store, &trial) != OK)
        return STR("the store could not be read");
    if (x->now_ms - c->publish_at_ms > x->settings.late_ms)
        return STR("its time passed while the dashboard was not running");
    if (trial)
        snprintf(text, sizeof text, "version %llu is on trial", (unsigned long long)trial);
    else if (live != c->base_version && c->kind != CHANGE_SETTINGS)
        snprintf(text, sizeof text,
                 "it was made for version %llu, but version %llu is live now: it would undo that",
                 (unsigned long long)c->base_version, (unsigned long long)live);
    return arena_str(x->a, str_of(text));
}

static void hold(struct look *x, struct change *c, struct str why)
{
    struct deed t = {"scheduled change waits for a person", c->id, 0, why};
    if (store_begin(x->d->store) != OK)
        return;
    c->state = CHANGE_HELD;
    c->message = why;
    done(x, change_rows_move(x->d->store, c, CHANGE_SCHEDULED), &t);
}

static void carry_out(struct look *x, struct change *c)
{
    struct changes_judged j;
    if (changes_judge(x->d->app, c, &j) != OK) { /* before the transaction: it may take long */
        changes_judged_fini(&j);
        return;
    }
    struct changes_carry carry = {CHANGE_SCHEDULED, &j, x->now_ms};
    c->message = late_note(x, x->now_ms - c->publish_at_ms);
    enum err e = store_begin(x->d->store);
    if (e == OK) {
        e = obstacle(x, c).n ? ERR_CONFLICT /* since a moment ago: the next look says why */
                             : changes_carry_out(x->d, x->a, c, &carry);
        struct deed t = {c->state == CHANGE_FAILED   ? "scheduled change failed"
                         : c->state == CHANGE_CANARY ? "scheduled trial began"
                                                     : "scheduled change published",
                         c->id, c->version, c->message};
        done(x, e, &t);
    }
    changes_judged_fini(&j);
}

static void look_at_scheduled(struct look *x)
{
    struct change all[CHANGES_OPEN_MAX];
    size_t n = CHANGES_OPEN_MAX;
    struct change_page page = {.only_open = true};
    int64_t due = 0;
    if (change_rows_next_due(x->d->store, &due) != OK || due > x->now_ms)
        return;
    if (change_rows_list(x->d->store, x->a, &page, all, &n) != OK)
        return;
    for (size_t i = n; i > 0; i--) { /* in the order they were asked for */
        struct change *c = &all[i - 1];
        if (c->state != CHANGE_SCHEDULED || c->publish_at_ms > x->now_ms)
            continue;
        struct str why = obstacle(x, c);
        if (why.n)
            hold(x, c, why);
        else if (change_rows_get(x->d->store, x->a, c->id, c) == OK)
            carry_out(x, c);
    }
}

/* --- on trial ----------------------------------------------------------------------------------
 */

static enum alarm measure(struct look *x, uint64_t version, uint64_t previous, struct str *text)
{
    struct event_trial t;
    char words[ALARM_TEXT_BYTES];
    if (changes_measure(x->d, version, previous, &t) != OK)
        return ALARM_TOO_EARLY; /* nothing rash */
    enum alarm a = alarm_judge(&t, &x->settings);
    alarm_text(a, &t, version, words);
    *text = arena_str(x->a, str_of(words));
    return a;
}

static void take_back_trial(struct look *x, struct change *c, struct str why)
{
    struct deed t = {"trial taken back", c->id, c->version, why};
    struct changes_end end = {CHANGE_CANARY, CHANGE_RETURNED, why, x->now_ms};
    if (store_begin(x->d->store) == OK)
        done(x, changes_end(x->d, c, &end), &t);
}

static void end_of_trial(struct look *x, struct change *c)
{
    struct deed t = {"trial promoted", c->id, 0, STR("its time passed without alarm")};
    enum err e = store_begin(x->d->store);
    if (e != OK)
        return;
    if (x->now_ms - c->until_ms > x->settings.late_ms) {
        t.action = "trial waits for a person";
        t.why = c->message = STR("its end passed while the dashboard was not running");
        c->until_ms = 0;
        e = change_rows_move(x->d->store, c, CHANGE_CANARY);
    } else {
        e = changes_promote(x->d, x->a, c, x->now_ms);
        t.version = c->version;
    }
    done(x, e, &t);
}

static void look_at_trial(struct look *x)
{
    struct change c;
    struct str text = {0};
    uint64_t live = 0;
    if (change_rows_canary(x->d->store, x->a, &c) != OK ||
        policy_rows_live_number(x->d->store, &live) != OK)
        return;
    if (live != c.base_version) { /* by a way that does not know of trials: a restored backup */
        struct changes_end end = {CHANGE_CANARY, CHANGE_ABORTED,
                                  STR("another version went live meanwhile"), x->now_ms};
        struct deed t = {"trial ended", c.id, c.version, end.message};
        if (store_begin(x->d->store) == OK)
            done(x, changes_end(x->d, &c, &end), &t);
        return;
    }
    enum alarm a = measure(x, c.version, live, &text);
    if (alarm_is_raised(a))
        take_back_trial(x, &c, text);
    else if (c.until_ms && x->now_ms >= c.until_ms)
        end_of_trial(x, &c);
}

/* --- watched -----------------------------------------------------------------------------------
 */

static void end_watch(struct look *x, struct watch *w, enum watch_state state, struct str text)
{
    w->state = state;
    w->message = text;
    if (watch_rows_put(x->d->store, w) != OK)
        diag(DIAG_WARN, "policy", "the end of a watch was not stored", NULL);
}

static void take_back(struct look *x, const struct watch *w, struct str why)
{
    struct changes_back back = {w, why, x->now_ms};
    struct deed t = {"automatic return", 0, 0, why};
    uint64_t live = 0;
    if (store_begin(x->d->store) != OK)
        return;
    enum err e = policy_rows_live_number(x->d->store, &live);
    if (e == OK && live != w->version)
        e = ERR_CONFLICT; /* a person has published something just now */
    if (e == OK)
        e = changes_return(x->d, x->a, &back, &t.version);
    done(x, e, &t);
}

static void look_at_watch(struct look *x)
{
    struct watch w;
    struct str text = {"", 0};
    uint64_t live = 0;
    if (watch_rows_get(x->d->store, x->a, &w) != OK || w.state != WATCH_ON ||
        policy_rows_live_number(x->d->store, &live) != OK)
        return;
    if (live != w.version) {
        end_watch(x, &w, WATCH_ENDED, text);
        return;
    }
    if (x->now_ms > w.until_ms + BESIDE_MS) {
        end_watch(x, &w, WATCH_ENDED, STR("not watched to its end: the dashboard was not running"));
        return;
    }
    enum alarm a = measure(x, w.version, w.previous, &text);
    if (alarm_is_raised(a) && x->settings.may_return)
        take_back(x, &w, text);
    else if (x->now_ms > w.until_ms)
        end_watch(x, &w, WATCH_CALM, text);
}

bool overseer_look(struct desk *d)
{
    struct arena a;
    struct look x = {.d = d, .a = &a, .now_ms = clock_wall_ms(&d->app->clock)};
    arena_init(&a, 4096, TEXT_MAX);
    enum err e = changes_settings(d, &a, &x.settings);
    if (e == OK) {
        look_at_scheduled(&x);
        look_at_trial(&x);
        look_at_watch(&x);
    }
    arena_fini(&a);
    return x.is_told;
}

/* --- the thread --------------------------------------------------------------------------------
 */

struct overseer {
    struct app *app;
    struct desk *desk;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_closing, is_started;
    pthread_t thread;
};

/* False: the program ends. */
static bool wait_a_while(struct overseer *o)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVERY_MS / 1000;
    pthread_mutex_lock(&o->lock);
    if (!o->is_closing)
        pthread_cond_timedwait(&o->wake, &o->lock, &until);
    bool go_on = !o->is_closing;
    pthread_mutex_unlock(&o->lock);
    return go_on;
}

static void *run(void *arg)
{
    struct overseer *o = arg;
    struct proxy_reload r;
    do {
        if (overseer_look(o->desk))
            proxy_link_reload(o->app, &r); /* when it is down it takes this up at its start */
        if (atomic_exchange(&o->app->has_spare, false))
            (void)malloc_trim(0);
    } while (wait_a_while(o));
    return NULL;
}

enum err overseer_open(struct app *app, struct overseer **out)
{
    pthread_condattr_t monotonic;
    struct overseer *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    o->app = app;
    pthread_mutex_init(&o->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum err e = desk_open(app, &o->desk);
    if (e == OK && pthread_create(&o->thread, NULL, run, o) != 0)
        e = ERR_NOMEM;
    o->is_started = e == OK;
    if (e != OK) {
        overseer_close(o);
        return e;
    }
    *out = o;
    return OK;
}

void overseer_close(struct overseer *o)
{
    if (!o)
        return;
    pthread_mutex_lock(&o->lock);
    o->is_closing = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    if (o->is_started)
        pthread_join(o->thread, NULL);
    desk_close(o->desk);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->wake);
    free(o);
}
