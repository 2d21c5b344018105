/* list_import, list_rows, list_set: uploads into the store, archives with their traps, a million
 * lines. */
#include "db/list_import.h"
#include "db/list_sources.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/list_set.h"
#include "tests/unit/db/policy_db.h"

static bool on_text(void *ctx, struct str text)
{
    struct buf *b = ctx;
    buf_add(b, text);
    buf_add_c(b, ' ');
    return true;
}

static void expect_content(const char *category, enum list_kind kind, const char *want)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    assert_int_equal(list_rows_each(s, str_of(category), kind, &(struct list_visit){on_text, &b}),
                     OK);
    if (!str_eq(buf_str(&b), str_of(want)))
        fail_msg("%s/%s: %.*s", category, list_kind_name(kind), STR_ARG(buf_str(&b)));
    buf_fini(&b);
}

static struct list_import *read_text(const char *category, struct str text)
{
    struct list_import *im;
    struct list_import_options o = {.category = str_of(category)};
    enum err e = list_import_read(&o, text, why, &im);
    if (e != OK)
        fail_msg("%s: %s", err_name(e), why);
    return im;
}

static void test_one_list(void **state)
{
    (void)state;
    struct list_category c;
    struct list_report r;
    struct list_import *im =
        read_text("ads", STR("b.example\na.example\nb.example\nbad name\n1.2.3.4\nx.example/y\n"));
    assert_int_equal(list_import_count(im), 1);
    const struct list_import_category *x = list_import_at(im, 0);
    assert_true(x->accepted == 4 && x->duplicates == 1 && x->n_rejected == 1);
    assert_int_equal(x->rejects[0].line, 4);
    assert_true(str_eq(x->rejects[0].text, STR("bad name")));
    struct list_import_save how = {.source = STR("ads.txt"), .at_ms = 5, .dry_run = true};
    assert_int_equal(list_import_save(im, s, &how), OK);
    assert_true(x->added == 4 && x->removed == 0);
    assert_int_equal(list_rows_category(s, &a, STR("ads"), &c), ERR_NOT_FOUND);
    how.dry_run = false;
    assert_int_equal(list_import_save(im, s, &how), OK);
    list_import_free(im);
    expect_content("ads", LIST_DOMAINS, "a.example b.example ");
    expect_content("ads", LIST_IPS, "1.2.3.4 ");
    expect_content("ads", LIST_URLS, "x.example/y ");
    expect_content("ads", LIST_EXCEPTIONS, "");
    assert_int_equal(list_rows_category(s, &a, STR("ads"), &c), OK);
    assert_true(c.counts[LIST_DOMAINS] == 2 && c.counts[LIST_IPS] == 1 && c.content_at_ms == 5);
    assert_true(str_eq(c.format, STR("plain")) && str_eq(c.source, STR("ads.txt")));
    assert_int_equal(list_rows_report(s, &a, STR("ads"), &r), OK);
    assert_true(r.accepted == 4 && r.n_rejects == 1 && r.rejects[0].line == 4 && r.added == 4);

    /* Merged: the union. Replaced: what is not in it goes. */
    im = read_text("ads", STR("c.example\na.example\n"));
    how.merge = true;
    assert_int_equal(list_import_save(im, s, &how), OK);
    assert_true(list_import_at(im, 0)->added == 1 && list_import_at(im, 0)->removed == 0);
    expect_content("ads", LIST_DOMAINS, "a.example b.example c.example ");
    expect_content("ads", LIST_IPS, "1.2.3.4 ");
    how.merge = false;
    assert_int_equal(list_import_save(im, s, &how), OK);
    assert_true(list_import_at(im, 0)->added == 0 && list_import_at(im, 0)->removed == 3);
    expect_content("ads", LIST_DOMAINS, "a.example c.example ");
    expect_content("ads", LIST_IPS, "");
    list_import_free(im);
}

