/* row: statements with values, and readers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/row.h"

static char dir[64], path[96], why[STORE_WHY_BYTES];
static struct store *s;
static struct arena a;

struct item {
    struct str name;
    uint64_t number;
    unsigned color;
};

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/row-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/x.db", dir);
    arena_init(&a, 4096, 1 << 16);
    if (store_open(path, STORE_WRITE, why, &s) != OK)
        return -1;
    return store_exec(s, "CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
                         " number INTEGER, color INTEGER, raw BLOB) STRICT") == OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(s);
    arena_fini(&a);
    unlink(path);
    return rmdir(dir);
}

static enum err add(struct str name, uint64_t number, uint64_t *id)
{
    return row_add(s,
                   ROW_SQL("INSERT INTO item VALUES(NULL, ?1, ?2, ?2 % 4, ?3)", ROW_TEXT(name),
                           ROW_INT(number), ROW_BLOB(STR("\x00\x01"))),
                   id);
}

static void add_items(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[16];
        uint64_t id = 0;
        snprintf(name, sizeof name, "i%03u", i);
        assert_int_equal(add(str_of(name), i, &id), OK);
        assert_int_equal(id, i + 1);
    }
}

static void read_item(struct row *r, void *item)
{
    *(struct item *)item =
        (struct item){.name = row_text(r, 0), .number = row_u64(r, 1), .color = row_enum(r, 2, 2)};
}

#define ITEM "SELECT name, number, color FROM item"

static enum err get(const char *name, struct item *out)
{
    return row_one(s, ROW_SQL(ITEM " WHERE name = ?1", ROW_TEXT(str_of(name))),
                   ROW_INTO(read_item, &a, out));
}

static void test_one(void **state)
{
    (void)state;
    struct item x = {.number = 77};
    uint64_t n = 0;
    add_items(4);
    assert_int_equal(get("i002", &x), OK);
    assert_int_equal(x.number, 2);
    assert_true(str_eq(x.name, STR("i002")));
    x.number = 77;
    assert_int_equal(get("nobody", &x), ERR_NOT_FOUND);
    assert_int_equal(get("i003", &x), ERR_CORRUPT); /* color 3 */
    assert_int_equal(x.number, 77);                 /* as it was */
    assert_int_equal(row_number(s, ROW_PLAIN("SELECT count(*) FROM item"), &n), OK);
    assert_int_equal(n, 4);
    assert_int_equal(
        row_number(s, ROW_SQL("SELECT length(raw) FROM item WHERE id = ?1", ROW_INT(1)), &n), OK);
    assert_int_equal(n, 2);
}

static void test_change(void **state)
{
    (void)state;
    uint64_t id = 0;
    add_items(2);
    assert_int_equal(add(STR("i001"), 1, &id), ERR_EXISTS);
    assert_int_equal(id, 0);
    assert_int_equal(row_change(s, ROW_SQL("DELETE FROM item WHERE id = ?1", ROW_INT(9))),
                     ERR_NOT_FOUND);
    assert_int_equal(row_run(s, ROW_SQL("UPDATE item SET number = 5 WHERE id = ?1", ROW_INT(9))),
                     OK);
    assert_int_equal(row_change(s, ROW_SQL("DELETE FROM item WHERE id = ?1", ROW_INT(2))), OK);
    assert_int_equal(store_begin(s), OK);
    assert_int_equal(row_change(s, ROW_SQL("DELETE FROM item WHERE id = ?1", ROW_INT(1))), OK);
    assert_int_equal(store_end(s, ERR_LIMIT), ERR_LIMIT);
    assert_int_equal(store_begin(s), OK);
    assert_int_equal(
        store_end(s, row_change(s, ROW_SQL("DELETE FROM item WHERE id = ?1", ROW_INT(1)))), OK);
}

static enum err list(uint64_t below, struct item *items, size_t *n)
{
    return row_list(s, ROW_SQL(ITEM " WHERE number < ?1 ORDER BY number", ROW_INT(below)),
                    ROW_INTO(read_item, &a, items), n);
}

static void test_list(void **state)
{
    (void)state;
    struct item items[3];
    size_t n = 3;
    add_items(40);
    assert_int_equal(list(2, items, &n), OK);
    assert_int_equal(n, 2);
    assert_true(str_eq(items[1].name, STR("i001")));
    n = 3;
    assert_int_equal(list(40, items, &n), OK); /* stops where the array ends */
    assert_int_equal(n, 3);
    n = 0;
    assert_int_equal(list(40, items, &n), OK);
    assert_int_equal(n, 0);
    struct item all[40];
    n = 40;
    assert_int_equal(list(40, all, &n), ERR_CORRUPT);
    assert_int_equal(n, 40);
}

static void test_all(void **state)
{
    (void)state;
    struct item *items = NULL;
    size_t n = 9;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(row_all(s,
                                 ROW_SQL("SELECT name, number, 0 FROM item WHERE number >= ?1"
                                         " ORDER BY number",
                                         ROW_INT(1)),
                                 ROW_ALL(read_item, &a, &items), &n),
                         OK);
        assert_non_null(items);
        assert_int_equal(n, round ? 39 : 0);
        if (round == 0)
            add_items(40);
    }
    assert_int_equal(items[38].number, 39);
    assert_true(str_eq(items[38].name, STR("i039")));
    struct arena small;
    arena_init(&small, 64, 256);
    assert_int_equal(
        row_all(s, ROW_PLAIN(ITEM " WHERE color < 3"), ROW_ALL(read_item, &small, &items), &n),
        ERR_NOMEM);
    assert_int_equal(n, 39);
    arena_fini(&small);
}

struct sum {
    uint64_t n, sum;
};

static void add_up(struct row *r, void *item)
{
    struct sum *x = item;
    uint64_t twice = 0;
    row_fail(r, row_number(s, ROW_SQL("SELECT 2 * ?1", ROW_INT(row_u64(r, 0))), &twice));
    row_fail(r, str_eq(row_view(r, 1), STR("i005")) ? ERR_LIMIT : OK);
    x->n++;
    x->sum += twice;
}

static enum err sum_below(uint64_t below, struct sum *out)
{
    return row_each(s, ROW_SQL("SELECT number, name FROM item WHERE number < ?1", ROW_INT(below)),
                    ROW_INTO(add_up, NULL, out));
}

static void test_each(void **state)
{
    (void)state;
    struct sum x = {0};
    assert_int_equal(sum_below(5, &x), OK);
    assert_int_equal(x.n, 0);
    add_items(10);
    assert_int_equal(sum_below(5, &x), OK);
    assert_int_equal(x.n, 5);
    assert_int_equal(x.sum, 20);
    x = (struct sum){0};
    assert_int_equal(sum_below(10, &x), ERR_LIMIT);
    assert_int_equal(x.n, 6);
    assert_int_equal(sum_below(5, &x), OK); /* the statement was left in order */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
