/* pac_emit, pac_entry, pac_js: sharing is fair and stable, the output is deterministic and ASCII,
 * and no name or text can change the structure of the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pac/pac_decide.h"
#include "pac/pac_js.h"
#include "pac/pac_parse.h"

static struct pac_model *good(const char *document)
{
    struct report r;
    struct pac_model *m = NULL;
    assert_int_equal(pac_parse(str_of(document), &r, &m), OK);
    report_fini(&r);
    return m;
}

static void emit(const struct pac_model *m, struct buf *out)
{
    struct pac_input in = {m, 0, 3, {STR("192.0.2.1"), 3128}};
    buf_init(out, 4 << 20);
    assert_int_equal(pac_emit(&in, out), OK);
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"plain-1.2", "\"plain-1.2\""},
        {"a\"b", "\"a\\u0022b\""},
        {"a\\b", "\"a\\u005cb\""},
        {"</script>", "\"\\u003c\\u002fscript\\u003e\""},
        {"*/", "\"\\u002a\\u002f\""},
        {"\n\r\t", "\"\\u000a\\u000d\\u0009\""},
        {"\xc3\xbc", "\"\\u00fc\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"\xf0\x9f\x98\x80", "\"\\ud83d\\ude00\""},
        {"\xff\xc3", "\"\\u00ff\\u00c3\""},
        {"\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""},
        {"\xc0\xaf", "\"\\u00c0\\u00af\""},
    };
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        buf_clear(&b);
        pac_js_string(&b, str_of(cases[i].in));
        buf_add_c(&b, 0);
        assert_string_equal(b.p, cases[i].want);
    }
    buf_clear(&b);
    pac_js_comment(&b, STR("a*/\nb \xc3 c"));
    assert_true(str_eq(buf_str(&b), STR("a___b _ c")));
    buf_fini(&b);
}

static void test_same_bytes(void **state)
{
    (void)state;
    char one[PAC_ETAG_BYTES], two[PAC_ETAG_BYTES];
    struct buf a, b;
    struct pac_model *m = good("{\"profiles\":[{\"name\":\"x\",\"proxies\":[{}],\"direct\":{"
                               "\"domains\":[\"b.example\",\"a.example\","
                               "\"b.example\"]}}]}");
    struct pac_model *n = good("{\"profiles\":[{\"name\":\"x\",\"proxies\":[{}],\"direct\":{"
                               "\"domains\":[\"A.example\",\"*.b.example\"]}}]}");
    emit(m, &a);
    emit(n, &b);
    assert_true(str_eq(buf_str(&a), buf_str(&b)));
    pac_emit_etag(buf_str(&a), one);
    pac_emit_etag(buf_str(&b), two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 18);
    assert_true(str_find_str(buf_str(&a), STR("\"PROXY 192.0.2.1:3128\"")) != STR_NPOS);
    buf_fini(&a);
    buf_fini(&b);
    pac_model_unref(m);
    pac_model_unref(n);
}

static void test_self(void **state)
{
    (void)state;
    struct pac_model *m = good("{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"port\":0}]}]}");
    struct buf b;
    struct pac_input in = {m, 0, 3, {STR("a\"b"), 3128}};
    buf_init(&b, 1 << 20);
    assert_int_equal(pac_emit(&in, &b), ERR_INVALID);
    in.self.host = STR("proxy.example");
    in.self.port = 0;
    buf_clear(&b);
    assert_int_equal(pac_emit(&in, &b), ERR_INVALID);
    in.self.port = 8080;
    buf_clear(&b);
    assert_int_equal(pac_emit(&in, &b), OK);
    assert_true(str_find_str(buf_str(&b), STR("\"PROXY proxy.example:8080\"")) != STR_NPOS);
    buf_fini(&b);
    pac_model_unref(m);
}

static void first_entry(const struct pac_model *m, const char *host, struct buf *out)
{
    struct pac_input in = {m, 0, 3, {STR("192.0.2.1"), 3128}};
    struct pac_query q = {STR("http://x/"), str_of(host), NULL};
    struct pac_answer a;
    buf_clear(out);
    assert_int_equal(pac_decide(&in, &q, out, &a), OK);
    size_t end = str_find(buf_str(out), ';');
    out->n = end == STR_NPOS ? out->n : end;
}

