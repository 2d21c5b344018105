/* who: origins by person, address and listener, in buckets. */
#include "policies/who.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PREFETCH_MOST 192u /* words */

enum who_state { WHO_EMPTY, WHO_UNKNOWN, WHO_NOBODY, WHO_NUMBER, WHO_DIGEST };

/* --- the slot's store ---------------------------------------------------------------------------
 */

bool who_init(const struct snapshot *s, struct slot *x)
{
    uint32_t n = WHO_BUCKET;
    x->who_stride = (2 * (size_t)s->n_todo + 2 * (size_t)s->n_words + 7) / 8 * 8;
    while (n < WHO_MOST && n * 2 * x->who_stride * sizeof(uint64_t) <= WHO_BYTES)
        n *= 2;
    x->who = aligned_alloc(_Alignof(struct who), n * sizeof *x->who);
    x->who_bits = aligned_alloc(64, n * x->who_stride * sizeof(uint64_t)); /* written when used */
    x->who_tag = aligned_alloc(64, (n * sizeof *x->who_tag + 63) / 64 *
                                       64); /* a bucket is half a cache line */
    if (!x->who || !x->who_bits || !x->who_tag)
        return false;
    memset(x->who_tag, 0, n * sizeof *x->who_tag);
    for (uint32_t i = 0; i < n; i++) {
        struct who *w = &x->who[i];
        *w = (struct who){.todo = x->who_bits + i * x->who_stride};
        w->any = w->todo + s->n_todo;
        w->yes = w->any + s->n_todo;
        w->own_maybe = w->yes + s->n_words;
    }
    x->who_mask = n - 1;
    return true;
}

void who_fini(struct slot *x)
{
    free(x->who);
    free(x->who_bits);
    free(x->who_tag);
    x->who = NULL;
    x->who_bits = NULL;
    x->who_tag = NULL;
}

/* --- which origin? ------------------------------------------------------------------------------
 */

/* Schedules open and close on the minute; what is known of origins holds until one does. */
static void look_at_schedules(const struct snapshot *s, struct slot *x, int64_t now_ms)
{
    int64_t minute = now_ms / 60000;
    bool has_changed = false;
    if (s->keys[KEY_SCHEDULES].n == 0 || x->minute == minute)
        return;
    for (size_t i = 0; i < s->n_schedules; i++) {
        bool is_inside = schedule_has(&s->schedules[i], minute * 60000);
        has_changed = has_changed || is_inside != x->inside[i];
        x->inside[i] = is_inside;
    }
    x->minute = minute;
    x->schedules += has_changed;
}

static void digest(const struct snapshot *s, const struct facts *f, uint64_t out[2])
{
    XXH128_hash_t h = XXH3_128bits_withSeed(f->user.p, f->user.n, s->seed);
    for (size_t i = 0; i < f->n_groups; i++) {
        XXH128_hash_t g =
            XXH3_128bits_withSeed(f->groups[i].p, f->groups[i].n, s->seed ^ h.low64 ^ (i + 1));
        h.low64 = g.low64;
        h.high64 = (h.high64 << 7 | h.high64 >> 57) ^ g.high64;
    }
    out[0] = h.low64;
    out[1] = h.high64;
}

static void describe(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    struct who_key *k = &x->asked;
    look_at_schedules(s, x, f->now_ms);
    k->person[0] = k->person[1] = 0;
    k->schedules = x->schedules;
    k->listener = NO_VALUE;
    memset(&k->client, 0, sizeof k->client);
    if (s->nets.n)
        k->client = f->client;
    if (s->keys[KEY_LISTENERS].n)
        k->listener = match_value(s, KEY_LISTENERS, f->listener);
    if (s->model->identity == SNAPSHOT_NEVER) {
        k->state = WHO_NOBODY;
    } else if (!(f->known & FACTS_BIT(FACTS_IDENTITY))) {
        k->state = WHO_UNKNOWN;
    } else if (f->user.n == 0) {
        k->state = WHO_NOBODY;
    } else if (f->person) {
        k->state = WHO_NUMBER;
        k->person[0] = f->person;
    } else {
        k->state = WHO_DIGEST;
        digest(s, f, k->person);
    }
}

