/* meter: accounts taken, bytes told, pauses made. */
#include "proxyd/flow/meter.h"

#include <string.h>

#include "policies/zone.h"
#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/grant.h"
#include "proxyd/flow/speed.h"

#define BUCKETS_MAX   4
#define KEEP_FREE     256
#define AFTER_YOU_MS  2     /* who has just moved something wakes after those who have not */
#define SPEED_KEPT_MS 60000 /* a bucket nobody has drawn from for so long is full */
#define SHARE_MIN     4096u
#define SHARE_MAX     1048576u

struct meter {
    struct ledger_account *quota, *speed; /* held; NULL: none */
    struct effects_quota bounds;          /* its zone: a reference */
    struct bucket {
        _Atomic int64_t *next_us;
        uint64_t bytes_s;
    } buckets[BUCKETS_MAX];
    unsigned n_buckets;
    uint64_t n_counted, n_paid; /* of the request's bytes */
    enum quota_word word;
    bool is_ruled;  /* the rule's part is in it */
    bool has_moved; /* since it last had to wait */
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

static void add_bucket(struct meter *m, _Atomic int64_t *next_us, uint64_t bytes_s)
{
    if (bytes_s)
        m->buckets[m->n_buckets++] = (struct bucket){next_us, bytes_s};
}

static enum err open_speed(struct request *r, struct meter *m)
{
    char who[64];
    const struct verdict *v = &r->k->verdict;
    struct ledger_key key = {LEDGER_SPEED, v->rule_id, grant_who(r, who), STR("")};
    int64_t now = r->w->loop.wall_ms;
    if (v->effects->limit_bytes_s == 0)
        return OK;
    m->speed = ledger_take(r->w->shared->ledger, &key, now, now + SPEED_KEPT_MS);
    if (!m->speed)
        return ERR_FULL;
    add_bucket(m, &m->speed->next_us, v->effects->limit_bytes_s);
    return OK;
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
    slab_give(&w->meters, m);
}

void meter_init(struct worker *w)
{
    slab_init(&w->meters, sizeof(struct meter), KEEP_FREE);
}

static enum err make(struct request *r)
{
    struct meter *m = slab_take(&r->w->meters);
    if (!m)
        return ERR_NOMEM;
    memset(m, 0, sizeof *m);
    m->r = r;
    timer_init(&m->resume, on_resume);
    r->meter = m;
    return OK;
}

enum err meter_open_traffic(struct request *r)
{
    const struct traffic *t = &r->hold->set->settings.traffic;
    struct conn *c = r->conn;
    if (r->meter || !t->is_measured)
        return OK;
    enum err e = make(r);
    if (e != OK)
        return e;
    const struct traffic_bounds *b = admit_bounds(c, t);
    if (b && c->account)
        add_bucket(r->meter, &c->account->next_us, b->bytes_s);
    if (r->k->user.n && c->user)
        add_bucket(r->meter, &c->user->next_us, t->user.bytes_s);
    add_bucket(r->meter, limits_bytes(r->w->shared->limits), t->total_bytes_s);
    return OK;
}

static void drop(struct request *r)
{
    destroy(r->w, r->meter);
    r->meter = NULL;
}

enum err meter_open(struct request *r, enum quota_word *left)
{
    const struct effects *x = r->k->verdict.effects;
    *left = QUOTA_LEFT;
    enum err e = meter_open_traffic(r);
    if (e != OK || !x || (!x->has_quota && x->limit_bytes_s == 0))
        return e;
    if (!r->meter)
        e = make(r);
    if (e != OK || r->meter->is_ruled)
        return e;
    r->meter->is_ruled = true;
    e = open_quota(r, r->meter);
    if (e == OK && r->meter->word == QUOTA_LEFT)
        e = open_speed(r, r->meter);
    if (e == OK)
        *left = r->meter->word;
    if (e != OK || *left != QUOTA_LEFT)
        drop(r);
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
    drop(r);
}

bool meter_may_move(struct request *r)
{
    struct meter *m = r->meter;
    int64_t now_ms = r->w->loop.now_ms, wait_us = 0;
    uint64_t slowest = UINT64_MAX;
    for (unsigned i = 0; i < m->n_buckets; i++) {
        int64_t w = speed_wait_us(m->buckets[i].next_us, now_ms * 1000);
        wait_us = w > wait_us ? w : wait_us;
        slowest = m->buckets[i].bytes_s < slowest ? m->buckets[i].bytes_s : slowest;
    }
    if (m->n_buckets == 0)
        return true;
    if (wait_us > 0) {
        int64_t after_ms = (wait_us + 999) / 1000 + (m->has_moved ? AFTER_YOU_MS : 0);
        timer_set(&r->w->loop.timers, &m->resume, now_ms + after_ms);
        m->has_moved = false;
        return false;
    }
    uint64_t share = slowest / 8;
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
    if (now > m->n_paid) {
        for (unsigned i = 0; i < m->n_buckets; i++)
            speed_pay(m->buckets[i].next_us, m->buckets[i].bytes_s, now - m->n_paid,
                      loop->now_ms * 1000);
        if (m->speed)
            atomic_store_explicit(&m->speed->until_ms, loop->wall_ms + SPEED_KEPT_MS,
                                  memory_order_relaxed);
        m->n_paid = now;
        m->has_moved = true;
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
