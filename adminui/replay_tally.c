/* replay_tally: maps from a name to a row, and examples with the lowest ids. */
#include "adminui/replay_tally.h"

#include <stdlib.h>

#include "adminui/reply.h"

#define ARENA_CEILING ((size_t)256 << 20)

struct row {
    struct str name, title;
    uint64_t flips, newly_blocked, newly_allowed;
};

void replay_tally_init(struct replay_tally *t)
{
    *t = (struct replay_tally){0};
    arena_init(&t->arena, (size_t)64 << 10, ARENA_CEILING);
    for (int i = 0; i < TALLY_N; i++)
        map_init(&t->by[i]);
    for (int i = 0; i < TALLY_N_EXAMPLES; i++)
        t->examples[i] = json_array();
}

void replay_tally_fini(struct replay_tally *t)
{
    for (int i = 0; i < TALLY_N; i++)
        map_fini(&t->by[i]);
    for (int i = 0; i < TALLY_N_EXAMPLES; i++)
        json_decref(t->examples[i]);
    arena_fini(&t->arena);
}

static bool is_let_through(enum replay_outcome o)
{
    return o == REPLAY_ALLOWED;
}

static bool is_refused(enum replay_outcome o)
{
    return o == REPLAY_BLOCKED || o == REPLAY_REDIRECTED;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static struct row *row_of(struct replay_tally *t, enum tally_by by, struct str name)
{
    struct row *x = map_get(&t->by[by], name);
    if (x)
        return x;
    if (t->by[by].n >= TALLY_KEYS_MAX && name.n)
        return row_of(t, by, STR(""));
    x = arena_alloc(&t->arena, sizeof *x);
    if (!x)
        return NULL;
    x->name = arena_str(&t->arena, name);
    return map_put(&t->by[by], name, x, NULL) == OK ? x : NULL;
}

static void count(struct replay_tally *t, enum tally_by by, struct str name, const struct row *add)
{
    struct row *x = row_of(t, by, name);
    if (!x)
        return;
    x->flips += add->flips;
    x->newly_blocked += add->newly_blocked;
    x->newly_allowed += add->newly_allowed;
    if (!x->title.n && add->title.n)
        x->title = arena_str(&t->arena, add->title);
}

/* --- examples ----------------------------------------------------------------------------------
 */

static void example(struct replay_tally *t, enum tally_example kind, const struct replay_flip *f,
                    const char *text)
{
    struct small {
        char bytes[64];
    } room;
    struct buf b = {.p = room.bytes, .cap = sizeof room.bytes, .ceiling_bytes = sizeof room.bytes};
    if (json_array_size(t->examples[kind]) >= TALLY_EXAMPLES)
        return;
    ip_format(&f->r->client, &b);
    struct str rule = f->now->outcome == REPLAY_UNSURE || f->now->outcome == REPLAY_LOGIN
                          ? STR("")
                          : f->now->v.rule_id;
    json_array_append_new(
        t->examples[kind],
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:o,s:o,s:s}", "id", reply_u64(f->r->id),
                  "time", reply_time(f->r->time_ms), "user", reply_str(f->r->user), "client",
                  reply_str(buf_str(&b)), "host", reply_str(f->r->host), "url",
                  reply_str(f->r->url), "before", replay_outcome_name(f->then), "after",
                  replay_outcome_name(f->now->outcome), "rule_before", reply_str(f->r->rule),
                  "rule_after", reply_str(rule), "text", text));
}

static const char *flip_text(const struct replay_flip *f)
{
    if (f->now->outcome == REPLAY_LOGIN)
        return "it would be asked who it is";
    if (f->then == REPLAY_LOGIN)
        return "nobody would be asked any more who it is";
    return f->now->v.is_spent ? "the quota was used up" : "";
}

/* --- counting ----------------------------------------------------------------------------------
 */

void replay_tally_flip(struct replay_tally *t, const struct replay_flip *f)
{
    enum replay_outcome now = f->now->outcome;
    struct row add = {.flips = 1};
    struct str category, categories = f->r->categories;
    add.newly_blocked = is_refused(now) && !is_refused(f->then);
    add.newly_allowed = is_let_through(now) && !is_let_through(f->then);
    t->flips++;
    t->newly_blocked += add.newly_blocked;
    t->newly_allowed += add.newly_allowed;
    t->other += !add.newly_blocked && !add.newly_allowed;
    count(t, TALLY_USER, f->r->user, &add);
    count(t, TALLY_HOST, f->r->host, &add);
    if (!categories.n)
        count(t, TALLY_CATEGORY, STR(""), &add);
    while (str_split(&categories, '\n', &category))
        count(t, TALLY_CATEGORY, category, &add);
    if (now != REPLAY_LOGIN) {
        add.title = f->now->v.rule_name;
        count(t, TALLY_RULE, f->now->v.rule_id, &add);
    }
    example(t, TALLY_FLIP, f, flip_text(f));
}

