/* pattern_tree: the structure of a PCRE2 pattern, as far as it is needed to reason about it: which
 * literals every match contains, whether it only names a host, where it can back-track without end.
 * Always on the wide side: what a node stands for includes all that PCRE2 would match there, so
 * letters are of both cases, and what is not modelled (back references, recursion) is "anything".
 * Owner: caller's storage, pattern_tree_fini. Pure. See: pcre2pattern(3). */
#ifndef POLICIES_PATTERN_TREE_H
#define POLICIES_PATTERN_TREE_H

#include "base/str.h"

#define PATTERN_NONE      UINT32_MAX
#define PATTERN_UNBOUNDED UINT32_MAX

enum pattern_kind {
    PATTERN_EMPTY,
    PATTERN_SET,    /* one byte out of `bytes` */
    PATTERN_CAT,    /* children one after the other */
    PATTERN_ALT,    /* one of the children */
    PATTERN_REPEAT, /* the child min..max times */
    PATTERN_ASSERT, /* no byte: what = ^ $ A Z z G b B K, or < = for look-behind and look-ahead */
    PATTERN_ANY     /* anything at all, nothing included */
};

struct pattern_bytes {
    uint64_t w[4];
};

struct pattern_node {
    enum pattern_kind kind;
    char what;
    bool is_atomic;          /* gives nothing back: possessive, or (?>...) */
    uint32_t min, max;       /* of PATTERN_REPEAT */
    uint32_t child, next;    /* first child, next sibling; PATTERN_NONE: none */
    uint32_t at;             /* offset in the pattern, bytes */
    struct pattern_bytes in; /* of PATTERN_SET */
};

struct pattern_tree {
    struct pattern_node *v;
    uint32_t n, cap, root;
    bool has_options; /* (?...) changes how something is read */
};

/* The pattern must be one that PCRE2 compiles with PCRE2_CASELESS and without UTF. ERR_INVALID: it
 * holds something this reader does not know; nothing can be said about it. ERR_NOMEM. */
enum err pattern_tree_parse(struct str pattern, struct pattern_tree *out) MUST_CHECK;
void pattern_tree_fini(struct pattern_tree *t);

/* An upper bound of how the work of a search grows with the text: the power of its length, one for
 * the places to start at included; PATTERN_STEEP: beyond any power that matters. */
#define PATTERN_STEEP 9
unsigned pattern_tree_degree(const struct pattern_tree *t, bool is_anchored);

static inline bool pattern_bytes_has(const struct pattern_bytes *b, unsigned char c)
{
    return b->w[c / 64] >> (c % 64) & 1;
}

static inline void pattern_bytes_add(struct pattern_bytes *b, unsigned char c)
{
    b->w[c / 64] |= UINT64_C(1) << (c % 64);
}

static inline unsigned pattern_bytes_count(const struct pattern_bytes *b)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++)
        n += (unsigned)__builtin_popcountll(b->w[i]);
    return n;
}

#endif