static uint32_t tag_of(const struct who_key *k)
{
    uint64_t a, b;
    memcpy(&a, k->client.b, sizeof a);
    memcpy(&b, k->client.b + 8, sizeof b);
    uint64_t h = k->person[0] ^ (b * UINT64_C(0x9e3779b97f4a7c15)) ^
                 (a * UINT64_C(0xc2b2ae3d27d4eb4f)) ^ ((uint64_t)k->listener << 32 | k->state);
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 32) | 1; /* 0 is a free place */
}

static bool is_of(const struct who *w, const struct who_key *k, int64_t now_ms)
{
    return w->key.schedules == k->schedules && w->key.state == k->state &&
           w->key.person[0] == k->person[0] && w->key.person[1] == k->person[1] &&
           memcmp(&w->key.client, &k->client, sizeof k->client) == 0 &&
           w->key.listener == k->listener && now_ms >= w->from_ms && now_ms < w->until_ms;
}

static uint32_t bucket_of(const struct slot *x)
{
    return (x->asked_tag >> 8) & x->who_mask & ~(WHO_BUCKET - 1);
}

void who_begin(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    describe(s, x, f);
    x->asked_tag = tag_of(&x->asked);
    uint32_t first = bucket_of(x);
    for (uint32_t i = first; i < first + WHO_BUCKET; i++) {
        if (x->who_tag[i] != x->asked_tag)
            continue;
        __builtin_prefetch(&x->who[i]);
        __builtin_prefetch((const char *)&x->who[i] + 64);
        __builtin_prefetch(x->who_bits + i * x->who_stride);
    }
}

/* --- what does it mean? -------------------------------------------------------------------------
 */

/* Rules that are switched on and not over, and between which moments that holds. */
static void fill_live(const struct snapshot *s, struct who *w, int64_t now_ms)
{
    memcpy(w->yes, s->enabled, s->n_words * sizeof *w->yes);
    w->from_ms = INT64_MIN;
    w->until_ms = INT64_MAX;
    for (uint32_t i = 0; i < s->n_expiring; i++) {
        uint32_t r = s->expiring[i];
        int64_t end = s->model->rules[r].expires_at_ms;
        if (end <= now_ms) {
            w->yes[r / 64] &= ~(UINT64_C(1) << (r % 64));
            w->from_ms = end > w->from_ms ? end : w->from_ms;
        } else if (end < w->until_ms) {
            w->until_ms = end;
        }
    }
}

/* The rules that the hits of a key fit on one side, added to bits. */
static void add_fits(const struct snapshot *s, const struct slot *x, int key, int side,
                     uint64_t *bits)
{
    const struct key_table *t = &s->keys[key];
    const struct hit_list *h = &x->hits[key];
    for (uint32_t i = 0; i < h->n; i++) {
        const struct fit *f = &t->fit[side][h->ids[i]];
        const uint32_t *rules = t->rules[side] + f->first;
        for (uint32_t r = 0; r < f->n; r++)
            bits[(rules[r] & ~FIT_LEADS) / 64] |= UINT64_C(1) << (rules[r] % 64);
        for (uint32_t w = 0; f->dense && w < s->n_words; w++)
            bits[w] |= f->dense[w];
    }
}

