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
#define SPEED_KEPT_MS 60000 /* a bucket nobody has drawn from for so long is full */
#define SHARES_S      40    /* a place in the buckets is for so small a part of a second */
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
    uint64_t n_placed;          /* bytes it has a place for, from turn_us on */
    int64_t turn_us;
    enum quota_word word;
    bool is_ruled; /* the rule's part is in it */
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

/* A place in every bucket, as large as the slowest allows at once; the latest turn is ours. */
static void take_place(struct meter *m, int64_t now_us)
{
    uint64_t share = SHARE_MAX;
    for (unsigned i = 0; i < m->n_buckets; i++) {
        uint64_t s = m->buckets[i].bytes_s / SHARES_S;
        share = s < share ? s : share;
    }
    m->n_placed = share < SHARE_MIN ? SHARE_MIN : share;
    m->turn_us = now_us;
    for (unsigned i = 0; i < m->n_buckets; i++) {
        const struct bucket *b = &m->buckets[i];
        int64_t turn = speed_take(b->next_us, b->bytes_s, m->n_placed, now_us);
        m->turn_us = turn > m->turn_us ? turn : m->turn_us;
    }
}

static void give_place(struct meter *m)
{
    for (unsigned i = 0; m->n_placed && i < m->n_buckets; i++)
        speed_give(m->buckets[i].next_us, m->buckets[i].bytes_s, m->n_placed);
    m->n_placed = 0;
}

/* Bytes beyond those it had a place for are paid as well. */
static void pay(struct meter *m, uint64_t n, int64_t now_us)
{
    uint64_t more = n > m->n_placed ? n - m->n_placed : 0;
    m->n_placed -= n - more;
    for (unsigned i = 0; more && i < m->n_buckets; i++)
        (void)speed_take(m->buckets[i].next_us, m->buckets[i].bytes_s, more, now_us);
    give_place(m); /* what it could not use now, another one can */
}

bool meter_may_move(struct request *r)
{
    struct meter *m = r->meter;
    int64_t now_ms = r->w->loop.now_ms;
    if (m->n_buckets == 0)
        return true;
    if (m->n_placed == 0)
        take_place(m, now_ms * 1000);
    if (m->turn_us > now_ms * 1000) {
        if (!m->resume.is_set)
            timer_set(&r->w->loop.timers, &m->resume, (m->turn_us + 999) / 1000);
        return false;
    }
    r->up.share_bytes = r->down.share_bytes = (uint32_t)m->n_placed;
    r->up.is_large = r->down.is_large = m->n_placed >= BUFPOOL_LARGE;
    return true;
}

bool meter_count(struct request *r)
{
    struct meter *m = r->meter;
    const struct loop *loop = &r->w->loop;
    uint64_t now = moved(r);
    if (m->n_buckets) {
        pay(m, now > m->n_paid ? now - m->n_paid : 0, loop->now_ms * 1000);
        m->n_paid = now;
    }
    if (m->speed)
        atomic_store_explicit(&m->speed->until_ms, loop->wall_ms + SPEED_KEPT_MS,
                              memory_order_relaxed);
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
