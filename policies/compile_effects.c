/* compile_effects: an effect written out as text, texts numbered. */
#include "policies/compile_effects.h"

#include <stdlib.h>

#include "base/buf.h"

#define EFFECT_MAX ((size_t)1 << 30) /* bytes of an effect written out: as a document */

static bool has_own(const struct effects *e)
{
    return e && (e->has_quota || e->has_override || e->n_headers || e->limit_bytes_s ||
                 e->remember_minutes || e->safe_search != EFFECTS_SAFE_OFF);
}

/* Everything of a rule that somebody can notice, but for its name: that stands in the record only.
 * The message of a rule that lets through is shown to nobody. */
static void write_effect(struct buf *b, const struct model_rule *r, uint32_t number)
{
    buf_clear(b);
    buf_addf(b, "%d %d %d ", r->action, r->log, r->tls);
    if (r->action != VERDICT_ALLOW)
        buf_addf(b, "%zu %.*s %.*s", r->message.n, STR_ARG(r->message), STR_ARG(r->redirect_url));
    if (r->effects && r->effects->upstream.n)
        buf_addf(b, " %.*s", STR_ARG(r->effects->upstream));
    /* accounts, limits and accepted pages are kept a rule: nobody does the same */
    if (has_own(r->effects) || r->action == VERDICT_WARN || r->action == VERDICT_OVERRIDE)
        buf_addf(b, " %u", number);
}

static enum err number(struct map *seen, struct str text, uint32_t *out)
{
    uintptr_t id = (uintptr_t)map_get(seen, text);
    if (!id) {
        id = seen->n + 1;
        enum err e = map_put(seen, text, (void *)id, NULL); // NOLINT: a number, not a pointer
        if (e != OK)
            return e;
    }
    *out = (uint32_t)id;
    return OK;
}

enum err compile_effects(struct snapshot *s)
{
    const struct model *m = s->model;
    struct model_rule standard = {.action = m->default_action, .message = m->default_message};
    struct map seen;
    struct buf b;
    enum err e = OK;
    s->effect = calloc((size_t)s->n_rules + 1, sizeof *s->effect);
    if (!s->effect)
        return ERR_NOMEM;
    map_init(&seen);
    buf_init(&b, EFFECT_MAX);
    for (uint32_t r = 0; r <= s->n_rules && e == OK; r++) {
        write_effect(&b, r < s->n_rules ? &m->rules[r] : &standard, r);
        e = b.failed ? ERR_NOMEM : number(&seen, buf_str(&b), &s->effect[r]);
    }
    buf_fini(&b);
    map_fini(&seen);
    return e;
}
