/* snapshot: references, scratch slots, and freeing. */
#include "policies/snapshot.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "policies/snapshot_layout.h"
#include "policies/who.h"

#define WARM_MAX 8

struct snapshot *snapshot_ref(struct snapshot *s)
{
    atomic_fetch_add_explicit(&s->n_refs, 1, memory_order_relaxed);
    return s;
}

static void free_key(struct key_table *k)
{
    map_fini(&k->ids);
    free(k->text);
    free(k->part);
    for (int side = 0; side < MODEL_N_SIDES; side++) {
        for (uint32_t v = 0; k->fit[side] && v < k->n; v++) {
            free(k->fit[side][v].dense);
            free(k->fit[side][v].leads);
            free(k->fit[side][v].words);
        }
        free(k->fit[side]);
        free(k->rules[side]);
        free(k->bound[side]);
        for (int p = 0; p < PARTS_MAX; p++)
            free(k->has_part[side][p]);
    }
    for (int p = 0; p < PARTS_MAX; p++) {
        free(k->part_leads[p]);
        free(k->part_words[p]);
    }
}

static void free_slot(struct slot *x)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        free(x->hits[k].ids);
        free(x->hits[k].epoch);
    }
    set_url_scratch_free(x->patterns);
    set_url_scratch_free(x->agents);
    category_scratch_free(x->expressions);
    free(x->acc);
    free(x->lead);
    free(x->inside);
    free(x->todo);
    free(x->bits);
    who_fini(x);
}

static void free_tags(struct tags *t)
{
    free(t->start);
    free(t->v);
}

static void snapshot_free(struct snapshot *s)
{
    for (int k = 0; k < MODEL_N_KEYS; k++)
        free_key(&s->keys[k]);
    for (int i = 0; i < SLOTS_MAX; i++)
        free_slot(&s->slots[i]);
    for (size_t i = 0; i < s->n_schedules; i++)
        schedule_fini(&s->schedules[i]);
    free(s->schedules);
    free(s->bound);
    free(s->who_leads);
    free(s->effect);
    free(s->enabled);
    free(s->shadow);
    free(s->expiring);
    set_name_fini(&s->names);
    free_tags(&s->name_tags);
    set_net_fini(&s->nets);
    free_tags(&s->net_tags);
    set_net_fini(&s->server_nets);
    free_tags(&s->server_net_tags);
    free_tags(&s->pattern_tags);
    free(s->pattern_text);
    free(s->host_pattern);
    free_tags(&s->port_tags);
    set_url_free(s->patterns);
    set_url_free(s->agents);
    free(s->agent_value);
    free(s->category_value);
    free(s->port_class);
    category_index_unref(s->index);
    for (size_t i = 0; s->model && i < s->model->n_rules; i++)
        if (s->model->rules[i].effects)
            zone_free(s->model->rules[i].effects->quota.zone);
    model_free(s->model);
    free(s);
}

void snapshot_unref(struct snapshot *s)
{
    if (s && atomic_fetch_sub_explicit(&s->n_refs, 1, memory_order_acq_rel) == 1)
        snapshot_free(s);
}

uint64_t snapshot_version(const struct snapshot *s)
{
    return s->version;
}

enum snapshot_identity snapshot_identity(const struct snapshot *s)
{
    return s->model->identity;
}

uint64_t snapshot_n_limited(const struct snapshot *s)
{
    return (s->patterns ? set_url_n_limited(s->patterns) : 0) +
           (s->agents ? set_url_n_limited(s->agents) : 0) + category_n_limited(s->index);
}

uint32_t snapshot_n_rules(const struct snapshot *s)
{
    return s->n_rules;
}

enum facts_stage snapshot_stage(enum model_key key, unsigned part)
{
    static const uint8_t stage[MODEL_N_KEYS][PARTS_MAX] = {
        [KEY_USERS] = {FACTS_IDENTITY},
        [KEY_GROUPS] = {FACTS_IDENTITY},
        [KEY_NETWORKS] = {FACTS_CONNECT},
        [KEY_LISTENERS] = {FACTS_CONNECT},
        [KEY_SCHEDULES] = {FACTS_CONNECT},
        [KEY_SCHEMES] = {FACTS_TARGET},
        [KEY_METHODS] = {FACTS_TARGET},
        [KEY_PORTS] = {FACTS_TARGET},
        [KEY_HOSTS] = {FACTS_TARGET},
        [KEY_URL_PATTERNS] = {FACTS_URL},
        [KEY_CATEGORIES] = {FACTS_TARGET, FACTS_URL},
        [KEY_LISTS] = {FACTS_TARGET, FACTS_URL,
                       FACTS_CONNECT}, /* in the order of enum model_list_kind */
        [KEY_CONTENT_TYPES] = {FACTS_ANSWER},
        [KEY_EXTENSIONS] = {FACTS_URL},
        [KEY_USER_AGENTS] = {FACTS_URL},
        [KEY_MIN_BYTES] = {FACTS_ANSWER},
        [KEY_MAX_BYTES] = {FACTS_ANSWER},
        [KEY_SERVER_NETWORKS] = {FACTS_ADDRESS},
    };
    return (enum facts_stage)stage[key][part];
}

