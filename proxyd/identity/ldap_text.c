/* ldap_text: escapes, DNs and refusals as tables and small walks. */
#include "proxyd/identity/ldap_text.h"

#include <string.h>

#define USER_MARK            STR("{user}")
#define FILETIME_PER_MS      10000
#define FILETIME_UNIX_MS     11644473600000 /* from 1601 to 1970 */
#define UAC_DISABLED         0x2
#define UAC_LOCKED           0x10
#define UAC_PASSWORD_EXPIRED 0x800000
#define DAY_MS               86400000

static const char hex[] = "0123456789abcdef";

static void add_pair(struct buf *out, unsigned char c)
{
    buf_add_c(out, '\\');
    buf_add_c(out, hex[c >> 4]);
    buf_add_c(out, hex[c & 15]);
}

void ldap_text_filter_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c < 0x20 || c >= 0x7f || c == '*' || c == '(' || c == ')' || c == '\\')
            add_pair(out, c);
        else
            buf_add_c(out, (char)c);
    }
}

void ldap_text_dn_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        bool is_edge = i == 0 || i + 1 == value.n;
        if (c < 0x20 || c == 0x7f || memchr(",+\"\\<>;=#", c, 9) || (c == ' ' && is_edge))
            add_pair(out, c);
        else
            buf_add_c(out, (char)c);
    }
}

static void add_login(struct buf *out, struct str login, enum ldap_text_place place)
{
    switch (place) {
    case LDAP_TEXT_FILTER: ldap_text_filter_value(out, login); return;
    case LDAP_TEXT_DN: ldap_text_dn_value(out, login); return;
    case LDAP_TEXT_PLAIN: buf_add(out, login); return;
    }
}

enum err ldap_text_expand(struct buf *out, struct str pattern, struct str login,
                          enum ldap_text_place place)
{
    size_t at = str_find_str(pattern, USER_MARK);
    if (at == STR_NPOS)
        return ERR_INVALID;
    while (at != STR_NPOS) {
        buf_add(out, str_sub(pattern, 0, at));
        add_login(out, login, place);
        pattern = str_sub(pattern, at + USER_MARK.n, pattern.n);
        at = str_find_str(pattern, USER_MARK);
    }
    buf_add(out, pattern);
    return out->failed ? ERR_LIMIT : OK;
}

/* Bytes of the UTF-8 character at s.p[i], or 0 when it is none (RFC 3629). */
static size_t utf8_bytes(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;
    if (c >= 0x80 && (c < 0xc2 || c > 0xf4))
        return 0;
    if (n > s.n - i)
        return 0;
    for (size_t k = 1; k < n; k++)
        if (((unsigned char)s.p[i + k] & 0xc0) != 0x80)
            return 0;
    if (n > 2) { /* overlong forms, surrogates, above U+10FFFF */
        unsigned char d = (unsigned char)s.p[i + 1];
        if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d >= 0xa0) || (c == 0xf0 && d < 0x90) ||
            (c == 0xf4 && d >= 0x90))
            return 0;
    }
    return n;
}

bool ldap_text_is_login(struct str login)
{
    if (login.n == 0 || login.n > LDAP_TEXT_LOGIN_MAX)
        return false;
    for (size_t i = 0; i < login.n;) {
        unsigned char c = (unsigned char)login.p[i];
        size_t n = utf8_bytes(login, i);
        if (n == 0 || c < 0x20 || c == 0x7f)
            return false;
        if (n == 2 && c == 0xc2 && (unsigned char)login.p[i + 1] < 0xa0) /* C1 controls */
            return false;
        i += n;
    }
    return true;
}

static int hex_digit(char c)
{
    const char *at = c ? strchr(hex, str_lower(c)) : NULL;
    return at ? (int)(at - hex) : -1;
}

