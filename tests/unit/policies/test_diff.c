/* What changed between two documents, told rule by rule. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "policies/diff.h"

/* "op kind id", and for changed the pointers of its fields; joined by '; '. */
static char *told(const char *before, const char *after)
{
    json_t *changes = NULL, *c, *f;
    struct buf b;
    size_t i, k;
    buf_init(&b, 1 << 16);
    assert_int_equal(policy_diff(str_of(before), str_of(after), &changes), OK);
    json_array_foreach(changes, i, c)
    {
        const char *op, *kind, *id, *name;
        json_t *from, *to, *fields;
        assert_int_equal(json_unpack(c, "{s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "op", &op, "kind",
                                     &kind, "id", &id, "name", &name, "from_position", &from,
                                     "to_position", &to, "fields", &fields),
                         0);
        buf_addf(&b, "%s%s %s %s", i ? "; " : "", op, kind, id);
        if (strcmp(op, "moved") == 0)
            buf_addf(&b, " %d>%d", (int)json_integer_value(from), (int)json_integer_value(to));
        json_array_foreach(fields, k, f)
            buf_addf(&b, " %s", json_string_value(json_object_get(f, "pointer")));
    }
    json_decref(changes);
    char *out = str_dup(buf_str(&b));
    assert_non_null(out);
    buf_fini(&b);
    return out;
}

#define R(id, more) "{\"id\":\"" id "\"" more ",\"action\":\"block\"}"

static const struct {
    const char *why, *before, *after, *want;
} rows[] = {
    {"nothing", "{\"rules\":[" R("a", "") "]}", "{\"rules\":[" R("a", "") "]}", ""},
    {"order of keys is nothing", "{\"rules\":[{\"id\":\"a\",\"action\":\"block\"}]}",
     "{\"rules\":[{\"action\":\"block\",\"id\":\"a\"}]}", ""},
    {"added at the front moves nobody", "{\"rules\":[" R("a", "") "," R("b", "") "]}",
     "{\"rules\":[" R("n", "") "," R("a", "") "," R("b", "") "]}", "added rule n"},
    {"removed", "{\"rules\":[" R("a", "") "," R("b", "") "]}", "{\"rules\":[" R("b", "") "]}",
     "removed rule a"},
    {"the last to the front is one move",
     "{\"rules\":[" R("a", "") "," R("b", "") "," R("c", "") "]}",
     "{\"rules\":[" R("c", "") "," R("a", "") "," R("b", "") "]}", "moved rule c 2>0"},
    {"two change places: one moved", "{\"rules\":[" R("a", "") "," R("b", "") "]}",
     "{\"rules\":[" R("b", "") "," R("a", "") "]}", "moved rule b 1>0"},
    {"moved and changed", "{\"rules\":[" R("a", "") "," R("b", "") "," R("c", "") "]}",
     "{\"rules\":[" R("c", ",\"enabled\":false") "," R("a", "") "," R("b", "") "]}",
     "moved rule c 2>0; changed rule c /enabled"},
    {"a condition", "{\"rules\":[" R("a", ",\"when\":{\"users\":[\"x\"],\"hosts\":[\"h\"]}") "]}",
     "{\"rules\":[" R("a", ",\"when\":{\"users\":[\"y\"],\"ports\":[1]}") "]}",
     "changed rule a /when/users /when/hosts /when/ports"},
    {"list", "{\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"a\"]}]}",
     "{\"lists\":[{\"name\":\"l\",\"kind\":\"domains\",\"entries\":[\"a\",\"b\"]}]}",
     "changed list l /entries"},
    {"order of lists is nothing", "{\"lists\":[{\"name\":\"l\"},{\"name\":\"m\"}]}",
     "{\"lists\":[{\"name\":\"m\"},{\"name\":\"l\"}]}", ""},
    {"schedule and test", "{\"schedules\":[{\"name\":\"s\"}],\"tests\":[{\"name\":\"t\"}]}",
     "{\"schedules\":[],\"tests\":[{\"name\":\"t\",\"url\":\"http://x/\"},{\"name\":\"u\"}]}",
     "removed schedule s; changed test t /url; added test u"},
    {"settings", "{\"identity\":\"never\",\"default\":{\"action\":\"allow\"}}",
     "{\"identity\":\"always\",\"default\":{\"action\":\"block\"},\"comment\":\"c\"}",
     "changed setting identity /identity; changed setting default /default; changed setting "
     "comment /comment"},
    {"odd documents", "{\"rules\":7}", "{\"rules\":[7,null,{}]}",
     "added rule ; added rule ; added rule "},
};

