/* fields, call, reply and outflow: what every handler leans on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/app.h"
#include "adminui/fields.h"
#include "adminui/outflow.h"
#include "adminui/problem.h"
#include "adminui/reply.h"

static struct app app;

static void begin(struct call *c, const char *json)
{
    call_init(c, &app);
    c->body.ceiling_bytes = CALL_BODY_MAX;
    buf_add_z(&c->body, json);
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void test_json(void **state)
{
    (void)state;
    char deep[2 * (CALL_DEPTH_MAX + 1) + 20] = "{\"a\":";
    size_t n = strlen(deep);
    for (int i = 0; i < CALL_DEPTH_MAX; i++)
        deep[n++] = '[';
    for (int i = 0; i < CALL_DEPTH_MAX; i++)
        deep[n++] = ']';
    deep[n++] = '}';
    const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"{}", true},
        {"{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}", true},
        {"[]", false},
        {"{\"a\":1,\"a\":2}", false},
        {"{\"a\":", false},
        {"{} {}", false},
        {"null", false},
        {"{\"a\":\"\\u0000\"}", false},
        {"{\"a\":\"\xff\"}", false},
        {"{\"a\":1e999}", false},
        {deep, false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call c;
        begin(&c, rows[i].text);
        if (call_parse_json(&c) != rows[i].good)
            fail_msg("%s", rows[i].text);
        assert_int_equal(c.reply.status, rows[i].good ? 0 : 400);
        call_fini(&c);
    }
}

static const struct field fields[] = {
    {"name", FIELD_STR, true, false, 1, 5},   {"note", FIELD_STR, false, true, 0, 5},
    {"n", FIELD_INT, false, false, 1, 9},     {"on", FIELD_BOOL, false, false, 0, 0},
    {"all", FIELD_NAMES, false, false, 0, 2}, {"o", FIELD_OBJECT, false, true, 0, 0}};

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned status;
        const char *pointers; /* each followed by a space, in order */
    } rows[] = {
        {"{\"name\":\"abc\"}", 0, ""},
        {"{\"name\":\"abc\",\"note\":null,\"n\":9,\"on\":false,\"all\":[\"x\",\"y\"],\"o\":{}}", 0,
         ""},
        {"{}", 422, "/name "},
        {"{\"name\":null}", 400, "/name "},
        {"{\"name\":\"\"}", 422, "/name "},
        {"{\"name\":\"abcdef\"}", 422, "/name "},
        {"{\"name\":\"a\",\"n\":0}", 422, "/n "},
        {"{\"name\":\"a\",\"n\":10}", 422, "/n "},
        {"{\"name\":\"a\",\"n\":1.5}", 400, "/n "},
        {"{\"name\":\"a\",\"n\":\"1\"}", 400, "/n "},
        {"{\"name\":\"a\",\"on\":1}", 400, "/on "},
        {"{\"name\":\"a\",\"all\":[1]}", 400, "/all "},
        {"{\"name\":\"a\",\"all\":[\"1\",\"2\",\"3\"]}", 422, "/all "},
        {"{\"name\":\"a\",\"x\":1,\"y\":2}", 400, "/x /y "},
        {"{\"n\":0,\"x\":1}", 400, "/x /name /n "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call c;
        char got[200] = "";
        size_t k;
        json_t *fault;
        begin(&c, rows[i].text);
        assert_true(call_parse_json(&c));
        assert_int_equal(fields_check(&c, fields, sizeof fields / sizeof *fields),
                         rows[i].status == 0);
        json_t *j = c.reply.body.n ? json_loadb(c.reply.body.p, c.reply.body.n, 0, NULL) : NULL;
        json_array_foreach(json_object_get(j, "errors"), k, fault)
        {
            size_t at = strlen(got);
            const char *p = json_string_value(json_object_get(fault, "pointer"));
            memcpy(got + at, p, strlen(p) + 1);
            at = strlen(got);
            memcpy(got + at, " ", 2);
        }
        if (c.reply.status != rows[i].status || strcmp(got, rows[i].pointers) != 0)
            fail_msg("%s: %u %s", rows[i].text, c.reply.status, got);
        json_decref(j);
        call_fini(&c);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct call c;
    struct str out;
    begin(&c, "{\"a\":[\"x\",\"y z\"],\"b\":[],\"c\":[\"x\\ny\"],\"d\":[\"\"]}");
    assert_true(call_parse_json(&c));
    assert_int_equal(fields_names(&c, "a", &out), OK);
    assert_true(str_eq(out, STR("x\ny z")));
    assert_int_equal(fields_names(&c, "b", &out), OK);
    assert_int_equal(out.n, 0);
    assert_int_equal(fields_names(&c, "c", &out), ERR_INVALID);
    assert_int_equal(fields_names(&c, "d", &out), ERR_INVALID);
    json_t *back = fields_names_json(STR("x\ny z"));
    assert_int_equal(json_array_size(back), 2);
    json_decref(back);
    call_fini(&c);
}

/* --- conditional requests -----------------------------------------------------------------------
 */

static void test_if_match(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        unsigned status; /* 0: fits */
    } rows[] = {
        {"", 428},       {"\"k7\"", 0}, {"*", 0},          {"\"k6\", \"k7\"", 0},
        {"\"k6\"", 412}, {"k7", 412},   {"W/\"k7\"", 412}, {"\"k77\"", 412},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call c;
        char tag[64];
        begin(&c, "");
        call_etag(tag, "k", 7);
        c.if_match = str_of(rows[i].field);
        assert_int_equal(call_if_match(&c, tag), rows[i].status == 0);
        assert_int_equal(c.reply.status, rows[i].status);
        if (rows[i].status == 412)
            assert_string_equal(c.reply.etag, "\"k7\"");
        call_fini(&c);
    }
}

