/* The index of names: meaning of entries, damaged bytes, and a differential run over real lists. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/host.h"
#include "base/map.h"
#include "policies/set_domain.h"

static enum err append(void *ctx, struct str bytes)
{
    struct buf *b = ctx;
    buf_add(b, bytes);
    return b->failed ? ERR_NOMEM : OK;
}

struct entry {
    uint32_t category;
    enum set_domain_kind kind;
    const char *text;
};

static const struct entry entries[] = {
    {0, SET_DOMAIN_NAME, "casino.test"},      {1, SET_DOMAIN_NAME, "www.casino.test"},
    {2, SET_DOMAIN_NAME, "shop.test"},        {2, SET_DOMAIN_EXCEPTION, "good.shop.test"},
    {1, SET_DOMAIN_URL, "host.test/bad"},     {0, SET_DOMAIN_URL, "host.test/bad/worse/"},
    {0, SET_DOMAIN_NAME, "192.0.2.7"},        {1, SET_DOMAIN_NAME, "xn--bcher-kva.test"},
    {0, SET_DOMAIN_NAME, "casino.test"},      {1, SET_DOMAIN_URL, "q.test/x?id=5"},
    {2, SET_DOMAIN_URL, "192.0.2.9/mal.exe"}, {0, SET_DOMAIN_URL, "whole.test/"},
    {2, SET_DOMAIN_URL, "shop.test/sale"},    {2, SET_DOMAIN_NAME, "both.test"},
    {2, SET_DOMAIN_EXCEPTION, "both.test"},
};

static void build(const struct entry *v, size_t n, struct buf *bytes,
                  struct set_domain_stats *stats)
{
    struct str names[3] = {STR("gambling"), STR("news"), STR("shopping")};
    struct set_domain_builder *b;
    buf_init(bytes, 1 << 24);
    assert_int_equal(set_domain_builder_new(names, 3, &b), OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(set_domain_builder_add(b, v[i].category, v[i].kind, str_of(v[i].text)),
                         OK);
    assert_int_equal(set_domain_builder_add(b, 3, SET_DOMAIN_NAME, STR("x.test")), ERR_INVALID);
    assert_int_equal(set_domain_builder_add(b, 0, SET_DOMAIN_URL, STR("no-path.test")),
                     ERR_INVALID);
    assert_int_equal(set_domain_builder_finish(b, append, bytes, stats), OK);
    set_domain_builder_free(b);
}

static unsigned mask_of(const struct set_domain_hits *h)
{
    unsigned m = 0;
    for (unsigned i = 0; i < h->n; i++)
        m |= 1u << h->category[i];
    return m;
}

static void meaning(void **state)
{
    (void)state;
    static const struct {
        const char *why, *host, *path;
        unsigned want;
    } rows[] = {
        {"itself", "casino.test", NULL, 1},
        {"below", "a.b.casino.test", NULL, 1},
        {"both levels", "www.casino.test", NULL, 3},
        {"look-alike", "xcasino.test", NULL, 0},
        {"parent is not in it", "test", NULL, 0},
        {"exception", "good.shop.test", NULL, 0},
        {"below an exception", "x.good.shop.test", NULL, 0},
        {"beside an exception", "bad.shop.test", NULL, 4},
        {"address", "192.0.2.7", NULL, 1},
        {"no suffix of an address", "1.192.0.2.7", NULL, 1},
        {"A-label", "xn--bcher-kva.test", NULL, 2},
        {"host alone of a URL entry", "host.test", NULL, 0},
        {"URL entry", "host.test", "/bad", 2},
        {"below its path", "host.test", "/bad/x", 2},
        {"with a query", "host.test", "/bad?x=1", 2},
        {"deeper entry too", "host.test", "/bad/worse/y", 3},
        {"path look-alike", "host.test", "/badly", 0},
        {"case counts in paths", "host.test", "/BAD", 0},
        {"host below", "www.host.test", "/bad", 2},
        {"entry with query", "q.test", "/x?id=5&more", 2},
        {"entry with query, other", "q.test", "/x?id=55", 0},
        {"URL entry of a whole host", "whole.test", "/any/thing", 1},
        {"URL entry of a whole host, its root", "www.whole.test", "/?q", 1},
        {"exception holds for URLs too", "good.shop.test", "/sale", 0},
        {"beside it the URL entry holds", "bad.shop.test", "/sale", 4},
        {"exception wins at its own level", "both.test", NULL, 0},
        {"address with path", "192.0.2.9", "/mal.exe", 4},
    };
    struct buf bytes;
    struct set_domain d;
    struct set_domain_stats stats;
    build(entries, sizeof entries / sizeof entries[0], &bytes, &stats);
    assert_int_equal(set_domain_open(buf_str(&bytes), &d), OK);
    assert_int_equal(stats.n_bytes, bytes.n);
    assert_int_equal(set_domain_n_keys(&d), stats.n_keys);
    assert_int_equal(set_domain_n_categories(&d), 3);
    assert_true(str_eq(set_domain_category(&d, 2), STR("shopping")));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct set_domain_hits h;
        struct ip ip;
        bool is_ip = ip_parse(str_of(rows[i].host), &ip) == OK;
        set_domain_host(&d, str_of(rows[i].host), is_ip, &h);
        if (rows[i].path && h.has_urls)
            set_domain_add_url(&d,
                               &(struct set_domain_ask){.host = str_of(rows[i].host),
                                                        .is_ip = is_ip,
                                                        .path = str_of(rows[i].path)},
                               &h);
        if (mask_of(&h) != rows[i].want)
            print_message("%s: wants %u, got %u\n", rows[i].why, rows[i].want, mask_of(&h));
        assert_int_equal(mask_of(&h), rows[i].want);
    }
    buf_fini(&bytes);
}

static void nothing_in_it(void **state)
{
    (void)state;
    struct buf bytes;
    struct set_domain d;
    struct set_domain_hits h;
    build(NULL, 0, &bytes, NULL);
    assert_int_equal(set_domain_open(buf_str(&bytes), &d), OK);
    set_domain_host(&d, STR("a.test"), false, &h);
    assert_int_equal(h.n, 0);
    buf_fini(&bytes);
}

static void every_damaged_byte_is_seen(void **state)
{
    (void)state;
    struct buf bytes;
    struct set_domain d;
    build(entries, sizeof entries / sizeof entries[0], &bytes, NULL);
    for (size_t i = 0; i < bytes.n; i++) {
        bytes.p[i] ^= 0x20;
        assert_int_equal(set_domain_open(buf_str(&bytes), &d), ERR_CORRUPT);
        bytes.p[i] ^= 0x20;
        assert_int_equal(set_domain_open(str_make(bytes.p, i), &d), ERR_CORRUPT);
    }
    buf_fini(&bytes);
}

/* --- real lists: each listed name is found, no other is
 * -------------------------------------------- */

