/* pattern_code: PCRE2 with JIT, its limits, and the figures of sampled runs. */
#include "policies/pattern_code.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JIT_START   (32u * 1024)
#define JIT_MOST    (512u * 1024)
#define STEPS       (1u << 14) /* of a run that is not watched, over all places it may start at */
#define STEPS_LEAST 32u        /* at one place */
#define STARTS_FEW  64u        /* places that are not counted */
#define LEFT_SHIFTS 4u         /* a 256th is left at least */
#define HEAP_KIB    1024u      /* for the interpreter, where there is no JIT */

struct worst {
    atomic_flag is_busy; /* tried, never waited for */
    uint16_t n;
    char text[PATTERN_WORST_BYTES];
};

struct pattern_code {
    atomic_uint n_refs;
    pcre2_code *re;
    _Atomic(pcre2_code *) watched; /* tells of each item it tries; made when first needed */
    bool is_jit, is_anchored;
    size_t plain_most; /* bytes of a text on which `re` may be run unwatched */
    atomic_bool is_checked, is_unscannable;
    const uint8_t *starts; /* bit map of bytes a match starts with, inside re; or NULL */
    int first;             /* the byte it starts with; -1: others too */
    struct pattern_literal *literals;
    unsigned n_literals;
    _Atomic uint64_t n_runs, n_hits, n_limited, ns, worst_ns;
    _Atomic(struct worst *) worst;
    size_t n;
    char text[];
};

struct pattern_runner {
    pcre2_match_data *match;
    pcre2_match_context *context, *watching;
    pcre2_jit_stack *stack;
    uint32_t work, most; /* of the watched run under way, and where it is */
    size_t at;
    unsigned n_given_up; /* on the text at hand */
};

#define OPTIONS (PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF)

static enum err compile(struct pattern_code *p, struct pattern_fault *fault)
{
    int code;
    PCRE2_SIZE at = 0;
    p->re = pcre2_compile((PCRE2_SPTR)p->text, p->n, OPTIONS, &code, &at, NULL);
    if (p->re)
        return OK;
    PCRE2_UCHAR text[sizeof fault->message];
    pcre2_get_error_message(code, text, sizeof text);
    fault->offset = at;
    memcpy(fault->message, text, sizeof text);
    fault->message[sizeof fault->message - 1] = '\0';
    return ERR_INVALID;
}

static void learn_starts(struct pattern_code *p)
{
    uint32_t options = 0, type = 0, unit = 0;
    p->is_jit = pcre2_jit_compile(p->re, PCRE2_JIT_COMPLETE) == 0;
    pcre2_pattern_info(p->re, PCRE2_INFO_ALLOPTIONS, &options);
    pcre2_pattern_info(p->re, PCRE2_INFO_FIRSTCODETYPE, &type);
    pcre2_pattern_info(p->re, PCRE2_INFO_FIRSTCODEUNIT, &unit);
    pcre2_pattern_info(p->re, PCRE2_INFO_FIRSTBITMAP, &p->starts);
    p->is_anchored = (options & PCRE2_ANCHORED) != 0;
    p->first = type == 1 ? (int)unit : -1;
}

/* What a run costs at most, JIT does not count well: a quarter of a millisecond. */
static size_t plain_most(unsigned degree)
{
    static const size_t most[PATTERN_STEEP + 1] = {SIZE_MAX, SIZE_MAX, 1500, 128, 48, 24};
    return most[degree];
}

static enum err learn_structure(struct pattern_code *p)
{
    struct pattern_tree t;
    struct pattern_literals l;
    enum err e = pattern_tree_parse(str_make(p->text, p->n), &t);
    p->plain_most = plain_most(e == OK ? pattern_tree_degree(&t, p->is_anchored) : PATTERN_STEEP);
    if (e != OK)
        return e == ERR_INVALID ? OK : e;
    if (pattern_literals_find(&t, &l)) {
        p->literals = calloc(l.n, sizeof *p->literals);
        p->n_literals = p->literals ? l.n : 0;
        if (p->literals)
            memcpy(p->literals, l.v, l.n * sizeof l.v[0]);
    }
    pattern_tree_fini(&t);
    return OK;
}

enum err pattern_code_new(struct str text, struct pattern_fault *fault, struct pattern_code **out)
{
    *fault = (struct pattern_fault){.offset = 0};
    if (text.n > PATTERN_TEXT_MAX) {
        fault->offset = PATTERN_TEXT_MAX;
        snprintf(fault->message, sizeof fault->message, "longer than %d bytes", PATTERN_TEXT_MAX);
        return ERR_INVALID;
    }
    struct pattern_code *p = calloc(1, sizeof *p + text.n + 1);
    if (!p)
        return ERR_NOMEM;
    atomic_init(&p->n_refs, 1);
    p->n = text.n;
    if (text.n)
        memcpy(p->text, text.p, text.n);
    atomic_init(&p->is_unscannable, strlen(p->text) != text.n);
    enum err e = compile(p, fault);
    if (e == OK) {
        learn_starts(p);
        e = learn_structure(p);
    }
    if (e != OK)
        pattern_code_unref(p);
    else
        *out = p;
    return e;
}

