/* quota: packing, the turn of the day, counting. */
#include "proxyd/flow/quota.h"

#include "policies/zone.h"

#define MINUTE_MS  60000
#define DAY_MS_MAX (INT64_C(50) * 3600 * 1000) /* the longest day there is, and a margin */

static uint64_t pack(uint32_t minutes, uint32_t last)
{
    return (uint64_t)minutes << 32 | last;
}

static int64_t day_end_ms(const struct effects_quota *q, int64_t now_ms)
{
    return zone_day_end_s(q->zone, now_ms / 1000) * 1000;
}

/* The end that the account names is past, or so far ahead that the clock must have been wrong. */
static bool is_another_day(const struct ledger_account *a, int64_t now_ms)
{
    int64_t until = atomic_load_explicit(&a->until_ms, memory_order_acquire);
    return now_ms >= until || until - now_ms > DAY_MS_MAX;
}

static void begin_day(struct ledger *l, struct ledger_account *a, const struct effects_quota *q,
                      int64_t now_ms)
{
    ledger_lock(l, a);
    if (is_another_day(a, now_ms)) {
        atomic_store_explicit(&a->bytes, 0, memory_order_relaxed);
        /* a worker whose clock is a moment behind must not count a minute of the day before */
        atomic_store_explicit(&a->count, pack(0, (uint32_t)(now_ms / MINUTE_MS) - 1),
                              memory_order_relaxed);
        atomic_store_explicit(&a->until_ms, day_end_ms(q, now_ms), memory_order_release);
    }
    ledger_unlock(l, a);
}

struct ledger_account *quota_take(struct ledger *l, const struct effects_quota *q,
                                  const struct ledger_key *key, int64_t now_ms)
{
    struct ledger_account *a = ledger_take(l, key, now_ms, 0);
    if (a && is_another_day(a, now_ms))
        begin_day(l, a, q, now_ms);
    return a;
}

enum quota_word quota_look(const struct ledger_account *a, const struct effects_quota *q,
                           int64_t now_ms)
{
    if (is_another_day(a, now_ms))
        return QUOTA_LEFT;
    uint64_t count = atomic_load_explicit(&a->count, memory_order_relaxed);
    if (q->minutes && count >> 32 >= q->minutes && now_ms / MINUTE_MS > (int64_t)(uint32_t)count)
        return QUOTA_TIME;
    if (q->bytes && atomic_load_explicit(&a->bytes, memory_order_relaxed) >= q->bytes)
        return QUOTA_BYTES;
    return QUOTA_LEFT;
}

/* False: the bound on minutes is reached and this would be another one. */
static bool count_minute(struct ledger_account *a, const struct effects_quota *q, int64_t now_ms)
{
    uint32_t minute = (uint32_t)(now_ms / MINUTE_MS);
    uint64_t was = atomic_load_explicit(&a->count, memory_order_relaxed);
    for (;;) {
        if (minute <= (uint32_t)was)
            return true; /* counted; or the clock of another worker is a moment ahead */
        if (q->minutes && was >> 32 >= q->minutes)
            return false;
        if (atomic_compare_exchange_weak_explicit(&a->count, &was,
                                                  pack((uint32_t)(was >> 32) + 1, minute),
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

enum quota_word quota_count(struct ledger *l, struct ledger_account *a,
                            const struct effects_quota *q, uint64_t n_bytes, int64_t now_ms)
{
    if (is_another_day(a, now_ms))
        begin_day(l, a, q, now_ms);
    bool has_time = count_minute(a, q, now_ms);
    uint64_t bytes = n_bytes + atomic_fetch_add_explicit(&a->bytes, n_bytes, memory_order_relaxed);
    if (!has_time)
        return QUOTA_TIME;
    return q->bytes && bytes >= q->bytes ? QUOTA_BYTES : QUOTA_LEFT;
}

void quota_balance(const struct ledger_account *a, const struct effects_quota *q, int64_t now_ms,
                   struct quota_balance *out)
{
    *out = (struct quota_balance){.renewed_ms = day_end_ms(q, now_ms)};
    if (!a || is_another_day(a, now_ms))
        return;
    out->minutes = (uint32_t)(atomic_load_explicit(&a->count, memory_order_relaxed) >> 32);
    out->bytes = atomic_load_explicit(&a->bytes, memory_order_relaxed);
    out->renewed_ms = atomic_load_explicit(&a->until_ms, memory_order_relaxed);
}
