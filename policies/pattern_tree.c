/* pattern_tree: one function a level of the grammar. */
#include "policies/pattern_tree.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 48
#define TIMES_MAX 65535

struct reading {
    struct pattern_tree *t;
    struct str s;
    size_t at;
    unsigned depth;
    enum err failed; /* OK so far */
};

static uint32_t fail(struct reading *r, enum err e)
{
    if (r->failed == OK)
        r->failed = e;
    return PATTERN_NONE;
}

static uint32_t node(struct reading *r, enum pattern_kind kind, size_t at)
{
    struct pattern_tree *t = r->t;
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 32;
        struct pattern_node *v = realloc(t->v, cap * sizeof *v);
        if (!v)
            return fail(r, ERR_NOMEM);
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n] = (struct pattern_node){
        .kind = kind, .child = PATTERN_NONE, .next = PATTERN_NONE, .at = (uint32_t)at};
    return t->n++;
}

static bool is_at(const struct reading *r, const char *text)
{
    return str_starts(str_sub(r->s, r->at, r->s.n), str_of(text));
}

static int peek(const struct reading *r)
{
    return r->at < r->s.n ? (unsigned char)r->s.p[r->at] : -1;
}

/* --- sets of bytes ------------------------------------------------------------------------------
 */

static void add_both_cases(struct pattern_bytes *b, unsigned c)
{
    pattern_bytes_add(b, (unsigned char)c);
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
        pattern_bytes_add(b, (unsigned char)(c | 0x20));
        pattern_bytes_add(b, (unsigned char)(c & ~0x20u));
    }
}

static void add_range(struct pattern_bytes *b, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; c++)
        add_both_cases(b, c);
}

static void invert(struct pattern_bytes *b)
{
    for (int i = 0; i < 4; i++)
        b->w[i] = ~b->w[i];
}

static void add_all(struct pattern_bytes *b)
{
    memset(b, 0xff, sizeof *b);
}

/* \d \w \s \h \v and their opposites; false: another letter. */
static bool add_kind(struct pattern_bytes *b, int letter)
{
    struct pattern_bytes x = {{0}};
    switch (letter | 0x20) {
    case 'd': add_range(&x, '0', '9'); break;
    case 'w':
        add_range(&x, '0', '9');
        add_range(&x, 'a', 'z');
        pattern_bytes_add(&x, '_');
        break;
    case 's':
        add_range(&x, '\t', '\r');
        pattern_bytes_add(&x, ' ');
        break;
    case 'h':
        pattern_bytes_add(&x, '\t');
        pattern_bytes_add(&x, ' ');
        pattern_bytes_add(&x, 0xa0);
        break;
    case 'v':
        add_range(&x, '\n', '\r');
        pattern_bytes_add(&x, 0x85);
        break;
    default: return false;
    }
    if (!(letter & 0x20))
        invert(&x);
    for (int i = 0; i < 4; i++)
        b->w[i] |= x.w[i];
    return true;
}