static void test_rows(void **state)
{
    (void)state;
    struct list_category c = {.name = STR("games"),
                              .title = STR("Games"),
                              .description = STR(""),
                              .source = STR(""),
                              .created_ms = 3};
    struct list_category got, *all;
    uint64_t before, after;
    size_t n;
    arena_init(&a, 4096, 1 << 20);
    assert_int_equal(list_rows_put(s, &c, 4), ERR_CONFLICT);
    assert_int_equal(list_rows_put(s, &c, 0), OK);
    assert_int_equal(list_rows_category(s, &a, c.name, &got), OK);
    assert_true(got.revision == 1 && got.content_at_ms == 0 && got.created_ms == 3);
    c.title = STR("Spiele");
    assert_int_equal(list_rows_put(s, &c, 9), ERR_CONFLICT);
    assert_int_equal(list_rows_put(s, &c, 1), OK);
    static const char *const bad[] = {"", "A", "a b", "../x", ".a", "-a", "\xc3\xa9", "a/b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        c.name = str_of(bad[i]);
        assert_int_equal(list_rows_put(s, &c, 0), ERR_INVALID);
    }
    assert_int_equal(list_rows_content_stamp(s, &before), OK);
    struct list_content text = {.category = STR("games"),
                                .source = LIST_SOURCE_UPLOAD,
                                .kind = LIST_DOMAINS,
                                .text = STR("a.example\n"),
                                .n_entries = 1,
                                .at_ms = 9};
    assert_int_equal(list_sources_put(s, &text, NULL), OK);
    assert_int_equal(list_rows_content_stamp(s, &after), OK);
    assert_int_not_equal(before, after);
    assert_int_equal(list_rows_categories(s, &a, &all, &n), OK);
    assert_true(n == 1 && all[0].counts[LIST_DOMAINS] == 1 && all[0].revision == 3);
    assert_int_equal(list_rows_delete(s, STR("games"), 2), ERR_CONFLICT);
    assert_int_equal(list_rows_delete(s, STR("games"), 0), OK);
    assert_int_equal(list_rows_delete(s, STR("games"), 0), ERR_NOT_FOUND);
    expect_content("games", LIST_DOMAINS, "");
    assert_int_equal(store_exec(s, "INSERT INTO category VALUES('x','','','','',1,0,0);"
                                   "INSERT INTO category_source VALUES('x','upload','','',0,0);"
                                   "INSERT INTO source_content"
                                   " VALUES('x','upload',0,1,1,x'28b52ffd00',x'')"),
                     OK);
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(list_rows_each(s, STR("x"), LIST_DOMAINS, &(struct list_visit){on_text, &b}),
                     ERR_CORRUPT);
    buf_fini(&b);
}

/* --- archives --- */

struct member {
    const char *path, *text, *link;
};

static struct buf make_archive(const struct member *m, size_t n, bool is_zip)
{
    struct buf out;
    size_t used = 0;
    buf_init(&out, 16 << 20);
    assert_int_equal(buf_reserve(&out, 8 << 20), OK);
    struct archive *w = archive_write_new();
    struct archive_entry *e = archive_entry_new();
    if (is_zip) {
        archive_write_set_format_zip(w);
    } else {
        archive_write_set_format_gnutar(w);
        archive_write_add_filter_gzip(w);
    }
    assert_int_equal(archive_write_open_memory(w, out.p, out.cap, &used), ARCHIVE_OK);
    for (size_t i = 0; i < n; i++) {
        archive_entry_clear(e);
        archive_entry_set_pathname(e, m[i].path);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_filetype(e, m[i].link ? AE_IFLNK : AE_IFREG);
        if (m[i].link)
            archive_entry_set_symlink(e, m[i].link);
        archive_entry_set_size(e, m[i].link ? 0 : (int64_t)strlen(m[i].text));
        assert_int_equal(archive_write_header(w, e), ARCHIVE_OK);
        if (!m[i].link)
            archive_write_data(w, m[i].text, strlen(m[i].text));
    }
    archive_write_close(w);
    archive_write_free(w);
    archive_entry_free(e);
    out.n = used;
    return out;
}