static void test_not_modified(void **state)
{
    (void)state;
    struct call c;
    begin(&c, "");
    c.if_none_match = STR("\"k7\"");
    memcpy(c.reply.etag, "\"k7\"", 5);
    assert_true(call_not_modified(&c, c.reply.etag)); /* the tag may be the answer's own */
    assert_int_equal(c.reply.status, 304);
    assert_string_equal(c.reply.etag, "\"k7\"");
    assert_false(call_not_modified(&c, "\"k8\""));
    assert_string_equal(c.reply.etag, "\"k8\"");
    call_fini(&c);
}

static void test_problem(void **state)
{
    (void)state;
    struct call c;
    begin(&c, "");
    problem_reply(&c, PROBLEM_TOO_OFTEN, "wait %d \"s\"", 3);
    json_t *j = json_loadb(c.reply.body.p, c.reply.body.n, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(j, "type")),
                        "urn:proxyd:problem:too-often");
    assert_string_equal(json_string_value(json_object_get(j, "detail")), "wait 3 \"s\"");
    assert_string_equal(json_string_value(json_object_get(j, "instance")), c.request_id);
    assert_int_equal(json_integer_value(json_object_get(j, "status")), 429);
    assert_string_equal(c.reply.type, "application/problem+json");
    assert_string_equal(c.reply.slug, "too-often");
    json_decref(j);
    reply_empty(&c, 204); /* replaces the answer */
    assert_true(c.reply.slug == NULL && c.reply.body.n == 0);
    call_fini(&c);
}

static void test_location(void **state)
{
    (void)state;
    struct call c;
    begin(&c, "");
    reply_location(&c, "/users/", STR("a b/\xc3\xa4@x"));
    assert_string_equal(c.reply.location, "/api/v1/users/a%20b%2F%C3%A4@x");
    call_fini(&c);
}

static void test_broken_utf8(void **state)
{
    (void)state;
    json_t *j = reply_str(STR("a\xff"
                              "b"));
    assert_string_equal(json_string_value(j), "a\xef\xbf\xbd"
                                              "b");
    json_decref(j);
}

