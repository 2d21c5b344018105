/* books: accounts as JSON. */
#include "proxyd/main/books.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policies/decide.h"
#include "policies/zone.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/quota.h"
#include "proxyd/main/control.h"
#include "proxyd/main/wiring.h"

#define ITEMS_MAX     1000
#define ITEMS_DEFAULT 200

/* What a request names; empty: anything. */
struct wanted {
    struct str user, rule, what;
    bool is_whole; /* the whole name of the user, not a part */
};

struct listing {
    const struct snapshot *policy; /* may be NULL */
    struct wanted w;
    int64_t now_ms;
    size_t limit;
    json_t *items;
    bool is_truncated;
};

static struct str member(const json_t *request, const char *name)
{
    const json_t *v = json_object_get(request, name);
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static bool has_part(struct str s, struct str part)
{
    for (size_t i = 0; i + part.n <= s.n; i++)
        if (str_eq_nocase(str_sub(s, i, i + part.n), part))
            return true;
    return false;
}

/* A slot holds the beginning of a long name only. */
static bool is_name(struct str kept, struct str name, size_t room)
{
    return str_eq_nocase(kept, str_sub(name, 0, room));
}

static bool is_wanted(void *ctx, const struct ledger_seen *s)
{
    const struct wanted *w = ctx;
    bool is_user = w->is_whole ? is_name(s->who, w->user, LEDGER_WHO) : has_part(s->who, w->user);
    return is_user && (w->rule.n == 0 || is_name(s->rule, w->rule, LEDGER_RULE)) &&
           (w->what.n == 0 || is_name(s->what, w->what, LEDGER_WHAT));
}

static json_t *text(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string(""); /* cut within a character */
}

static json_t *time_text(int64_t at_ms)
{
    char out[CLOCK_RFC3339_BYTES];
    clock_format_rfc3339(at_ms, out);
    return json_string(out);
}

static json_t *number_or_null(uint64_t v)
{
    return v ? json_integer((json_int_t)v) : json_null();
}

static json_t *day_text(const struct effects_quota *q, int64_t now_ms)
{
    char out[16] = "";
    struct tm tm;
    time_t local = (time_t)(now_ms / 1000 + zone_offset_s(q->zone, now_ms / 1000));
    if (gmtime_r(&local, &tm))
        (void)strftime(out, sizeof out, "%Y-%m-%d", &tm);
    return json_string(out);
}

/* --- quotas ---------------------------------------------------------------------------------- */

/* Of a rule that has none any more: used, but nothing to compare it with. */
static json_t *orphan_json(const struct ledger_seen *s)
{
    const struct ledger_account *a = s->account;
    return json_pack("{s:s, s:n, s:s, s:I, s:n, s:I, s:n, s:b, s:o}", "rule_name", "", "day",
                     "zone", "", "minutes_used", (json_int_t)(atomic_load(&a->count) >> 32),
                     "minutes_per_day", "bytes_used", (json_int_t)atomic_load(&a->bytes),
                     "bytes_per_day", "is_spent", 0, "renewed_at",
                     time_text(atomic_load(&a->until_ms)));
}

static json_t *balance_json(const struct listing *x, const struct ledger_seen *s)
{
    struct verdict v;
    struct quota_balance b;
    if (!x->policy || !policy_rule(x->policy, s->rule, &v) || !v.effects || !v.effects->has_quota)
        return orphan_json(s);
    const struct effects_quota *q = &v.effects->quota;
    quota_balance(s->account, q, x->now_ms, &b);
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:o, s:I, s:o, s:b, s:o}", "rule_name", text(v.rule_name), "day",
        day_text(q, x->now_ms), "zone", text(q->zone_name), "minutes_used", (json_int_t)b.minutes,
        "minutes_per_day", number_or_null(q->minutes), "bytes_used", (json_int_t)b.bytes,
        "bytes_per_day", number_or_null(q->bytes), "is_spent",
        quota_look(s->account, q, x->now_ms) != QUOTA_LEFT, "renewed_at", time_text(b.renewed_ms));
}

static bool has_room(struct listing *x)
{
    x->is_truncated = json_array_size(x->items) >= x->limit;
    return !x->is_truncated;
}

