/* fuzz_ldap_text: any bytes as a login, as a DN from a directory and as the text of a refused bind.
 * What is escaped must come back the same and must not leave its place; the key of a DN is its own
 * key. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "proxyd/identity/ldap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define CEILING ((size_t)1 << 20)

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

static void use_filter(struct str login)
{
    struct buf f;
    size_t at = 0;
    buf_init(&f, CEILING);
    ldap_text_filter_value(&f, login);
    for (size_t i = 0; i < f.n; i++, at++) {
        unsigned char c = (unsigned char)f.p[i];
        must(c >= 0x20 && c < 0x7f && c != '(' && c != ')' && c != '*' && at < login.n);
        if (c == '\\') {
            must(i + 2 < f.n);
            c = (unsigned char)(digit(f.p[i + 1]) * 16 + digit(f.p[i + 2]));
            i += 2;
        }
        must(c == (unsigned char)login.p[at]);
    }
    must(at == login.n);
    buf_fini(&f);
}

static void use_name(struct str login)
{
    struct buf dn, back;
    buf_init(&dn, CEILING);
    buf_init(&back, CEILING);
    must(ldap_text_expand(&dn, STR("uid={user},ou=People,dc=x"), login, LDAP_TEXT_DN) == OK);
    must(ldap_text_first_value(buf_str(&dn), &back) == OK);
    must(str_eq(buf_str(&back), login));
    buf_fini(&dn);
    buf_fini(&back);
}

static void use_dn(struct str dn)
{
    struct buf key, again;
    buf_init(&key, CEILING);
    buf_init(&again, CEILING);
    if (ldap_text_dn_key(dn, &key) == OK) {
        must(ldap_text_dn_key(buf_str(&key), &again) == OK);
        must(str_eq(buf_str(&key), buf_str(&again)));
    }
    buf_fini(&key);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = str_make(data, n);
    struct buf b;
    if (n > 16384)
        return 0;
    use_filter(s);
    use_name(s);
    use_dn(s);
    buf_init(&b, 300);
    (void)!ldap_text_first_value(s, &b);
    buf_clear(&b);
    (void)!ldap_text_expand(&b, s, s, LDAP_TEXT_DN);
    buf_fini(&b);
    (void)ldap_text_is_login(s);
    must(ldap_text_bind_refusal(s) != LDAP_REFUSAL_NONE);
    struct ldap_account a = {s, s, s, s, s};
    (void)ldap_text_account(&a, 1767225600000);
    return 0;
}