/* --- outflow -----------------------------------------------------------------------------------
 */

struct reader {
    int parked, woken;
};

static void on_park(void *ctx)
{
    ((struct reader *)ctx)->parked++;
}

static void on_wake(void *ctx)
{
    ((struct reader *)ctx)->woken++;
}

static void test_outflow(void **state)
{
    (void)state;
    struct reader r = {0};
    char out[16];
    struct outflow *o = outflow_new(8);
    outflow_attach(o, on_park, on_wake, &r);
    assert_int_equal(outflow_read(o, out, sizeof out), 0);
    assert_int_equal(r.parked, 1);
    assert_true(outflow_try(o, STR("12345")));
    assert_int_equal(r.woken, 1);
    assert_false(outflow_try(o, STR("6789"))); /* whole or not at all */
    assert_true(outflow_try(o, STR("678")));
    assert_int_equal(r.woken, 1); /* nobody was parked */
    assert_int_equal(outflow_read(o, out, 6), 6);
    assert_memory_equal(out, "123456", 6);
    assert_true(outflow_try(o, STR("abcdef"))); /* around the end of the ring */
    assert_int_equal(outflow_read(o, out, sizeof out), 8);
    assert_memory_equal(out, "78abcdef", 8);
    outflow_end(o);
    assert_int_equal(outflow_read(o, out, sizeof out), -1);
    outflow_unref(o);
}

static void test_outflow_gone(void **state)
{
    (void)state;
    struct reader r = {0};
    char out[4];
    struct outflow *o = outflow_new(8);
    outflow_attach(o, on_park, on_wake, &r);
    assert_int_equal(outflow_read(o, out, sizeof out), 0);
    outflow_stop(o);
    assert_int_equal(r.woken, 1);
    assert_int_equal(outflow_read(o, out, sizeof out), -1);
    assert_false(outflow_try(o, STR("x")));
    assert_false(outflow_write(o, STR("x")));
    assert_true(outflow_is_gone(o));
    outflow_unref(o);

    o = outflow_new(8);
    outflow_attach(o, on_park, on_wake, &r);
    assert_int_equal(outflow_read(o, out, sizeof out), 0);
    outflow_leave(o); /* the connection is gone: it must not be woken, and the producer is told */
    assert_int_equal(r.woken, 1);
    assert_true(outflow_is_gone(o));
    assert_false(outflow_write(o, STR("0123456789")));
    outflow_unref(o);
}

static void *write_much(void *arg)
{
    struct outflow *o = arg;
    for (int i = 0; i < 2000; i++)
        if (!outflow_write(o, STR("0123456789")))
            break;
    outflow_end(o);
    return NULL;
}

static void test_outflow_waits(void **state)
{
    (void)state;
    struct reader r = {0};
    struct outflow *o = outflow_new(7); /* smaller than one piece */
    pthread_t t;
    char out[64];
    size_t n = 0;
    ssize_t got;
    outflow_attach(o, on_park, on_wake, &r);
    assert_int_equal(pthread_create(&t, NULL, write_much, o), 0);
    while ((got = outflow_read(o, out, sizeof out)) >= 0) {
        for (ssize_t i = 0; i < got; i++, n++)
            assert_int_equal(out[i], '0' + (int)(n % 10));
    }
    pthread_join(t, NULL);
    assert_int_equal(n, 20000);
    outflow_unref(o);
}

int main(void)
{
    clock_init_real(&app.clock);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),          cmocka_unit_test(test_fields),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_if_match),
        cmocka_unit_test(test_not_modified),  cmocka_unit_test(test_problem),
        cmocka_unit_test(test_location),      cmocka_unit_test(test_broken_utf8),
        cmocka_unit_test(test_outflow),       cmocka_unit_test(test_outflow_gone),
        cmocka_unit_test(test_outflow_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
