/* str, buf, arena, list: the small things everything stands on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"

static void test_str(void **state)
{
    (void)state;
    assert_int_equal(str_of(NULL).n, 0);
    assert_true(str_eq(str_sub(STR("hello"), 1, 3), STR("el")));
    assert_true(str_eq(str_sub(STR("hello"), 3, 99), STR("lo")));
    assert_int_equal(str_sub(STR("hello"), 9, 2).n, 0);
    assert_null(
        str_sub((struct str){0}, 0, 9).p); /* nothing of nothing, without arithmetic on it */
    assert_true(str_eq(str_make(NULL, 0), STR("")));
    assert_true(str_eq_nocase(STR("AbC"), STR("aBc")));
    assert_false(str_eq_nocase(STR("k"), STR("\xe2\x84\xaa")));
    assert_false(str_eq_nocase(STR("[@"), STR("{`")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0);
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR("")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_starts_nocase(STR("HTTP://"), STR("http:")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_int_equal(str_find(STR("a\0b"), 'b'), 2);
    assert_int_equal(str_find(STR(""), 'b'), STR_NPOS);
    assert_int_equal(str_rfind(STR("a.b.c"), '.'), 3);
    assert_int_equal(str_find_str(STR("abab"), STR("ba")), 1);
    assert_int_equal(str_find_str(STR("ab"), STR("abc")), STR_NPOS);
    assert_true(str_eq(str_trim(STR(" \t a b \t")), STR("a b")));
    assert_int_equal(str_trim(STR("  ")).n, 0);
    char *copy = str_dup(STR("ab"));
    assert_string_equal(copy, "ab");
    free(copy);
}

static void test_split(void **state)
{
    (void)state;
    struct str rest = STR("a,,b"), part;
    assert_true(str_split(&rest, ',', &part) && str_eq(part, STR("a")));
    assert_true(str_split(&rest, ',', &part) && part.n == 0);
    assert_true(str_split(&rest, ',', &part) && str_eq(part, STR("b")));
    assert_false(str_split(&rest, ',', &part));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        uint64_t max;
        enum err err;
        uint64_t want;
    } cases[] = {
        {"0", 10, OK, 0},
        {"10", 10, OK, 10},
        {"11", 10, ERR_LIMIT, 0},
        {"00010", 10, OK, 10},
        {"18446744073709551615", UINT64_MAX, OK, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, ERR_LIMIT, 0},
        {"99999999999999999999999", UINT64_MAX, ERR_LIMIT, 0},
        {"9223372036854775807", INT64_MAX, OK, INT64_MAX},
        {"9223372036854775808", INT64_MAX, ERR_LIMIT, 0},
        {"5", 3, ERR_LIMIT, 0},
        {"", 10, ERR_INVALID, 0},
        {"+1", 10, ERR_INVALID, 0},
        {"-1", 10, ERR_INVALID, 0},
        {" 1", 10, ERR_INVALID, 0},
        {"1a", 10, ERR_INVALID, 0},
        {"99999999999999999999x", 10, ERR_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t v = 77;
        enum err e = str_to_u64(str_of(cases[i].input), cases[i].max, &v);
        if (e != cases[i].err || v != (e == OK ? cases[i].want : 77))
            fail_msg("%s: %s", cases[i].input, err_name(e));
    }
}

static void test_buf(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    buf_add(&b, STR("a"));
    buf_add_c(&b, 'b');
    buf_add_z(&b, "c");
    buf_add_u64(&b, 0);
    buf_add_u64(&b, UINT64_MAX);
    buf_addf(&b, "-%d-%s", 7, "x");
    assert_true(str_eq(buf_str(&b), STR("abc018446744073709551615-7-x")));
    buf_consume(&b, 3);
    assert_true(str_starts(buf_str(&b), STR("0184")));
    buf_clear(&b);
    buf_addf(&b, "%0*d", 600, 5);
    assert_int_equal(b.n, 600);
    assert_false(b.failed);
    buf_addf(&b, "%0*d", 600, 5);
    assert_true(b.failed);
    assert_int_equal(b.n, 600);
    buf_add_c(&b, 'x');
    assert_int_equal(b.n, 600);
    assert_null(buf_take(&b));
    buf_clear(&b);
    assert_false(b.failed);
    assert_int_equal(buf_reserve(&b, 1001), ERR_LIMIT);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    buf_add(&b, STR("done"));
    char *z = buf_take(&b);
    assert_string_equal(z, "done");
    free(z);
    assert_int_equal(b.n, 0);
    buf_fini(&b);
    buf_fini(&b);
}

static void test_arena(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 256, 4096);
    for (int i = 0; i < 50; i++) {
        unsigned char *p = arena_alloc(&a, 13);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (int k = 0; k < 13; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xff, 13);
    }
    struct str s = arena_str(&a, STR("text"));
    assert_string_equal(s.p, "text");
    s = arena_str(&a, STR(""));
    assert_non_null(s.p);
    assert_null(arena_alloc(&a, 5000));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_null(arena_str(&a, str_make("x", 1 << 20)).p);
    for (int round = 0; round < 3; round++) {
        arena_reset(&a);
        unsigned char *p = arena_alloc(&a, 100);
        assert_non_null(p);
        for (int k = 0; k < 100; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xee, 100);
    }
    arena_fini(&a);
    arena_fini(&a);
}

struct item {
    int value;
    struct list node;
};

static void test_list(void **state)
{
    (void)state;
    struct list head;
    struct item items[4];
    list_init(&head);
    assert_true(list_empty(&head));
    for (int i = 0; i < 4; i++) {
        items[i].value = i;
        if (i % 2)
            list_push_front(&head, &items[i].node);
        else
            list_push_back(&head, &items[i].node);
    }
    static const int want[] = {3, 1, 0, 2};
    int at = 0;
    for (struct list *n = head.next; n != &head; n = n->next)
        assert_int_equal(LIST_ENTRY(n, struct item, node)->value, want[at++]);
    assert_int_equal(at, 4);
    list_remove(&items[1].node);
    list_remove(&items[1].node);
    assert_ptr_equal(items[3].node.next, &items[0].node);
    for (int i = 0; i < 4; i++)
        list_remove(&items[i].node);
    assert_true(list_empty(&head));
}

static void test_errors(void **state)
{
    (void)state;
    for (int e = OK; e <= ERR_UNSUPPORTED; e++) {
        assert_non_null(err_name((enum err)e));
        for (int f = OK; f < e; f++)
            assert_string_not_equal(err_name((enum err)e), err_name((enum err)f));
    }
    assert_int_equal(err_from_errno(ENOENT), ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(ECONNREFUSED), ERR_REFUSED);
    assert_int_equal(err_from_errno(ENOSPC), ERR_FULL);
    assert_int_equal(err_from_errno(EAGAIN), ERR_AGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str),    cmocka_unit_test(test_split), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_buf),    cmocka_unit_test(test_arena), cmocka_unit_test(test_list),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