static void judge_key(const struct snapshot *s, struct slot *x, struct who *w, int key)
{
    const struct key_table *t = &s->keys[key];
    bool is_unknown = x->unknown_parts[key] != 0;
    for (int side = 0; side < MODEL_N_SIDES; side++) {
        const uint64_t *bound = t->bound[side];
        if (!t->is_used[side])
            continue;
        if (is_unknown) {
            for (uint32_t i = 0; i < s->n_words; i++)
                w->yes[i] &= ~bound[i];
            continue;
        }
        memset(x->bits, 0, s->n_words * sizeof *x->bits);
        add_fits(s, x, key, side, x->bits);
        for (uint32_t i = 0; i < s->n_words; i++) {
            uint64_t fits = side == SIDE_WHEN ? ~bound[i] | x->bits[i] : ~x->bits[i];
            w->yes[i] &= fits;
            if (w->maybe != w->yes)
                w->maybe[i] &= fits;
        }
    }
}

static void sum_up(const struct snapshot *s, struct who *w)
{
    memset(w->todo, 0, s->n_todo * sizeof *w->todo);
    memset(w->any, 0, s->n_todo * sizeof *w->any);
    for (uint32_t i = 0; i < s->n_words; i++) {
        uint64_t bit = UINT64_C(1) << (i % 64);
        w->any[i / 64] |= w->maybe[i] ? bit : 0;
        w->todo[i / 64] |= w->maybe[i] & s->who_leads[i] ? bit : 0;
    }
}

/* Lists of networks are a part of a key that is the request's own. */
static void keep_lists(const struct slot *x, struct who *w)
{
    const struct hit_list *h = &x->hits[KEY_LISTS];
    w->n_lists = 0;
    for (uint32_t i = 0; i < h->n && i < WHO_LISTS_MAX; i++)
        w->lists[w->n_lists++] = h->ids[i];
    if (h->n > WHO_LISTS_MAX)
        w->until_ms = w->from_ms; /* not to be found again */
}

static void make(const struct snapshot *s, struct slot *x, const struct facts *f, struct who *w)
{
    match_who(s, x, f);
    fill_live(s, w, f->now_ms);
    w->maybe = w->key.state == WHO_UNKNOWN ? w->own_maybe : w->yes;
    if (w->maybe != w->yes)
        memcpy(w->maybe, w->yes, s->n_words * sizeof *w->yes);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        if (snapshot_is_who((enum model_key)k))
            judge_key(s, x, w, k);
    sum_up(s, w);
    keep_lists(x, w);
    x->current = w;
}

static void put(const struct snapshot *s, struct slot *x, const struct facts *f, uint32_t at)
{
    x->who[at].key = x->asked;
    x->who_tag[at] = x->asked_tag;
    make(s, x, f, &x->who[at]);
}

/* The place of an origin in its bucket; or that of its older self, a free one or any: *is_here
 * tells. */
static uint32_t find_place(const struct slot *x, int64_t now_ms, bool *is_here)
{
    uint32_t first = bucket_of(x);
    uint32_t place = first + (x->epoch & (WHO_BUCKET - 1)); /* the one to give way */
    *is_here = false;
    for (uint32_t i = first; i < first + WHO_BUCKET; i++) {
        if (x->who_tag[i] == x->asked_tag && is_of(&x->who[i], &x->asked, now_ms)) {
            *is_here = true;
            return i;
        }
        if (x->who_tag[i] == 0 || x->who_tag[i] == x->asked_tag)
            place = i;
    }
    return place;
}

void who_find(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    bool is_here;
    uint32_t at = find_place(x, f->now_ms, &is_here);
    if (!is_here) {
        put(s, x, f, at);
        return;
    }
    x->current = &x->who[at];
    if (x->hits[KEY_CATEGORIES].n) /* many rules come up: their words will be looked through */
        for (uint32_t i = 0; i < s->n_words && i < PREFETCH_MOST; i += 8)
            __builtin_prefetch(x->current->maybe + i);
    for (unsigned i = 0; i < x->current->n_lists; i++)
        match_hit(x, KEY_LISTS, x->current->lists[i]);
}

void who_make(const struct snapshot *s, struct slot *x, const struct facts *f)
{
    bool is_here;
    put(s, x, f, find_place(x, f->now_ms, &is_here));
}
