/* router, query, roles, login limit, cookies and origin: what stands before every handler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "adminui/access.h"
#include "adminui/login_limit.h"
#include "adminui/problem.h"
#include "adminui/query.h"
#include "adminui/routes.h"

/* --- router ------------------------------------------------------------------------------------
 */

static const struct {
    const char *method, *path, *pattern, *param, *allow;
} paths[] = {
    {"GET", "/api/v1/me", "/me", "", ""},
    {"HEAD", "/api/v1/me", "/me", "", ""},
    {"GET", "/api/v1/log/export", "/log/export", "", ""},
    {"GET", "/api/v1/log/17", "/log/{id}", "17", ""},
    {"POST", "/api/v1/categories/ads:import", "/categories/{name}:import", "ads", ""},
    {"POST", "/api/v1/categories:import", "/categories:import", "", ""},
    {"POST", "/api/v1/categories/ads:nope", NULL, "", ""},
    {"POST", "/api/v1/categories/:import", NULL, "", ""},
    {"GET", "/api/v1/categories/ads", "/categories/{name}", "ads", ""},
    {"GET", "/api/v1/users/b%C3%B6b", "/users/{username}",
     "b\xc3\xb6"
     "b",
     ""},
    {"GET", "/api/v1/users/a%3Ab", "/users/{username}", "a:b", ""},
    {"POST", "/api/v1/policy/versions/3:rollback", "/policy/versions/{version}:rollback", "3", ""},
    {"DELETE", "/api/v1/me", NULL, "", "GET, HEAD"},
    {"PATCH", "/api/v1/users", NULL, "", "GET, HEAD, POST"},
    {"GET", "/api/v1/nothing", NULL, "", ""},
    {"GET", "/api/v1/me/more", NULL, "", ""},
    {"GET", "/api/v2/me", NULL, "", ""},
    {"GET", "/healthz", "/healthz", "", ""},
    {"GET", "/api/v1/healthz", NULL, "", ""},
    {"GET", "/me", NULL, "", ""},
};

static void test_router(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct arena a;
        struct router_match m;
        arena_init(&a, 4096, 1u << 20);
        assert_int_equal(
            router_find(routes_table, str_of(paths[i].method), str_of(paths[i].path), &a, &m), OK);
        const char *got = m.route ? m.route->pattern : NULL;
        if ((got == NULL) != (paths[i].pattern == NULL) ||
            (got && strcmp(got, paths[i].pattern) != 0))
            fail_msg("%s %s: got %s", paths[i].method, paths[i].path, got ? got : "nothing");
        assert_true(str_eq(m.params[0], str_of(paths[i].param)));
        assert_true(str_eq(buf_str(&m.allow), str_of(m.route ? "" : paths[i].allow)) || m.route);
        buf_fini(&m.allow);
        arena_fini(&a);
    }
}

static void test_router_bad_param(void **state)
{
    (void)state;
    struct arena a;
    struct router_match m;
    arena_init(&a, 4096, 1u << 20);
    assert_int_equal(router_find(routes_table, STR("GET"), STR("/api/v1/users/%ff"), &a, &m),
                     ERR_INVALID);
    buf_fini(&m.allow);
    arena_fini(&a);
}

/* Deny by default: every row names a permission, changes need more than "read", and everything
 * public is meant to be. */
static void test_table(void **state)
{
    (void)state;
    static const char *const public[] = {"/openapi.json", "/session", "/setup", "/healthz",
                                         "/readyz"};
    for (const struct route *r = routes_table; r->method; r++) {
        assert_non_null(r->run);
        assert_true(strlen(r->sentence) > 3);
        if (r->is_change)
            assert_true(r->permission != PERMISSION_PUBLIC && r->permission != PERMISSION_READ);
        if (r->permission != PERMISSION_PUBLIC)
            continue;
        bool is_meant = false;
        for (size_t i = 0; i < sizeof public / sizeof *public; i++)
            is_meant |= strcmp(r->pattern, public[i]) == 0;
        if (!is_meant)
            fail_msg("%s is public", r->pattern);
    }
}

/* --- query -------------------------------------------------------------------------------------
 */