struct pattern_code *pattern_code_ref(struct pattern_code *p)
{
    atomic_fetch_add_explicit(&p->n_refs, 1, memory_order_relaxed);
    return p;
}

void pattern_code_unref(struct pattern_code *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->n_refs, 1, memory_order_acq_rel) != 1)
        return;
    pcre2_code_free(p->re);
    pcre2_code_free(atomic_load(&p->watched));
    free(p->literals);
    free(atomic_load(&p->worst));
    free(p);
}

struct str pattern_code_text(const struct pattern_code *p)
{
    return str_make(p->text, p->n);
}

const struct pattern_literal *pattern_code_literals(const struct pattern_code *p, unsigned *n)
{
    *n = p->n_literals;
    return p->literals;
}

bool pattern_code_is_checked(const struct pattern_code *p)
{
    return atomic_load_explicit(&p->is_checked, memory_order_relaxed);
}

void pattern_code_set_checked(struct pattern_code *p)
{
    atomic_store_explicit(&p->is_checked, true, memory_order_relaxed);
}

bool pattern_code_may_scan(const struct pattern_code *p)
{
    return !atomic_load_explicit(&p->is_unscannable, memory_order_relaxed);
}

void pattern_code_set_unscannable(struct pattern_code *p)
{
    atomic_store_explicit(&p->is_unscannable, true, memory_order_relaxed);
}

/* --- running ------------------------------------------------------------------------------------
 */

/* Called for each item of the pattern that is tried, wherever it starts: an exact bound. 16 bytes
 * passed in one item count as one more. */
static int on_item(pcre2_callout_block *b, void *ctx)
{
    struct pattern_runner *r = ctx;
    size_t at = b->current_position;
    r->work += 1 + (uint32_t)((at > r->at ? at - r->at : r->at - at) / 16);
    r->at = at;
    return r->work > r->most ? PCRE2_ERROR_CALLOUT : 0;
}

struct pattern_runner *pattern_runner_new(void)
{
    struct pattern_runner *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->match = pcre2_match_data_create(1, NULL);
    r->context = pcre2_match_context_create(NULL);
    r->watching = pcre2_match_context_create(NULL);
    r->stack = pcre2_jit_stack_create(JIT_START, JIT_MOST, NULL);
    if (!r->match || !r->context || !r->watching || !r->stack) {
        pattern_runner_free(r);
        return NULL;
    }
    pcre2_set_heap_limit(r->context, HEAP_KIB);
    pcre2_set_heap_limit(r->watching, HEAP_KIB);
    pcre2_jit_stack_assign(r->context, NULL, r->stack);
    pcre2_jit_stack_assign(r->watching, NULL, r->stack);
    pcre2_set_callout(r->watching, on_item, r);
    return r;
}

void pattern_runner_free(struct pattern_runner *r)
{
    if (!r)
        return;
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    pcre2_match_context_free(r->watching);
    pcre2_jit_stack_free(r->stack);
    free(r);
}

/* Places of the text a match may start at, at least 1. */
static uint32_t count_starts(const struct pattern_code *p, struct str text)
{
    uint32_t n = 0;
    if (p->is_anchored)
        return 1;
    if (text.n <= STARTS_FEW || (!p->starts && p->first < 0))
        return (uint32_t)text.n + 1;
    char lower = p->first >= 0 ? str_lower((char)p->first) : '\0';
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        n += p->first >= 0 ? str_lower(text.p[i]) == lower : p->starts[c / 8] >> (c % 8) & 1;
    }
    return n + 1;
}

void pattern_runner_next(struct pattern_runner *r)
{
    r->n_given_up = 0;
}

static uint32_t left_of(const struct pattern_runner *r, uint32_t whole)
{
    return whole >> (r->n_given_up < LEFT_SHIFTS ? 2 * r->n_given_up : 2 * LEFT_SHIFTS);
}

/* PCRE2 counts the steps of each starting place for itself, so their sum is shared out here. */
static int run_plain(const struct pattern_code *p, struct pattern_runner *r, struct str text)
{
    uint32_t each = left_of(r, STEPS) / count_starts(p, text);
    each = each > STEPS_LEAST ? each : STEPS_LEAST;
    pcre2_set_match_limit(r->context, each);
    pcre2_set_depth_limit(r->context, each);
    return p->is_jit
               ? pcre2_jit_match(p->re, (PCRE2_SPTR)text.p, text.n, 0, 0, r->match, r->context)
               : pcre2_match(p->re, (PCRE2_SPTR)text.p, text.n, 0, 0, r->match, r->context);
}

