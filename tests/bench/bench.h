/* bench: clocks, the shared data and made-up words, for the programs here. Each includes it once;
 * what it does not use costs nothing. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/str.h"

#define BENCH_CATEGORIES 1000

static inline uint64_t bench_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What looking at the clock twice costs, at the best. */
static inline uint32_t bench_clock_cost(void)
{
    uint32_t best = UINT32_MAX;
    for (int i = 0; i < 100000; i++) {
        uint64_t t = bench_ns(CLOCK_MONOTONIC);
        uint32_t took = (uint32_t)(bench_ns(CLOCK_MONOTONIC) - t);
        best = took < best ? took : best;
    }
    return best;
}

/* --- the shared data: files of a folder, packed by zstd --- */

static inline FILE *bench_open(const char *folder, const char *file)
{
    char command[900];
    snprintf(command, sizeof command, "zstd -dc --long=27 '%s/%s' 2>/dev/null", folder, file);
    return popen(command, "r");
}

static inline FILE *bench_open_list(const char *folder, const char *category)
{
    char file[100];
    snprintf(file, sizeof file, "categories/%s.domains.zst", category);
    return bench_open(folder, file);
}

static inline struct str bench_line(const char *text)
{
    return str_make(text, strcspn(text, "\r\n"));
}

/* The names of the lists, at most `most`; returns how many. */
static inline uint32_t bench_categories(const char *folder, char (*names)[64], uint32_t most)
{
    char command[600], text[256];
    uint32_t n = 0;
    snprintf(command, sizeof command,
             "ls '%s/categories' 2>/dev/null | sed -n 's/\\.domains\\.zst$//p'", folder);
    FILE *f = popen(command, "r");
    must(f != NULL);
    while (n < most && fgets(text, sizeof text, f))
        snprintf(names[n++], 64, "%.*s", STR_ARG(bench_line(text)));
    pclose(f);
    return n;
}

/* Where an index is written that stays in memory: ctx is a struct buf. */
static inline enum err bench_append(void *ctx, struct str bytes)
{
    struct buf *b = ctx;
    buf_add(b, bytes);
    return b->failed ? ERR_NOMEM : OK;
}

/* --- made-up words, in the forms of the peers' list generator --- */

static uint64_t bench_seed __attribute__((unused)) = 20240601;

static inline uint32_t bench_random(uint32_t below)
{
    bench_seed = bench_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((bench_seed >> 33) % below);
}

static inline void bench_word(struct buf *b, unsigned syllables)
{
    static const char *const on[] = {"b", "c", "d", "f", "g",  "j",  "l",  "m",  "n",  "p",  "r",
                                     "s", "t", "v", "z", "br", "ch", "fl", "gr", "sh", "st", "tr"};
    static const char *const vowel[] = {"a", "e", "i", "o", "u", "ai", "ea", "oo"};
    static const char *const end[] = {"", "", "", "n", "r", "s", "t", "ck", "nd", "x"};
    for (unsigned i = 0; i < syllables; i++)
        buf_addf(b, "%s%s%s", on[bench_random(22)], vowel[bench_random(8)], end[bench_random(10)]);
}

#endif
