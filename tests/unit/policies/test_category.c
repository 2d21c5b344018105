/* category: names, networks, URL entries with and without ports and expressions behind one call;
 * what was entered by hand is over all of it; every hit can be named. */
#include "policies/category.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/host.h"
#include "base/url.h"

struct entry {
    uint32_t category;
    enum set_domain_kind kind;
    const char *text;
};

static const char *const names[] = {"ads", "bad", "cars"};
static const struct entry listed[] = {
    {0, SET_DOMAIN_NAME, "ads.test"},
    {0, SET_DOMAIN_NAME, "www.deep.ads.test"},
    {1, SET_DOMAIN_NET, "10.0.0.0/8"},
    {2, SET_DOMAIN_NET, "10.1.0.0/16"},
    {1, SET_DOMAIN_NET, "2001:db8::/32"},
    {1, SET_DOMAIN_NAME, "192.0.2.7"},
    {1, SET_DOMAIN_URL, "port.test:8080/x"},
    {2, SET_DOMAIN_URL, "port.test/y/"},
    {1, SET_DOMAIN_EXPRESSION, "casino[0-9]+"},
    {2, SET_DOMAIN_EXPRESSION, "(broken"},
    {2, SET_DOMAIN_EXPRESSION, "^http://[^/]*/auto"},
    {0, SET_DOMAIN_NAME, "zip"},
    {1, SET_DOMAIN_NAME, "taken.test"},
    {1, SET_DOMAIN_NAME, "sub.taken.test"},
    {1, SET_DOMAIN_URL, "shared.test/evil"},
    {2, SET_DOMAIN_EXCEPTION, "good.cars.test"},
    {2, SET_DOMAIN_NAME, "cars.test"},
};
static const char *const hand_names[] = {"bad", "mine"};
static const struct entry by_hand[] = {
    {1, SET_DOMAIN_NAME, "mine.test"},        {0, SET_DOMAIN_NAME, "new.test"},
    {0, SET_DOMAIN_EXCEPTION, "taken.test"},  {0, SET_DOMAIN_EXCEPTION, "shared.test/evil"},
    {0, SET_DOMAIN_EXCEPTION, "10.2.0.0/16"}, {0, SET_DOMAIN_NET, "172.16.0.0/12"},
    {1, SET_DOMAIN_URL, "files.test/secret"},
};

static enum err append(void *ctx, struct str bytes)
{
    struct buf *b = ctx;
    buf_add(b, bytes);
    return b->failed ? ERR_NOMEM : OK;
}

