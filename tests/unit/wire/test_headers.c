/* headers: every known name is found in any case and no other is; lists are walked with bounds. */
#include "proxyd/wire/headers.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proxyd/wire/http_head.h"

static void test_ids(void **state)
{
    (void)state;
    for (int id = HEADER_OTHER + 1; id < HEADER_N_IDS; id++) {
        struct str name = header_id_name((enum header_id)id);
        char upper[64], lower[64], other[64];
        assert_in_range(name.n, 2, 63);
        for (size_t i = 0; i < name.n; i++) {
            upper[i] = (char)toupper((unsigned char)name.p[i]);
            lower[i] = other[i] = (char)tolower((unsigned char)name.p[i]);
        }
        assert_int_equal(header_id_of(name), id);
        assert_int_equal(header_id_of(str_make(upper, name.n)), id);
        assert_int_equal(header_id_of(str_make(lower, name.n)), id);
        /* One byte changed anywhere, cut by one, longer by one: another name. */
        for (size_t i = 0; i < name.n; i++) {
            char kept = other[i];
            other[i] = kept == 'q' ? 'j' : 'q';
            assert_int_equal(header_id_of(str_make(other, name.n)), HEADER_OTHER);
            other[i] = kept;
        }
        other[name.n] = 's';
        assert_int_not_equal(header_id_of(str_make(other, name.n + 1)), id);
        assert_int_not_equal(header_id_of(str_make(other, name.n - 1)), id);
    }
    assert_int_equal(header_id_of(STR("")), HEADER_OTHER);
    assert_int_equal(header_id_of(STR("x")), HEADER_OTHER);
    assert_int_equal(header_id_of(STR("transfer_encoding")), HEADER_OTHER);
}

static void test_token(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool want = c > 0 && c < 128 && (isalnum(c) || strchr("!#$%&'*+-.^_`|~", c));
        assert_int_equal(header_is_token(str_make(&byte, 1)), want);
    }
    assert_false(header_is_token(STR("")));
}

static void test_like(void **state)
{
    (void)state;
    assert_true(header_is_like(STR("X-Tenant"), STR("x_TENANT")));
    assert_true(header_is_like(STR(""), STR("")));
    assert_false(header_is_like(STR("X-Tenant"), STR("X-Tenan")));
    assert_false(header_is_like(STR("X-Tenant"), STR("XTenant-")));
    assert_false(header_is_like(STR("a.b"), STR("a-b")));
}

static void test_lists(void **state)
{
    (void)state;
    static const struct {
        const char *why, *input, *want; /* elements joined by | */
    } cases[] = {
        {"one", "a", "a"},
        {"several", "a, b ,\tc", "a|b|c"},
        {"empty elements (RFC 9110 5.6.1)", ", ,a,,b,", "a|b"},
        {"nothing", " , ", ""},
        {"comma in quotes", "a=\"x,y\", b", "a=\"x,y\"|b"},
        {"escaped quote", "a=\"x\\\",y\", b", "a=\"x\\\",y\"|b"},
        {"quote not closed", "a=\"x, b", "a=\"x, b"},
        {"backslash at the end", "a=\"\\", "a=\"\\"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str rest = str_of(cases[i].input), element;
        struct buf got;
        buf_init(&got, 1000);
        while (headers_list_next(&rest, &element)) {
            if (got.n)
                buf_add_c(&got, '|');
            buf_add(&got, element);
        }
        if (!str_eq(buf_str(&got), str_of(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].why, STR_ARG(buf_str(&got)));
        buf_fini(&got);
    }
}

static void test_walk(void **state)
{
    (void)state;
    static struct http_head h;
    struct http_refusal why;
    http_head_init_response(&h, NULL);
    struct str text =
        STR("HTTP/1.1 200 OK\r\nVary: a\r\nX-Other: 1\r\nvary: b, C\r\nx-other: 2\r\n\r\n");
    assert_int_equal(http_head_parse(&h, text, &why), OK);
    struct str value;
    size_t at = 0;
    assert_true(headers_next(&h.h, HEADER_VARY, &at, &value));
    assert_true(str_eq(value, STR("a")));
    assert_true(headers_next(&h.h, HEADER_VARY, &at, &value));
    assert_true(str_eq(value, STR("b, C")));
    assert_false(headers_next(&h.h, HEADER_VARY, &at, &value));
    assert_true(headers_list_has(&h.h, HEADER_VARY, STR("c")));
    assert_false(headers_list_has(&h.h, HEADER_VARY, STR("d")));
    assert_false(headers_list_has(&h.h, HEADER_TE, STR("d")));
    assert_true(headers_find(&h.h, STR("X-OTHER"), &value));
    assert_true(str_eq(value, STR("1")));
    assert_false(headers_find(&h.h, STR("X-None"), &value));
    assert_true(headers_has(&h.h, HEADER_VARY));
    assert_null(headers_value(&h.h, HEADER_DATE).p);
    assert_int_equal(h.h.twice, HEADER_BIT(HEADER_VARY) | HEADER_BIT(HEADER_OTHER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),   cmocka_unit_test(test_like), cmocka_unit_test(test_token),
        cmocka_unit_test(test_lists), cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