static int hex_of(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\x". */
static int hex_escape(struct reading *r)
{
    int v = 0;
    bool is_braced = peek(r) == '{';
    unsigned most = is_braced ? 8 : 2, n = 0;
    r->at += is_braced;
    for (; n < most && hex_of(peek(r)) >= 0; n++, r->at++)
        v = (v * 16 + hex_of(peek(r))) & 0xffff;
    if (is_braced && (n == 0 || peek(r) != '}'))
        return -1;
    r->at += is_braced;
    return v > 255 ? -1 : v;
}

/* A byte written as an escape, r->at at the letter behind the backslash; -1: it is not one, and
 * nothing was read. Numbers are left out but for \0: they may be back references. */
static int byte_escape(struct reading *r)
{
    static const char letters[] = "tnrfae", bytes[] = "\t\n\r\f\a\x1b";
    int c = peek(r);
    const char *one = c > 0 ? strchr(letters, c) : NULL;
    if (c < 0)
        return -1;
    size_t start = r->at++;
    if (one)
        return bytes[one - letters];
    bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (c == 'x') {
        int v = hex_escape(r);
        if (v >= 0)
            return v;
    } else if (c == '0') {
        int v = 0;
        for (int i = 0; i < 2 && peek(r) >= '0' && peek(r) <= '7'; i++, r->at++)
            v = v * 8 + peek(r) - '0';
        return v;
    } else if (!is_letter && !(c >= '1' && c <= '9')) {
        return c;
    }
    r->at = start;
    return -1;
}

/* "[:alpha:]" and the like: anything may be in it. */
static bool skip_posix(struct reading *r)
{
    size_t at = r->at + 2;
    if (!is_at(r, "[:"))
        return false;
    while (at < r->s.n && (r->s.p[at] == '^' || (r->s.p[at] >= 'a' && r->s.p[at] <= 'z')))
        at++;
    if (!str_starts(str_sub(r->s, at, r->s.n), STR(":]")))
        (void)fail(r, ERR_INVALID);
    r->at = at + 2;
    return true;
}

enum { MANY = -1, UNKNOWN = -2, ALL = -3 };

/* One member of a class: its byte, or MANY when it was more than one (added to b), or the like. */
static int class_member(struct reading *r, struct pattern_bytes *b)
{
    if (skip_posix(r))
        return ALL;
    int c = peek(r);
    r->at++;
    if (c != '\\')
        return c;
    int v = byte_escape(r);
    if (v >= 0)
        return v;
    c = peek(r);
    r->at++;
    if (c == 'b')
        return '\b';
    return c > 0 && add_kind(b, c) ? MANY : UNKNOWN;
}

static uint32_t read_class(struct reading *r)
{
    struct pattern_bytes b = {{0}};
    size_t start = r->at++;
    bool is_all = false, is_inverted = peek(r) == '^';
    r->at += is_inverted;
    for (bool is_first = true; peek(r) != ']' || is_first; is_first = false) {
        int from = peek(r) < 0 ? UNKNOWN : class_member(r, &b);
        is_all = is_all || from == ALL;
        if (from == UNKNOWN || r->failed != OK)
            return fail(r, ERR_INVALID);
        if (from < 0)
            continue;
        int to = from;
        if (peek(r) == '-' && r->at + 1 < r->s.n && r->s.p[r->at + 1] != ']') {
            r->at++;
            to = class_member(r, &b);
            if (to < from) /* a range that ends in a kind: PCRE2 reads the '-' for itself */
                return fail(r, ERR_INVALID);
        }
        add_range(&b, (unsigned)from, (unsigned)to);
    }
    r->at++;
    if (is_inverted)
        invert(&b);
    if (is_all)
        add_all(&b);
    uint32_t id = node(r, PATTERN_SET, start);
    if (id != PATTERN_NONE)
        r->t->v[id].in = b;
    return id;
}

/* --- escapes outside classes --------------------------------------------------------------------
 */

static uint32_t set_node(struct reading *r, size_t at, const struct pattern_bytes *b)
{
    uint32_t id = node(r, PATTERN_SET, at);
    if (id != PATTERN_NONE)
        r->t->v[id].in = *b;
    return id;
}

static uint32_t byte_node(struct reading *r, size_t at, int c)
{
    struct pattern_bytes b = {{0}};
    add_both_cases(&b, (unsigned)c);
    return set_node(r, at, &b);
}

static uint32_t assert_node(struct reading *r, size_t at, char what)
{
    uint32_t id = node(r, PATTERN_ASSERT, at);
    if (id != PATTERN_NONE)
        r->t->v[id].what = what;
    return id;
}

static uint32_t read_escape(struct reading *r)
{
    size_t at = r->at++;
    struct pattern_bytes b = {{0}};
    int v = byte_escape(r), c = peek(r);
    if (v >= 0)
        return byte_node(r, at, v);
    if (c < 0)
        return fail(r, ERR_INVALID);
    r->at++;
    if (add_kind(&b, c))
        return set_node(r, at, &b);
    if (strchr("AZzGbBK", c))
        return assert_node(r, at, (char)c);
    if (c == 'N' && peek(r) != '{') {
        add_all(&b);
        return set_node(r, at, &b);
    }
    if (c == 'R' || c == 'X')
        return node(r, PATTERN_ANY, at);
    if (c >= '1' && c <= '9' && !(peek(r) >= '0' && peek(r) <= '9'))
        return node(r, PATTERN_ANY, at); /* what a group matched */
    return fail(r, ERR_INVALID);
}

/* --- groups -------------------------------------------------------------------------------------
 */

static uint32_t read_alternatives(struct reading *r);

static uint32_t close_group(struct reading *r, uint32_t body)
{
    if (body == PATTERN_NONE || peek(r) != ')')
        return fail(r, ERR_INVALID);
    r->at++;
    return body;
}

static uint32_t read_look(struct reading *r, size_t start, size_t intro, char what)
{
    r->at += intro;
    uint32_t body = close_group(r, read_alternatives(r));
    uint32_t id = assert_node(r, start, what);
    if (id != PATTERN_NONE)
        r->t->v[id].child = body;
    return id;
}

/* "(?i)", "(?s-m:": letters that do not change the structure. */
static uint32_t read_options(struct reading *r, size_t start)
{
    bool is_off = false;
    r->t->has_options = true;
    for (r->at += 2; peek(r) > 0 && strchr("imsJU-^", peek(r)) != NULL; r->at++)
        is_off = is_off || peek(r) == '-';
    while (is_off && (peek(r) == 'x' || peek(r) == 'n'))
        r->at++;
    if (peek(r) == ')') {
        r->at++;
        return node(r, PATTERN_EMPTY, start);
    }
    if (peek(r) != ':')
        return fail(r, ERR_INVALID);
    r->at++;
    return close_group(r, read_alternatives(r));
}

static uint32_t read_named(struct reading *r, size_t intro, char close)
{
    size_t end = str_find(str_sub(r->s, r->at + intro, r->s.n), close);
    if (end == STR_NPOS)
        return fail(r, ERR_INVALID);
    r->at += intro + end + 1;
    return close_group(r, read_alternatives(r));
}

static uint32_t read_special(struct reading *r, size_t start)
{
    if (is_at(r, "(?:") || is_at(r, "(?|") || is_at(r, "(?>")) {
        bool is_atomic = r->s.p[r->at + 2] == '>';
        r->at += 3;
        uint32_t body = close_group(r, read_alternatives(r));
        uint32_t id = is_atomic ? node(r, PATTERN_CAT, start) : body;
        if (id != PATTERN_NONE && is_atomic) {
            r->t->v[id].child = body;
            r->t->v[id].is_atomic = true;
        }
        return id;
    }
    if (is_at(r, "(?=") || is_at(r, "(?!"))
        return read_look(r, start, 3, '=');
    if (is_at(r, "(?<=") || is_at(r, "(?<!"))
        return read_look(r, start, 4, '<');
    if (is_at(r, "(?#")) {
        size_t end = str_find(str_sub(r->s, r->at, r->s.n), ')');
        r->at = end == STR_NPOS ? r->at : r->at + end + 1;
        return end == STR_NPOS ? fail(r, ERR_INVALID) : node(r, PATTERN_EMPTY, start);
    }
    if (is_at(r, "(?<"))
        return read_named(r, 3, '>');
    if (is_at(r, "(?P<"))
        return read_named(r, 4, '>');
    if (is_at(r, "(?'"))
        return read_named(r, 3, '\'');
    return read_options(r, start);
}

static uint32_t read_group(struct reading *r)
{
    size_t start = r->at;
    if (r->depth >= DEPTH_MAX || is_at(r, "(*"))
        return fail(r, ERR_INVALID);
    r->depth++;
    uint32_t id;
    if (is_at(r, "(?")) {
        id = read_special(r, start);
    } else {
        r->at++;
        id = close_group(r, read_alternatives(r));
    }
    r->depth--;
    return id;
}

/* --- atoms, repeats, sequences ------------------------------------------------------------------
 */

static uint32_t read_dot(struct reading *r)
{
    struct pattern_bytes b = {{0}};
    pattern_bytes_add(&b, '\n');
    invert(&b);
    return set_node(r, r->at++, &b);
}

static uint32_t read_atom(struct reading *r)
{
    int c = peek(r);
    size_t at = r->at;
    switch (c) {
    case '(': return read_group(r);
    case '[': return read_class(r);
    case '\\': return read_escape(r);
    case '.': return read_dot(r);
    case '^':
    case '$': r->at++; return assert_node(r, at, (char)c);
    default: r->at++; return byte_node(r, at, c);
    }
}

static bool read_count(struct reading *r, uint32_t *out)
{
    size_t from = r->at;
    uint32_t v = 0;
    for (; peek(r) >= '0' && peek(r) <= '9' && v <= TIMES_MAX; r->at++)
        v = v * 10 + (uint32_t)(peek(r) - '0');
    *out = v;
    return r->at > from && v <= TIMES_MAX;
}

/* "{2,5}"; not one: read as itself. "{,5}" is one or not, depending on PCRE2's age. */
static bool read_braces(struct reading *r, uint32_t *min, uint32_t *max)
{
    size_t start = r->at++;
    if (peek(r) == ',' || peek(r) == ' ')
        (void)fail(r, ERR_INVALID);
    bool is_good = read_count(r, min);
    *max = *min;
    if (is_good && peek(r) == ',') {
        r->at++;
        *max = PATTERN_UNBOUNDED;
        if (peek(r) != '}')
            is_good = read_count(r, max);
    }
    is_good = is_good && peek(r) == '}';
    r->at = is_good ? r->at + 1 : start;
    return is_good;
}

static bool read_times(struct reading *r, uint32_t *min, uint32_t *max)
{
    int c = peek(r);
    if (c == '{')
        return read_braces(r, min, max);
    if (c != '*' && c != '+' && c != '?')
        return false;
    r->at++;
    *min = c == '+';
    *max = c == '?' ? 1 : PATTERN_UNBOUNDED;
    return true;
}

static uint32_t read_piece(struct reading *r)
{
    uint32_t id = read_atom(r), min, max;
    size_t at = id == PATTERN_NONE ? 0 : r->t->v[id].at;
    while (r->failed == OK && read_times(r, &min, &max)) {
        uint32_t repeat = node(r, PATTERN_REPEAT, at);
        if (repeat == PATTERN_NONE)
            return repeat;
        struct pattern_node *v = &r->t->v[repeat];
        v->min = min;
        v->max = max;
        v->child = id;
        v->is_atomic = peek(r) == '+';
        if (peek(r) == '+' || peek(r) == '?')
            r->at++;
        id = repeat;
    }
    return id;
}

static uint32_t read_sequence(struct reading *r)
{
    uint32_t first = PATTERN_NONE, last = PATTERN_NONE, id = node(r, PATTERN_CAT, r->at);
    while (r->failed == OK && peek(r) >= 0 && peek(r) != '|' && peek(r) != ')') {
        uint32_t piece = read_piece(r);
        if (r->failed != OK)
            return PATTERN_NONE;
        if (last == PATTERN_NONE)
            first = piece;
        else
            r->t->v[last].next = piece;
        last = piece;
    }
    if (id != PATTERN_NONE)
        r->t->v[id].child = first;
    return id;
}

static uint32_t read_alternatives(struct reading *r)
{
    size_t at = r->at;
    uint32_t first = read_sequence(r), last = first;
    if (r->failed != OK || peek(r) != '|')
        return first;
    while (r->failed == OK && peek(r) == '|') {
        r->at++;
        uint32_t more = read_sequence(r);
        if (more == PATTERN_NONE)
            return more;
        r->t->v[last].next = more;
        last = more;
    }
    uint32_t id = node(r, PATTERN_ALT, at);
    if (id != PATTERN_NONE)
        r->t->v[id].child = first;
    return id;
}

enum err pattern_tree_parse(struct str pattern, struct pattern_tree *out)
{
    *out = (struct pattern_tree){.root = PATTERN_NONE};
    struct reading r = {.t = out, .s = pattern, .failed = OK};
    if (str_find_str(pattern, STR("\\Q")) != STR_NPOS ||
        str_find_str(pattern, STR("\\E")) != STR_NPOS)
        return ERR_INVALID;
    out->root = read_alternatives(&r);
    if (r.failed == OK && r.at < pattern.n)
        r.failed = ERR_INVALID;
    if (r.failed != OK) {
        pattern_tree_fini(out);
        *out = (struct pattern_tree){.root = PATTERN_NONE};
    }
    return r.failed;
}

void pattern_tree_fini(struct pattern_tree *t)
{
    free(t->v);
    *t = (struct pattern_tree){.root = PATTERN_NONE};
}

/* --- growth -------------------------------------------------------------------------------------
 */

#define FEW_TIMES 8 /* a repeat of up to so many is no repeat */

static unsigned capped(unsigned degree)
{
    return degree < PATTERN_STEEP ? degree : PATTERN_STEEP;
}

static unsigned degree_of(const struct pattern_tree *t, uint32_t id)
{
    const struct pattern_node *v = &t->v[id];
    unsigned sum = 0, most = 0;
    for (uint32_t c = v->child; c != PATTERN_NONE; c = t->v[c].next) {
        unsigned d = degree_of(t, c);
        sum += d;
        most = d > most ? d : most;
    }
    switch (v->kind) {
    case PATTERN_EMPTY:
    case PATTERN_SET: return 0;
    case PATTERN_ANY: return 1;
    case PATTERN_ALT: return capped(sum);
    case PATTERN_CAT:
    case PATTERN_ASSERT: return capped(sum);
    case PATTERN_REPEAT: break;
    }
    bool is_one_byte = t->v[v->child].kind == PATTERN_SET;
    if (v->max <= FEW_TIMES)
        return capped(most * (v->max ? v->max : 1));
    if (v->is_atomic && most == 0)
        return 0;
    return is_one_byte ? 1 : PATTERN_STEEP;
}

unsigned pattern_tree_degree(const struct pattern_tree *t, bool is_anchored)
{
    return capped(degree_of(t, t->root) + !is_anchored);
}