static void changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = told(rows[i].before, rows[i].after);
        if (strcmp(got, rows[i].want) != 0)
            print_message("%s:\n wants %s\n got   %s\n", rows[i].why, rows[i].want, got);
        assert_string_equal(got, rows[i].want);
        free(got);
    }
}

static void texts_that_are_no_documents(void **state)
{
    (void)state;
    json_t *c = NULL;
    assert_int_equal(policy_diff(STR("{}"), STR("[]"), &c), ERR_INVALID);
    assert_int_equal(policy_diff(STR(""), STR("{}"), &c), ERR_INVALID);
    assert_null(c);
}

/* 20,000 rules, reversed in part: the time would be minutes if names were searched one by one. */
static void large_documents(void **state)
{
    (void)state;
    struct buf b, a;
    buf_init(&a, 1 << 24);
    buf_init(&b, 1 << 24);
    buf_add_z(&a, "{\"rules\":[");
    buf_add_z(&b, "{\"rules\":[");
    for (int i = 0; i < 20000; i++) {
        buf_addf(&a, "%s{\"id\":\"r%d\"}", i ? "," : "", i);
        buf_addf(&b, "%s{\"id\":\"r%d\"}", i ? "," : "", i < 19990 ? i : 39989 - i);
    }
    buf_add_z(&a, "]}");
    buf_add_z(&b, "]}");
    json_t *c = NULL;
    assert_int_equal(policy_diff(buf_str(&a), buf_str(&b), &c), OK);
    assert_int_equal(json_array_size(c), 9);
    json_decref(c);
    buf_fini(&a);
    buf_fini(&b);
}

/* Lists of texts are counted, with the first of what came and went; large ones are not repeated. */
static void test_lists(void **state)
{
    (void)state;
    json_t *changes = NULL, *a = json_array(), *b = json_array();
    for (int i = 0; i < DIFF_WHOLE + 2; i++) {
        char text[20];
        snprintf(text, sizeof text, "h%d.test", i);
        if (i >= 3)
            json_array_append_new(a, json_string(text));
        if (i != 7)
            json_array_append_new(b, json_string(text));
    }
    for (int whole = 0; whole < 2; whole++) {
        json_t *x = json_pack("{s:[{s:s,s:O}]}", "lists", "name", "l", "entries", a);
        json_t *y = json_pack("{s:[{s:s,s:O}]}", "lists", "name", "l", "entries", b);
        char *before = json_dumps(x, 0), *after = json_dumps(y, 0);
        assert_int_equal(policy_diff(str_of(before), str_of(after), &changes), OK);
        const json_t *f = json_array_get(json_object_get(json_array_get(changes, 0), "fields"), 0);
        assert_int_equal(json_integer_value(json_object_get(f, "n_added")), 3);
        assert_int_equal(json_integer_value(json_object_get(f, "n_removed")), 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(f, "removed"), 0)),
                            "h7.test");
        assert_int_equal(json_array_size(json_object_get(f, "added")), 3);
        assert_int_equal(json_is_array(json_object_get(f, "after")), whole);
        json_array_remove(a, json_array_size(a) - 1);
        json_array_remove(b, json_array_size(b) - 1);
        json_array_remove(b, json_array_size(b) - 1);
        json_array_remove(a, json_array_size(a) - 1);
        json_decref(changes);
        json_decref(x);
        json_decref(y);
        free(before);
        free(after);
    }
    json_decref(a);
    json_decref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(changes),
        cmocka_unit_test(texts_that_are_no_documents),
        cmocka_unit_test(large_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
