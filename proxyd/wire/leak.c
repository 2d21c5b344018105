/* leak: marks in values, words in names. */
#include "proxyd/wire/leak.h"

static bool holds(struct str where, struct str what)
{
    if (what.n == 0)
        return false;
    for (size_t i = 0; i + what.n <= where.n; i++)
        if (str_eq_nocase(str_sub(where, i, i + what.n), what))
            return true;
    return false;
}

static bool is_telling_name(struct str name)
{
    static const char *const words[] = {"proxy",     "forward", "x-cache", "cdn",
                                        "surrogate", "squid",   "varnish", "bluecoat"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds(name, str_of(words[i])))
            return true;
    return str_eq_nocase(name, STR("via")) || str_eq_nocase(name, STR("age"));
}

enum leak leak_of(struct str name, struct str value, const struct leak_marks *m)
{
    if (holds(value, m->claim))
        return LEAK_CLAIM;
    if (holds(value, m->client))
        return LEAK_CLIENT;
    if (holds(value, m->person))
        return LEAK_PERSON;
    if (holds(value, m->inner_proxy))
        return LEAK_INNER_PROXY;
    if (holds(value, m->this_proxy))
        return LEAK_THIS_PROXY;
    return is_telling_name(name) ? LEAK_PROXY : LEAK_NOTHING;
}

const char *leak_name(enum leak l)
{
    static const char *const names[] = {"nothing", "proxy", "this-proxy", "inner-proxy",
                                        "person",  "claim", "client"};
    return names[l];
}

bool leak_breaks(enum privacy_mode mode, bool is_trusted, enum leak l, bool is_ours)
{
    switch (mode) {
    case PRIVACY_VIA: return is_ours && l > LEAK_THIS_PROXY;
    case PRIVACY_NAMED: return l == LEAK_CLAIM && (is_ours || !is_trusted);
    case PRIVACY_ANONYMOUS: return l > LEAK_THIS_PROXY;
    case PRIVACY_HIGH_ANONYMITY: return l != LEAK_NOTHING;
    }
    return true;
}
