/* settings_traffic: what is read, what is inherited, each fault with its pointer; the value's own
 * questions (base/traffic): classes, clients, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "db/settings_proxy.h"

static enum err parse(struct str document, struct report *r, struct settings_proxy *s)
{
    return settings_proxy_parse(document, r, s);
}

static void nothing_is_bounded_by_itself(void **state)
{
    (void)state;
    struct settings_proxy s;
    struct report r;
    assert_int_equal(parse(STR("{\"limits\":{\"per_client\":7}}"), &r, &s), OK);
    assert_false(s.traffic.is_judged || s.traffic.is_measured);
    assert_int_equal(s.traffic.client.connections, 7);
    assert_int_equal(s.traffic.delay_ms, 0);
    assert_int_equal(s.traffic.prefix6, 64);
    struct traffic t = s.traffic;
    report_fini(&r);
    settings_proxy_fini(&s);
    assert_int_equal(parse(settings_proxy_default_document(), &r, &s), OK);
    assert_false(s.traffic.is_judged || s.traffic.is_measured);
    assert_int_equal(s.traffic.queue_delay_ms, t.queue_delay_ms);
    assert_int_equal(s.traffic.min_bytes_s, t.min_bytes_s);
    assert_int_equal(s.traffic.min_window_ms, t.min_window_ms);
    assert_true(t.queue_delay_ms == 500 && t.min_bytes_s == 500 && t.min_window_ms == 60000);
    assert_int_equal(s.traffic.n_classes, 0);
    report_fini(&r);
    settings_proxy_fini(&s);
}

static const char full[] =
    "{\"limits\":{\"per_client\":9},\"traffic\":{"
    "\"classes\":[{\"name\":\"a\",\"networks\":[\"10.0.0.0/8\"],\"tunnels\":null},"
    "{\"name\":\"b\",\"networks\":[\"10.1.0.0/16\",\"2001:db8::/32\"],\"connections\":3,"
    "\"requests_per_second\":50,\"bytes_per_second\":5000000000,\"together\":true}],"
    "\"per_client\":{\"requests_per_second\":4,\"burst\":40,\"tunnels\":5},"
    "\"per_user\":{\"concurrent_requests\":6,\"bytes_per_second\":2048,\"connections\":8},"
    "\"total\":{\"concurrent_requests\":100,\"new_connections_per_second\":70,"
    "\"bytes_per_second\":null,\"queue_delay_ms\":0},"
    "\"min_rate\":{\"bytes_per_second\":1000,\"window_ms\":null},"
    "\"when_over\":\"delay\",\"delay_ms\":500,\"ipv4_prefix\":24,\"ipv6_prefix\":56}}";

static void classes_begin_with_what_everybody_has(void **state)
{
    (void)state;
    struct settings_proxy s;
    struct report r;
    assert_int_equal(parse(str_of(full), &r, &s), OK);
    const struct traffic *t = &s.traffic;
    const struct traffic_class *a = &t->classes[0], *b = &t->classes[1];
    assert_true(t->is_judged && t->is_measured);
    assert_int_equal(t->n_classes, 2);
    assert_int_equal(a->bounds.requests_s, 4);
    assert_int_equal(a->bounds.burst, 40);
    assert_int_equal(a->bounds.tunnels, 0); /* null: none */
    assert_int_equal(a->bounds.connections, 9);
    assert_int_equal(b->bounds.requests_s, 50);
    assert_int_equal(b->bounds.burst, 100); /* two seconds of its own rate */
    assert_int_equal(b->bounds.tunnels, 5);
    assert_int_equal(b->bounds.connections, 3);
    assert_true(b->bounds.bytes_s == 5000000000 && b->is_together && !b->is_exempt);
    assert_int_equal(t->user.running, 6);
    assert_int_equal(t->user.connections, 8);
    assert_int_equal(t->queue_delay_ms, 0);
    assert_int_equal(t->min_bytes_s, 0); /* over no time there is no rate */
    assert_int_equal(t->user.bytes_s, 2048);
    assert_int_equal(t->total_running, 100);
    assert_int_equal(t->total_connections_s, 70);
    assert_int_equal(t->total_bytes_s, 0);
    assert_int_equal(t->delay_ms, 500);
    assert_int_equal(t->prefix4, 24);
    report_fini(&r);
    settings_proxy_fini(&s);
}

