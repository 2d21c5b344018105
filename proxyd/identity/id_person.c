/* id_person: see id_person.h. */
#include "proxyd/identity/id_person.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/secret.h"

struct boxed { /* the groups follow, then their paths, then the bytes of all texts */
    struct identity_person person;
    atomic_uint refs;
    struct str groups[];
};

static struct str keep(char **at, struct str s)
{
    struct str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    *(*at)++ = 0;
    return kept;
}

struct identity_person *id_person_new(const struct identity_person *like)
{
    size_t n = like->n_groups, bytes = like->name.n + 1;
    const struct str *paths = like->group_paths ? like->group_paths : like->groups;
    for (size_t i = 0; i < n; i++)
        bytes += like->groups[i].n + 1 + paths[i].n + 1;
    struct boxed *b = calloc(1, sizeof *b + 2 * n * sizeof b->groups[0] + bytes);
    if (!b)
        return NULL;
    char *at = (char *)&b->groups[2 * n];
    b->person = *like;
    b->person.name = keep(&at, like->name);
    for (size_t i = 0; i < n; i++)
        b->groups[i] = keep(&at, like->groups[i]);
    for (size_t i = 0; i < n; i++)
        b->groups[n + i] = keep(&at, paths[i]);
    b->person.groups = b->groups;
    b->person.group_paths = b->groups + n;
    if (secret_random(&b->person.number, sizeof b->person.number) != OK)
        b->person.number = 0;
    atomic_init(&b->refs, 1);
    return &b->person;
}

struct identity_person *identity_person_ref(struct identity_person *p)
{
    struct boxed *b = (struct boxed *)(void *)p;
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return p;
}

void identity_person_unref(struct identity_person *p)
{
    if (!p)
        return;
    struct boxed *b = (struct boxed *)(void *)p;
    unsigned before = atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel);
    must(before > 0);
    if (before == 1)
        free(b);
}
