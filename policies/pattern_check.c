/* pattern_check: texts are tried in the order in which they usually show something. */
#include "policies/pattern_check.h"

#include <stdlib.h>
#include <string.h>

#define PUMPS_MAX  16
#define PART_BYTES 96       /* of a beginning, a pump or an end */
#define SPOTS_MAX  12       /* repeats that are attacked */
#define CAP        1000000u /* steps: nobody waits for more */
#define SHORT      32       /* pumps of a short text */
#define LONG       128      /* of one that shows a power */
#define HARMLESS   3        /* degree below which nothing is tried */

struct part {
    size_t n;
    char b[PART_BYTES];
};

struct checking {
    struct pattern_code *p;
    struct pattern_runner *r;
    struct pattern_tree tree;
    uint32_t spots[SPOTS_MAX]; /* repeats without end */
    unsigned n_spots;
    struct part pumps[PUMPS_MAX];
    unsigned n_pumps;
    uint64_t steps, most; /* spent, and may be */
    struct pattern_witness *out;
};

/* --- texts out of the pattern -------------------------------------------------------------------
 */

static void put(struct part *to, char c)
{
    if (to->n < PART_BYTES)
        to->b[to->n++] = c;
}

/* A byte of the set, of those that are common in URLs when there is one. */
static char pick(const struct pattern_bytes *in, unsigned variant)
{
    static const char liked[] = "a1/.x-=&%b0_ ";
    unsigned seen = 0;
    char last = 'a';
    for (size_t i = 0; i + 1 < sizeof liked; i++) {
        if (!pattern_bytes_has(in, (unsigned char)liked[i]))
            continue;
        last = liked[i];
        if (seen++ == variant)
            return last;
    }
    for (unsigned c = 33; c < 256 && !seen; c++)
        if (pattern_bytes_has(in, (unsigned char)c))
            return (char)c;
    return last;
}

/* A text the node matches, one of several by variant. */
static void sample(const struct pattern_tree *t, uint32_t id, unsigned variant, struct part *to)
{
    const struct pattern_node *v = &t->v[id];
    uint32_t c = v->child;
    switch (v->kind) {
    case PATTERN_EMPTY:
    case PATTERN_ASSERT:
    case PATTERN_ANY: break;
    case PATTERN_SET: put(to, pick(&v->in, variant)); break;
    case PATTERN_CAT:
        for (; c != PATTERN_NONE; c = t->v[c].next)
            sample(t, c, variant, to);
        break;
    case PATTERN_ALT:
        for (unsigned i = 0; i < variant && t->v[c].next != PATTERN_NONE; i++)
            c = t->v[c].next;
        sample(t, c, variant, to);
        break;
    case PATTERN_REPEAT:
        /* what may be left out is left out in every other variant */
        for (uint32_t i = 0; i < (v->min ? v->min : !(variant & 1)) && to->n < PART_BYTES; i++)
            sample(t, c, variant, to);
        break;
    }
}

/* What is in front of the spot (is_before), or behind it, on the way down from the root to it.
 * True: the spot is below id. */
static bool around(const struct checking *x, uint32_t id, uint32_t spot, bool is_before,
                   struct part *to)
{
    const struct pattern_tree *t = &x->tree;
    if (id == spot)
        return true;
    bool is_cat = t->v[id].kind == PATTERN_CAT, is_below = false;
    size_t mark = to->n;
    for (uint32_t c = t->v[id].child; c != PATTERN_NONE; c = t->v[c].next) {
        if (is_below) {
            if (is_cat && !is_before)
                sample(t, c, 0, to);
        } else if (around(x, c, spot, is_before, to)) {
            is_below = true;
        } else if (is_cat && is_before) {
            sample(t, c, 0, to);
        }
    }
    if (!is_below)
        to->n = mark;
    return is_below;
}

static void find_spots(struct checking *x)
{
    for (uint32_t i = 0; i < x->tree.n && x->n_spots < SPOTS_MAX; i++)
        if (x->tree.v[i].kind == PATTERN_REPEAT && x->tree.v[i].max > 8)
            x->spots[x->n_spots++] = i;
}

static void add_pump(struct checking *x, const struct part *p)
{
    if (p->n == 0 || p->n >= sizeof x->out->pump || x->n_pumps == PUMPS_MAX)
        return;
    for (unsigned i = 0; i < x->n_pumps; i++)
        if (x->pumps[i].n == p->n && memcmp(x->pumps[i].b, p->b, p->n) == 0)
            return;
    x->pumps[x->n_pumps++] = *p;
}

/* Of what the repeats repeat, in variants; of the whole pattern at last. */
static void find_pumps(struct checking *x)
{
    for (unsigned variant = 0; variant < 3; variant++)
        for (unsigned i = 0; i < x->n_spots; i++) {
            struct part p = {.n = 0};
            sample(&x->tree, x->tree.v[x->spots[i]].child, variant, &p);
            add_pump(x, &p);
        }
    struct part whole = {.n = 0};
    sample(&x->tree, x->tree.root, 0, &whole);
    x->n_pumps -= x->n_pumps == PUMPS_MAX;
    add_pump(x, &whole);
}

