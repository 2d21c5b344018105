/* map: against a slow reference over many random operations, and its edges. */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 200, ROUNDS = 20000 };

static void test_against_reference(void **state)
{
    (void)state;
    struct map m;
    static int values[KEYS];
    bool is_in[KEYS] = {false};
    size_t n = 0;
    uint32_t seed = 12345;
    map_init(&m);
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned k = seed >> 16, key = k % KEYS;
        char text[16];
        struct str name = str_make(text, (size_t)snprintf(text, sizeof text, "key-%u", key));
        void *old = NULL;
        if (seed >> 30 == 0) {
            assert_ptr_equal(map_remove(&m, name), is_in[key] ? &values[key] : NULL);
            n -= is_in[key];
            is_in[key] = false;
        } else if (seed >> 30 == 1) {
            assert_ptr_equal(map_get(&m, name), is_in[key] ? &values[key] : NULL);
        } else {
            assert_int_equal(map_put(&m, name, &values[key], &old), OK);
            assert_ptr_equal(old, is_in[key] ? &values[key] : NULL);
            n += !is_in[key];
            is_in[key] = true;
        }
        assert_int_equal(m.n, n);
    }
    size_t at = 0, seen = 0;
    struct str key;
    void *value;
    while (map_each(&m, &at, &key, &value)) {
        size_t i = (size_t)((int *)value - values);
        assert_true(is_in[i]);
        seen++;
    }
    assert_int_equal(seen, n);
    map_fini(&m);
}

static void test_edges(void **state)
{
    (void)state;
    struct map m;
    int a, b;
    map_init(&m);
    assert_null(map_get(&m, STR("x")));
    assert_null(map_remove(&m, STR("x")));
    assert_int_equal(map_put(&m, STR(""), &a, NULL), OK);
    assert_int_equal(map_put(&m, STR("a\0b"), &b, NULL), OK);
    assert_ptr_equal(map_get(&m, STR("")), &a);
    assert_ptr_equal(map_get(&m, STR("a\0b")), &b);
    assert_null(map_get(&m, STR("a")));
    assert_null(map_get(&m, STR("a\0c")));
    /* Adding and removing one key for ever must not fill the table with tombstones. */
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(map_put(&m, STR("churn"), &a, NULL), OK);
        assert_ptr_equal(map_remove(&m, STR("churn")), &a);
    }
    assert_true(m.cap <= 64);
    map_fini(&m);
    map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
