/* veil: what each privacy mode lets through, field by field, and the bytes of whole heads. */
#include "proxyd/wire/veil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxyd/wire/http_write.h"

static struct http_head head;

/* The head as it leaves in this mode; with our Via where the mode has one. */
static void forward(const char *text, enum privacy_mode mode, bool is_trusted, struct buf *out)
{
    struct http_refusal why = {0, NULL};
    struct veil v = veil_of(mode, is_trusted);
    struct http_forward how = {.veil = &v};
    if (mode != PRIVACY_HIGH_ANONYMITY)
        how.via = STR("p");
    http_head_init_request(&head, NULL);
    if (http_head_parse(&head, str_of(text), &why) != OK)
        fail_msg("%s: %s", text, why.reason ? why.reason : "?");
    how.is_upgrade = head.wants_upgrade;
    buf_init(out, 1 << 16);
    assert_int_equal(http_write_request(&head, &how, out), OK);
}

struct field_case {
    const char *name;
    const char *modes; /* the modes it passes: v via, t named and trusted, n named, a, h */
};

/* Every field that the modes know, those next to them, and what nobody may touch. */
static const struct field_case fields[] = {
    {"Forwarded", "vt"},
    {"X-Forwarded-For", "vt"},
    {"X-Forwarded-Host", "vt"},
    {"X-Forwarded-Proto", "vt"},
    {"X-Forwarded-Port", "vt"},
    {"X-Forwarded-Server", "vt"},
    {"X-Forwarded-User", "vt"},
    {"X-Forwarded", "vt"},
    {"X-Real-IP", "vt"},
    {"X_Real_IP", "vt"},
    {"X_Forwarded_For", "vt"},
    {"X-Forwarded_For", "vt"},
    {"Client_IP", "vt"},
    {"Proxy_Foo", "vtn"},
    {"Client-IP", "vt"},
    {"X-Client-IP", "vt"},
    {"X-ClientIP", "vt"},
    {"X-Cluster-Client-IP", "vt"},
    {"True-Client-IP", "vt"},
    {"CF-Connecting-IP", "vt"},
    {"Fastly-Client-IP", "vt"},
    {"X-Originating-IP", "vt"},
    {"X-Remote-Addr", "vt"},
    {"WL-Proxy-Client-IP", "vt"},
    {"X-Original-Forwarded-For", "vt"},
    {"X-Authenticated-User", "vt"},
    {"X-SSL-Client-CN", "vt"},
    {"X-UIDH", "vt"},
    {"X-MSISDN", "vt"},
    {"From", "vtn"},
    {"Via", "vtn"},
    {"Proxy-Status", "vtn"},
    {"Proxy-Client-IP", "vtn"},
    {"Proxy-Foo", "vtn"},
    {"X-Proxy-ID", "vtn"},
    {"X-Cache", "vtn"},
    {"X-Cache-Lookup", "vtn"},
    {"X-BlueCoat-Via", "vtn"},
    {"X-IMForwards", "vtn"},
    {"CDN-Loop", "vtn"},
    {"Surrogate-Capability", "vtn"},
    {"CF-Ray", "vtn"},
    {"Mt-Proxy-ID", "vtn"},
    {"Xroxy-Connection", "vtn"},
    {"Proxy-Authenticate", ""},
    {"Proxy-Connection", ""},
    {"Keep-Alive", ""},
    {"User-Agent", "vtnah"},
    {"Cookie", "vtnah"},
    {"Authorization", "vtnah"},
    {"Referer", "vtnah"},
    {"Accept-Language", "vtnah"},
    {"Cache-Control", "vtnah"},
    {"Pragma", "vtnah"},
    {"Range", "vtnah"},
    {"X-Requested-With", "vtnah"},
    {"X-Forward", "vtnah"},
    {"X-Real", "vtnah"},
    {"X-Vi", "vtnah"},
    {"Prox", "vtnah"},
    {"Client-IPs", "vtnah"},
    {"Sec-Fetch-Site", "vtnah"},
    {"DNT", "vtnah"},
    {"X", "vtnah"},
    {"_x-via", "vtnah"},
};