static const struct member tree[] = {
    {"blacklists/adult/domains", "b.example\na.example\n", NULL},
    {"blacklists/adult/urls", "c.example/x\n", NULL},
    {"blacklists/adult/expressions", "(sex|porn)\n", NULL},
    {"blacklists/adult/usage", "black\n", NULL},
    {"blacklists/Mixed Case/domains", "d.example\nnot a name\n", NULL},
    {"blacklists/ads", NULL, "publicite"},
    {"blacklists/global_usage", "# words\n", NULL},
    {"blacklists/porn", "adult", NULL},
    {"../../etc/evil/domains", "evil.example\n", NULL},
    {"/abs/domains", "abs.example\n", NULL},
    {"games.txt", "0.0.0.0 e.example\n", NULL},
    {"news.domains", "f.example\n", NULL},
};

static void test_tree(void **state)
{
    (void)state;
    for (int is_zip = 0; is_zip < 2; is_zip++) {
        struct buf b = make_archive(tree, sizeof tree / sizeof *tree, is_zip);
        struct list_import *im;
        struct list_import_options o = {0};
        assert_int_equal(list_import_read(&o, buf_str(&b), why, &im), OK);
        assert_int_equal(list_import_count(im), 4);
        static const char *const names[] = {"adult", "games", "mixed-case", "news"};
        for (size_t i = 0; i < 4; i++)
            assert_true(str_eq(list_import_at(im, i)->name, str_of(names[i])));
        assert_int_equal(list_import_at(im, 2)->n_rejected, 1);
        assert_true(str_ends(list_import_at(im, 2)->rejects[0].file, STR("Mixed Case/domains")));
        assert_int_equal(list_import_general(im)->n_rejected, 4); /* link, false link, two paths */
        struct list_import_save how = {.source = STR("tree"), .at_ms = 1};
        assert_int_equal(list_import_save(im, s, &how), OK);
        list_import_free(im);
        expect_content("adult", LIST_DOMAINS, "a.example b.example ");
        expect_content("adult", LIST_URLS, "c.example/x ");
        expect_content("adult", LIST_EXPRESSIONS, "(sex|porn) ");
        expect_content("games", LIST_DOMAINS, "e.example ");
        expect_content("evil", LIST_DOMAINS, "");
        o.prefix = STR("ne");
        assert_int_equal(list_import_read(&o, buf_str(&b), why, &im), OK);
        assert_int_equal(list_import_count(im), 1);
        list_import_free(im);
        buf_fini(&b);
    }
}

static void test_broken_archives(void **state)
{
    (void)state;
    struct buf b = make_archive(tree, sizeof tree / sizeof *tree, false);
    struct list_import *im;
    struct list_import_options o = {0};
    for (size_t n = 0; n < b.n - 8; n += 1 + b.n / 60) {
        enum err e = list_import_read(&o, str_make(b.p, n), why, &im);
        assert_true(e == ERR_CORRUPT || e == ERR_INVALID);
        assert_true(strlen(why) > 5);
    }
    for (size_t i = 10; i < b.n; i += 7) { /* one byte wrong: an answer, whichever */
        b.p[i] ^= 0x55;
        if (list_import_read(&o, buf_str(&b), why, &im) == OK)
            list_import_free(im);
        b.p[i] ^= 0x55;
    }
    buf_fini(&b);
}

/* 64 MB of one letter pack into 60 KB. */
static void test_bomb(void **state)
{
    (void)state;
    size_t n = 64 << 20;
    char *text = malloc(n + 1);
    assert_non_null(text);
    memset(text, 'a', n);
    text[n] = '\0';
    const struct member bomb[] = {{"x/domains", text, NULL}};
    const struct member ignored[] = {{"x/picture.bin", text, NULL}};
    struct list_import *im;
    struct list_import_options o = {.max_bytes = 10 << 20};
    struct buf b = make_archive(bomb, 1, false);
    assert_true(b.n < 200000);
    assert_int_equal(list_import_read(&o, buf_str(&b), why, &im), ERR_LIMIT);
    buf_fini(&b);
    b = make_archive(ignored, 1, true); /* what nobody reads counts too */
    assert_int_equal(list_import_read(&o, buf_str(&b), why, &im), ERR_LIMIT);
    buf_fini(&b);
    free(text);
}

