/* pattern_literals: bottom up. Of each node either all the texts it can be (`is_exact`, while they
 * are few) or the best texts it must contain. */
#include "policies/pattern_literals.h"

#include <string.h>

#define EXACT_MAX 32 /* texts a node is followed with */
#define CLASS_MAX 6  /* bytes of a set that is followed one by one */

struct texts {
    struct pattern_literals exact, must; /* must.n == 0: nothing */
    bool is_exact;
};

static bool same(const struct pattern_literal *a, const struct pattern_literal *b)
{
    return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

static bool add(struct pattern_literals *to, const struct pattern_literal *l)
{
    for (unsigned i = 0; i < to->n; i++)
        if (same(&to->v[i], l))
            return true;
    if (to->n == PATTERN_LITERALS_MAX)
        return false;
    to->v[to->n++] = *l;
    return true;
}

static bool add_all(struct pattern_literals *to, const struct pattern_literals *from)
{
    for (unsigned i = 0; i < from->n; i++)
        if (!add(to, &from->v[i]))
            return false;
    return true;
}

/* --- how good a text is to look for -------------------------------------------------------------
 */

bool pattern_literals_is_common(struct str l)
{
    static const char *const common[] = {"https://www.", "http://", ".com/",  ".net/",   ".org/",
                                         ".html",        ".php",    "index.", ".co.uk/", ".aspx"};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (str_find_str(str_of(common[i]), l) != STR_NPOS)
            return true;
    return false;
}

static int worth_of(const struct pattern_literal *l)
{
    if (l->n < PATTERN_LITERAL_LEAST)
        return 0;
    return pattern_literals_is_common(str_make(l->b, l->n)) ? 1 : 4 * l->n;
}

/* Of the whole set: the worst text, less a little for each. 0: of no use. */
static int worth(const struct pattern_literals *x)
{
    int worst = x->n ? 1000 : 0;
    for (unsigned i = 0; i < x->n; i++) {
        int w = worth_of(&x->v[i]);
        worst = w < worst ? w : worst;
    }
    return worst > 4 ? worst - x->n / 4 : worst;
}

static void keep_better(struct pattern_literals *best, const struct pattern_literals *x)
{
    if (worth(x) > worth(best))
        *best = *x;
}

/* --- nodes --------------------------------------------------------------------------------------
 */

static void find(const struct pattern_tree *t, uint32_t id, struct texts *out);

static void nothing_exact(struct texts *x) /* it is the empty text and no other */
{
    *x = (struct texts){.is_exact = true, .exact = {.n = 1}};
}

static void find_set(const struct pattern_node *v, struct texts *out)
{
    struct pattern_literal l = {.n = 1};
    *out = (struct texts){.is_exact = true};
    for (unsigned c = 0; c < 256; c++) {
        if (!pattern_bytes_has(&v->in, (unsigned char)c))
            continue;
        l.b[0] = (char)(c | 0x20);
        if (!add(&out->exact, &l) || out->exact.n > CLASS_MAX) {
            *out = (struct texts){.is_exact = false};
            return;
        }
    }
    if (out->exact.n == 0) /* matches nothing at all */
        *out = (struct texts){.is_exact = false};
}

/* a followed by b, each of them; false: too many or too long. */
static bool cross(struct pattern_literals *a, const struct pattern_literals *b)
{
    struct pattern_literals made = {.n = 0};
    if (a->n * b->n > EXACT_MAX)
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        for (unsigned k = 0; k < b->n; k++) {
            struct pattern_literal l = a->v[i];
            if (l.n + b->v[k].n > PATTERN_LITERAL_MOST)
                return false;
            memcpy(l.b + l.n, b->v[k].b, b->v[k].n);
            l.n = (uint8_t)(l.n + b->v[k].n);
            if (!add(&made, &l))
                return false;
        }
    }
    *a = made;
    return true;
}

/* run: the texts the last exact children can be together; *is_all: from the first child on. */
static void follow(struct texts *all, struct pattern_literals *run, const struct texts *child)
{
    if (child->is_exact && cross(run, &child->exact))
        return;
    keep_better(&all->must, run);
    all->is_exact = false;
    *run = (struct pattern_literals){.n = 1};
    if (child->is_exact)
        *run = child->exact;
    else
        keep_better(&all->must, &child->must);
}

static void find_cat(const struct pattern_tree *t, uint32_t first, struct texts *out)
{
    struct pattern_literals run = {.n = 1};
    struct texts child;
    *out = (struct texts){.is_exact = true};
    for (uint32_t c = first; c != PATTERN_NONE; c = t->v[c].next) {
        find(t, c, &child);
        follow(out, &run, &child);
    }
    if (out->is_exact)
        out->exact = run;
    else
        keep_better(&out->must, &run);
}

static void find_alt(const struct pattern_tree *t, uint32_t first, struct texts *out)
{
    struct texts child;
    bool has_must = true;
    *out = (struct texts){.is_exact = true};
    for (uint32_t c = first; c != PATTERN_NONE; c = t->v[c].next) {
        find(t, c, &child);
        const struct pattern_literals *m = child.is_exact ? &child.exact : &child.must;
        out->is_exact =
            out->is_exact && child.is_exact && add_all(&out->exact, m) && out->exact.n <= EXACT_MAX;
        has_must = has_must && worth(m) > 0 && add_all(&out->must, m);
    }
    if (!has_must || out->is_exact)
        out->must.n = 0;
}

static void find_repeat(const struct pattern_tree *t, const struct pattern_node *v,
                        struct texts *out)
{
    struct pattern_literals once;
    find(t, v->child, out);
    if (v->min == 0) {
        const struct pattern_literal empty = {.n = 0};
        out->must.n = 0;
        out->is_exact = out->is_exact && v->max == 1 && add(&out->exact, &empty);
        return;
    }
    if (!out->is_exact)
        return;
    once = out->exact;
    bool is_whole = v->min == v->max;
    for (uint32_t i = 1; i < v->min && is_whole; i++)
        is_whole = i <= PATTERN_LITERAL_MOST && cross(&out->exact, &once);
    if (!is_whole) {
        out->must = out->exact;
        out->is_exact = false;
    }
}

static void find(const struct pattern_tree *t, uint32_t id, struct texts *out)
{
    const struct pattern_node *v = &t->v[id];
    *out = (struct texts){.is_exact = false};
    switch (v->kind) {
    case PATTERN_EMPTY:
    case PATTERN_ASSERT: nothing_exact(out); break;
    case PATTERN_SET: find_set(v, out); break;
    case PATTERN_CAT: find_cat(t, v->child, out); break;
    case PATTERN_ALT: find_alt(t, v->child, out); break;
    case PATTERN_REPEAT: find_repeat(t, v, out); break;
    case PATTERN_ANY: break;
    }
}

bool pattern_literals_find(const struct pattern_tree *t, struct pattern_literals *out)
{
    struct texts all;
    find(t, t->root, &all);
    *out = all.is_exact ? all.exact : all.must;
    if (worth(out) <= 1)
        out->n = 0;
    return out->n > 0;
}