/* Takes one byte of a value off *rest: plain, "\," or "\2c". ERR_EOF at an unescaped , ; or +. */
static enum err take_byte(struct str *rest, unsigned char *byte, bool *is_escaped)
{
    char c = rest->p[0];
    *is_escaped = c == '\\';
    if (c == ',' || c == '+' || c == ';')
        return ERR_EOF;
    if (c != '\\') {
        *byte = (unsigned char)c;
        *rest = str_sub(*rest, 1, rest->n);
        return OK;
    }
    int high = rest->n > 2 ? hex_digit(rest->p[1]) : -1;
    int low = rest->n > 2 ? hex_digit(rest->p[2]) : -1;
    if (rest->n < 2)
        return ERR_INVALID;
    *byte = high >= 0 && low >= 0 ? (unsigned char)(high * 16 + low) : (unsigned char)rest->p[1];
    *rest = str_sub(*rest, high >= 0 && low >= 0 ? 3 : 2, rest->n);
    return OK;
}

static struct str skip_spaces(struct str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = str_sub(s, 1, s.n);
    return s;
}

/* "attribute =" off the front. */
static enum err take_attribute(struct str *rest, struct str *attribute)
{
    size_t equals = str_find(*rest, '=');
    if (equals == STR_NPOS)
        return ERR_INVALID;
    *attribute = str_trim(str_sub(*rest, 0, equals));
    *rest = skip_spaces(str_sub(*rest, equals + 1, rest->n));
    if (attribute->n == 0 || attribute->n > 64)
        return ERR_INVALID;
    for (size_t i = 0; i < attribute->n; i++) {
        char c = str_lower(attribute->p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return ERR_INVALID;
    }
    return OK;
}

/* The value off the front, unescaped; *rest then starts at its separator. Spaces behind the value
 * that are not escaped are not part of it. */
static enum err take_value(struct str *rest, struct buf *out)
{
    enum err e = OK;
    size_t keep = out->n;
    while (rest->n > 0) {
        unsigned char byte = 0;
        bool is_escaped;
        e = take_byte(rest, &byte, &is_escaped);
        if (e != OK)
            break;
        buf_add_c(out, (char)byte);
        if (byte != ' ' || is_escaped)
            keep = out->n;
    }
    if (out->failed)
        return ERR_LIMIT;
    out->n = keep;
    return e == ERR_EOF ? OK : e;
}

enum err ldap_text_first_value(struct str dn, struct buf *out)
{
    struct str attribute;
    dn = skip_spaces(dn);
    enum err e = take_attribute(&dn, &attribute);
    return e == OK ? take_value(&dn, out) : e;
}

/* Appends a value in the one spelling of a key: lower case, no spaces at its ends, runs of them as
 * one (the usual matching rule of names does the same). */
static void add_key_value(struct buf *out, struct str value)
{
    bool was_space = false;
    value = skip_spaces(value);
    while (value.n > 0 && value.p[value.n - 1] == ' ')
        value.n--;
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)str_lower(value.p[i]);
        if (c == ' ' && was_space)
            continue;
        was_space = c == ' ';
        if (c < 0x20 || c == 0x7f || memchr(",+\"\\<>;=", c, 8))
            add_pair(out, c);
        else
            buf_add_c(out, (char)c);
    }
}

enum err ldap_text_dn_key(struct str dn, struct buf *out)
{
    struct buf value;
    buf_init(&value, 4096);
    enum err e = OK;
    bool has_more = true;
    while (e == OK && has_more) {
        struct str attribute = {0};
        dn = skip_spaces(dn);
        buf_clear(&value);
        e = take_attribute(&dn, &attribute);
        if (e == OK)
            e = take_value(&dn, &value);
        if (e != OK)
            break;
        add_key_value(out, attribute);
        buf_add_c(out, '=');
        add_key_value(out, buf_str(&value));
        has_more = dn.n > 0;
        if (has_more) {
            buf_add_c(out, dn.p[0] == ';' ? ',' : dn.p[0]);
            dn = str_sub(dn, 1, dn.n);
        }
    }
    buf_fini(&value);
    return e == OK && out->failed ? ERR_LIMIT : e;
}

