/* policy_hold: a handful of snapshots in an array. */
#include "adminui/policy_hold.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "db/index_file.h"

struct kept {
    uint64_t version, revision, index_number, used;
    struct snapshot *snapshot;
};

struct policy_hold {
    struct app *app;
    pthread_mutex_t lock;
    struct index_file index;
    bool is_damaged;
    uint64_t index_number, tick; /* index_number moves with every opening */
    struct kept kept[POLICY_HOLD_MAX];
};

enum err policy_hold_open(struct app *app, struct policy_hold **out)
{
    struct policy_hold *h = calloc(1, sizeof *h);
    if (!h)
        return ERR_NOMEM;
    h->app = app;
    pthread_mutex_init(&h->lock, NULL);
    enum err e = index_file_init(&h->index, app->index_path);
    if (e != OK) {
        policy_hold_close(h);
        return e;
    }
    *out = h;
    return OK;
}

void policy_hold_close(struct policy_hold *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < POLICY_HOLD_MAX; i++)
        snapshot_unref(h->kept[i].snapshot);
    index_file_fini(&h->index);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Under the lock. */
static void refresh_index(struct policy_hold *h)
{
    bool is_new;
    h->is_damaged = index_file_refresh(&h->index, &is_new) != OK;
    h->index_number += is_new;
}

struct category_index *policy_hold_index(struct policy_hold *h, bool *is_damaged)
{
    pthread_mutex_lock(&h->lock);
    refresh_index(h);
    struct category_index *x = h->index.index ? category_index_ref(h->index.index) : NULL;
    *is_damaged = h->is_damaged;
    pthread_mutex_unlock(&h->lock);
    return x;
}

static struct kept *find(struct policy_hold *h, const struct policy_ask *ask)
{
    for (size_t i = 0; i < POLICY_HOLD_MAX; i++) {
        struct kept *k = &h->kept[i];
        if (k->snapshot && k->version == ask->version && k->revision == ask->revision &&
            k->index_number == h->index_number)
            return k;
    }
    return NULL;
}

static void keep(struct policy_hold *h, const struct policy_ask *ask, uint64_t index_number,
                 struct snapshot *s)
{
    struct kept *oldest = &h->kept[0];
    if (!ask->version && !ask->revision)
        return;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 1; i < POLICY_HOLD_MAX; i++)
        if (h->kept[i].used < oldest->used)
            oldest = &h->kept[i];
    snapshot_unref(oldest->snapshot);
    *oldest = (struct kept){.version = ask->version,
                            .revision = ask->revision,
                            .index_number = index_number,
                            .used = ++h->tick,
                            .snapshot = snapshot_ref(s)};
    pthread_mutex_unlock(&h->lock);
}

/* The snapshot used last: its compiled patterns are shared with the next. One reference, or NULL.
 */
static struct snapshot *newest_kept(struct policy_hold *h)
{
    const struct kept *newest = &h->kept[0];
    for (size_t i = 1; i < POLICY_HOLD_MAX; i++)
        if (h->kept[i].used > newest->used)
            newest = &h->kept[i];
    return newest->snapshot ? snapshot_ref(newest->snapshot) : NULL;
}

enum err policy_hold_get(struct policy_hold *h, const struct policy_ask *ask, struct report *report,
                         struct snapshot **out)
{
    *report = (struct report){0};
    pthread_mutex_lock(&h->lock);
    refresh_index(h);
    uint64_t number = h->index_number;
    struct kept *k = ask->version || ask->revision ? find(h, ask) : NULL;
    struct category_index *index = h->index.index ? category_index_ref(h->index.index) : NULL;
    if (k) {
        k->used = ++h->tick;
        *out = snapshot_ref(k->snapshot);
    }
    struct snapshot *newest = k ? NULL : newest_kept(h);
    pthread_mutex_unlock(&h->lock);
    enum err e = OK;
    if (!k) {
        struct compile_input in = {.document = ask->document,
                                   .version = ask->version,
                                   .index = index,
                                   .previous = newest,
                                   .refuse_costly = ask->version == 0};
        e = policy_compile(&in, report, out);
        if (e == OK)
            keep(h, ask, number, *out);
    }
    snapshot_unref(newest);
    category_index_unref(index);
    return e;
}
