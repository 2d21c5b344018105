/* convert: which reader for which upload. */
#include "convert/convert.h"

#include "convert/e2g.h"
#include "convert/guard.h"
#include "convert/squid.h"

static const char *const names[] = {"auto", "squid", "squidguard", "e2guardian"};

const char *convert_kind_name(enum convert_kind k)
{
    return names[k];
}

bool convert_kind_from_name(struct str s, enum convert_kind *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(s, str_of(names[i]))) {
            *out = (enum convert_kind)i;
            return true;
        }
    }
    return false;
}

/* Has it a line that begins with one of these words? */
static bool has_line(struct str bytes, struct str first, struct str second)
{
    struct upload_cursor at = {str_sub(bytes, 0, 1u << 20), 0};
    struct str line, word;
    while (upload_line(&at, &line)) {
        if (upload_word(&line, &word) && (str_eq(word, first) || str_eq(word, second)))
            return true;
    }
    return false;
}

static bool is_guard(const struct upload_file *f)
{
    return str_eq_nocase(upload_base(f->name), STR("squidguard.conf")) ||
           (has_line(f->bytes, STR("dbhome"), STR("dest")) &&
            has_line(f->bytes, STR("acl"), STR("pass")) &&
            !has_line(f->bytes, STR("http_access"), STR("http_port")));
}

static bool is_squid(const struct upload_file *f)
{
    return str_eq_nocase(upload_base(f->name), STR("squid.conf")) ||
           has_line(f->bytes, STR("http_access"), STR("http_port"));
}

/* A file of that very name wins over one that only looks like it. */
static const struct upload_file *pick(const struct upload *u, struct str name,
                                      bool (*is)(const struct upload_file *f))
{
    const struct upload_file *found = NULL;
    for (size_t i = 0; i < u->n; i++) {
        if (str_eq_nocase(upload_base(u->v[i].name), name))
            return &u->v[i];
        if (!found && is(&u->v[i]))
            found = &u->v[i];
    }
    return found;
}

static bool has_e2g(const struct upload *u)
{
    for (size_t i = 0; i < u->n; i++) {
        if (e2g_is_file(u->v[i].name))
            return true;
    }
    return false;
}

enum err convert_run(const struct upload *u, enum convert_kind *kind, struct outcome *o)
{
    bool any = *kind == CONVERT_AUTO;
    const struct upload_file *squid =
        any || *kind == CONVERT_SQUID ? pick(u, STR("squid.conf"), is_squid) : NULL;
    const struct upload_file *guard =
        any || *kind == CONVERT_SQUIDGUARD ? pick(u, STR("squidGuard.conf"), is_guard) : NULL;
    enum err e = OK;
    if (guard) {
        *kind = CONVERT_SQUIDGUARD;
        e = guard_convert(u, guard, squid ? GUARD_FILTERS : GUARD_DECIDES, o);
    }
    if (squid && e == OK) {
        *kind = CONVERT_SQUID;
        e = squid_convert(u, squid, o);
    }
    if (squid || guard || e != OK)
        return e;
    if ((any || *kind == CONVERT_E2GUARDIAN) && has_e2g(u)) {
        *kind = CONVERT_E2GUARDIAN;
        return e2g_convert(u, o);
    }
    return ERR_INVALID;
}
