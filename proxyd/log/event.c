/* event: bound the strings of a record, encode it, append it. */
#include "proxyd/log/event.h"

#include <string.h>

#define NAMES_MAX ((size_t)4 * EVENT_TEXT_MAX)

enum err event_join(const struct str *names, size_t n, struct arena *a, struct str *out)
{
    size_t total = 0, kept = 0;
    for (size_t i = 0; i < n && i < RECORD_LISTS_MAX; i++)
        total += names[i].n + 1;
    char *p = arena_alloc(a, total + 1);
    if (!p)
        return ERR_NOMEM;
    for (size_t i = 0; i < n && i < RECORD_LISTS_MAX; i++) {
        if (names[i].n == 0 || str_find(names[i], '\n') != STR_NPOS)
            continue;
        if (kept)
            p[kept++] = '\n';
        memcpy(p + kept, names[i].p, names[i].n);
        kept += names[i].n;
    }
    *out = str_make(p, kept);
    return OK;
}

struct str event_url_without_query(struct str url)
{
    size_t at = str_find(url, '?');
    return at == STR_NPOS ? url : str_sub(url, 0, at);
}

/* Not in the middle of a UTF-8 sequence. */
static void cut(struct str *s, size_t max)
{
    if (s->n <= max)
        return;
    size_t n = max;
    while (n > 0 && ((unsigned char)s->p[n] & 0xc0) == 0x80)
        n--;
    s->n = n;
}

/* Whole names only. */
static void cut_names(struct str *s, size_t max)
{
    if (s->n <= max)
        return;
    size_t at = str_rfind(str_sub(*s, 0, max + 1), '\n');
    s->n = at == STR_NPOS ? 0 : at;
}

void event_bound(struct record *r)
{
    struct str *const texts[12] = {&r->node,     &r->user,         &r->method,  &r->scheme,
                                   &r->host,     &r->content_type, &r->rule,    &r->rule_name,
                                   &r->upstream, &r->user_agent,   &r->referer, &r->error};
    for (size_t i = 0; i < 12; i++)
        cut(texts[i], EVENT_TEXT_MAX);
    cut(&r->url, EVENT_URL_MAX);
    cut_names(&r->groups, NAMES_MAX);
    cut_names(&r->categories, NAMES_MAX);
    cut_names(&r->shadow, NAMES_MAX);
}

void event_scratch_init(struct buf *scratch)
{
    buf_init(scratch, EVENT_SCRATCH_BYTES);
}

enum err event_offer(struct journal *j, struct buf *scratch, const struct record *r)
{
    struct record bounded = *r;
    event_bound(&bounded);
    buf_clear(scratch);
    enum err e = buf_reserve(scratch, EVENT_SCRATCH_BYTES); /* once: it keeps its memory */
    if (e != OK)
        return e;
    record_encode(&bounded, scratch);
    return scratch->failed ? ERR_LIMIT : journal_offer(j, buf_str(scratch));
}

enum err event_append(struct journal *j, struct buf *scratch, const struct record *r)
{
    enum err e = event_offer(j, scratch, r);
    if (e == OK)
        journal_keep(j);
    return e;
}
