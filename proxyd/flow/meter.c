/* meter: accounts taken, bytes told, pauses made. */
#include "proxyd/flow/meter.h"

#include <stdlib.h>

#include "policies/zone.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/speed.h"

#define SPEED_KEPT_MS 60000 /* a bucket nobody has drawn from for so long is full */
#define SHARE_MIN     4096u
#define SHARE_MAX     1048576u

struct meter {
    struct ledger_account *quota, *speed; /* held; NULL: none */
    struct effects_quota bounds;          /* its zone: a reference */
    uint64_t bytes_s;
    uint64_t n_counted, n_paid; /* of the request's bytes */
    enum quota_word word;
    struct timer resume;
    struct request *r;
};

const char *meter_effect(enum quota_word w)
{
    static const char *const names[] = {NULL, "quota-time", "quota-bytes"};
    return names[w];
}

struct str meter_category(const struct verdict *v)
{
    const struct effects_quota *q = &v->effects->quota;
    if (q->per != EFFECTS_PER_CATEGORY)
        return STR("");
    for (size_t i = 0; i < v->n_categories; i++) {
        for (size_t k = 0; k < q->n_categories; k++)
            if (str_eq(v->categories[i], q->categories[k]))
                return v->categories[i];
    }
    return STR("");
}

static struct ledger_account *account_of(struct request *r, const struct verdict *v)
{
    char who[64];
    struct ledger_key key = {LEDGER_QUOTA, v->rule_id, grant_who(r, who), meter_category(v)};
    return quota_take(r->w->shared->ledger, &v->effects->quota, &key, r->w->loop.wall_ms);
}

static void on_resume(struct timer *t)
{
    request_run(LIST_ENTRY(t, struct meter, resume)->r);
}

static enum err open_speed(struct request *r, struct meter *m)
{
    char who[64];
    const struct verdict *v = &r->k->verdict;
    struct ledger_key key = {LEDGER_SPEED, v->rule_id, grant_who(r, who), STR("")};
    int64_t now = r->w->loop.wall_ms;
    m->bytes_s = v->effects->limit_bytes_s;
    if (m->bytes_s == 0)
        return OK;
    m->speed = ledger_take(r->w->shared->ledger, &key, now, now + SPEED_KEPT_MS);
    return m->speed ? OK : ERR_FULL;
}

static enum err open_quota(struct request *r, struct meter *m)
{
    const struct verdict *v = &r->k->verdict;
    if (!v->effects->has_quota || v->action != VERDICT_ALLOW)
        return OK;
    m->quota = account_of(r, v);
    if (!m->quota)
        return ERR_FULL;
    m->bounds = v->effects->quota;
    m->bounds.zone = zone_ref(m->bounds.zone);
    m->word = quota_look(m->quota, &m->bounds, r->w->loop.wall_ms);
    return OK;
}

static void destroy(struct worker *w, struct meter *m)
{
    timer_stop(&w->loop.timers, &m->resume);
    ledger_give(m->quota);
    ledger_give(m->speed);
    zone_free(m->bounds.zone);
    free(m);
}

enum err meter_open(struct request *r, enum quota_word *left)
{
    const struct effects *x = r->k->verdict.effects;
    *left = QUOTA_LEFT;
    if (r->meter || !x || (!x->has_quota && x->limit_bytes_s == 0))
        return OK;
    struct meter *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->r = r;
    timer_init(&m->resume, on_resume);
    enum err e = open_quota(r, m);
    if (e == OK && m->word == QUOTA_LEFT)
        e = open_speed(r, m);
    if (e == OK)
        *left = m->word;
    if (e != OK || m->word != QUOTA_LEFT)
        destroy(r->w, m);
    else
        r->meter = m;
    return e;
}

/* The same bytes that the record will name. */
static uint64_t moved(const struct request *r)
{
    uint64_t up = r->up.n_out > r->up_lead ? r->up.n_out - r->up_lead : 0;
    return r->bytes_in + r->bytes_out + up + r->down.n_out;
}

void meter_close(struct request *r)
{
    if (!r->meter)
        return;
    (void)meter_count(r);
    destroy(r->w, r->meter);
    r->meter = NULL;
}

bool meter_may_move(struct request *r)
{
    struct meter *m = r->meter;
    if (!m->speed)
        return true;
    int64_t wait_us = speed_wait_us(m->speed, r->w->loop.now_ms * 1000);
    if (wait_us > 0) {
        timer_set(&r->w->loop.timers, &m->resume, r->w->loop.now_ms + (wait_us + 999) / 1000);
        return false;
    }
    uint64_t share = m->bytes_s / 8;
    share = share < SHARE_MIN ? SHARE_MIN : share > SHARE_MAX ? SHARE_MAX : share;
    r->up.share_bytes = r->down.share_bytes = (uint32_t)share;
    r->up.is_large = r->down.is_large = share >= BUFPOOL_LARGE;
    return true;
}

bool meter_count(struct request *r)
{
    struct meter *m = r->meter;
    const struct loop *loop = &r->w->loop;
    uint64_t now = moved(r);
    if (m->speed && now > m->n_paid) {
        speed_pay(m->speed, m->bytes_s, now - m->n_paid, loop->now_ms * 1000);
        atomic_store_explicit(&m->speed->until_ms, loop->wall_ms + SPEED_KEPT_MS,
                              memory_order_relaxed);
        m->n_paid = now;
    }
    if (m->quota && now > m->n_counted) {
        m->word = quota_count(r->w->shared->ledger, m->quota, &m->bounds, now - m->n_counted,
                              loop->wall_ms);
        m->n_counted = now;
    }
    return m->word == QUOTA_LEFT;
}

enum request_state meter_end(struct request *r)
{
    r->effect = meter_effect(r->meter->word);
    r->verdict = RECORD_BLOCKED;
    if (r->k && !r->is_head_sent) {
        verdict_spend(&r->k->verdict, true);
        return REQUEST_PAGE;
    }
    r->is_cut = true;
    r->is_keep = false;
    return REQUEST_LOG;
}