/* --- refusals ----------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *sentence;
} refusals[] = {
    [LDAP_REFUSAL_NONE] = {"none", "the login is right"},
    [LDAP_REFUSAL_PASSWORD] = {"wrong-password", "the password is wrong"},
    [LDAP_REFUSAL_NO_USER] = {"unknown-user", "no entry fits this name"},
    [LDAP_REFUSAL_AMBIGUOUS] = {"ambiguous-user", "more than one entry fits this name"},
    [LDAP_REFUSAL_TIME] = {"not-at-this-hour", "the account may not log in at this hour"},
    [LDAP_REFUSAL_STATION] = {"not-from-here", "the account may not log in from this machine"},
    [LDAP_REFUSAL_OLD_PASSWORD] = {"password-expired", "the password has expired"},
    [LDAP_REFUSAL_DISABLED] = {"disabled", "the account is disabled"},
    [LDAP_REFUSAL_EXPIRED] = {"account-expired", "the account has expired"},
    [LDAP_REFUSAL_MUST_CHANGE] = {"must-change-password",
                                  "the password must be changed before the first login"},
    [LDAP_REFUSAL_LOCKED] = {"locked", "the account is locked after wrong passwords"},
    [LDAP_REFUSAL_NOT_ALLOWED] = {"not-allowed", "the directory does not allow this login"},
};

const char *ldap_refusal_name(enum ldap_refusal r)
{
    return refusals[r].name;
}

const char *ldap_refusal_sentence(enum ldap_refusal r)
{
    return refusals[r].sentence;
}

enum ldap_refusal ldap_text_bind_refusal(struct str diagnostic)
{
    static const struct {
        const char *code;
        enum ldap_refusal refusal;
    } codes[] = {
        {"525", LDAP_REFUSAL_NO_USER},      {"52e", LDAP_REFUSAL_PASSWORD},
        {"530", LDAP_REFUSAL_TIME},         {"531", LDAP_REFUSAL_STATION},
        {"532", LDAP_REFUSAL_OLD_PASSWORD}, {"533", LDAP_REFUSAL_DISABLED},
        {"701", LDAP_REFUSAL_EXPIRED},      {"773", LDAP_REFUSAL_MUST_CHANGE},
        {"775", LDAP_REFUSAL_LOCKED},
    };
    size_t at = str_find_str(diagnostic, STR("data "));
    if (at == STR_NPOS)
        return LDAP_REFUSAL_PASSWORD;
    struct str rest = str_sub(diagnostic, at + 5, diagnostic.n);
    struct str code = {0};
    if (!str_split(&rest, ',', &code))
        return LDAP_REFUSAL_PASSWORD;
    code = str_trim(code);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_eq_nocase(code, str_of(codes[i].code)))
            return codes[i].refusal;
    return LDAP_REFUSAL_PASSWORD;
}

/* A number of a directory; false when it is empty, negative or not one. */
static bool number_of(struct str s, uint64_t *out)
{
    return str_to_u64(s, INT64_MAX, out) == OK;
}

enum ldap_refusal ldap_text_account(const struct ldap_account *a, int64_t wall_ms)
{
    uint64_t v;
    if (number_of(a->uac, &v) && (v & UAC_DISABLED))
        return LDAP_REFUSAL_DISABLED;
    if (number_of(a->uac, &v) && (v & UAC_LOCKED))
        return LDAP_REFUSAL_LOCKED;
    if (number_of(a->uac, &v) && (v & UAC_PASSWORD_EXPIRED))
        return LDAP_REFUSAL_OLD_PASSWORD;
    if (number_of(a->account_expires, &v) && v > 0 && v < INT64_MAX &&
        (int64_t)(v / FILETIME_PER_MS) - FILETIME_UNIX_MS <= wall_ms)
        return LDAP_REFUSAL_EXPIRED;
    if (number_of(a->shadow_expire, &v) && v <= (uint64_t)(wall_ms / DAY_MS))
        return LDAP_REFUSAL_EXPIRED;
    if (a->locked_at.n > 0 && str_eq(a->locked_at, STR("000001010000Z")))
        return LDAP_REFUSAL_LOCKED; /* ppolicy: by an administrator, until cleared */
    if (str_eq_nocase(a->login_disabled, STR("TRUE")))
        return LDAP_REFUSAL_DISABLED;
    return LDAP_REFUSAL_NONE;
}