static void the_narrowest_network_decides(void **state)
{
    (void)state;
    static const struct {
        const char *ip;
        unsigned class_of;
    } rows[] = {{"10.2.3.4", 1},    {"10.1.3.4", 2}, {"11.0.0.1", 0},
                {"2001:db8::1", 2}, {"::1", 0},      {"192.0.2.1", 0}};
    struct settings_proxy s;
    struct report r;
    struct arena arena;
    struct traffic copy;
    assert_int_equal(parse(str_of(full), &r, &s), OK);
    arena_init(&arena, 512, 65536);
    assert_int_equal(traffic_copy(&s.traffic, &arena, &copy), OK);
    assert_int_equal(copy.stamp, s.traffic.stamp);
    struct traffic other = copy;
    other.n_classes = 1;
    traffic_seal(&other);
    assert_true(other.stamp != copy.stamp);
    settings_proxy_fini(&s); /* the copy stands alone */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip ip;
        assert_int_equal(ip_parse(str_of(rows[i].ip), &ip), OK);
        assert_int_equal(traffic_class_of(&copy, &ip), rows[i].class_of);
    }
    assert_true(str_eq(copy.classes[1].name, STR("b")));
    assert_ptr_equal(traffic_bounds_of(&copy, 0), &copy.client);
    assert_ptr_equal(traffic_bounds_of(&copy, 2), &copy.classes[1].bounds);
    report_fini(&r);
    arena_fini(&arena);
}

static void one_fault(const char *traffic, const char *pointer)
{
    char document[600];
    struct settings_proxy s;
    struct report r;
    snprintf(document, sizeof document, "{\"traffic\":%s}", traffic);
    assert_int_equal(parse(str_of(document), &r, &s), ERR_INVALID);
    if (r.n_faults != 1 || strcmp(r.faults[0].pointer, pointer) != 0)
        fail_msg("%s: %zu faults, the first at %s", traffic, r.n_faults, r.faults[0].pointer);
    report_fini(&r);
}

static void every_fault_has_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *traffic, *pointer;
    } rows[] = {
        {"[]", "/traffic"},
        {"{\"per_clients\":{}}", "/traffic/per_clients"},
        {"{\"per_client\":5}", "/traffic/per_client"},
        {"{\"per_client\":{\"burst\":\"x\"}}", "/traffic/per_client/burst"},
        {"{\"per_client\":{\"burst\":1000001}}", "/traffic/per_client/burst"},
        {"{\"per_client\":{\"tunnels\":-1}}", "/traffic/per_client/tunnels"},
        {"{\"per_client\":{\"connections\":1}}", "/traffic/per_client/connections"},
        {"{\"per_user\":{\"bytes_per_second\":1023}}", "/traffic/per_user/bytes_per_second"},
        {"{\"total\":{\"requests_per_second\":1}}", "/traffic/total/requests_per_second"},
        {"{\"total\":{\"queue_delay_ms\":9}}", "/traffic/total/queue_delay_ms"},
        {"{\"min_rate\":500}", "/traffic/min_rate"},
        {"{\"min_rate\":{\"bytes_per_second\":1000001}}", "/traffic/min_rate/bytes_per_second"},
        {"{\"min_rate\":{\"window_ms\":99}}", "/traffic/min_rate/window_ms"},
        {"{\"when_over\":7}", "/traffic/when_over"},
        {"{\"delay_ms\":60001}", "/traffic/delay_ms"},
        {"{\"ipv4_prefix\":33}", "/traffic/ipv4_prefix"},
        {"{\"ipv6_prefix\":null}", "/traffic/ipv6_prefix"},
        {"{\"classes\":{}}", "/traffic/classes"},
        {"{\"classes\":[7]}", "/traffic/classes/0"},
        {"{\"classes\":[{\"name\":\"a\"}]}", "/traffic/classes/0/networks"},
        {"{\"classes\":[{\"networks\":[\"::/0\"]}]}", "/traffic/classes/0/name"},
        {"{\"classes\":[{\"name\":\"a\",\"networks\":[\"::/0\",9]}]}",
         "/traffic/classes/0/networks/1"},
        {"{\"classes\":[{\"name\":\"a\",\"networks\":[\"::/0\"],\"exempt\":1}]}",
         "/traffic/classes/0/exempt"},
        {"{\"classes\":[{\"name\":\"a\",\"networks\":[\"::/0\"],\"rate\":1}]}",
         "/traffic/classes/0/rate"},
        {"{\"classes\":[{\"name\":\"a\",\"networks\":[\"::/0\"]},"
         "{\"name\":\"a\",\"networks\":[\"::1\"]}]}",
         "/traffic/classes/1/name"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        one_fault(rows[i].traffic, rows[i].pointer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_bounded_by_itself),
        cmocka_unit_test(classes_begin_with_what_everybody_has),
        cmocka_unit_test(the_narrowest_network_decides),
        cmocka_unit_test(every_fault_has_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