/* Shares follow the weights; without one proxy only the hosts it had move. */
static void test_sharing(void **state)
{
    (void)state;
    struct pac_model *four = good("{\"profiles\":[{\"name\":\"x\",\"sharing\":\"by-host\","
                                  "\"proxies\":[{\"host\":\"p0\",\"port\":1},"
                                  "{\"host\":\"p1\",\"port\":1},{\"host\":\"p2\",\"port\":1},{"
                                  "\"host\":\"p3\",\"port\":1,\"weight\":3}]}]}");
    struct pac_model *three =
        good("{\"profiles\":[{\"name\":\"x\",\"sharing\":\"by-host\",\"proxies\":[{\"host\":\"p0\","
             "\"port\":1},"
             "{\"host\":\"p2\",\"port\":1},{\"host\":\"p3\",\"port\":1,\"weight\":3}]}]}");
    struct buf a, b;
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    int counts[4] = {0}, n = 12000;
    for (int i = 0; i < n; i++) {
        char host[64];
        snprintf(host, sizeof host, "host%d.example", i);
        first_entry(four, host, &a);
        first_entry(three, host, &b);
        counts[a.p[7] - '0']++;
        if (!str_eq(buf_str(&a), STR("PROXY p1:1")))
            assert_true(str_eq(buf_str(&a), buf_str(&b)));
    }
    for (int i = 0; i < 4; i++) {
        int want = i == 3 ? n / 2 : n / 6;
        assert_in_range(counts[i], want * 92 / 100, want * 108 / 100);
    }
    buf_fini(&a);
    buf_fini(&b);
    pac_model_unref(four);
    pac_model_unref(three);
}

static size_t count(struct str s, const char *of)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += strchr(of, s.p[i]) != NULL;
    return n;
}

/* Whatever bytes a name is made of: it is refused, or the file has the very structure of the one
 * with a harmless name in its place. */
static void test_structure(void **state)
{
    (void)state;
    static const char structure[] = "\"'\\{}()[];,\n<>*/`";
    struct buf harmless, b;
    struct pac_model *m = good("{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"h\","
                               "\"port\":9}],\"direct\":{\"domains\":[\"z.example\"]}}]}");
    emit(m, &harmless);
    pac_model_unref(m);
    uint64_t r = 4711;
    size_t accepted = 0;
    for (int round = 0; round < 20000; round++) {
        static const char pieces[] =
            "\"\\'();{}[]</script>*/\n\r\t `$,.-_:%abz09\x01\x7f\xc3\xbc\xe2\x80\xa8";
        char name[24], text[600];
        size_t n = 1 + (size_t)(round % 12), at = 0;
        for (size_t i = 0; i < n; i++) {
            r = r * 6364136223846793005u + 1442695040888963407u;
            name[i] = pieces[(r >> 33) % (round % 2 ? sizeof pieces - 1 : 40)];
            if (round % 3 == 0)
                name[i] = "abz09.-_"[(r >> 40) % 8];
        }
        at += (size_t)snprintf(text, sizeof text,
                               "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{\"host\":\"");
        for (int hole = 0; hole < 2; hole++) {
            for (size_t i = 0; i < n; i++) {
                uint8_t c = (uint8_t)name[i];
                if (c < 0x20 || c == '"' || c == '\\')
                    at += (size_t)snprintf(text + at, sizeof text - at, "\\u%04x", c);
                else
                    text[at++] = (char)c;
            }
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "%s",
                                 hole ? "\"]}}]}" : "\",\"port\":9}],\"direct\":{\"domains\":[\"");
        }
        struct report rep;
        m = NULL;
        if (pac_parse(str_make(text, at), &rep, &m) == OK) {
            emit(m, &b);
            accepted++;
            for (size_t i = 0; structure[i]; i++) {
                char one[2] = {structure[i], 0};
                if (count(buf_str(&b), one) != count(buf_str(&harmless), one))
                    fail_msg("structure changed by %s", text);
            }
            buf_fini(&b);
            pac_model_unref(m);
        }
        report_fini(&rep);
    }
    assert_true(accepted > 1000);
    buf_fini(&harmless);
}

static void test_too_large(void **state)
{
    (void)state;
    size_t n = 60000;
    char *text = malloc(n * 40), *at = text;
    struct report r;
    struct pac_model *m;
    at += sprintf(at,
                  "{\"profiles\":[{\"name\":\"x\",\"proxies\":[{}],\"direct\":{\"domains\":[\"z\"");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, ",\"name-%zu.example.com\"", i);
    sprintf(at, "]}}]}");
    assert_int_equal(pac_parse(str_of(text), &r, &m), ERR_INVALID);
    assert_string_equal(r.faults[0].code, "too-large");
    report_fini(&r);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),   cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_self),      cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_structure), cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
