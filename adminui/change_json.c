/* change_json: rows to objects. */
#include "adminui/change_json.h"

#include "adminui/alarm.h"
#include "adminui/changes.h"
#include "adminui/reply.h"
#include "db/event_trial.h"

#define APPROVALS_MAX 50

static json_t *number_or_null(uint64_t v)
{
    return v ? reply_u64(v) : json_null();
}

static json_t *text_or_null(struct str text)
{
    json_t *j = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    return j ? j : json_null();
}

static json_t *approvals_json(struct desk *d, struct arena *a, uint64_t id)
{
    struct change_approval all[APPROVALS_MAX];
    size_t n = APPROVALS_MAX;
    json_t *out = json_array();
    if (change_rows_approvals(d->store, a, id, all, &n) != OK)
        n = 0;
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:o,s:o,s:s,s:o}", "by", reply_str(all[i].author),
                                             "at", reply_time(all[i].at_ms), "verdict",
                                             all[i].is_approved ? "approved" : "rejected",
                                             "comment", reply_str(all[i].comment)));
    return out;
}

/* The figures of a version against the one before, with `state` and `message`. */
static json_t *figures(struct desk *d, struct arena *a, uint64_t version, uint64_t previous)
{
    struct event_trial t;
    struct settings_publishing p;
    char text[ALARM_TEXT_BYTES];
    if (changes_measure(d, version, previous, &t) != OK || changes_settings(d, a, &p) != OK)
        return json_object();
    enum alarm x = alarm_judge(&t, &p);
    json_t *out = alarm_json(&t);
    alarm_text(x, &t, version, text);
    json_object_set_new(out, "state",
                        json_string(x == ALARM_NO_BASELINE ? "no-baseline" : "watching"));
    json_object_set_new(out, "message", json_string(text));
    return out;
}

static json_t *trial_json(struct desk *d, struct arena *a, const struct change *c)
{
    static const char *const names[] = {"networks", "groups", "users"};
    json_t *scope = text_or_null(c->canary);
    if (!json_is_object(scope))
        return scope;
    json_t *out = json_object();
    for (int i = 0; i < 3; i++) {
        json_t *list = json_object_get(scope, names[i]);
        json_object_set_new(out, names[i], json_is_array(list) ? json_incref(list) : json_array());
    }
    json_t *minutes = json_object_get(scope, "minutes");
    json_object_set_new(out, "minutes", minutes ? json_incref(minutes) : json_null());
    json_object_set_new(out, "since", reply_time(c->since_ms));
    json_object_set_new(out, "until", reply_time(c->until_ms));
    json_object_set_new(out, "watch",
                        c->state == CHANGE_CANARY ? figures(d, a, c->version, c->base_version)
                                                  : json_null());
    json_decref(scope);
    return out;
}

json_t *change_json(struct desk *d, struct arena *a, const struct change *c)
{
    json_t *out = json_pack("{s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", reply_u64(c->id),
                            "kind", change_kind_name(c->kind), "state", change_state_name(c->state),
                            "comment", reply_str(c->comment), "reason", reply_str(c->reason),
                            "message", reply_str(c->message), "created_by", reply_str(c->author),
                            "created_at", reply_time(c->at_ms), "publish_at",
                            reply_time(c->publish_at_ms), "ended_at", reply_time(c->ended_ms));
    json_t *more = json_pack(
        "{s:o,s:o,s:o,s:i,s:i,s:o,s:b,s:b,s:o,s:o,s:o}", "base_version",
        number_or_null(c->base_version), "version", number_or_null(c->version), "rolled_back_from",
        number_or_null(c->copy_of), "n_rules", (int)c->n_rules, "needs_approvals",
        c->state == CHANGE_AWAITING, "approvals", approvals_json(d, a, c->id), "is_emergency",
        (c->flags & CHANGE_EMERGENCY) != 0, "is_forced", (c->flags & CHANGE_FORCED) != 0, "canary",
        trial_json(d, a, c), "report", text_or_null(c->report), "replay", text_or_null(c->replay));
    if (json_object_update(out, more) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(more);
    return out;
}

/* --- the watch --------------------------------------------------------------------------------
 */

static json_t *trial_line(struct desk *d, struct arena *a)
{
    struct change c;
    if (change_rows_canary(d->store, a, &c) != OK)
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "pending", reply_u64(c.id), "version", reply_u64(c.version),
                     "until", reply_time(c.until_ms));
}

static const char *state_of(const struct watch *w)
{
    return w->state == WATCH_ENDED && !w->message.n ? "off" : watch_state_name(w->state);
}

json_t *change_json_watch(struct desk *d, struct arena *a)
{
    struct watch w = {.state = WATCH_ENDED};
    uint64_t n_open = 0;
    if (watch_rows_get(d->store, a, &w) != OK)
        w = (struct watch){.state = WATCH_ENDED};
    if (change_rows_n_open(d->store, &n_open) != OK)
        n_open = 0;
    json_t *out = w.state == WATCH_ON ? figures(d, a, w.version, w.previous) : NULL;
    json_t *fixed = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "version", number_or_null(w.version),
                              "previous", number_or_null(w.previous), "since",
                              reply_time(w.since_ms), "until", reply_time(w.until_ms), "canary",
                              trial_line(d, a), "n_pending", reply_u64(n_open));
    if (!out)
        out = json_pack("{s:s,s:o,s:n,s:n}", "state", state_of(&w), "message", reply_str(w.message),
                        "now", "expected");
    if (json_object_update(out, fixed) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(fixed);
    return out;
}
