/* fuzz_pattern: a pattern and, behind a zero byte, a text. Whatever PCRE2 compiles is read, sifted
 * and checked without a crash or a long wait; the set's answer is PCRE2's own; what is found by a
 * literal is never missed; a run that ends, ends with the answer of an unbounded one. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "policies/pattern_check.h"
#include "policies/pattern_host.h"
#include "policies/set_url.h"

#define STEPS 300000 /* of a check, and of a plain run that is compared with */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_fault(void *ctx, const struct set_url_fault *f)
{
    (void)ctx;
    must(f->message[0] != '\0');
}

static void on_hit(void *ctx, uint32_t index)
{
    bool *is_hit = ctx;
    must(index == 0 && !*is_hit);
    *is_hit = true;
}

/* PCRE2 alone; negative: it gives up. */
static int plain_answer(struct str pattern, struct str text)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                      PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &at, NULL);
    pcre2_match_data *m = pcre2_match_data_create(1, NULL);
    pcre2_match_context *c = pcre2_match_context_create(NULL);
    must(re && m && c);
    pcre2_set_match_limit(c, STEPS / (uint32_t)(text.n + 1));
    int rc = pcre2_match(re, (PCRE2_SPTR)text.p, text.n, 0, 0, m, c);
    pcre2_match_context_free(c);
    pcre2_match_data_free(m);
    pcre2_code_free(re);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

static void compare(const struct set_url *s, struct str pattern, struct str text)
{
    bool is_hit = false;
    struct set_url_scratch *x = set_url_scratch_new(s);
    must(x != NULL);
    bool is_limited = set_url_match(s, x, text, on_hit, &is_hit);
    int want = plain_answer(pattern, text);
    must(is_limited || want < 0 || is_hit == (want == 1));
    set_url_scratch_free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str all = str_make(data, n);
    size_t cut = str_find(all, '\0');
    struct str pattern = cut == STR_NPOS ? all : str_sub(all, 0, cut);
    struct str text =
        cut == STR_NPOS ? STR("http://www.example.com/a?b=c") : str_sub(all, cut + 1, n);
    struct pattern_host h;
    struct set_url *s = NULL;
    uint64_t budget = STEPS;
    if (pattern.n > 300 || text.n > 1000)
        return 0;
    (void)pattern_host_read(pattern, &h);
    if (set_url_new(&pattern, 1, on_fault, NULL, &s) != OK)
        return 0;
    struct pattern_witness *w = calloc(1, sizeof *w);
    must(w != NULL);
    enum err e = pattern_check(set_url_code(s, 0), &budget, w);
    must(e == OK || (e == ERR_LIMIT && w->n <= PATTERN_CHECK_TEXT));
    compare(s, pattern, text);
    free(w);
    set_url_free(s);
    return 0;
}
