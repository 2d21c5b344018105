/* timer: the wheel. Level n holds timers less than 64^(n+1) ms away; when time reaches a slot of a
 * higher level, its timers are sorted again into the lower ones. */
#include "proxyd/io/timer.h"

#include "base/must.h"

#define LEVEL_BITS 6

void timer_wheel_init(struct timer_wheel *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    for (int i = 0; i < TIMER_LEVELS; i++)
        w->used[i] = 0;
    for (int i = 0; i < TIMER_LEVELS * TIMER_SLOTS; i++)
        list_init(&w->slots[i]);
}

static void place(struct timer_wheel *w, struct timer *t)
{
    int64_t delta = t->at_ms - w->now_ms, at = t->at_ms;
    int level = 0;
    if (delta <= 0) {
        at = w->now_ms;
    } else {
        while (level < TIMER_LEVELS - 1 && delta >= INT64_C(1) << (LEVEL_BITS * (level + 1)))
            level++;
        int64_t most = (INT64_C(1) << (LEVEL_BITS * TIMER_LEVELS)) - 1;
        if (delta > most)
            at = w->now_ms + most;
    }
    unsigned index = (unsigned)(at >> (LEVEL_BITS * level)) & (TIMER_SLOTS - 1);
    t->slot = (uint16_t)((unsigned)level * TIMER_SLOTS + index);
    t->is_set = true;
    list_push_back(&w->slots[t->slot], &t->node);
    w->used[level] |= UINT64_C(1) << index;
}

void timer_stop(struct timer_wheel *w, struct timer *t)
{
    if (!t->is_set)
        return;
    list_remove(&t->node);
    t->is_set = false;
    if (list_empty(&w->slots[t->slot]))
        w->used[t->slot / TIMER_SLOTS] &= ~(UINT64_C(1) << (t->slot % TIMER_SLOTS));
}

void timer_set(struct timer_wheel *w, struct timer *t, int64_t at_ms)
{
    timer_stop(w, t);
    t->at_ms = at_ms > w->now_ms ? at_ms : w->now_ms + 1;
    place(w, t);
}

int64_t timer_wheel_next(const struct timer_wheel *w)
{
    int64_t best = -1;
    for (int level = 0; level < TIMER_LEVELS; level++) {
        if (!w->used[level])
            continue;
        int64_t turn = w->now_ms >> (LEVEL_BITS * level);
        unsigned from = ((unsigned)turn + 1) & (TIMER_SLOTS - 1);
        uint64_t bits = w->used[level];
        bits = from ? bits >> from | bits << (TIMER_SLOTS - from) : bits;
        int64_t at = (turn + 1 + __builtin_ctzll(bits)) << (LEVEL_BITS * level);
        if (best < 0 || at < best)
            best = at;
    }
    return best;
}

static void cascade(struct timer_wheel *w, int level)
{
    unsigned index = (unsigned)(w->now_ms >> (LEVEL_BITS * level)) & (TIMER_SLOTS - 1);
    struct list *slot = &w->slots[level * TIMER_SLOTS + (int)index];
    struct list all;
    if (list_empty(slot))
        return;
    list_insert_between(&all, slot->prev, slot);
    list_remove(slot);
    w->used[level] &= ~(UINT64_C(1) << index);
    while (!list_empty(&all)) {
        struct timer *t = LIST_ENTRY(all.next, struct timer, node);
        list_remove(&t->node);
        place(w, t);
    }
}

static void fire_slot(struct timer_wheel *w)
{
    struct list *slot = &w->slots[w->now_ms & (TIMER_SLOTS - 1)];
    /* what a callback sets for "now" goes to the next tick, so this ends */
    while (!list_empty(slot)) {
        struct timer *t = LIST_ENTRY(slot->next, struct timer, node);
        timer_stop(w, t);
        t->on_fire(t);
    }
}

void timer_wheel_advance(struct timer_wheel *w, int64_t now_ms)
{
    for (;;) {
        int64_t next = timer_wheel_next(w);
        if (next < 0 || next > now_ms)
            break;
        must(next > w->now_ms);
        w->now_ms = next;
        for (int level = TIMER_LEVELS - 1; level > 0; level--)
            if ((next & ((INT64_C(1) << (LEVEL_BITS * level)) - 1)) == 0)
                cascade(w, level);
        fire_slot(w);
    }
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
}