struct way {
    char letter;
    enum privacy_mode mode;
    bool is_trusted;
};
static const struct way ways[] = {{'v', PRIVACY_VIA, false},
                                  {'t', PRIVACY_NAMED, true},
                                  {'n', PRIVACY_NAMED, false},
                                  {'a', PRIVACY_ANONYMOUS, false},
                                  {'h', PRIVACY_HIGH_ANONYMITY, false}};

static void in_case(const char *name, int how, char out[64])
{
    size_t n = strlen(name);
    for (size_t i = 0; i <= n; i++) {
        char c = name[i];
        bool is_lower = c >= 'a' && c <= 'z', is_upper = c >= 'A' && c <= 'Z';
        bool up = how == 1 || (how == 2 && i % 2);
        out[i] = how == 0          ? c
                 : is_lower && up  ? (char)(c - 32)
                 : is_upper && !up ? (char)(c + 32)
                                   : c;
    }
}

/* Alone, doubled, in odd case, first and last: the field passes or none of it does. */
static void test_fields(void **state)
{
    (void)state;
    char text[600], name[64], line[120];
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
            for (int how = 0; how < 3; how++) {
                struct buf out;
                in_case(fields[i].name, how, name);
                snprintf(text, sizeof text,
                         "GET http://a.test/x HTTP/1.1\r\n%s: one-7\r\nHost: a.test\r\n"
                         "Accept: */*\r\n%s: two-7\r\n\r\n",
                         name, name);
                forward(text, ways[w].mode, ways[w].is_trusted, &out);
                bool passes = strchr(fields[i].modes, ways[w].letter) != NULL;
                snprintf(line, sizeof line, "%s: one-7\r\n", name);
                bool one = str_find_str(buf_str(&out), str_of(line)) != STR_NPOS;
                snprintf(line, sizeof line, "%s: two-7\r\n", name);
                bool two = str_find_str(buf_str(&out), str_of(line)) != STR_NPOS;
                bool any = str_find_str(buf_str(&out), STR("-7\r\n")) != STR_NPOS;
                if (one != passes || two != passes || any != passes)
                    fail_msg("%s, mode %c:\n%.*s", name, ways[w].letter, STR_ARG(buf_str(&out)));
                buf_fini(&out);
            }
}

struct head_case {
    const char *why;
    enum privacy_mode mode;
    const char *input, *want;
};

#define ABS "GET http://a.test/x HTTP/1.1\r\n"
#define GET "GET /x HTTP/1.1\r\n"

