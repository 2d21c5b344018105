/* pages: nothing variable can leave its place; formats and languages are chosen as asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "proxyd/flow/pages.h"

static void escaping(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        struct str in;
        const char *want;
    } rows[] = {
        {"markup", {"<b a=\"x\" c='y'>&", 16}, "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;"},
        {"controls",
         {"a\0b\r\n\x1b[31m\x7f", 11},
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd[31m\xef\xbf\xbd"},
        {"c1 controls", {"\xc2\x85x", 3}, "\xef\xbf\xbdx"},
        {"direction marks",
         {"a\xe2\x80\xae"
          "b\xe2\x81\xa6"
          "c",
          9},
         "abc"},
        {"text outside ASCII", {"h\xc3\xa4\xe2\x82\xac", 6}, "h\xc3\xa4\xe2\x82\xac"},
        {"cut character", {"a\xe2\x82", 3}, "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"overlong slash", {"\xc0\xaf", 2}, "\xef\xbf\xbd\xef\xbf\xbd"},
        {"surrogate", {"\xed\xa0\x80", 3}, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 4096);
        pages_escape(&b, rows[i].in);
        if (!str_eq(buf_str(&b), str_of(rows[i].want)))
            fail_msg("%s: %.*s", rows[i].why, STR_ARG(buf_str(&b)));
        buf_fini(&b);
    }
}

static void formats(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum pages_format want;
    } rows[] = {
        {"", PAGES_TEXT},
        {"*/*", PAGES_TEXT},
        {"image/webp,image/*;q=0.8", PAGES_TEXT},
        {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", PAGES_HTML},
        {"application/xml, Text/HTML;q=0.5", PAGES_HTML},
        {"application/json, */*", PAGES_JSON},
        {"text/html2", PAGES_TEXT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(pages_format_of(str_of(rows[i].accept)), rows[i].want);
}

static void languages(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum texts_language want;
    } rows[] = {
        {"", TEXTS_EN},
        {"de", TEXTS_DE},
        {"de-AT,en;q=0.9", TEXTS_DE},
        {"xx, fr;q=0.3, es;q=0.7", TEXTS_ES},
        {"fr;q=0, es;q=0.1", TEXTS_ES},
        {"en;q=0.5,FR;q=0.55", TEXTS_FR},
        {"pt-BR,zh", TEXTS_EN},
        {"de;q=,,;;q=1,es", TEXTS_ES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (pages_language_of(str_of(rows[i].accept)) != rows[i].want)
            fail_msg("%s", rows[i].accept);
}

static const struct str evil = {"\"><script>alert(1)</script>\r\nSet-Cookie: x\\", 42};

static struct page evil_page(enum pages_format f, enum pages_form kind,
                             const struct str *categories)
{
    static struct pages_fact facts[2];
    static struct pages_item items[1];
    facts[0] = facts[1] = (struct pages_fact){TEXTS_MORE, "key", evil};
    items[0] = (struct pages_item){
        .title = evil, .facts = {facts[0]}, .n_facts = 1, .form = {kind, evil, evil, 0, 3}};
    return (struct page){.format = f,
                         .subject = TEXTS_OVERRIDE,
                         .status = 403,
                         .id = 77,
                         .token = evil,
                         .url = evil,
                         .host = evil,
                         .user = evil,
                         .rule = evil,
                         .rule_name = evil,
                         .message = evil,
                         .categories = categories,
                         .n_categories = 2,
                         .contact = evil,
                         .note = evil,
                         .node = evil,
                         .more = STR("http://192.0.2.1:3128/why?host=a"),
                         .link = evil,
                         .form = {kind, evil, evil, TEXTS_WRONG, 3},
                         .facts = facts,
                         .n_facts = 2,
                         .items = items,
                         .n_items = 1};
}

static void nothing_gets_out(void **state)
{
    (void)state;
    struct str categories[] = {evil, STR("games")};
    for (int i = 0; i < 3 * 4; i++) {
        enum pages_format f = (enum pages_format)(i / 4);
        struct page p = evil_page(f, (enum pages_form)(i % 4), categories);
        struct buf b;
        buf_init(&b, 1 << 20);
        pages_write(&p, &b);
        assert_false(b.failed);
        assert_true(str_find_str(buf_str(&b), STR("77")) != STR_NPOS);
        assert_true(str_find_str(buf_str(&b), STR("\r")) == STR_NPOS);
        if (f == PAGES_HTML)
            assert_true(str_find_str(buf_str(&b), STR("<script")) == STR_NPOS);
        if (f == PAGES_JSON) {
            json_t *j = json_loadb(b.p, b.n, 0, NULL);
            assert_non_null(j);
            assert_string_equal(json_string_value(json_object_get(j, "record")), "77");
            json_decref(j);
        }
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escaping),
        cmocka_unit_test(formats),
        cmocka_unit_test(languages),
        cmocka_unit_test(nothing_gets_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
