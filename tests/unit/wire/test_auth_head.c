/* auth_head: one spelling for one credential; odd ones are refused, nothing is read too far. */
#include "proxyd/wire/auth_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_scheme(void **state)
{
    (void)state;
    static const struct {
        const char *why, *input;
        enum err err;
        enum auth_scheme scheme;
        const char *token;
    } cases[] = {
        {"Basic", "Basic eDp5", OK, AUTH_BASIC, "eDp5"},
        {"any case", "bAsIc eDp5", OK, AUTH_BASIC, "eDp5"},
        {"several spaces", "Basic   eDp5 ", OK, AUTH_BASIC, "eDp5"},
        {"Negotiate", "Negotiate YII=", OK, AUTH_NEGOTIATE, "YII="},
        {"Negotiate alone", "Negotiate", OK, AUTH_NEGOTIATE, ""},
        {"NTLM", "NTLM TlRM", OK, AUTH_NTLM, "TlRM"},
        {"Bearer", "Bearer a.b.c", OK, AUTH_BEARER, "a.b.c"},
        {"other with parameters", "Digest username=\"a\", realm=\"b\"", OK, AUTH_OTHER,
         "username=\"a\", realm=\"b\""},
        {"Basicx is not Basic", "Basicx eDp5", OK, AUTH_OTHER, "eDp5"},
        {"two tokens", "Basic eDp5 eDp6", ERR_INVALID, AUTH_OTHER, ""},
        {"list", "Basic eDp5, Basic eDp6", ERR_INVALID, AUTH_OTHER, ""},
        {"empty", "", ERR_INVALID, AUTH_OTHER, ""},
        {"spaces", "   ", ERR_INVALID, AUTH_OTHER, ""},
        {"scheme is no token", "Ba(sic eDp5", ERR_INVALID, AUTH_OTHER, ""},
        {"tab between", "Basic\teDp5", ERR_INVALID, AUTH_OTHER, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct auth_head a;
        enum err e = auth_head_parse(str_of(cases[i].input), &a);
        if (e != cases[i].err)
            fail_msg("%s: %s", cases[i].why, err_name(e));
        if (e != OK)
            continue;
        if (a.scheme != cases[i].scheme || !str_eq(a.token, str_of(cases[i].token)))
            fail_msg("%s: %d %.*s", cases[i].why, (int)a.scheme, STR_ARG(a.token));
    }
}

static void test_basic(void **state)
{
    (void)state;
    static const struct {
        const char *why, *token;
        enum err err;
        const char *user, *password;
    } cases[] = {
        {"plain", "YWxpY2U6c2VjcmV0", OK, "alice", "secret"},
        {"padding of one", "YTpiYg==", OK, "a", "bb"},
        {"padding of two", "YTpiYmI=", OK, "a", "bbb"},
        {"colon in the password", "YTpiOmM=", OK, "a", "b:c"},
        {"empty password", "YWxpY2U6", OK, "alice", ""},
        {"UTF-8 (RFC 7617 2.1)", "bcO8bGxlcjpww6Rzcw==", OK, "m\xc3\xbcller", "p\xc3\xa4ss"},
        {"empty user", "OnNlY3JldA==", ERR_INVALID, "", ""},
        {"no colon", "YWxpY2U=", ERR_INVALID, "", ""},
        {"empty", "", ERR_INVALID, "", ""},
        {"no padding", "YTpiYg", ERR_INVALID, "", ""},
        {"padding alone", "====", ERR_INVALID, "", ""},
        {"three of padding", "Y===", ERR_INVALID, "", ""},
        {"padding inside", "YT==iYg=", ERR_INVALID, "", ""},
        {"stray bits, two", "YTpiYh==", ERR_INVALID, "", ""},
        {"stray bits, one", "YTpiYmJ=", ERR_INVALID, "", ""},
        {"url alphabet", "YTpi_-_-", ERR_INVALID, "", ""},
        {"line break", "YTpi\nYmI=", ERR_INVALID, "", ""},
        {"Latin-1", "bfxsbGVyOnA=", ERR_INVALID, "", ""},
        {"NUL in the user", "YQBiOmM=", ERR_INVALID, "", ""},
        {"line feed in the password", "YTpiCmM=", ERR_INVALID, "", ""},
        {"C1 control", "YTrChQ==", ERR_INVALID, "", ""},
        {"overlong UTF-8", "YTrAgA==", ERR_INVALID, "", ""},
        {"surrogate", "YTrtoIA=", ERR_INVALID, "", ""},
        {"cut UTF-8", "YTrDISE=", ERR_INVALID, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct auth_basic b;
        enum err e = auth_basic_decode(str_of(cases[i].token), &b);
        if (e != cases[i].err)
            fail_msg("%s: %s", cases[i].why, err_name(e));
        if (e != OK)
            continue;
        if (!str_eq(b.user, str_of(cases[i].user)) ||
            !str_eq(b.password, str_of(cases[i].password)))
            fail_msg("%s: %.*s %.*s", cases[i].why, STR_ARG(b.user), STR_ARG(b.password));
        auth_basic_wipe(&b);
        assert_int_equal(b.text[0], 0);
    }
}

static void test_length(void **state)
{
    (void)state;
    static char token[4000];
    for (size_t i = 0; i < sizeof token; i++)
        token[i] = "YWFh"[i % 4];
    memcpy(token, "YTpi", 4);
    struct auth_basic b;
    size_t fits = AUTH_BASIC_MAX / 3 * 4;
    assert_int_equal(auth_basic_decode(str_make(token, fits), &b), OK);
    assert_int_equal(b.password.n, AUTH_BASIC_MAX / 3 * 3 - 2);
    assert_int_equal(auth_basic_decode(str_make(token, fits + 4), &b), ERR_LIMIT);
}

static void test_base64_all_bytes(void **state)
{
    (void)state;
    static const char text[] = "AP+/+n8A";
    static const uint8_t want[] = {0x00, 0xff, 0xbf, 0xfa, 0x7f, 0x00};
    uint8_t got[6];
    size_t n;
    assert_int_equal(auth_base64_decode(STR("AP+/+n8A"), got, sizeof got, &n), OK);
    assert_int_equal(n, sizeof want);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(auth_base64_decode(str_make(text, 8), got, 5, &n), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scheme),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_base64_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