static const struct head_case heads[] = {
    {"via: as ever", PRIVACY_VIA, ABS "Accept: a\r\nHost: a.test\r\nX-Real-IP: 1\r\n\r\n",
     GET "Host: a.test\r\nAccept: a\r\nX-Real-IP: 1\r\nVia: 1.1 p\r\n\r\n"},
    {"anonymous: one Via, ours", PRIVACY_ANONYMOUS,
     ABS "Host: a.test\r\nVia: 1.1 pc17.lan\r\nVia: 1.0 x, 1.1 y\r\n\r\n",
     GET "Host: a.test\r\nVia: 1.1 p\r\n\r\n"},
    {"high: order, case and spelling are the client's", PRIVACY_HIGH_ANONYMITY,
     ABS "user-agent: u\r\nhOst:a.test\r\naccept:  a\r\n\r\n",
     GET "user-agent: u\r\nhOst: a.test\r\naccept:  a\r\n\r\n"},
    {"high: Host is what was judged", PRIVACY_HIGH_ANONYMITY,
     "GET http://A.test:80/x HTTP/1.1\r\nHost: a.TEST\r\n\r\n", GET "Host: a.test\r\n\r\n"},
    {"high: 1.0 without Host", PRIVACY_HIGH_ANONYMITY,
     "GET http://a.test/x HTTP/1.0\r\nAccept: a\r\n\r\n", GET "Host: a.test\r\nAccept: a\r\n\r\n"},
    {"high: a browser's keep-alive where it stood", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nProxy-Connection: keep-alive\r\nAccept: a\r\n\r\n",
     GET "Host: a.test\r\nConnection: keep-alive\r\nAccept: a\r\n\r\n"},
    {"high: curl's is for the proxy alone", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nAccept: a\r\nProxy-Connection: Keep-Alive\r\n\r\n",
     GET "Host: a.test\r\nAccept: a\r\n\r\n"},
    {"high: not both", PRIVACY_HIGH_ANONYMITY,
     ABS "Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\nHost: a.test\r\n\r\n",
     GET "Connection: keep-alive\r\nHost: a.test\r\n\r\n"},
    {"high: close is between us", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nConnection: close\r\nAccept: a\r\n\r\n",
     GET "Host: a.test\r\nAccept: a\r\n\r\n"},
    {"high: what Connection lists goes, the list too", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nConnection: keep-alive, X-Secret , TE\r\nX-Secret: 1\r\nTE: "
         "trailers\r\nA: b\r\n\r\n",
     GET "Host: a.test\r\nConnection: keep-alive\r\nA: b\r\n\r\n"},
    {"high: a listed field that tells", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nConnection: X-Forwarded-For, client-ip\r\nX-Forwarded-For: "
         "1\r\nClient-IP: 2\r\n\r\n",
     GET "Host: a.test\r\n\r\n"},
    {"high: an upgrade as the browser wrote it", PRIVACY_HIGH_ANONYMITY,
     ABS "Host: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nA: b\r\n\r\n",
     GET "Host: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nA: b\r\n\r\n"},
    {"anonymous: an upgrade", PRIVACY_ANONYMOUS,
     ABS "Host: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Via: b\r\n\r\n",
     GET "Host: a.test\r\nUpgrade: websocket\r\nVia: 1.1 p\r\nConnection: upgrade\r\n\r\n"},
    {"high: chunks where they were told", PRIVACY_HIGH_ANONYMITY,
     "POST http://a.test/x HTTP/1.1\r\nHost: a.test\r\ntransfer-encoding: chunked\r\nA: b\r\n\r\n",
     "POST /x HTTP/1.1\r\nHost: a.test\r\ntransfer-encoding: chunked\r\nA: b\r\n\r\n"},
    {"high: CONNECT to a parent", PRIVACY_HIGH_ANONYMITY,
     "CONNECT A.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic "
     "eDp5\r\nUser-Agent: u\r\n\r\n",
     "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nUser-Agent: u\r\n\r\n"},
    {"anonymous: CONNECT to a parent", PRIVACY_ANONYMOUS,
     "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nX-Forwarded-For: 1\r\n\r\n",
     "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nVia: 1.1 p\r\n\r\n"},
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct buf out;
        forward(heads[i].input, heads[i].mode, false, &out);
        if (!str_eq(buf_str(&out), str_of(heads[i].want)))
            fail_msg("%s:\n%.*s", heads[i].why, STR_ARG(buf_str(&out)));
        buf_fini(&out);
    }
}

/* However often a word comes, it goes once: what is written never outgrows what is reserved. */
static void test_room(void **state)
{
    (void)state;
    static char text[60000], room[62000];
    struct http_refusal why = {0, NULL};
    struct veil v = veil_of(PRIVACY_HIGH_ANONYMITY, false);
    struct http_forward how = {.veil = &v, .is_upgrade = true};
    size_t n = (size_t)snprintf(text, sizeof text, ABS "Host: a.test\r\nUpgrade: w\r\n");
    for (int i = 0; i < 3; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "Connection:upgrade,keep-alive\r\n");
    n += (size_t)snprintf(text + n, sizeof text - n, "\r\n");
    http_head_init_request(&head, NULL);
    if (http_head_parse(&head, str_make(text, n), &why) != OK)
        fail_msg("%s", why.reason ? why.reason : "?");
    struct buf out = {
        .p = room, .cap = n + HTTP_WRITE_EXTRA, .ceiling_bytes = n + HTTP_WRITE_EXTRA};
    assert_int_equal(http_write_request(&head, &how, &out), OK);
    assert_true(
        str_eq(buf_str(&out),
               STR(GET "Host: a.test\r\nUpgrade: w\r\nConnection: upgrade, keep-alive\r\n\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