/* --- trials -------------------------------------------------------------------------------------
 */

struct attack {
    struct part before, pump, end;
};

static size_t write_text(const struct attack *a, unsigned times, char *out)
{
    size_t n = 0, room = PATTERN_CHECK_TEXT - a->end.n;
    memcpy(out, a->before.b, a->before.n);
    n = a->before.n;
    for (unsigned i = 0; i < times && n + a->pump.n <= room; i++) {
        memcpy(out + n, a->pump.b, a->pump.n);
        n += a->pump.n;
    }
    memcpy(out + n, a->end.b, a->end.n);
    return n + a->end.n;
}

static uint32_t steps(struct checking *x, const struct attack *a, unsigned times)
{
    size_t n = write_text(a, times, x->out->text);
    uint32_t w = pattern_code_work(x->p, x->r, str_make(x->out->text, n), CAP);
    x->steps += w;
    x->out->n = n;
    return w;
}

static bool shown(struct checking *x, const struct attack *a, unsigned times)
{
    x->out->steps_half = steps(x, a, times / 2);
    x->out->steps = steps(x, a, times);
    memcpy(x->out->pump, a->pump.b, a->pump.n);
    x->out->pump[a->pump.n] = '\0';
    x->out->times = times;
    x->out->n = write_text(a, times, x->out->text);
    return true;
}

/* The shortest text a run is given up on. */
static unsigned fewest(struct checking *x, const struct attack *a, unsigned times)
{
    while (times > 4 && steps(x, a, times - times / 8 - 1) > PATTERN_WORK_MOST)
        times -= times / 8 + 1;
    return times;
}

/* So few repeats are as dear as that. */
static bool is_explosive(struct checking *x, const struct attack *a)
{
    if (steps(x, a, SHORT) < CAP)
        return false;
    return shown(x, a, fewest(x, a, SHORT));
}

/* Doubling the text makes it six times as dear or more, and within the length of a URL it is too
 * much. (Twice: linear; four times: the square; eight: the cube.) */
static bool is_steep(struct checking *x, const struct attack *a)
{
    uint32_t one = steps(x, a, LONG / 4), two = steps(x, a, LONG / 2);
    if (two < 400 || (uint64_t)two < (uint64_t)one * 5)
        return false;
    uint32_t four = steps(x, a, LONG);
    if (four < CAP && (uint64_t)four < (uint64_t)two * 6)
        return false;
    unsigned times = LONG;
    size_t most = (PATTERN_CHECK_TEXT - a->before.n - a->end.n) / a->pump.n;
    while (times * 2 <= most && steps(x, a, times) <= PATTERN_WORK_MOST)
        times *= 2;
    if (steps(x, a, times) <= PATTERN_WORK_MOST)
        return false;
    return shown(x, a, fewest(x, a, times));
}

static void set_part(struct part *p, const char *text, const struct part *more)
{
    *p = (struct part){.n = 0};
    for (; *text; text++)
        put(p, *text);
    for (size_t i = 0; i < more->n; i++)
        put(p, more->b[i]);
}

/* Every end for one spot and pump: nothing, a byte that fits nowhere, and what should follow behind
 * such a byte, so that PCRE2 does not see at once that something is missing. */
static bool try_ends(struct checking *x, struct attack *a, const struct part *behind)
{
    static const char *const breaks[] = {"!", "\n", "", "/", "\"", "\x01"};
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        for (int with_end = 0; with_end < 2; with_end++) {
            set_part(&a->end, breaks[i], behind);
            if (with_end)
                put(&a->end, '!');
            if (x->steps >= x->most)
                return false;
            if (is_explosive(x, a) || is_steep(x, a))
                return true;
        }
    }
    return false;
}

static bool try_spot(struct checking *x, uint32_t spot)
{
    struct attack a = {.before = {.n = 0}};
    struct part behind = {.n = 0};
    around(x, x->tree.root, spot, true, &a.before);
    around(x, x->tree.root, spot, false, &behind);
    for (unsigned i = 0; i < x->n_pumps; i++) {
        a.pump = x->pumps[i];
        if (try_ends(x, &a, &behind))
            return true;
    }
    return false;
}

enum err pattern_check(struct pattern_code *p, uint64_t *budget, struct pattern_witness *out)
{
    struct checking x = {
        .p = p, .out = out, .most = *budget < PATTERN_CHECK_STEPS ? *budget : PATTERN_CHECK_STEPS};
    bool is_shown = false;
    enum err e = pattern_tree_parse(pattern_code_text(p), &x.tree);
    if (e != OK)
        return e == ERR_INVALID ? OK : e; /* bounded when it runs */
    if (pattern_tree_degree(&x.tree, false) >= HARMLESS) {
        x.r = pattern_runner_new();
        e = x.r ? OK : ERR_NOMEM;
        find_spots(&x);
        find_pumps(&x);
        for (unsigned i = 0; i < x.n_spots && e == OK && !is_shown; i++)
            is_shown = try_spot(&x, x.spots[i]);
    }
    *budget -= x.steps < *budget ? x.steps : *budget;
    pattern_runner_free(x.r);
    pattern_tree_fini(&x.tree);
    return is_shown ? ERR_LIMIT : e;
}