bool snapshot_is_who(enum model_key key)
{
    return key == KEY_USERS || key == KEY_GROUPS || key == KEY_NETWORKS || key == KEY_LISTENERS ||
           key == KEY_SCHEDULES;
}

static bool make_slot(const struct snapshot *s, struct slot *x)
{
    for (int k = 0; k < MODEL_N_KEYS; k++) {
        x->hits[k].ids = calloc(s->keys[k].n + 1, sizeof(uint32_t));
        x->hits[k].epoch = calloc(s->keys[k].n + 1, sizeof(uint32_t));
        if (!x->hits[k].ids || !x->hits[k].epoch)
            return false;
    }
    x->patterns = s->patterns ? set_url_scratch_new(s->patterns) : NULL;
    x->agents = s->agents ? set_url_scratch_new(s->agents) : NULL;
    enum err e;
    x->expressions = category_scratch_new(s->index, &e);
    x->acc = snapshot_rows(s);
    x->lead = calloc((size_t)s->n_words + 1, sizeof *x->lead);
    x->inside = calloc(s->n_schedules + 1, sizeof *x->inside);
    x->bits = calloc(s->n_words + 1, sizeof *x->bits);
    x->todo = calloc(s->n_todo + 1, sizeof *x->todo);
    x->minute = -1;
    return e == OK && x->acc && x->lead && x->inside && x->bits && x->todo &&
           !s->patterns == !x->patterns && !s->agents == !x->agents && who_init(s, x);
}

uint64_t *snapshot_rows(const struct snapshot *s)
{
    size_t bytes = ((size_t)s->n_words * s->n_row + 8) * sizeof(uint64_t);
    uint64_t *rows = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (rows)
        memset(rows, 0, bytes);
    return rows;
}

struct snapshot *snapshot_alloc(void)
{
    struct snapshot *s = aligned_alloc(_Alignof(struct snapshot), sizeof *s);
    if (s)
        memset(s, 0, sizeof *s);
    return s;
}

bool snapshot_warm(struct snapshot *s)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < n && i < WARM_MAX; i++) {
        struct slot *x = &s->slots[i];
        x->is_made = make_slot(s, x);
        if (!x->is_made) {
            free_slot(x);
            *x = (struct slot){0};
            return false;
        }
    }
    return true;
}

struct slot *snapshot_slot_take(const struct snapshot *s)
{
    struct snapshot *own =
        (struct snapshot *)(uintptr_t)s; /* the slots are its scratch, not its content */
    int cpu = sched_getcpu();
    unsigned first = cpu < 0 ? 0 : (unsigned)cpu;
    for (unsigned tries = 0;; tries++) {
        struct slot *x = &own->slots[(first + tries) % SLOTS_MAX];
        if (!atomic_load_explicit(&x->is_taken, memory_order_relaxed) &&
            !atomic_exchange_explicit(&x->is_taken, true, memory_order_acquire)) {
            if (x->is_made)
                return x;
            x->is_made = make_slot(s, x);
            if (x->is_made)
                return x;
            free_slot(x);
            *x = (struct slot){0};
            return NULL;
        }
        if (tries && tries % SLOTS_MAX == 0)
            sched_yield();
    }
}

void snapshot_slot_give(struct slot *x)
{
    atomic_store_explicit(&x->is_taken, false, memory_order_release);
}

bool snapshot_hides_query(const struct snapshot *s, struct str rule_id)
{
    for (size_t i = 0; i < s->model->n_rules; i++) {
        const struct model_rule *r = &s->model->rules[i];
        if (r->log == VERDICT_LOG_NO_QUERY && str_eq(r->id, rule_id))
            return true;
    }
    return false;
}

bool snapshot_hides_queries(const struct snapshot *s)
{
    for (size_t i = 0; i < s->model->n_rules; i++)
        if (s->model->rules[i].log == VERDICT_LOG_NO_QUERY)
            return true;
    return false;
}