static bool see_quota(void *ctx, const struct ledger_seen *s)
{
    struct listing *x = ctx;
    if (!is_wanted(&x->w, s))
        return true;
    if (!has_room(x))
        return false;
    json_t *item =
        json_pack("{s:o, s:o, s:o, s:o}", "user", text(s->who), "rule", text(s->rule), "category",
                  text(s->what), "last_at", time_text(atomic_load(&s->account->used_ms)));
    json_t *rest = balance_json(x, s);
    json_object_update(item, rest);
    json_decref(rest);
    return json_array_append_new(x->items, item) == 0;
}

static void begin(struct listing *x, struct wiring *w, const json_t *request)
{
    json_int_t limit = json_integer_value(json_object_get(request, "limit"));
    *x = (struct listing){.policy = reload_policy(&w->reload),
                          .w = {.user = member(request, "user"), .rule = member(request, "rule")},
                          .now_ms = clock_wall_ms(&w->clock),
                          .limit = limit < 1           ? ITEMS_DEFAULT
                                   : limit > ITEMS_MAX ? ITEMS_MAX
                                                       : (size_t)limit,
                          .items = json_array()};
}

static void end(struct listing *x)
{
    snapshot_unref((struct snapshot *)(uintptr_t)x->policy);
}

json_t *books_quotas(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    struct ledger *l = w->workers.shared.ledger;
    struct listing x;
    struct ledger_info info;
    begin(&x, w, request);
    ledger_each(l, LEDGER_QUOTA, x.now_ms, see_quota, &x);
    ledger_info(l, x.now_ms, &info);
    end(&x);
    return json_pack("{s:b, s:o, s:b, s:{s:I, s:I, s:I, s:I, s:b}}", "ok", 1, "items", x.items,
                     "truncated", x.is_truncated, "table", "slots", (json_int_t)info.n_slots,
                     "used", (json_int_t)info.n_used, "evicted", (json_int_t)info.n_evicted,
                     "damaged", (json_int_t)info.n_damaged, "is_kept", info.is_kept);
}

static json_t *forget(struct wiring *w, enum ledger_kind kind, struct wanted *what,
                      const char *name)
{
    if (what->user.n == 0)
        return control_error("a user is needed");
    unsigned n =
        ledger_forget(w->workers.shared.ledger, kind, clock_wall_ms(&w->clock), is_wanted, what);
    return json_pack("{s:b, s:I}", "ok", 1, name, (json_int_t)n);
}

json_t *books_quotas_reset(void *ctx, const json_t *request)
{
    struct wanted what = {member(request, "user"), member(request, "rule"),
                          member(request, "category"), true};
    return forget(ctx, LEDGER_QUOTA, &what, "reset");
}

/* --- accepted pages -------------------------------------------------------------------------- */

static bool see_grant(void *ctx, const struct ledger_seen *s)
{
    struct listing *x = ctx;
    struct verdict v = {0};
    if (!is_wanted(&x->w, s))
        return true;
    if (!has_room(x))
        return false;
    const char *kind = grant_effect((enum grant_how)atomic_load(&s->account->how));
    if (x->policy && !policy_rule(x->policy, s->rule, &v))
        v.rule_name = STR("");
    json_t *item = json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "user", text(s->who), "host",
                             text(s->what), "rule", text(s->rule), "rule_name", text(v.rule_name),
                             "kind", kind ? kind : "", "until",
                             time_text(atomic_load(&s->account->until_ms)), "note", text(s->note));
    return json_array_append_new(x->items, item) == 0;
}

json_t *books_grants(void *ctx, const json_t *request)
{
    struct wiring *w = ctx;
    struct listing x;
    begin(&x, w, request);
    x.w.what = member(request, "host");
    ledger_each(w->workers.shared.ledger, LEDGER_GRANT, x.now_ms, see_grant, &x);
    end(&x);
    return json_pack("{s:b, s:o, s:b}", "ok", 1, "items", x.items, "truncated", x.is_truncated);
}

json_t *books_grants_revoke(void *ctx, const json_t *request)
{
    struct wanted what = {member(request, "user"), member(request, "rule"), member(request, "host"),
                          true};
    return forget(ctx, LEDGER_GRANT, &what, "revoked");
}