static void test_query(void **state)
{
    (void)state;
    struct arena a;
    struct query q;
    struct str v;
    arena_init(&a, 4096, 1u << 20);
    assert_int_equal(query_parse(STR("a=1&&b=x+y%2B&c&a=2&d=%e2%82%ac"), &a, &q), OK);
    assert_int_equal(q.n, 5);
    assert_true(query_get(&q, "a", &v) && str_eq(v, STR("1")));
    assert_true(query_get(&q, "b", &v) && str_eq(v, STR("x y+")));
    assert_true(query_get(&q, "c", &v) && v.n == 0);
    assert_true(query_get(&q, "d", &v) && str_eq(v, STR("\xe2\x82\xac")));
    assert_false(query_get(&q, "e", &v));
    static const char *const bad[] = {"a=%",   "a=%4",          "a=%zz",    "a=%00",
                                      "a=%0a", "a=%ff",         "a=%c0%80", "a=%ed%a0%80",
                                      "%7f=1", "a=%f5%80%80%80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (query_parse(str_of(bad[i]), &a, &q) != ERR_INVALID)
            fail_msg("%s was taken", bad[i]);
    char many[3 * (QUERY_PAIRS_MAX + 1) + 1] = "";
    for (size_t i = 0; i <= QUERY_PAIRS_MAX; i++)
        memcpy(many + 3 * i, "a=&", 4);
    assert_int_equal(query_parse(str_of(many), &a, &q), ERR_LIMIT);
    arena_fini(&a);
}

/* --- roles -------------------------------------------------------------------------------------
 */

static void test_roles(void **state)
{
    (void)state;
    static const char want[4][PERMISSIONS + 1] = {
        /* public self read log audit edit publish admin */
        [ADMIN_VIEWER] = "11100000",
        [ADMIN_AUDITOR] = "11111000",
        [ADMIN_EDITOR] = "11110110",
        [ADMIN_ADMIN] = "11111111",
    };
    for (int r = ADMIN_VIEWER; r <= ADMIN_ADMIN; r++)
        for (int p = 0; p < PERMISSIONS; p++)
            assert_int_equal(role_may((enum admin_role)r, (enum permission)p), want[r][p] == '1');
}

/* --- login limit -------------------------------------------------------------------------------
 */

static void test_limit(void **state)
{
    (void)state;
    struct login_limit *l = login_limit_new();
    struct str key = STR("n:admin");
    int64_t now = 1000000, last = 0;
    for (int i = 1; i < LOGIN_LIMIT_FREE; i++) {
        login_limit_failed(l, key, now);
        assert_int_equal(login_limit_wait_ms(l, key, now), 0);
    }
    for (int i = 0; i < 20; i++) {
        login_limit_failed(l, key, now);
        int64_t wait = login_limit_wait_ms(l, key, now);
        assert_true(wait >= last && wait <= LOGIN_LIMIT_MAX_MS && wait >= 1000);
        last = wait;
    }
    assert_int_equal(last, LOGIN_LIMIT_MAX_MS);
    assert_int_equal(login_limit_wait_ms(l, STR("n:other"), now), 0);
    assert_int_equal(login_limit_wait_ms(l, key, now + LOGIN_LIMIT_MAX_MS), 0);
    login_limit_failed(l, key, now + LOGIN_LIMIT_FORGET_MS + LOGIN_LIMIT_MAX_MS);
    assert_int_equal(login_limit_wait_ms(l, key, now + LOGIN_LIMIT_FORGET_MS + LOGIN_LIMIT_MAX_MS),
                     0);
    for (int i = 0; i < 20; i++)
        login_limit_failed(l, key, now);
    login_limit_succeeded(l, key);
    assert_int_equal(login_limit_wait_ms(l, key, now), 0);
    login_limit_free(l);
}

static void test_limit_is_bounded(void **state)
{
    (void)state;
    struct login_limit *l = login_limit_new();
    char key[32];
    for (int i = 0; i < LOGIN_LIMIT_ENTRIES + 50; i++) {
        snprintf(key, sizeof key, "a:%d", i);
        for (int k = 0; k < LOGIN_LIMIT_FREE; k++)
            login_limit_failed(l, str_of(key), 1000 + i);
    }
    assert_true(login_limit_wait_ms(l, str_of(key), 5000) > 0);
    assert_int_equal(login_limit_wait_ms(l, STR("a:0"), 1001), 0); /* made room */
    login_limit_free(l);
}

/* --- cookies, origin, hashes -------------------------------------------------------------------
 */

static void test_cookie(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *want;
    } rows[] = {
        {"__Host-sid=abc", "abc"}, {"a=1; __Host-sid=abc; b=2", "abc"},
        {"a=__Host-sid=abc", ""},  {"x__Host-sid=abc", ""},
        {"__Host-sid=", ""},       {"", ""},
        {"__host-sid=abc", ""},    {"a=1;__Host-sid=x=y", "x=y"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!str_eq(access_cookie(str_of(rows[i].fields), "__Host-sid"), str_of(rows[i].want)))
            fail_msg("%s", rows[i].fields);
}

static void test_origin(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *site, *host;
        bool is_tls, want;
    } rows[] = {
        {"https://a:8443", "", "a:8443", true, true},
        {"HTTPS://A:8443", "cross-site", "a:8443", true, true},
        {"http://a:8443", "", "a:8443", true, false},
        {"http://a:8443", "", "a:8443", false, true},
        {"https://b:8443", "same-origin", "a:8443", true, false},
        {"https://a:8443.evil", "", "a:8443", true, false},
        {"null", "", "a:8443", true, false},
        {"", "", "a:8443", true, true},
        {"", "same-origin", "a:8443", true, true},
        {"", "none", "a:8443", true, true},
        {"", "cross-site", "a:8443", true, false},
        {"", "same-site", "a:8443", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct access_input in = {.origin = str_of(rows[i].origin),
                                  .fetch_site = str_of(rows[i].site),
                                  .host = str_of(rows[i].host),
                                  .is_tls = rows[i].is_tls};
        if (access_is_same_origin(&in) != rows[i].want)
            fail_msg("%s %s", rows[i].origin, rows[i].site);
    }
}

static void test_problems(void **state)
{
    (void)state;
    for (int p = PROBLEM_BAD_REQUEST; p <= PROBLEM_STORAGE; p++) {
        const char *slug = problem_slug((enum problem)p);
        assert_true(slug && *slug);
        assert_int_equal(problem_from_slug(slug), p); /* no two alike */
        assert_in_range(problem_status((enum problem)p), 400, 507);
    }
    assert_int_equal(problem_from_slug("no such"), PROBLEM_INTERNAL);
}

/* With a one-time password one gets a password of one's own, and nowhere else. */
static void newcomers_are_kept_at_the_door(void **state)
{
    (void)state;
    size_t n = 0;
    for (const struct route *r = routes_table; r->method; r++)
        n += access_is_open_to_newcomers(r) && r->permission != PERMISSION_PUBLIC;
    assert_int_equal(n, 5); /* log out, /me, its password, the wizard, the starter policies */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newcomers_are_kept_at_the_door),
        cmocka_unit_test(test_router),
        cmocka_unit_test(test_router_bad_param),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_is_bounded),
        cmocka_unit_test(test_cookie),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
