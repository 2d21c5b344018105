/* limits: counts go up and down, addresses keep their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "proxyd/flow/limits.h"

static struct ip address(unsigned i)
{
    struct ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    ip.b[12] = 10;
    ip.b[13] = (uint8_t)(i >> 16);
    ip.b[14] = (uint8_t)(i >> 8);
    ip.b[15] = (uint8_t)i;
    return ip;
}

static void counts(void **state)
{
    (void)state;
    struct limits l;
    struct ip a = address(1), b = address(2);
    assert_int_equal(limits_init(&l), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(limits_enter(&l, &a, 5, 3), OK);
    assert_int_equal(limits_enter(&l, &a, 5, 3), ERR_LIMIT);
    assert_int_equal(limits_enter(&l, &b, 5, 3), OK);
    assert_int_equal(limits_enter(&l, &b, 5, 0), OK);
    assert_int_equal(limits_enter(&l, &b, 5, 3), ERR_BUSY);
    limits_leave(&l, &a);
    assert_int_equal(limits_enter(&l, &a, 5, 3), OK);
    for (int i = 0; i < 3; i++)
        limits_leave(&l, &a);
    limits_leave(&l, &b);
    limits_leave(&l, &b);
    assert_int_equal(l.n_clients, 0);
    limits_fini(&l);
}

static void many_addresses_come_and_go(void **state)
{
    (void)state;
    enum { N = 30000 };
    struct limits l;
    assert_int_equal(limits_init(&l), OK);
    for (unsigned i = 0; i < N; i++) {
        struct ip ip = address(i);
        assert_int_equal(limits_enter(&l, &ip, N + 1, 1), OK);
    }
    for (unsigned i = 0; i < N; i += 2) {
        struct ip ip = address(i);
        limits_leave(&l, &ip);
    }
    for (unsigned i = 0; i < N; i++) { /* the gone may come again, the others are still counted */
        struct ip ip = address(i);
        assert_int_equal(limits_enter(&l, &ip, 2 * N, 1), i % 2 ? ERR_LIMIT : OK);
    }
    limits_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(many_addresses_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
