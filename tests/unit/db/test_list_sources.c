/* list_sources: content per source, the age of entries across refreshes, what an older store
 * becomes. */
#include "db/list_sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/list_import.h"
#include "db/list_pack.h"
#include "db/migrate.h"
#include "db/schema/policy.h"
#include "tests/unit/db/policy_db.h"

struct step {
    const char *source, *text;
    int64_t at_ms;
    bool is_merge, is_dry_run;
    uint64_t before, added, removed;
    const char *want; /* "entry@source@seconds " of the category afterwards */
};

static bool show(void *ctx, const struct list_found *f)
{
    buf_addf(ctx, "%.*s@%.*s@%lld ", STR_ARG(f->entry), STR_ARG(f->source),
             (long long)(f->since_ms / 1000));
    return true;
}

static void expect(const char *category, const char *want)
{
    struct buf b;
    buf_init(&b, 100000);
    assert_int_equal(list_sources_walk(s, str_of(category), LIST_DOMAINS,
                                       &(struct list_walk){.found = show, .ctx = &b}),
                     OK);
    buf_add_c(&b, 0);
    assert_string_equal(b.p, want);
    buf_fini(&b);
}

static void test_ages(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"upload", "a.test\nb.test\n", 10000, false, false, 0, 2, 0,
         "a.test@upload@10 b.test@upload@10 "},
        {"upload", "a.test\nb.test\n", 20000, false, false, 2, 0, 0,
         "a.test@upload@10 b.test@upload@10 "},
        {"upload", "b.test\nc.test\n", 30000, false, true, 2, 1, 1,
         "a.test@upload@10 b.test@upload@10 "},
        {"upload", "b.test\nc.test\n", 30000, false, false, 2, 1, 1,
         "b.test@upload@10 c.test@upload@30 "},
        {"sub:1", "b.test\n", 40000, false, false, 0, 1, 0,
         "b.test@sub:1@40 b.test@upload@10 c.test@upload@30 "},
        {"upload", "0.test\n", 50000, true, false, 2, 1, 0,
         "0.test@upload@50 b.test@sub:1@40 b.test@upload@10 c.test@upload@30 "},
        {"upload", "", 60000, false, false, 3, 0, 3, "b.test@sub:1@40 "},
        {"upload", "c.test\n", 70000, false, false, 0, 1, 0, "b.test@sub:1@40 c.test@upload@70 "},
    };
    uint64_t last = 0, now;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const struct step *x = &steps[i];
        struct list_change change;
        struct list_content c = {.category = STR("ads"),
                                 .source = str_of(x->source),
                                 .title = STR("t"),
                                 .kind = LIST_DOMAINS,
                                 .text = str_of(x->text),
                                 .at_ms = x->at_ms,
                                 .is_merge = x->is_merge,
                                 .is_dry_run = x->is_dry_run};
        assert_int_equal(list_sources_put(s, &c, &change), OK);
        assert_int_equal(change.before, x->before);
        assert_int_equal(change.added, x->added);
        assert_int_equal(change.removed, x->removed);
        expect("ads", x->want);
        assert_int_equal(list_rows_content_stamp(s, &now), OK);
        assert_true((now != last) == ((x->added || x->removed) && !x->is_dry_run));
        last = now;
    }
}

static void put(const char *category, const char *source, const char *text)
{
    struct list_content c = {.category = str_of(category),
                             .source = str_of(source),
                             .kind = LIST_DOMAINS,
                             .text = str_of(text),
                             .at_ms = 5000};
    assert_int_equal(list_sources_put(s, &c, NULL), OK);
}

