/* ldap_text: escapes for filters and names, DNs taken apart, refusals, account attributes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "proxyd/identity/ldap_text.h"

struct pair {
    const char *why;
    struct str input;
    const char *want;
};

static const struct pair filter_cases[] = {
    {"plain", STR("alice"), "alice"},
    {"the classic injection", STR("*)(uid=*"), "\\2a\\29\\28uid=\\2a"},
    {"backslash", STR("a\\2a"), "a\\5c2a"},
    {"NUL", STR("a\0b"), "a\\00b"},
    {"not ASCII", STR("\xc3\xa9"), "\\c3\\a9"},
    {"line ends", STR("a\r\n"), "a\\0d\\0a"},
    {"operators stay text", STR("a&b|c!d=e"), "a&b|c!d=e"},
    {"empty", STR(""), ""},
};

static const struct pair dn_cases[] = {
    {"plain", STR("alice"), "alice"},
    {"a comma", STR("Berg, Ada"), "Berg\\2c Ada"},
    {"another RDN", STR("x,ou=admins"), "x\\2cou\\3dadmins"},
    {"all specials", STR(",+\"\\<>;=#"), "\\2c\\2b\\22\\5c\\3c\\3e\\3b\\3d\\23"},
    {"spaces at the ends", STR(" a b "), "\\20a b\\20"},
    {"NUL", STR("a\0"), "a\\00"},
    {"UTF-8 stays", STR("\xc3\xa9"), "\xc3\xa9"},
};

static void check_pairs(const struct pair *cases, size_t n, void (*f)(struct buf *, struct str))
{
    for (size_t i = 0; i < n; i++) {
        struct buf b;
        buf_init(&b, 1000);
        f(&b, cases[i].input);
        if (!str_eq(buf_str(&b), str_of(cases[i].want)))
            fail_msg("%s: got %.*s", cases[i].why, STR_ARG(buf_str(&b)));
        buf_fini(&b);
    }
}

static void values_are_escaped(void **state)
{
    (void)state;
    check_pairs(filter_cases, sizeof filter_cases / sizeof *filter_cases, ldap_text_filter_value);
    check_pairs(dn_cases, sizeof dn_cases / sizeof *dn_cases, ldap_text_dn_value);
}

/* Whatever one byte may do, it cannot leave the place it was put in. */
static void no_byte_escapes_its_place(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        struct buf dn, back;
        buf_init(&dn, 100);
        buf_init(&back, 100);
        assert_int_equal(
            ldap_text_expand(&dn, STR("uid={user},ou=People"), str_make(text, 3), LDAP_TEXT_DN),
            OK);
        assert_int_equal(ldap_text_first_value(buf_str(&dn), &back), OK);
        assert_true(str_eq(buf_str(&back), str_make(text, 3)));
        buf_clear(&dn);
        ldap_text_filter_value(&dn, str_make(text, 3));
        assert_int_equal(str_find(buf_str(&dn), '('), STR_NPOS);
        assert_int_equal(str_find(buf_str(&dn), ')'), STR_NPOS);
        assert_int_equal(str_find(buf_str(&dn), '*'), STR_NPOS);
        assert_int_equal(str_find(buf_str(&dn), 0), STR_NPOS);
        buf_fini(&dn);
        buf_fini(&back);
    }
}

static void templates_are_expanded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 60);
    assert_int_equal(ldap_text_expand(&b, STR("{user}@x {user}"), STR("a*"), LDAP_TEXT_PLAIN), OK);
    assert_true(str_eq(buf_str(&b), STR("a*@x a*")));
    buf_clear(&b);
    assert_int_equal(ldap_text_expand(&b, STR("(uid={user})"), STR("a*"), LDAP_TEXT_FILTER), OK);
    assert_true(str_eq(buf_str(&b), STR("(uid=a\\2a)")));
    buf_clear(&b);
    assert_int_equal(ldap_text_expand(&b, STR("{user"), STR("a"), LDAP_TEXT_DN), ERR_INVALID);
    buf_clear(&b);
    assert_int_equal(ldap_text_expand(&b, STR("{user}{user}{user}{user}{user}{user}{user}"),
                                      STR("aaaaaaaaaa"), LDAP_TEXT_DN),
                     ERR_LIMIT);
    buf_fini(&b);
}