static void build(const char *const *category, size_t n_categories, const struct entry *v, size_t n,
                  struct buf *bytes)
{
    struct str s[4];
    struct set_domain_builder *b;
    for (size_t i = 0; i < n_categories; i++)
        s[i] = str_of(category[i]);
    buf_init(bytes, 1 << 20);
    assert_int_equal(set_domain_builder_new(s, n_categories, &b), OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(set_domain_builder_add(b, v[i].category, v[i].kind, str_of(v[i].text)),
                         OK);
    assert_int_equal(set_domain_builder_add(b, 0, SET_DOMAIN_NET, STR("10.0.0.1/8")), ERR_INVALID);
    assert_int_equal(set_domain_builder_finish(b, append, bytes, NULL), OK);
    set_domain_builder_free(b);
}

struct row {
    const char *url;
    const char *want; /* "category=entry(kind) ", '!' before what was entered by hand */
};

static void ask(const struct category_index *x, const struct row *r)
{
    enum err e;
    struct url u;
    struct arena a;
    struct str normal;
    struct buf said;
    struct set_domain_hits h;
    struct category_entry entry;
    struct category_scratch *s = category_scratch_new(x, &e);
    arena_init(&a, 4096, 1 << 20);
    buf_init(&said, 4096);
    assert_int_equal(e, OK);
    assert_int_equal(url_parse(str_of(r->url), &u), OK);
    assert_int_equal(url_normal(&u, &a, &normal), OK);
    struct category_ask ask = {host_str(&u.host), u.host.is_ip, u.port, normal, u.path_query};
    category_prefetch(x, ask.host, ask.is_ip);
    category_host(x, &ask, &h);
    category_url(x, s, &ask, &h);
    for (uint32_t c = 0; c < category_index_n(x); c++)
        for (unsigned i = 0; i < h.n; i++) {
            if (h.category[i] != c)
                continue;
            struct str name = category_index_name(x, c);
            assert_true(category_entry(x, s, &ask, name, &entry));
            buf_addf(&said, "%s%.*s=%.*s(%s) ", entry.is_local ? "!" : "", STR_ARG(name),
                     STR_ARG(category_entry_text(&entry)), category_kind_name(entry.kind));
        }
    buf_add_c(&said, '\0');
    if (str_cmp(str_of(said.p), str_of(r->want)) != 0)
        print_message("%s\n", r->url);
    assert_string_equal(said.p, r->want);
    category_scratch_free(s);
    buf_fini(&said);
    arena_fini(&a);
}

static void listed_things(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"http://ads.test/", "ads=ads.test(domain) "},
        {"http://x.ads.test/", "ads=ads.test(domain) "},
        {"http://a.www.deep.ads.test/", "ads=www.deep.ads.test(domain) "},
        {"http://xads.test/", ""},
        {"http://10.9.9.9/", "bad=10.0.0.0/8(network) "},
        {"http://10.1.9.9/", "bad=10.0.0.0/8(network) cars=10.1.0.0/16(network) "},
        {"http://11.1.9.9/", ""},
        {"http://[2001:db8:1::5]/", "bad=2001:db8::/32(network) "},
        {"http://[2001:db9::5]/", ""},
        {"http://192.0.2.7/", "bad=192.0.2.7(ip) "},
        {"http://port.test:8080/x/more", "bad=port.test:8080/x(url) "},
        {"http://www.port.test:8080/x", "bad=port.test:8080/x(url) "},
        {"http://port.test/x", ""},
        {"http://port.test:8081/x", ""},
        {"http://port.test:8081/y", "cars=port.test/y(url) "},
        {"https://port.test/y/z", "cars=port.test/y(url) "},
        {"http://a.test/CASINO77", "bad=casino[0-9]+(expression) "},
        {"http://a.test/auto", "cars=^http://[^/]*/auto(expression) "},
        {"https://a.test/auto", ""},
        {"http://file.zip/", "ads=zip(domain) "},
        {"http://a.b.file.zip/", "ads=zip(domain) "},
        {"http://sub.taken.test/", "bad=sub.taken.test(domain) "},
        {"http://shared.test/evil/x", "bad=shared.test/evil(url) "},
        {"http://www.cars.test/", "cars=cars.test(domain) "},
        {"http://good.cars.test/", ""},
        {"http://mine.test/", ""},
    };
    struct buf bytes;
    struct category_index *x, *again;
    build(names, 3, listed, sizeof listed / sizeof *listed, &bytes);
    struct category_file file = {.bytes = buf_str(&bytes)};
    assert_int_equal(category_index_open_like(&file, NULL, &x), OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ask(x, &rows[i]);
    assert_true(category_index_has_expressions(x, 1) && category_index_has_expressions(x, 2));
    assert_false(category_index_has_expressions(x, 0));
    assert_int_equal(category_index_open_like(&file, x, &again), OK);
    category_index_unref(x);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ask(again, &rows[i]);
    category_index_unref(again);
    buf_fini(&bytes);
}

static void by_hand_over_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"http://mine.test/", "!mine=mine.test(domain) "},
        {"http://new.test/", "!bad=new.test(domain) "},
        {"http://taken.test/", ""},
        {"http://sub.taken.test/", ""}, /* what is below an exception by hand is out as well */
        {"http://shared.test/evil", ""},
        {"http://10.2.3.4/", ""},
        {"http://10.3.3.4/", "bad=10.0.0.0/8(network) "},
        {"http://172.16.1.1/", "!bad=172.16.0.0/12(network) "},
        {"http://files.test/secret/plan", "!mine=files.test/secret(url) "},
        {"http://ads.test/", "ads=ads.test(domain) "},
        {"http://a.test/casino77", "bad=casino[0-9]+(expression) "},
    };
    struct buf bytes, local;
    struct category_index *under, *x, *alone;
    build(names, 3, listed, sizeof listed / sizeof *listed, &bytes);
    build(hand_names, 2, by_hand, sizeof by_hand / sizeof *by_hand, &local);
    struct category_file file = {.bytes = buf_str(&local)};
    assert_int_equal(category_index_open(buf_str(&bytes), NULL, NULL, &under), OK);
    assert_int_equal(category_index_cover(under, &file, &x), OK);
    category_index_unref(under);
    assert_int_equal(category_index_n(x), 4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ask(x, &rows[i]);
    category_index_unref(x);
    assert_int_equal(category_index_cover(NULL, &file, &alone), OK);
    assert_int_equal(category_index_n(alone), 2);
    ask(alone, &rows[0]);
    ask(alone, &rows[1]);
    category_index_unref(alone);
    buf_fini(&bytes);
    buf_fini(&local);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_things),
        cmocka_unit_test(by_hand_over_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