static const char *const real[] = {"gambling", "press", "shopping"};

static FILE *open_list(const char *path)
{
    char command[300];
    snprintf(command, sizeof command,
             "test -r ../shared/data/%s && zstd -dc --long=27 ../shared/data/%s 2>/dev/null", path,
             path);
    return popen(command, "r");
}

static size_t read_real(struct set_domain_builder *b, struct map *truth)
{
    size_t n = 0;
    char line[512], path[100];
    for (uint32_t c = 0; c < 3; c++) {
        snprintf(path, sizeof path, "categories/%s.domains.zst", real[c]);
        FILE *f = open_list(path);
        while (f && fgets(line, sizeof line, f)) {
            struct str s = str_make(line, strcspn(line, "\n"));
            assert_int_equal(set_domain_builder_add(b, c, SET_DOMAIN_NAME, s), OK);
            uintptr_t mask = (uintptr_t)map_get(truth, s) | (1u << c);
            assert_int_equal(map_put(truth, s, (void *)mask, NULL), OK);
            n++;
        }
        if (f)
            pclose(f);
    }
    return n;
}

static unsigned truth_of(const struct map *truth, struct str name)
{
    unsigned m = 0;
    for (; name.n; name = host_parent(name))
        m |= (unsigned)(uintptr_t)map_get(truth, name);
    return m;
}

static void real_lists_have_no_wrong_answer(void **state)
{
    (void)state;
    struct str names[3] = {str_of(real[0]), str_of(real[1]), str_of(real[2])};
    struct set_domain_builder *b;
    struct set_domain_stats stats;
    struct set_domain d;
    struct set_domain_hits h;
    struct map truth;
    struct buf bytes;
    map_init(&truth);
    buf_init(&bytes, 1 << 26);
    assert_int_equal(set_domain_builder_new(names, 3, &b), OK);
    size_t n = read_real(b, &truth);
    assert_int_equal(set_domain_builder_finish(b, append, &bytes, &stats), OK);
    assert_int_equal(set_domain_open(buf_str(&bytes), &d), OK);
    size_t n_hits = 0, n_asked = 0;
    FILE *f = n ? open_list("popular-domains.txt.zst") : NULL;
    char line[512];
    while (f && fgets(line, sizeof line, f) && n_asked < 400000) {
        struct str s = str_make(line, strcspn(line, "\n"));
        set_domain_host(&d, s, false, &h);
        assert_int_equal(mask_of(&h), truth_of(&truth, s));
        n_hits += h.n > 0;
        n_asked++;
    }
    if (f)
        pclose(f);
    size_t at = 0;
    struct str key;
    void *value;
    while (map_each(&truth, &at, &key, &value)) {
        set_domain_host(&d, key, false, &h);
        assert_int_equal(mask_of(&h), truth_of(&truth, key));
    }
    set_domain_builder_free(b);
    size_t n_distinct = truth.n;
    map_fini(&truth);
    buf_fini(&bytes);
    if (!n) {
        print_message("skipped: no ../shared/data/categories beside the project\n");
        skip();
    }
    print_message("%zu entries, %.2f bytes a name, %zu looked up, %zu hits\n", n,
                  (double)stats.n_bytes / (double)n_distinct, n_asked, n_hits);
    assert_int_equal(stats.n_keys, n_distinct);
    assert_true((double)stats.n_bytes / (double)n_distinct < 14.0);
    assert_true(n_asked > 100000 && n_hits > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meaning),
        cmocka_unit_test(nothing_in_it),
        cmocka_unit_test(every_damaged_byte_is_seen),
        cmocka_unit_test(real_lists_have_no_wrong_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
