/* patterns: a walk over the expression that knows escapes, classes and groups, and replaces what
 * would leave the part of the URL it was written for. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "convert/patterns.h"

#include <pcre2.h>

#include "base/buf.h"

#define PATTERN_MAX 8000

#define HOST_START "^[a-z]+://"

struct walk {
    struct str in;
    size_t at;
    unsigned depth;
};

/* One unit of the expression: an escape, a class with its brackets, or a byte. */
static struct str next_unit(struct walk *w)
{
    size_t from = w->at;
    if (w->in.p[from] == '\\' && from + 1 < w->in.n) {
        w->at += 2;
    } else if (w->in.p[from] == '[') {
        size_t i = from + 1;
        if (i < w->in.n && w->in.p[i] == '^')
            i++;
        if (i < w->in.n && w->in.p[i] == ']')
            i++;
        while (i < w->in.n && w->in.p[i] != ']') {
            bool is_posix = w->in.p[i] == '[' && i + 1 < w->in.n && w->in.p[i + 1] == ':';
            if (is_posix) {
                size_t end = str_find_str(str_sub(w->in, i + 2, w->in.n), STR(":]"));
                i += end == STR_NPOS ? 1 : end + 4;
            } else {
                i += w->in.p[i] == '\\' ? 2 : 1;
            }
        }
        w->at = i < w->in.n ? i + 1 : w->in.n;
    } else {
        w->at++;
    }
    return str_sub(w->in, from, w->at);
}

static bool is_byte(struct str unit, char c)
{
    return unit.n == 1 && unit.p[0] == c;
}

/* In the host: nothing may run past its end. */
static void host_unit(struct str unit, struct buf *out)
{
    if (is_byte(unit, '.')) {
        buf_add_z(out, "[^/:?#]");
    } else if (is_byte(unit, '^')) {
        buf_add_z(out, "(?<=://)");
    } else if (is_byte(unit, '$')) {
        buf_add_z(out, "(?=[:/?#]|\\z)");
    } else if (unit.n > 2 && unit.p[0] == '[' && unit.p[1] == '^') {
        buf_add(out, str_sub(unit, 0, unit.n - 1));
        buf_add_z(out, "/:?#]");
    } else {
        buf_add(out, unit);
    }
}

static bool compiles(struct str pattern)
{
    int code;
    size_t offset;
    pcre2_code *c =
        pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_CASELESS, &code, &offset, NULL);
    pcre2_code_free(c);
    return c != NULL;
}

static const char *host_pattern(struct str alternative, struct buf *out)
{
    struct walk w = {alternative, 0, 0};
    buf_add_z(out, HOST_START "[^/:?#]*?");
    buf_add_z(out, "(?:");
    while (w.at < w.in.n)
        host_unit(next_unit(&w), out);
    buf_add_c(out, ')');
    return NULL;
}

static const char *path_pattern(struct str alternative, struct buf *out)
{
    struct walk w = {alternative, 0, 0};
    bool is_anchored = w.in.n && w.in.p[0] == '^';
    buf_add_z(out, HOST_START "[^/?#]*(?=[/?#])");
    buf_add_z(out, is_anchored ? "(?:" : ".*?(?:");
    w.at = is_anchored;
    while (w.at < w.in.n) {
        struct str unit = next_unit(&w);
        if (is_byte(unit, '^'))
            return "an anchor inside a group of a path expression";
        buf_add(out, unit);
    }
    buf_add_c(out, ')');
    return NULL;
}

static enum err add_one(struct str alternative, enum patterns_part part, json_t *out,
                        const char **why)
{
    struct buf b;
    buf_init(&b, PATTERN_MAX);
    *why = NULL;
    if (part == PATTERNS_HOST)
        *why = host_pattern(alternative, &b);
    else if (part == PATTERNS_PATH)
        *why = path_pattern(alternative, &b);
    else
        buf_add(&b, alternative);
    if (!*why && (b.failed || !compiles(buf_str(&b))))
        *why =
            b.failed ? "an expression that is too long" : "an expression that PCRE2 does not take";
    if (!*why && json_array_append_new(out, json_stringn(b.p, b.n)) != 0)
        *why = "an expression that is no UTF-8 text";
    buf_fini(&b);
    return *why ? ERR_INVALID : OK;
}

enum err patterns_add(struct str regex, enum patterns_part part, json_t *out, const char **why)
{
    struct walk w = {regex, 0, 0};
    size_t from = 0;
    if (!regex.n || !compiles(regex)) {
        *why = regex.n ? "an expression that PCRE2 does not take" : "an empty expression";
        return ERR_INVALID;
    }
    if (part == PATTERNS_URL)
        return add_one(regex, part, out, why);
    while (w.at < w.in.n) {
        size_t at = w.at;
        struct str unit = next_unit(&w);
        w.depth += is_byte(unit, '(');
        w.depth -= is_byte(unit, ')') && w.depth;
        if (is_byte(unit, '|') && !w.depth) {
            enum err e = add_one(str_sub(regex, from, at), part, out, why);
            if (e != OK)
                return e;
            from = w.at;
        }
    }
    return add_one(str_sub(regex, from, regex.n), part, out, why);
}