void replay_tally_lists(struct replay_tally *t, const struct replay_flip *f)
{
    t->by_lists++;
    example(t, TALLY_LISTS, f, "a category list has changed since");
}

void replay_tally_unsure(struct replay_tally *t, const struct replay_flip *f,
                         enum replay_doubt doubt)
{
    t->unsure++;
    t->doubts[doubt]++;
    example(t, TALLY_UNSURE, f, replay_doubt_text(doubt));
}

/* --- sums --------------------------------------------------------------------------------------
 */

void replay_tally_add(struct replay_tally *to, const struct replay_tally *from)
{
    to->records += from->records;
    to->judged += from->judged;
    to->flips += from->flips;
    to->newly_blocked += from->newly_blocked;
    to->newly_allowed += from->newly_allowed;
    to->other += from->other;
    to->by_lists += from->by_lists;
    to->unsure += from->unsure;
    to->rule_changes += from->rule_changes;
    for (int i = 0; i < REPLAY_N_DOUBTS; i++)
        to->doubts[i] += from->doubts[i];
    for (int by = 0; by < TALLY_N; by++) {
        struct str name;
        void *x;
        size_t at = 0;
        while (map_each(&from->by[by], &at, &name, &x))
            count(to, (enum tally_by)by, name, x);
    }
    for (int i = 0; i < TALLY_N_EXAMPLES; i++)
        json_array_extend(to->examples[i], from->examples[i]);
}

static int most_first(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    if (x->flips != y->flips)
        return x->flips < y->flips ? 1 : -1;
    return str_cmp(x->name, y->name);
}

static json_t *rows_json(const struct map *m)
{
    json_t *all = json_array();
    struct row **rows = calloc(m->n + 1, sizeof *rows);
    struct str name;
    void *x;
    size_t at = 0, n = 0;
    while (rows && map_each(m, &at, &name, &x))
        rows[n++] = x;
    if (n)
        qsort(rows, n, sizeof *rows, most_first);
    for (size_t i = 0; i < n && i < TALLY_SHOWN; i++)
        json_array_append_new(
            all, json_pack("{s:o,s:o,s:o,s:o,s:o}", "name", reply_str(rows[i]->name), "title",
                           reply_str(rows[i]->title), "flips", reply_u64(rows[i]->flips),
                           "newly_blocked", reply_u64(rows[i]->newly_blocked), "newly_allowed",
                           reply_u64(rows[i]->newly_allowed)));
    free(rows);
    return all;
}

static int by_id(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));
    return (x > y) - (x < y);
}

/* Several threads kept the first of their own part: the first of all. */
static json_t *first_examples(const json_t *from)
{
    json_t *out = json_array(), **all;
    size_t n = json_array_size(from);
    all = calloc(n + 1, sizeof *all);
    for (size_t i = 0; all && i < n; i++)
        all[i] = json_array_get(from, i);
    if (all && n)
        qsort(all, n, sizeof *all, by_id);
    for (size_t i = 0; all && i < n && i < TALLY_EXAMPLES; i++)
        json_array_append(out, all[i]);
    free(all);
    return out;
}

static json_t *reasons(const struct replay_tally *t)
{
    json_t *all = json_array();
    for (int i = 0; i < REPLAY_N_DOUBTS; i++) {
        if (t->doubts[i])
            json_array_append_new(all, json_pack("{s:s,s:o}", "text",
                                                 replay_doubt_text((enum replay_doubt)i), "n",
                                                 reply_u64(t->doubts[i])));
    }
    return all;
}

static uint64_t distinct(const struct map *m)
{
    return m->n - (map_get(m, STR("")) != NULL);
}

json_t *replay_tally_json(const struct replay_tally *t)
{
    json_t *j = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "records",
                          reply_u64(t->records), "judged", reply_u64(t->judged), "flips",
                          reply_u64(t->flips), "people", reply_u64(distinct(&t->by[TALLY_USER])),
                          "hosts", reply_u64(distinct(&t->by[TALLY_HOST])), "newly_blocked",
                          reply_u64(t->newly_blocked), "newly_allowed", reply_u64(t->newly_allowed),
                          "other", reply_u64(t->other), "unsure", reply_u64(t->unsure), "by_lists",
                          reply_u64(t->by_lists), "rule_changes", reply_u64(t->rule_changes));
    if (!j)
        return NULL;
    json_object_set_new(j, "by_user", rows_json(&t->by[TALLY_USER]));
    json_object_set_new(j, "by_host", rows_json(&t->by[TALLY_HOST]));
    json_object_set_new(j, "by_category", rows_json(&t->by[TALLY_CATEGORY]));
    json_object_set_new(j, "by_rule", rows_json(&t->by[TALLY_RULE]));
    json_object_set_new(j, "unsure_reasons", reasons(t));
    json_object_set_new(j, "examples", first_examples(t->examples[TALLY_FLIP]));
    json_object_set_new(j, "examples_lists", first_examples(t->examples[TALLY_LISTS]));
    json_object_set_new(j, "examples_unsure", first_examples(t->examples[TALLY_UNSURE]));
    return j;
}
