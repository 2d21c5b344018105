/* pattern_host: a head, a part for what is below, a name, a tail, each from a table of spellings.
 */
#include "policies/pattern_host.h"

#include <string.h>

#include "base/host.h"

#define PLAIN_MAX 512 /* bytes of a pattern that is looked at */

/* "\/" is "/", "(?:" is "(": the same to PCRE2, here as everywhere. False: too long, or a backslash
 * at the end. */
static bool plain(struct str p, char out[PLAIN_MAX], struct str *text)
{
    size_t n = 0;
    for (size_t i = 0; i < p.n && n + 2 < PLAIN_MAX; i++) {
        if (p.p[i] == '\\' && i + 1 < p.n) {
            char c = p.p[++i];
            bool is_same = c == '/' || c == ':' || c == '-';
            if (!is_same)
                out[n++] = '\\';
            out[n++] = c;
        } else if (str_starts(str_sub(p, i, p.n), STR("(?:"))) {
            out[n++] = '(';
            i += 2;
        } else {
            out[n++] = p.p[i];
        }
    }
    *text = str_make(out, n);
    return p.n < PLAIN_MAX / 2;
}

/* Takes the first spelling of the table that stands at the beginning; its place, or -1. */
static int take(struct str *s, const char *const *table)
{
    for (int i = 0; table[i]; i++) {
        if (str_starts(*s, str_of(table[i]))) {
            *s = str_sub(*s, strlen(table[i]), s->n);
            return i;
        }
    }
    return -1;
}

/* Letters, digits, '-', '_' and "\."; false: no name with a dot. */
static bool take_name(struct str *s, char *out)
{
    size_t n = 0, at = 0;
    bool has_dot = false;
    while (at < s->n && n + 2 < PATTERN_HOST_BYTES) {
        char c = str_lower(s->p[at]);
        bool is_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        bool is_dot = c == '\\' && at + 1 < s->n && s->p[at + 1] == '.';
        if (!is_word && !is_dot)
            break;
        has_dot = has_dot || is_dot;
        out[n++] = is_dot ? '.' : c;
        at += is_dot ? 2 : 1;
    }
    out[n] = '\0';
    *s = str_sub(*s, at, s->n);
    return has_dot;
}

bool pattern_host_read(struct str pattern, struct pattern_host *out)
{
    static const char *const heads[] = {
        "^https?://",       "^http(s)?://", "^(https?://)?", "^(http|https)://",
        "^(https|http)://", "^(https?)://", "^http[s]?://",  NULL};
    static const char *const below[] = {"([^/]+\\.)?",  "([^/]*\\.)?",  "([^/:]+\\.)?",
                                        "([^/:]*\\.)?", "([^/]+\\.)*",  "([^/:]+\\.)*",
                                        "([^/.]+\\.)*", "([^./]+\\.)*", NULL};
    static const char *const www[] = {"(www\\.)?", NULL};
    static const char *const any_port[] = {
        "(:[0-9]+)?(/|$)", "(:\\d+)?(/|$)", "(:[0-9]+)?/", "(:\\d+)?/", "[:/]", "[/:]",
        "(/|:|$)",         "(:|/|$)",       "(:|/)",       "(/|:)",     NULL};
    static const char *const own_port[] = {"(/|$)", "(/.*)?$", "($|/)", "/.*$", "/.*", "/", NULL};
    char text[PLAIN_MAX] = {0};
    struct str s;
    *out = (struct pattern_host){.has_below = false};
    if (!plain(pattern, text, &s) || take(&s, heads) < 0)
        return false;
    out->has_below = take(&s, below) >= 0;
    out->has_www = !out->has_below && take(&s, www) >= 0;
    if (!take_name(&s, out->name))
        return false;
    out->has_any_port = take(&s, any_port) >= 0;
    if (!out->has_any_port && take(&s, own_port) < 0)
        return false;
    struct host h;
    return s.n == 0 && host_normalise(str_of(out->name), &h) == OK && !h.is_ip &&
           str_eq(host_str(&h), str_of(out->name));
}
