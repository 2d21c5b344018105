/* remember: a map and a list by age. */
#include "proxyd/flow/remember.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

struct memory {
    struct list by_age;
    int64_t until_ms;
    size_t key_n;
    char key[];
};

void remember_init(struct remember *m)
{
    map_init(&m->by_key);
    list_init(&m->by_age);
}

static void forget(struct remember *m, struct memory *x)
{
    list_remove(&x->by_age);
    must(map_remove(&m->by_key, str_make(x->key, x->key_n)) == x);
    free(x);
}

void remember_fini(struct remember *m)
{
    while (!list_empty(&m->by_age))
        forget(m, LIST_ENTRY(m->by_age.next, struct memory, by_age));
    map_fini(&m->by_key);
}

void remember_put(struct remember *m, struct str key, int64_t until_ms)
{
    struct memory *x = map_get(&m->by_key, key);
    if (x) {
        x->until_ms = until_ms;
        list_remove(&x->by_age);
        list_push_back(&m->by_age, &x->by_age);
        return;
    }
    if (m->by_key.n >= REMEMBER_MAX)
        forget(m, LIST_ENTRY(m->by_age.next, struct memory, by_age));
    x = malloc(sizeof *x + key.n);
    if (!x)
        return;
    x->until_ms = until_ms;
    x->key_n = key.n;
    memcpy(x->key, key.p, key.n);
    list_init(&x->by_age);
    if (map_put(&m->by_key, key, x, NULL) != OK) {
        free(x);
        return;
    }
    list_push_back(&m->by_age, &x->by_age);
}

bool remember_has(struct remember *m, struct str key, int64_t now_ms)
{
    if (m->by_key.n == 0)
        return false;
    struct memory *x = map_get(&m->by_key, key);
    if (!x)
        return false;
    if (x->until_ms > now_ms)
        return true;
    forget(m, x);
    return false;
}

struct str remember_key(struct str who, struct str host, char out[REMEMBER_KEY_MAX])
{
    size_t n_who = who.n < 380 ? who.n : 380, n_host = host.n < 255 ? host.n : 255;
    if (n_who)
        memcpy(out, who.p, n_who);
    out[n_who] = '\n';
    if (n_host)
        memcpy(out + n_who + 1, host.p, n_host);
    return str_make(out, n_who + 1 + n_host);
}
