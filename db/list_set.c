/* list_set: gather, sort, drop doubles. */
#include "db/list_set.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((uint64_t)1 << 40)

void list_set_init(struct list_set *s)
{
    *s = (struct list_set){0};
}

void list_set_fini(struct list_set *s)
{
    free(s->items);
    free(s->text);
    *s = (struct list_set){0};
}

static uint64_t key_of(struct str e)
{
    unsigned char bytes[8] = {0};
    uint64_t key = 0;
    memcpy(bytes, e.p, e.n < 8 ? e.n : 8);
    for (int i = 0; i < 8; i++)
        key = key << 8 | bytes[i];
    return key;
}

static enum err make_room(struct list_set *s, size_t text)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct list_item *more = realloc(s->items, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        s->items = more;
        s->cap = cap;
    }
    if (s->text_n + text > s->text_cap) {
        size_t cap = s->text_cap ? s->text_cap * 2 : 4096;
        while (cap < s->text_n + text)
            cap *= 2;
        char *more = realloc(s->text, cap);
        if (!more)
            return ERR_NOMEM;
        s->text = more;
        s->text_cap = cap;
    }
    return OK;
}

enum err list_set_add(struct list_set *s, struct str entry)
{
    if (entry.n == 0 || entry.n >= 1u << 24 || s->text_n + entry.n >= TEXT_MAX)
        return ERR_LIMIT;
    enum err e = make_room(s, entry.n);
    if (e != OK)
        return e;
    memcpy(s->text + s->text_n, entry.p, entry.n);
    s->items[s->n++] =
        (struct list_item){key_of(entry), s->text_n & (TEXT_MAX - 1), (uint32_t)entry.n & 0xffffff};
    s->text_n += entry.n;
    return OK;
}

static int compare(const void *a, const void *b, void *text)
{
    const struct list_item *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    const char *t = text;
    return str_cmp(str_make(t + x->at, x->size), str_make(t + y->at, y->size));
}

static bool is_sorted(const struct list_set *s)
{
    for (size_t i = 1; i < s->n; i++) {
        if (compare(&s->items[i - 1], &s->items[i], s->text) > 0)
            return false;
    }
    return true;
}

enum err list_set_seal(struct list_set *s)
{
    if (s->n == 0)
        return OK;
    if (!is_sorted(s))
        qsort_r(s->items, s->n, sizeof *s->items, compare, s->text);
    char *out = malloc(s->text_n + s->n);
    if (!out)
        return ERR_NOMEM;
    size_t at = 0, kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (i && compare(&s->items[i - 1], &s->items[i], s->text) == 0)
            continue;
        memcpy(out + at, s->text + s->items[i].at, s->items[i].size);
        at += s->items[i].size;
        out[at++] = '\n';
        kept++;
    }
    s->duplicates = s->n - kept;
    free(s->items);
    free(s->text);
    *s = (struct list_set){.text = out, .text_n = at, .n = kept, .duplicates = s->duplicates};
    return OK;
}

struct str list_set_text(const struct list_set *s)
{
    return str_make(s->text_n ? s->text : "", s->text_n);
}

bool list_set_next(struct str *rest, struct str *entry)
{
    return str_split(rest, '\n', entry);
}