/* The same pattern, made to tell of each item; NULL when out of memory. */
static pcre2_code *watched_of(struct pattern_code *p)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *made, *none = NULL, *re = atomic_load_explicit(&p->watched, memory_order_acquire);
    if (re)
        return re;
    made = pcre2_compile((PCRE2_SPTR)p->text, p->n, OPTIONS | PCRE2_AUTO_CALLOUT, &code, &at, NULL);
    if (!made)
        return NULL;
    (void)pcre2_jit_compile(made, PCRE2_JIT_COMPLETE);
    if (atomic_compare_exchange_strong(&p->watched, &none, made))
        return made;
    pcre2_code_free(made);
    return none;
}

static int run_watched(struct pattern_code *p, struct pattern_runner *r, struct str text,
                       uint32_t most)
{
    const pcre2_code *re = watched_of(p);
    r->most = most;
    r->work = 0;
    r->at = 0;
    return re ? pcre2_match(re, (PCRE2_SPTR)text.p, text.n, 0, 0, r->match, r->watching)
              : PCRE2_ERROR_NOMEMORY;
}

static enum pattern_answer run(struct pattern_code *p, struct pattern_runner *r, struct str text)
{
    if (!text.p)
        text = STR("");
    int rc = text.n <= p->plain_most ? run_plain(p, r, text) : PCRE2_ERROR_MATCHLIMIT;
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        rc = run_watched(p, r, text, left_of(r, PATTERN_WORK_MOST));
    if (rc >= 0)
        return PATTERN_YES;
    if (rc == PCRE2_ERROR_NOMATCH)
        return PATTERN_NO;
    atomic_fetch_add_explicit(&p->n_limited, 1, memory_order_relaxed);
    r->n_given_up++;
    return PATTERN_LIMITED;
}

uint32_t pattern_code_work(struct pattern_code *p, struct pattern_runner *r, struct str text,
                           uint32_t most)
{
    int rc = run_watched(p, r, text, most);
    return rc >= 0 || rc == PCRE2_ERROR_NOMATCH ? r->work : most;
}

/* --- figures ------------------------------------------------------------------------------------
 */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void keep_worst(struct pattern_code *p, struct str text, uint64_t ns)
{
    struct worst *w = atomic_load(&p->worst), *none = NULL;
    if (!w) {
        w = calloc(1, sizeof *w);
        if (w && !atomic_compare_exchange_strong(&p->worst, &none, w)) {
            free(w);
            w = none;
        }
    }
    if (!w || atomic_flag_test_and_set_explicit(&w->is_busy, memory_order_acquire))
        return;
    w->n = (uint16_t)(text.n < sizeof w->text ? text.n : sizeof w->text);
    if (w->n)
        memcpy(w->text, text.p, w->n);
    atomic_store_explicit(&p->worst_ns, ns, memory_order_relaxed);
    atomic_flag_clear_explicit(&w->is_busy, memory_order_release);
}

static void enter(struct pattern_code *p, struct str text, bool is_hit, uint64_t ns)
{
    atomic_fetch_add_explicit(&p->n_runs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->n_hits, is_hit, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->ns, ns, memory_order_relaxed);
    if (ns > atomic_load_explicit(&p->worst_ns, memory_order_relaxed))
        keep_worst(p, text, ns);
}

enum pattern_answer pattern_code_run(struct pattern_code *p, struct pattern_runner *r,
                                     struct str text, bool is_sampled)
{
    if (!is_sampled)
        return run(p, r, text);
    uint64_t t = now_ns();
    enum pattern_answer a = run(p, r, text);
    enter(p, text, a == PATTERN_YES, now_ns() - t);
    return a;
}

void pattern_code_cost(struct pattern_code *p, struct pattern_cost *out)
{
    *out = (struct pattern_cost){
        .n_runs = atomic_load_explicit(&p->n_runs, memory_order_relaxed),
        .n_hits = atomic_load_explicit(&p->n_hits, memory_order_relaxed),
        .n_limited = atomic_load_explicit(&p->n_limited, memory_order_relaxed),
        .ns = atomic_load_explicit(&p->ns, memory_order_relaxed),
        .worst_ns = atomic_load_explicit(&p->worst_ns, memory_order_relaxed)};
    struct worst *w = atomic_load(&p->worst);
    if (!w || atomic_flag_test_and_set_explicit(&w->is_busy, memory_order_acquire))
        return;
    out->n_worst = w->n;
    memcpy(out->worst, w->text, w->n);
    atomic_flag_clear_explicit(&w->is_busy, memory_order_release);
}
