/* pattern_literals: which short texts a match of a pattern cannot be without: every match contains
 * at least one of them. The scan for them (set_literal) then says which patterns are worth running.
 * Texts are folded: each byte | 0x20, as the scan folds what it looks at. Pure. */
#ifndef POLICIES_PATTERN_LITERALS_H
#define POLICIES_PATTERN_LITERALS_H

#include "policies/pattern_tree.h"

#define PATTERN_LITERALS_MAX  48 /* texts of one pattern */
#define PATTERN_LITERAL_LEAST 3  /* bytes of one text, and most: */
#define PATTERN_LITERAL_MOST  16

struct pattern_literal {
    uint8_t n;
    char b[PATTERN_LITERAL_MOST];
};

struct pattern_literals {
    uint8_t n; /* 0: a match may be without any text worth looking for */
    struct pattern_literal v[PATTERN_LITERALS_MAX];
};

/* False: none, or only texts that nearly every URL has ("http", ".com"). */
bool pattern_literals_find(const struct pattern_tree *t, struct pattern_literals *out);

/* A text (folded) that says next to nothing about a URL. */
bool pattern_literals_is_common(struct str l);

#endif
