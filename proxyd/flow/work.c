/* work: taking and giving back. */
#include "proxyd/flow/work.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "proxyd/flow/context.h"
#include "proxyd/flow/form.h"

#define KEEP_FREE 512

struct work *work_take(struct worker *w, struct request *r)
{
    struct work *k = w->free_work;
    if (k) {
        w->free_work = k->next;
        w->n_free_work--;
    } else {
        k = malloc(sizeof *k);
        if (!k)
            return NULL;
        arena_init(&k->arena, WORK_ARENA_BLOCK, WORK_ARENA_CEILING);
        buf_init(&k->reply, WORK_REPLY_MAX);
        buf_init(&k->form, FORM_MAX);
    }
    size_t from = offsetof(struct work, is_head_whole), to = offsetof(struct work, verdict);
    memset((char *)k + from, 0, to - from);
    k->next = NULL;
    k->r = r;
    w->n_work++;
    return k;
}

/* It may hold a password. */
static void wipe_form(struct work *k)
{
    if (k->form.p)
        secret_wipe(k->form.p, k->form.cap);
    buf_fini(&k->form);
}

static void destroy(struct work *k)
{
    arena_fini(&k->arena);
    buf_fini(&k->reply);
    wipe_form(k);
    free(k);
}

void work_give(struct worker *w, struct work *k)
{
    w->n_work--;
    identity_person_unref(k->ask.person);
    k->ask.person = NULL;
    if (w->n_free_work >= KEEP_FREE) {
        destroy(k);
        return;
    }
    arena_reset(&k->arena);
    buf_fini(&k->reply);
    wipe_form(k);
    k->next = w->free_work;
    w->free_work = k;
    w->n_free_work++;
}

void work_free_all(struct worker *w)
{
    while (w->free_work) {
        struct work *k = w->free_work;
        w->free_work = k->next;
        destroy(k);
    }
    w->n_free_work = 0;
}
