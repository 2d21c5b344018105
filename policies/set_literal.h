/* set_literal: which of many short texts stand in a text, in one pass: six bytes (four or
 * three, for shorter texts) at each place are
 * looked up in a small Bloom filter, and only where that says "perhaps" in a table. Cost: about a
 * nanosecond a byte, whether there are ten texts or ten thousand. Bytes are compared folded (|
 * 0x20), so it may say yes too often (never too rarely): the caller confirms. Owner: caller's
 * storage, set_literal_fini. Threads: finding anywhere once sealed. */
#ifndef POLICIES_SET_LITERAL_H
#define POLICIES_SET_LITERAL_H

#include "policies/pattern_literals.h"

struct set_literal_entry {
    uint64_t key;   /* so many folded bytes of the text, from `before` on */
    uint32_t owner; /* number given by the caller */
    uint8_t before; /* bytes of the text in front of the key */
    struct pattern_literal text;
};

struct set_literal_table { /* of keys of one width */
    struct set_literal_entry *v;
    uint32_t n, cap;
    uint64_t *words; /* a Bloom filter: three bits of one word for each key */
    uint32_t *start; /* of each bucket: its first entry; entries are sorted by hash */
    unsigned word_shift, bucket_shift;
};

struct set_literal {
    struct set_literal_table six, four, three; /* by the width of their keys */
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