static void test_sources(void **state)
{
    (void)state;
    struct list_source *items;
    struct list_found *rows;
    uint64_t before, after, content;
    size_t n;
    put("one", "sub:1", "x.test\n");
    put("two", "sub:1", "y.test\nz.test\n");
    put("two", "upload", "z.test\n");
    assert_int_equal(list_sources_of(s, &a, STR("two"), &items, &n), OK);
    assert_int_equal(n, 2);
    assert_true(str_eq(items[0].source, STR("sub:1")) && items[0].counts[LIST_DOMAINS] == 2);
    assert_int_equal(list_sources_of(s, &a, STR(""), &items, &n), OK);
    assert_int_equal(n, 3);
    assert_int_equal(list_sources_find(s, &a,
                                       &(struct list_ask){STR("two"), LIST_DOMAINS, STR("z.test")},
                                       &rows, &n),
                     OK);
    assert_true(n == 2 && str_eq(rows[1].source, LIST_SOURCE_UPLOAD) && rows[1].since_ms == 5000);
    assert_int_equal(list_sources_find(s, &a,
                                       &(struct list_ask){STR("two"), LIST_DOMAINS, STR("q.test")},
                                       &rows, &n),
                     OK);
    assert_int_equal(n, 0);

    assert_int_equal(list_rows_content_stamp(s, &content), OK);
    assert_int_equal(list_sources_local_stamp(s, &before), OK);
    put("two", "local", "m.test\n");
    assert_int_equal(list_sources_local_stamp(s, &after), OK);
    assert_int_not_equal(before, after);
    assert_int_equal(list_rows_content_stamp(s, &after), OK);
    assert_int_equal(content, after); /* the big index stays as it is */

    assert_int_equal(list_sources_delete(s, STR("sub:1"), STR("two")), OK);
    expect("two", "m.test@local@5 z.test@upload@5 ");
    expect("one", "x.test@sub:1@5 ");
    assert_int_equal(list_sources_delete(s, STR("sub:1"), STR("")), OK);
    expect("one", "");
    static const char *const bad[] = {"", "Up", "a b", "a/b"};
    for (size_t i = 0; i < 4; i++) {
        struct list_content c = {.category = STR("one"), .source = str_of(bad[i])};
        assert_int_equal(list_sources_put(s, &c, NULL), ERR_INVALID);
    }
}

static void import(const char *text, bool drops_missing)
{
    struct list_import *im;
    struct list_import_options o = {.category = STR("only")};
    struct list_import_save how = {
        .source = STR("f"), .origin = STR("sub:7"), .drops_missing = drops_missing, .at_ms = 9000};
    assert_int_equal(list_import_read(&o, str_of(text), why, &im), OK);
    assert_int_equal(list_import_save(im, s, &how), OK);
    list_import_free(im);
}

static void test_missing(void **state)
{
    (void)state;
    put("gone", "sub:7", "g.test\n");
    put("gone", "upload", "h.test\n");
    import("a.test\n", false);
    expect("gone", "g.test@sub:7@5 h.test@upload@5 ");
    import("a.test\n", true);
    expect("gone", "h.test@upload@5 ");
    expect("only", "a.test@sub:7@9 ");
}

/* A store as it was before there were sources. */
static void test_older(void **state)
{
    (void)state;
    char *packed = NULL, statement[400];
    size_t n;
    store_close(s);
    unlink(path);
    assert_int_equal(store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(store_exec(s, SCHEMA_POLICY_1 SCHEMA_POLICY_3), OK);
    assert_int_equal(list_pack(STR("a.test\nb.test\n"), &packed, &n), OK);
    int at = snprintf(statement, sizeof statement,
                      "INSERT INTO category VALUES('old','','','file','plain',1,7000,1);"
                      "INSERT INTO category_content VALUES('old',0,2,14,x'");
    for (size_t i = 0; i < n; i++)
        at += snprintf(statement + at, sizeof statement - (size_t)at, "%02x",
                       (unsigned char)packed[i]);
    snprintf(statement + at, sizeof statement - (size_t)at, "')");
    assert_int_equal(store_exec(s, statement), OK);
    free(packed);
    assert_int_equal(store_exec(s, SCHEMA_POLICY_SOURCES), OK);
    expect("old", "a.test@upload@7 b.test@upload@7 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_older, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
