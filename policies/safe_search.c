/* safe_search: the table. */
#include "policies/safe_search.h"

struct service {
    const char *const *hosts;
    const char *strict, *moderate; /* names to dial */
    const char *query;
    bool is_video; /* has a request field for it */
};

static const char *const bing[] = {"www.bing.com", "bing.com", NULL};
static const char *const duck[] = {"duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com",
                                   NULL};
static const char *const video[] = {"www.youtube.com",          "m.youtube.com",
                                    "youtubei.googleapis.com",  "youtube.googleapis.com",
                                    "www.youtube-nocookie.com", NULL};

static const struct service google = {NULL, "forcesafesearch.google.com",
                                      "forcesafesearch.google.com", "safe=active&ssui=on", false};
static const struct service others[] = {
    {bing, "strict.bing.com", "strict.bing.com", "adlt=strict", false},
    {duck, "safe.duckduckgo.com", "safe.duckduckgo.com", "kp=1", false},
    {video, "restrict.youtube.com", "restrictmoderate.youtube.com", "", true}};

static bool is_letters(struct str s, size_t min, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 'a' || s.p[i] > 'z')
            return false;
    return s.n >= min && s.n <= max;
}

/* www.google.<country or com>, www.google.co.<country>, www.google.com.<country> */
static bool is_google(struct str host)
{
    const struct str start = STR("www.google.");
    struct str first;
    if (!str_starts(host, start))
        return false;
    struct str rest = str_sub(host, start.n, host.n);
    if (!str_split(&rest, '.', &first))
        return false;
    if (rest.n == 0)
        return str_eq(first, STR("com")) || str_eq(first, STR("cat")) || is_letters(first, 2, 2);
    return (str_eq(first, STR("co")) || str_eq(first, STR("com"))) && is_letters(rest, 2, 2);
}

static const struct service *service_of(struct str host)
{
    if (is_google(host))
        return &google;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (const char *const *h = others[i].hosts; *h; h++)
            if (str_eq(host, str_of(*h)))
                return &others[i];
    return NULL;
}

struct str safe_search_name(enum effects_safe s, struct str host)
{
    const struct service *x = s == EFFECTS_SAFE_OFF ? NULL : service_of(host);
    if (!x)
        return (struct str){"", 0};
    return str_of(s == EFFECTS_SAFE_STRICT ? x->strict : x->moderate);
}

void safe_search_extra(enum effects_safe s, struct str host, struct safe_search_extra *out)
{
    const struct service *x = s == EFFECTS_SAFE_OFF ? NULL : service_of(host);
    *out = (struct safe_search_extra){0};
    if (!x)
        return;
    out->query = str_of(x->query);
    if (!x->is_video)
        return;
    out->header = STR("YouTube-Restrict");
    out->value = s == EFFECTS_SAFE_STRICT ? STR("Strict") : STR("Moderate");
}

/* Has `add` a member of this name? */
static bool is_named(struct str add, struct str pair)
{
    struct str one, name = str_sub(pair, 0, str_find(pair, '='));
    while (str_split(&add, '&', &one))
        if (str_eq_nocase(str_sub(one, 0, str_find(one, '=')), name))
            return true;
    return false;
}

void safe_search_rewrite(struct str path_query, struct str add, struct buf *out)
{
    struct str rest = path_query, path = {0}, pair;
    str_split(&rest, '?', &path);
    buf_add(out, path);
    buf_add_c(out, '?');
    while (str_split(&rest, '&', &pair)) {
        if (pair.n == 0 || is_named(add, pair))
            continue;
        buf_add(out, pair);
        buf_add_c(out, '&');
    }
    buf_add(out, add);
}