static bool cancel(void *ctx, double done)
{
    (void)done;
    return ++*(int *)ctx < 2;
}

static void test_refusals(void **state)
{
    (void)state;
    struct list_import *im;
    int calls = 0;
    struct list_import_options o = {0};
    assert_int_equal(list_import_read(&o, STR("a.example\n"), why, &im), ERR_INVALID);
    assert_non_null(strstr(why, "category"));
    o.category = STR("Not Valid");
    assert_int_equal(list_import_read(&o, STR("a.example\n"), why, &im), ERR_INVALID);
    o.category = STR("ok");
    assert_int_equal(list_import_read(&o,
                                      STR("\x7f"
                                          "ELF\x01\x02 binary\nmore of it\n"),
                                      why, &im),
                     ERR_INVALID);
    assert_non_null(strstr(why, "binary"));
    o.max_bytes = 3;
    assert_int_equal(list_import_read(&o, STR("a.example\n"), why, &im), ERR_LIMIT);
    o.max_bytes = 0;
    o.progress = cancel;
    o.ctx = &calls;
    char *big = malloc(2 << 20);
    assert_non_null(big);
    for (size_t i = 0; i < 2 << 20; i += 16)
        memcpy(big + i, "abcdefg.example\n", 16);
    assert_int_equal(list_import_read(&o, str_make(big, 2 << 20), why, &im), ERR_CLOSED);
    o.progress = NULL;
    assert_int_equal(list_import_read(&o, str_make(big, 2 << 20), why, &im), OK);
    assert_int_equal(list_import_at(im, 0)->accepted, 1);
    assert_int_equal(list_import_at(im, 0)->duplicates, (2 << 20) / 16 - 1);
    list_import_free(im);
    free(big);
}

static void test_sorted(void **state)
{
    (void)state;
    struct list_set x;
    list_set_init(&x);
    static const char *const in[] = {"b",       "abcdefgh", "abcdefghi",  "a", "abcdefgh",
                                     "abcdefg", "\xff",     "abcdefghij", "b"};
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_int_equal(list_set_add(&x, str_of(in[i])), OK);
    assert_int_equal(list_set_add(&x, str_of("")), ERR_LIMIT);
    assert_int_equal(list_set_seal(&x), OK);
    assert_true(
        str_eq(list_set_text(&x), STR("a\nabcdefg\nabcdefgh\nabcdefghi\nabcdefghij\nb\n\xff\n")));
    assert_int_equal(x.duplicates, 2);
    list_set_fini(&x);
}

/* A million lines in no order: the figure is printed; the bound is far above what a busy machine
 * needs, so that only a change of kind fails it. */
static void test_million(void **state)
{
    (void)state;
    struct buf b;
    struct timespec t0, t1;
    struct list_import *im;
    buf_init(&b, 64 << 20);
    for (uint32_t i = 0; i < 1000000; i++)
        buf_addf(&b, "host%u.part%u.example\n", i * 2654435761u % 1000003u, i % 97);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    im = read_text("big", buf_str(&b));
    clock_gettime(CLOCK_MONOTONIC, &t1);
    double seconds = (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
    print_message("1,000,000 lines read and sorted in %.2f s\n", seconds);
    assert_true(list_import_at(im, 0)->accepted + list_import_at(im, 0)->duplicates == 1000000);
    assert_true(seconds < 30);
    struct list_import_save how = {.source = STR("x"), .at_ms = 1};
    assert_int_equal(list_import_save(im, s, &how), OK);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    seconds = (double)(t0.tv_sec - t1.tv_sec) + 1e-9 * (double)(t0.tv_nsec - t1.tv_nsec);
    print_message("compared, packed and stored in %.2f s\n", seconds);
    list_import_free(im);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_archives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test(test_sorted),
        cmocka_unit_test_setup_teardown(test_million, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
