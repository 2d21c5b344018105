/* change_rows, watch_rows, settings_publishing, and versions that are not live at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/admin_rows.h"
#include "db/change_rows.h"
#include "db/policy_rows.h"
#include "db/settings_publishing.h"
#include "db/watch_rows.h"
#include "tests/unit/db/policy_db.h"

static uint64_t add(enum change_state state)
{
    uint64_t id = 0;
    struct change c = {.kind = CHANGE_PUBLISH,
                       .state = state,
                       .document = STR("{\"rules\":[]}"),
                       .n_rules = 4,
                       .comment = STR("why"),
                       .reason = STR("because"),
                       .author = STR("token:x"),
                       .person = STR("anna"),
                       .flags = CHANGE_FORCED | CHANGE_APPROVAL,
                       .at_ms = 10,
                       .publish_at_ms = 20,
                       .base_version = 3,
                       .copy_of = 2,
                       .canary = STR("{}"),
                       .canary_ms = 60000,
                       .replay = STR("[1]"),
                       .report = STR("[2]"),
                       .message = STR("m")};
    assert_int_equal(change_rows_add(s, &c, &id), OK);
    return id;
}

static void test_change(void **state)
{
    (void)state;
    struct change c, all[4];
    uint64_t n;
    size_t count = 4;
    int64_t due;
    uint64_t first = add(CHANGE_AWAITING);
    assert_int_equal(change_rows_next_due(s, &due), ERR_NOT_FOUND);
    uint64_t second = add(CHANGE_SCHEDULED);
    assert_int_equal(change_rows_next_due(s, &due), OK);
    assert_int_equal(due, 20);
    assert_true(second > first);
    assert_int_equal(change_rows_get(s, &a, 99, &c), ERR_NOT_FOUND);
    assert_int_equal(change_rows_get(s, &a, first, &c), OK);
    assert_true(c.kind == CHANGE_PUBLISH && c.state == CHANGE_AWAITING && c.n_rules == 4);
    assert_true(str_eq(c.document, STR("{\"rules\":[]}")) && str_eq(c.comment, STR("why")));
    assert_true(str_eq(c.reason, STR("because")) && str_eq(c.person, STR("anna")));
    assert_true(str_eq(c.canary, STR("{}")) && str_eq(c.replay, STR("[1]")));
    assert_true(str_eq(c.report, STR("[2]")) && str_eq(c.message, STR("m")));
    assert_true(c.flags == (CHANGE_FORCED | CHANGE_APPROVAL) && c.publish_at_ms == 20);
    assert_true(c.base_version == 3 && c.copy_of == 2 && c.canary_ms == 60000 && !c.ended_ms);
    c.state = CHANGE_REJECTED;
    c.ended_ms = 30;
    c.message = STR("no");
    assert_int_equal(change_rows_move(s, &c, CHANGE_SCHEDULED), ERR_CONFLICT);
    assert_int_equal(change_rows_move(s, &c, CHANGE_AWAITING), OK);
    assert_int_equal(change_rows_get(s, &a, first, &c), OK);
    assert_true(c.state == CHANGE_REJECTED && str_eq(c.message, STR("no")));
    assert_int_equal(c.document.n, 0); /* an ended change keeps no document */
    assert_int_equal(change_rows_n_open(s, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(change_rows_list(s, &a, &(struct change_page){true, 0}, all, &count), OK);
    assert_true(count == 1 && all[0].id == second && !all[0].document.n);
    count = 4;
    assert_int_equal(change_rows_list(s, &a, &(struct change_page){false, 0}, all, &count), OK);
    assert_true(count == 2 && all[0].id == second);
    count = 4;
    assert_int_equal(change_rows_list(s, &a, &(struct change_page){false, second}, all, &count),
                     OK);
    assert_true(count == 1 && all[0].id == first);
}

static void test_canary(void **state)
{
    (void)state;
    struct change c;
    uint64_t version, one = add(CHANGE_SCHEDULED), two = add(CHANGE_SCHEDULED);
    assert_int_equal(change_rows_canary(s, &a, &c), ERR_NOT_FOUND);
    assert_int_equal(change_rows_canary_version(s, &version), OK);
    assert_int_equal(version, 0);
    struct change move = {.id = one, .state = CHANGE_CANARY, .version = 7, .until_ms = 99};
    assert_int_equal(change_rows_move(s, &move, CHANGE_SCHEDULED), OK);
    assert_int_equal(change_rows_canary(s, &a, &c), OK);
    assert_true(c.id == one && c.version == 7 && c.until_ms == 99);
    assert_int_equal(change_rows_canary_version(s, &version), OK);
    assert_int_equal(version, 7);
    move.id = two; /* one at a time */
    assert_int_equal(change_rows_move(s, &move, CHANGE_SCHEDULED), ERR_CONFLICT);
}

/* A store of before this step has no table of changes: that means no canary, not a failure. */
static void test_old_store(void **state)
{
    (void)state;
    struct change c;
    uint64_t version = 5;
    assert_int_equal(store_exec(s, "DROP TABLE policy_approval; DROP TABLE policy_change"), OK);
    assert_int_equal(change_rows_canary_version(s, &version), OK);
    assert_int_equal(version, 0);
    assert_int_equal(change_rows_canary(s, &a, &c), ERR_NOT_FOUND);
}

static void test_approvals(void **state)
{
    (void)state;
    struct change_approval got[4];
    size_t n = 4;
    uint64_t id = add(CHANGE_AWAITING);
    struct change_approval x = {STR("bob"), STR("bob"), STR("fine"), 5, true};
    assert_int_equal(change_rows_approve(s, id, &x), OK);
    x = (struct change_approval){STR("eve"), STR("eve"), STR("no"), 6, false};
    assert_int_equal(change_rows_approve(s, id, &x), OK);
    assert_int_equal(change_rows_approvals(s, &a, id, got, &n), OK);
    assert_int_equal(n, 2);
    assert_true(str_eq(got[0].author, STR("bob")) && got[0].is_approved && got[0].at_ms == 5);
    assert_true(str_eq(got[1].comment, STR("no")) && !got[1].is_approved);
}

static void test_trial_versions(void **state)
{
    (void)state;
    struct policy_publish p = {STR("c"), STR("anna"), 10, 0};
    struct policy_text t = {.document = STR("{\"a\":1}")};
    struct policy_version v;
    uint64_t one, two, live;
    assert_int_equal(policy_rows_publish_text(s, &t, &p, &one), OK);
    t = (struct policy_text){STR("{\"a\":2}"), one, true};
    assert_int_equal(policy_rows_publish_text(s, &t, &p, &two), OK);
    assert_int_equal(two, one + 1);
    assert_int_equal(policy_rows_live_number(s, &live), OK);
    assert_int_equal(live, one);
    assert_int_equal(policy_rows_version(s, &a, two, &v), OK);
    assert_true(!v.is_live && v.rolled_back_from == one && str_eq(v.document, t.document));
    assert_int_equal(policy_rows_make_live(s, 77), ERR_NOT_FOUND);
    assert_int_equal(policy_rows_make_live(s, two), OK);
    assert_int_equal(policy_rows_live_number(s, &live), OK);
    assert_int_equal(live, two);
}

static void test_watch(void **state)
{
    (void)state;
    struct watch w = {4, 3, WATCH_ON, 10, 20, STR("")}, got;
    assert_int_equal(watch_rows_get(s, &a, &got), ERR_NOT_FOUND);
    assert_int_equal(watch_rows_put(s, &w), OK);
    w.state = WATCH_RETURNED;
    w.message = STR("too much");
    assert_int_equal(watch_rows_put(s, &w), OK);
    assert_int_equal(watch_rows_get(s, &a, &got), OK);
    assert_true(got.version == 4 && got.previous == 3 && got.state == WATCH_RETURNED);
    assert_true(got.since_ms == 10 && got.until_ms == 20 && str_eq(got.message, STR("too much")));
}

static void test_settings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault; /* NULL: good */
    } rows[] = {
        {"{}", NULL},
        {"{\"approval\":{\"required\":true,\"roles\":[\"admin\"]},\"late_minutes\":5}", NULL},
        {"{\"return\":{\"watch_minutes\":0.05,\"max_block_rate_factor\":1.5}}", NULL},
        {"{\"approval\":true}", "/approval"},
        {"{\"approval\":{\"required\":1}}", "/approval/required"},
        {"{\"approval\":{\"roles\":[\"viewer\"]}}", "/approval/roles/0"},
        {"{\"approval\":{\"roles\":\"admin\"}}", "/approval/roles"},
        {"{\"approval\":{\"who\":1}}", "/approval/who"},
        {"{\"late_minutes\":-1}", "/late_minutes"},
        {"{\"return\":{\"min_requests\":0}}", "/return/min_requests"},
        {"{\"return\":{\"max_error_rate\":\"x\"}}", "/return/max_error_rate"},
        {"{\"return\":{\"x\":1}}", "/return/x"},
        {"{\"late\":1}", "/late"},
        {"[]", ""},
        {"{", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report r;
        struct settings_publishing p = {0};
        enum err e = settings_publishing_parse(str_of(rows[i].text), &r, &p);
        if ((e == OK) != !rows[i].fault)
            fail_msg("%s", rows[i].text);
        if (rows[i].fault)
            assert_string_equal(r.faults[0].pointer, rows[i].fault);
        report_fini(&r);
    }
    struct report r;
    struct settings_publishing p;
    assert_int_equal(settings_publishing_parse(settings_publishing_default_document(), &r, &p), OK);
    assert_true(!p.needs_approval && !p.may_return && p.late_ms == 3600000);
    assert_true(p.watch_ms == 900000 && p.min_requests == 200 && p.roles == 0);
    report_fini(&r);
}

static void test_weaker(void **state)
{
    (void)state;
    const unsigned admin = 1u << ADMIN_ADMIN;
    const struct settings_publishing off = {0}, any = {.needs_approval = true},
                                     strict = {.needs_approval = true, .roles = admin};
    assert_false(settings_publishing_is_weaker(&off, &off));
    assert_false(settings_publishing_is_weaker(&off, &any));
    assert_true(settings_publishing_is_weaker(&any, &off));
    assert_true(settings_publishing_is_weaker(&strict, &any));
    assert_false(settings_publishing_is_weaker(&any, &strict));
    assert_false(settings_publishing_is_weaker(&strict, &strict));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_canary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_store, setup, teardown),
        cmocka_unit_test_setup_teardown(test_approvals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trial_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_weaker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
