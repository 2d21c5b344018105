/* reading: a ring of the questions last asked. */
#include "adminui/reading.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#include "adminui/app.h"

#define TEXT_MAX 2000

struct readings {
    pthread_mutex_t lock;
    struct {
        XXH128_hash_t question;
        int64_t at_ms; /* monotonic */
    } kept[READING_KEPT];
    size_t next, n;
};

enum err readings_open(struct readings **out)
{
    struct readings *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return OK;
}

void readings_close(struct readings *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* How far it is paged is no part of the question. */
static bool is_paging(struct str name)
{
    return str_eq(name, STR("cursor")) || str_eq(name, STR("limit")) ||
           str_eq(name, STR("last_event_id"));
}

static void question(const struct call *c, struct buf *out)
{
    if (c->params[0].n)
        buf_add(out, c->params[0]);
    for (size_t i = 0; i < c->query.n; i++) {
        if (is_paging(c->query.pairs[i].name))
            continue;
        buf_add_z(out, out->n ? "&" : "");
        buf_add(out, c->query.pairs[i].name);
        buf_add_c(out, '=');
        buf_add(out, c->query.pairs[i].value);
    }
}

/* Question, asker and kind as one number. */
static XXH128_hash_t number(const struct call *c, struct str text)
{
    struct buf b;
    buf_init(&b, 128u << 10);
    buf_addf(&b, "%s\n%d\n%s\n%s\n", c->caller.name, (int)c->caller.via, c->address,
             c->route->pattern);
    buf_add(&b, text);
    XXH128_hash_t h = XXH3_128bits(b.p, b.n);
    buf_fini(&b);
    return h;
}

/* Remembers it; true when it was not asked of late. */
static bool remember(struct readings *r, XXH128_hash_t question, int64_t now_ms)
{
    bool is_known = false;
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->n && !is_known; i++)
        is_known = XXH128_isEqual(r->kept[i].question, question) &&
                   now_ms - r->kept[i].at_ms < READING_AGAIN_MS;
    if (!is_known) {
        r->kept[r->next].question = question;
        r->kept[r->next].at_ms = now_ms;
        r->next = (r->next + 1) % READING_KEPT;
        r->n += r->n < READING_KEPT;
    }
    pthread_mutex_unlock(&r->lock);
    return !is_known;
}

bool reading_is_new(struct readings *r, struct call *c)
{
    struct buf text;
    buf_init(&text, 64u << 10);
    question(c, &text);
    bool is_new = remember(r, number(c, buf_str(&text)), clock_mono_ms(&c->app->clock));
    if (is_new && !c->audit_object)
        call_audit(c, str_sub(buf_str(&text), 0, TEXT_MAX), NULL, NULL);
    buf_fini(&text);
    return is_new;
}
