/* parent_watch: a loop of its own with health on it. */
#include "proxyd/main/parent_watch.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/diag.h"
#include "proxyd/io/wake.h"
#include "proxyd/upstream/health.h"

#define TICK_MS 500

struct parent_watch {
    struct loop loop;
    struct wake wake;
    struct health *health;
    struct parents *parents; /* one reference */
    struct timer tick;
    pthread_t thread;
};

static void look(const struct parent_group *g)
{
    for (uint16_t i = 0; i < g->n; i++) {
        struct parent_health *h = g->members[i].health;
        bool is_down = atomic_load(&h->is_down);
        if (is_down == h->was_down)
            continue;
        h->was_down = is_down;
        if (is_down)
            diag(DIAG_WARN, "main", "a parent proxy is down", "member", g->members[i].text.p, "why",
                 err_name((enum err)atomic_load(&h->last)), NULL);
        else
            diag(DIAG_INFO, "main", "the parent proxy is up again", "member", g->members[i].text.p,
                 NULL);
    }
}

static void on_tick(struct timer *t)
{
    struct parent_watch *w = LIST_ENTRY(t, struct parent_watch, tick);
    for (uint16_t i = 0; w->parents && i < w->parents->n; i++)
        look(&w->parents->groups[i]);
    timer_set(&w->loop.timers, t, w->loop.now_ms + TICK_MS);
}

/* --- messages -------------------------------------------------------------------------------- */

struct message {
    struct wake_message m;
    struct parents *parents;
};

static void on_set(struct wake_message *m, void *owner)
{
    struct message *s = LIST_ENTRY(m, struct message, m);
    struct parent_watch *w = owner;
    if (s->parents != w->parents && health_set(w->health, parents_ref(s->parents)) == OK) {
        parents_unref(w->parents);
        w->parents = parents_ref(s->parents);
    }
    parents_unref(s->parents);
    free(s);
}

static void on_stop(struct wake_message *m, void *owner)
{
    struct parent_watch *w = owner;
    free(m);
    loop_stop(&w->loop);
}

static enum err post(struct parent_watch *w, void (*run)(struct wake_message *m, void *owner),
                     struct parents *take_parents)
{
    struct message *s = malloc(sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct message){.m.run = run, .parents = take_parents};
    wake_post(&w->wake, &s->m);
    return OK;
}

enum err parent_watch_set(struct parent_watch *w, const struct flow_set *set)
{
    if (!w)
        return OK;
    struct parents *p = parents_ref(set->parents);
    enum err e = post(w, on_set, p);
    if (e != OK)
        parents_unref(p);
    return e;
}

/* --- the thread ------------------------------------------------------------------------------ */

static void *run(void *arg)
{
    struct parent_watch *w = arg;
    if (loop_run(&w->loop) != OK)
        diag(DIAG_ERROR, "main", "parent proxies are not asked after any more", NULL);
    return NULL;
}

static void close_parts(struct parent_watch *w)
{
    health_close(w->health);
    wake_close(&w->wake);
    timer_stop(&w->loop.timers, &w->tick);
    loop_close(&w->loop);
    parents_unref(w->parents);
    free(w);
}

enum err parent_watch_start(const struct parent_watch_parts *p, struct parent_watch **out)
{
    struct parent_watch *w = calloc(1, sizeof *w);
    if (!w)
        return ERR_NOMEM;
    enum err e = loop_open(&w->loop, p->clock);
    if (e == OK)
        e = wake_open(&w->wake, &w->loop, w);
    if (e != OK) {
        loop_close(&w->loop);
        free(w);
        return e;
    }
    timer_init(&w->tick, on_tick);
    timer_set(&w->loop.timers, &w->tick, w->loop.now_ms + TICK_MS);
    e = health_open(&w->loop, p->guard, p->names, &w->health);
    if (e == OK && pthread_create(&w->thread, NULL, run, w) != 0)
        e = ERR_NOMEM;
    if (e != OK) {
        close_parts(w);
        return e;
    }
    *out = w;
    return OK;
}

void parent_watch_stop(struct parent_watch *w)
{
    if (!w)
        return;
    while (post(w, on_stop, NULL) != OK) /* it cannot be left running */
        continue;
    pthread_join(w->thread, NULL);
    close_parts(w);
}

/* --- for people ------------------------------------------------------------------------------ */

static json_t *since(const struct parent_health *h, const struct clock *clock)
{
    char at[CLOCK_RFC3339_BYTES];
    int64_t ms = atomic_load(&h->since_ms);
    if (ms == 0)
        return json_null();
    clock_format_rfc3339(clock_wall_ms(clock) - (clock_mono_ms(clock) - ms), at);
    return json_string(at);
}

static json_t *item(const struct parents *p, const struct parent_group *g,
                    const struct parent_member *m, const struct clock *clock)
{
    const struct parent_health *h = m->health;
    bool is_down = atomic_load(&h->is_down);
    struct str address = str_sub(m->text, g->name.n + 1, m->text.n);
    return json_pack(
        "{s:o, s:b, s:o, s:s, s:o, s:s, s:b, s:i, s:I, s:I, s:I, s:I}", "group",
        json_stringn(g->name.p, g->name.n), "default", p->standard == g, "address",
        json_stringn(address.p, address.n), "state", is_down ? "down" : "up", "since",
        since(h, clock), "error", is_down ? err_name((enum err)atomic_load(&h->last)) : "",
        "backup", (int)m->is_backup, "weight", (int)m->weight, "requests",
        (json_int_t)atomic_load(&h->n_taken), "failures", (json_int_t)atomic_load(&h->n_failed),
        "checks", (json_int_t)atomic_load(&h->n_checks), "missed",
        (json_int_t)atomic_load(&h->n_missed));
}

json_t *parent_watch_status(const struct flow_set *set, const struct clock *clock)
{
    const struct parents *p = set->parents;
    json_t *items = json_array();
    for (uint16_t g = 0; p && g < p->n; g++)
        for (uint16_t i = 0; i < p->groups[g].n; i++)
            json_array_append_new(items, item(p, &p->groups[g], &p->groups[g].members[i], clock));
    return json_pack("{s:o}", "items", items);
}

json_t *parent_watch_summary(const struct flow_set *set)
{
    const struct parents *p = set->parents;
    int n = 0, n_down = 0, n_groups_down = 0;
    for (uint16_t g = 0; p && g < p->n; g++) {
        int n_up = 0;
        for (uint16_t i = 0; i < p->groups[g].n; i++)
            n_up += !atomic_load(&p->groups[g].members[i].health->is_down);
        n += p->groups[g].n;
        n_down += p->groups[g].n - n_up;
        n_groups_down += n_up == 0;
    }
    return json_pack("{s:i, s:i, s:i, s:i}", "groups", p ? (int)p->n : 0, "groups_down",
                     n_groups_down, "members", n, "members_down", n_down);
}