static void logins_are_text(void **state)
{
    (void)state;
    static const struct {
        struct str login;
        bool want;
    } cases[] = {
        {STR("alice"), true},
        {STR("CORP\\alice"), true},
        {STR("a@b.example"), true},
        {STR("*)(uid=*"), true},
        {STR("\xc3\xa9milie"), true},
        {STR("\xf0\x9f\x98\x80"), true},
        {STR(""), false},
        {STR("a\0b"), false},
        {STR("a\nb"), false},
        {STR("a\x7f"), false},
        {STR("\xc2\x85"), false},
        {STR("\xc0\xaf"), false},
        {STR("\xed\xa0\x80"), false},
        {STR("\xf4\x90\x80\x80"), false},
        {STR("\xe0\x80\x80"), false},
        {STR("\xf0\x80\x80\x80"), false},
        {STR("a\xc3"), false},
        {STR("\xff"), false},
        {STR("\xe9milie"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ldap_text_is_login(cases[i].login) != cases[i].want)
            fail_msg("case %zu: %.*s", i, STR_ARG(cases[i].login));
    char longest[LDAP_TEXT_LOGIN_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(ldap_text_is_login(str_make(longest, LDAP_TEXT_LOGIN_MAX)));
    assert_false(ldap_text_is_login(str_make(longest, LDAP_TEXT_LOGIN_MAX + 1)));
}

static void first_values_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *dn, *want; /* NULL: refused */
    } cases[] = {
        {"cn=web-default,ou=Groups,dc=x", "web-default"},
        {"CN=R&D\\, Porto,OU=Groups", "R&D, Porto"},
        {"cn=R&D\\2C Porto,ou=Groups", "R&D, Porto"},
        {"cn=\\c3\\89quipe,ou=Groups", "\xc3\x89quipe"},
        {"cn = spaced out  , ou=x", "spaced out"},
        {"cn=kept\\ ,ou=x", "kept "},
        {"cn=a+sn=b,ou=x", "a"},
        {"cn=", ""},
        {"cn", NULL},
        {"", NULL},
        {"=x", NULL},
        {"c(n=x", NULL},
        {"cn=x\\", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        buf_init(&b, 100);
        enum err e = ldap_text_first_value(str_of(cases[i].dn), &b);
        if (cases[i].want ? e != OK || !str_eq(buf_str(&b), str_of(cases[i].want)) : e == OK)
            fail_msg("%s: %s %.*s", cases[i].dn, err_name(e), STR_ARG(buf_str(&b)));
        buf_fini(&b);
    }
}

static void one_dn_has_one_key(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"cn=A,ou=B", "CN = a , OU=b", true},
        {"cn=R&D\\, Porto,ou=G", "cn=R&D\\2c porto,ou=g", true},
        {"cn=a;ou=b", "cn=a,ou=b", true},
        {"cn=a  b,ou=c", "cn=a b,ou=c", true},
        {"cn=\\20a\\20,ou=c", "cn=a,ou=c", true},
        {"cn=a\\,ou=b", "cn=a,ou=b", false},
        {"cn=a+ou=b", "cn=a,ou=b", false},
        {"cn=a,ou=b", "cn=a,ou=b,dc=c", false},
        {"cn=\xc3\x89,ou=b", "cn=\\c3\\89,ou=b", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf a, b;
        buf_init(&a, 200);
        buf_init(&b, 200);
        assert_int_equal(ldap_text_dn_key(str_of(cases[i].a), &a), OK);
        assert_int_equal(ldap_text_dn_key(str_of(cases[i].b), &b), OK);
        if (str_eq(buf_str(&a), buf_str(&b)) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        buf_fini(&a);
        buf_fini(&b);
    }
    struct buf b;
    buf_init(&b, 200);
    assert_int_equal(ldap_text_dn_key(STR("cn=a,"), &b), ERR_INVALID);
    assert_int_equal(ldap_text_dn_key(STR("no dn"), &b), ERR_INVALID);
    buf_fini(&b);
}

static void bind_refusals_are_named(void **state)
{
    (void)state;
#define AD(code)                                                                                   \
    STR("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data " code       \
        ", v3839")
    static const struct {
        struct str text;
        const char *want;
    } cases[] = {
        {AD("525"), "unknown-user"},
        {AD("52e"), "wrong-password"},
        {AD("52E"), "wrong-password"},
        {AD("530"), "not-at-this-hour"},
        {AD("531"), "not-from-here"},
        {AD("532"), "password-expired"},
        {AD("533"), "disabled"},
        {AD("701"), "account-expired"},
        {AD("773"), "must-change-password"},
        {AD("775"), "locked"},
        {AD("999"), "wrong-password"},
        {STR(""), "wrong-password"},
        {STR("data "), "wrong-password"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(ldap_refusal_name(ldap_text_bind_refusal(cases[i].text)),
                            cases[i].want);
}

#define NOW_MS 1767225600000 /* 2026-01-01 */
static void accounts_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        struct ldap_account a;
        enum ldap_refusal want;
    } cases[] = {
        {"nothing known", {.uac = {0}}, LDAP_REFUSAL_NONE},
        {"normal in AD",
         {.uac = STR("512"), .account_expires = STR("9223372036854775807")},
         LDAP_REFUSAL_NONE},
        {"disabled in AD", {.uac = STR("514")}, LDAP_REFUSAL_DISABLED},
        {"locked in AD", {.uac = STR("528")}, LDAP_REFUSAL_LOCKED},
        {"password expired in AD", {.uac = STR("8389120")}, LDAP_REFUSAL_OLD_PASSWORD},
        {"0 never expires", {.account_expires = STR("0")}, LDAP_REFUSAL_NONE},
        {"expired long ago", {.account_expires = STR("133000000000000000")}, LDAP_REFUSAL_EXPIRED},
        {"expires at this moment",
         {.account_expires = STR("134116992000000000")},
         LDAP_REFUSAL_EXPIRED},
        {"expires a millisecond later",
         {.account_expires = STR("134116992000010000")},
         LDAP_REFUSAL_NONE},
        {"shadow expired today", {.shadow_expire = STR("20454")}, LDAP_REFUSAL_EXPIRED},
        {"shadow expires tomorrow", {.shadow_expire = STR("20455")}, LDAP_REFUSAL_NONE},
        {"shadow never", {.shadow_expire = STR("-1")}, LDAP_REFUSAL_NONE},
        {"locked for good", {.locked_at = STR("000001010000Z")}, LDAP_REFUSAL_LOCKED},
        {"locked for a while: the server judges",
         {.locked_at = STR("20251231235959Z")},
         LDAP_REFUSAL_NONE},
        {"login disabled", {.login_disabled = STR("TRUE")}, LDAP_REFUSAL_DISABLED},
        {"login not disabled", {.login_disabled = STR("FALSE")}, LDAP_REFUSAL_NONE},
        {"rubbish",
         {.uac = STR("x"), .account_expires = STR("99999999999999999999")},
         LDAP_REFUSAL_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum ldap_refusal got = ldap_text_account(&cases[i].a, NOW_MS);
        if (got != cases[i].want)
            fail_msg("%s: %s", cases[i].why, ldap_refusal_name(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped),      cmocka_unit_test(no_byte_escapes_its_place),
        cmocka_unit_test(templates_are_expanded),  cmocka_unit_test(logins_are_text),
        cmocka_unit_test(first_values_are_taken),  cmocka_unit_test(one_dn_has_one_key),
        cmocka_unit_test(bind_refusals_are_named), cmocka_unit_test(accounts_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
