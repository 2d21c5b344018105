/* set_literal: which of many short texts stand in a text, in one pass: four bytes at each place are
 * looked up in a bit map that stays in the first-level cache, and only where it says "perhaps" in a
 * table. Cost: about a nanosecond a byte, whether there are ten texts or ten thousand. Bytes are
 * compared folded (| 0x20), so it may say yes too often (never too rarely): the caller confirms.
 * Owner: caller's storage, set_literal_fini. Threads: finding anywhere once sealed. */
#ifndef POLICIES_SET_LITERAL_H
#define POLICIES_SET_LITERAL_H

#include "policies/pattern_literals.h"

struct set_literal_entry {
    uint32_t key;   /* four (or three) folded bytes of the text */
    uint32_t owner; /* number given by the caller */
    uint8_t before; /* bytes of the text in front of the key */
    struct pattern_literal text;
};

struct set_literal_table { /* of keys of one width */
    struct set_literal_entry *v;
    uint32_t n, cap;
    uint64_t *bits; /* of each hash: there is such a key */
    uint32_t *start;
    unsigned shift; /* 32 - log2 of the number of hashes */
};

struct set_literal {
    struct set_literal_table four, three;
};

/* text->n >= PATTERN_LITERAL_LEAST. ERR_NOMEM. */
enum err set_literal_add(struct set_literal *s, const struct pattern_literal *text,
                         uint32_t owner) MUST_CHECK;
/* After the last add, before the first find. */
enum err set_literal_seal(struct set_literal *s) MUST_CHECK;
void set_literal_fini(struct set_literal *s);

/* Calls on_found for each place of each text; an owner may come more than once. */
void set_literal_find(const struct set_literal *s, struct str text,
                      void (*on_found)(void *ctx, uint32_t owner), void *ctx);

#endif
