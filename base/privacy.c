/* privacy: words, networks, joining. */
#include "base/privacy.h"

#include <string.h>

static const char *const modes[] = {"via", "named", "anonymous", "high-anonymity"};
static const char *const referers[] = {"keep", "same-host", "none"};

const char *privacy_mode_name(enum privacy_mode m)
{
    return modes[m];
}

const char *privacy_referer_name(enum privacy_referer r)
{
    return referers[r];
}

enum err privacy_mode_parse(struct str word, enum privacy_mode *out)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_eq(word, str_of(modes[i]))) {
            *out = (enum privacy_mode)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

enum err privacy_referer_parse(struct str word, enum privacy_referer *out)
{
    for (size_t i = 0; i < sizeof referers / sizeof *referers; i++)
        if (str_eq(word, str_of(referers[i]))) {
            *out = (enum privacy_referer)i;
            return OK;
        }
    return ERR_NOT_FOUND;
}

enum err privacy_add_trust(struct privacy *p, struct str network)
{
    struct cidr net;
    if (cidr_parse(network, &net) != OK)
        return ERR_INVALID;
    if (p->n_trust == PRIVACY_TRUST_MAX)
        return ERR_LIMIT;
    p->trust[p->n_trust++] = net;
    return OK;
}

bool privacy_trusts(const struct privacy *p, const struct ip *client)
{
    for (unsigned i = 0; i < p->n_trust; i++)
        if (cidr_has(&p->trust[i], client))
            return true;
    return false;
}

struct privacy privacy_join(const struct privacy *first, const struct privacy *then)
{
    struct privacy out = *first;
    if (!first->has_mode) {
        out.mode = then->mode;
        out.has_mode = then->has_mode;
    }
    if (!first->has_referer) {
        out.referer = then->referer;
        out.has_referer = then->has_referer;
    }
    if (!first->n_trust) {
        out.n_trust = then->n_trust;
        for (unsigned i = 0; i < then->n_trust; i++)
            out.trust[i] = then->trust[i];
    }
    return out;
}

const struct privacy *privacy_settings_of(const struct privacy_settings *s, struct str listener)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(str_of(s->listeners[i].name), listener))
            return &s->listeners[i].p;
    return NULL;
}

enum err privacy_settings_copy(const struct privacy_settings *s, struct arena *a,
                               struct privacy_settings *out)
{
    size_t bytes = s->n * sizeof *s->listeners;
    struct privacy_settings made = {.listeners = arena_alloc(a, bytes + 1), .n = s->n};
    if (!made.listeners)
        return ERR_NOMEM;
    if (bytes)
        memcpy(made.listeners, s->listeners, bytes);
    *out = made;
    return OK;
}
