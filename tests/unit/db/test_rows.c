/* policy_rows, identity_rows, admin_rows, audit_rows: what adminui keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/admin_rows.h"
#include "db/audit_rows.h"
#include "db/identity_rows.h"
#include "db/policy_rows.h"
#include "tests/unit/db/policy_db.h"

static uint64_t save_draft(const char *text, uint64_t expected)
{
    uint64_t revision;
    struct policy_draft d = {.document = str_of(text), .author = STR("anna"), .at_ms = 5};
    assert_int_equal(policy_rows_put_draft(s, &d, expected, &revision), OK);
    return revision;
}

static void test_policy(void **state)
{
    (void)state;
    struct policy_draft d;
    struct policy_version v, all[10];
    struct policy_publish p = {STR("first"), STR("anna"), 10, 3};
    uint64_t n, version = 0;
    size_t count = 10;
    assert_int_equal(policy_rows_draft(s, &a, &d), ERR_NOT_FOUND);
    assert_int_equal(policy_rows_live(s, &a, &v), ERR_NOT_FOUND);
    assert_int_equal(policy_rows_live_number(s, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(policy_rows_publish(s, 0, &p, &version), ERR_NOT_FOUND);

    uint64_t revision = save_draft("{\"a\":1}", 0);
    d = (struct policy_draft){.document = STR("x"), .author = STR("eve")};
    assert_int_equal(policy_rows_put_draft(s, &d, 0, &n), ERR_CONFLICT);
    assert_int_equal(policy_rows_put_draft(s, &d, 99, &n), ERR_CONFLICT);
    assert_int_equal(policy_rows_publish(s, revision + 1, &p, &version), ERR_CONFLICT);
    assert_int_equal(policy_rows_publish(s, revision, &p, &version), OK);
    assert_int_equal(version, 1);
    assert_int_equal(policy_rows_draft(s, &a, &d), OK);
    assert_int_equal(d.base_version, 1);
    assert_int_equal(d.revision, revision);

    revision = save_draft("{\"a\":2}", revision);
    p.comment = STR("second");
    assert_int_equal(policy_rows_publish(s, revision, &p, &version), OK);
    assert_int_equal(version, 2);
    p.comment = STR("back");
    assert_int_equal(policy_rows_rollback(s, 9, &p, &version), ERR_NOT_FOUND);
    assert_int_equal(policy_rows_rollback(s, 1, &p, &version), OK);
    assert_int_equal(version, 3);
    assert_int_equal(policy_rows_live(s, &a, &v), OK);
    assert_true(v.version == 3 && v.rolled_back_from == 1 && v.is_live && v.n_rules == 3);
    assert_true(str_eq(v.document, STR("{\"a\":1}")));
    assert_int_equal(policy_rows_version(s, &a, 2, &v), OK);
    assert_true(str_eq(v.document, STR("{\"a\":2}")) && !v.is_live);
    assert_int_equal(policy_rows_version(s, &a, 4, &v), ERR_NOT_FOUND);
    assert_int_equal(policy_rows_versions(s, &a, 0, all, &count), OK);
    assert_true(count == 3 && all[0].version == 3 && all[2].version == 1);
    assert_true(str_eq(all[0].comment, STR("back")) && all[0].document.n == 0);
    count = 1;
    assert_int_equal(policy_rows_versions(s, &a, 3, all, &count), OK);
    assert_true(count == 1 && all[0].version == 2);
    /* Published is published. */
    assert_int_not_equal(store_exec(s, "UPDATE policy_version SET comment = 'x'"), OK);
    assert_int_not_equal(store_exec(s, "DELETE FROM policy_version"), OK);
}

static void test_people(void **state)
{
    (void)state;
    struct identity_user u = {.name = STR("Alice"),
                              .hash = STR("$argon2id$x"),
                              .groups = STR("staff\nsales"),
                              .comment = STR("Second floor"),
                              .enabled = true,
                              .updated_ms = 7};
    struct identity_user got, list[10];
    uint64_t before, after;
    size_t n = 10;
    assert_int_equal(identity_rows_counter(s, &before), OK);
    assert_int_equal(identity_rows_create(s, &u), OK);
    u.name = STR("ALICE");
    assert_int_equal(identity_rows_create(s, &u), ERR_EXISTS);
    assert_int_equal(identity_rows_get(s, &a, STR("alice"), &got), OK);
    assert_true(str_eq(got.name, STR("Alice")) && got.revision == 1 && got.created_ms == 7);
    assert_true(str_eq(got.groups, STR("staff\nsales")) && got.enabled);
    u.hash = STR("");
    u.enabled = false;
    u.revision = 5;
    assert_int_equal(identity_rows_update(s, &u), ERR_CONFLICT);
    u.revision = 1;
    assert_int_equal(identity_rows_update(s, &u), OK);
    assert_int_equal(identity_rows_get(s, &a, STR("alice"), &got), OK);
    assert_true(str_eq(got.hash, STR("$argon2id$x")) && !got.enabled && got.revision == 2);
    u.name = STR("bob");
    u.revision = 0;
    assert_int_equal(identity_rows_update(s, &u), ERR_NOT_FOUND);
    assert_int_equal(identity_rows_create(s, &u), OK);
    u.name = STR("o'neil%_*");
    u.comment = STR("");
    assert_int_equal(identity_rows_create(s, &u), OK);
    assert_int_equal(identity_rows_list(s, &a, &(struct identity_page){0}, list, &n), OK);
    assert_int_equal(n, 3);
    n = 10;
    struct identity_page page = {.query = STR("FLOOR"), .after = STR("alice")};
    assert_int_equal(identity_rows_list(s, &a, &page, list, &n), OK);
    assert_true(n == 1 && str_eq(list[0].name, STR("bob")));
    n = 10;
    page = (struct identity_page){.query = STR("%")};
    assert_int_equal(identity_rows_list(s, &a, &page, list, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(identity_rows_delete(s, STR("BOB")), OK);
    assert_int_equal(identity_rows_delete(s, STR("bob")), ERR_NOT_FOUND);
    assert_int_equal(identity_rows_counter(s, &after), OK);
    assert_int_equal(after, before + 5);
    assert_int_equal(identity_rows_count(s, &after), OK);
    assert_int_equal(after, 2);
}

static struct admin_account account(const char *name, enum admin_role role)
{
    return (struct admin_account){.username = str_of(name),
                                  .hash = STR("$argon2id$y"),
                                  .role = role,
                                  .enabled = true,
                                  .updated_ms = 1};
}

static void test_accounts(void **state)
{
    (void)state;
    struct admin_account x = account("admin", ADMIN_ADMIN), got, all[5];
    size_t n = 5;
    enum admin_role role;
    x.must_change_password = true;
    assert_int_equal(admin_rows_create(s, &x), OK);
    assert_int_equal(admin_rows_create(s, &x), ERR_EXISTS);
    /* The last admin stays one, enabled. */
    x.role = ADMIN_EDITOR;
    assert_int_equal(admin_rows_update(s, &x), ERR_DENIED);
    x.role = ADMIN_ADMIN;
    x.enabled = false;
    assert_int_equal(admin_rows_update(s, &x), ERR_DENIED);
    assert_int_equal(admin_rows_delete(s, STR("admin")), ERR_DENIED);
    assert_int_equal(admin_rows_account(s, &a, STR("ADMIN"), &got), OK);
    assert_true(got.enabled && got.role == ADMIN_ADMIN && got.must_change_password);
    struct admin_account second = account("zoe", ADMIN_ADMIN);
    assert_int_equal(admin_rows_create(s, &second), OK);
    assert_int_equal(admin_rows_update(s, &x), OK);
    x.revision = 1;
    assert_int_equal(admin_rows_update(s, &x), ERR_CONFLICT);
    x.username = STR("nobody");
    assert_int_equal(admin_rows_update(s, &x), ERR_NOT_FOUND);
    assert_int_equal(admin_rows_logged_in(s, STR("zoe"), 99), OK);
    assert_int_equal(admin_rows_accounts(s, &a, all, &n), OK);
    assert_true(n == 2 && all[1].last_login_ms == 99);
    assert_int_equal(admin_rows_delete(s, STR("admin")), OK);
    assert_int_equal(admin_rows_delete(s, STR("admin")), ERR_NOT_FOUND);
    assert_true(admin_role_from_name(STR("auditor"), &role) && role == ADMIN_AUDITOR);
    assert_false(admin_role_from_name(STR("root"), &role));
}

static void test_sessions(void **state)
{
    (void)state;
    char h1[ADMIN_HASH_BYTES] = {1}, h2[ADMIN_HASH_BYTES] = {2};
    struct admin_account x = account("admin", ADMIN_ADMIN), y = account("eva", ADMIN_VIEWER);
    struct admin_session got, ses = {.hash = str_make(h1, sizeof h1),
                                     .username = STR("eva"),
                                     .csrf = STR("c"),
                                     .from = STR("192.0.2.1"),
                                     .created_ms = 1000,
                                     .seen_ms = 1000,
                                     .expires_ms = 9000};
    uint64_t n;
    assert_int_equal(admin_rows_create(s, &x), OK);
    assert_int_equal(admin_rows_create(s, &y), OK);
    assert_int_equal(admin_rows_session_add(s, &ses), OK);
    ses.hash = str_make(h2, sizeof h2);
    assert_int_equal(admin_rows_session_add(s, &ses), OK);
    ses.username = STR("ghost");
    assert_int_not_equal(admin_rows_session_add(s, &ses), OK);
    struct admin_session_ask ask = {
        .hash = str_make(h1, sizeof h1), .now_ms = 2000, .idle_ms = 1500};
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), OK);
    assert_true(str_eq(got.username, STR("eva")) && str_eq(got.csrf, STR("c")));
    ask.now_ms = 2501; /* idle for longer than 1,500 ms */
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), ERR_NOT_FOUND);
    assert_int_equal(admin_rows_session_seen(s, ask.hash, 2400), OK);
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), OK);
    ask = (struct admin_session_ask){.hash = ask.hash, .now_ms = 9000, .idle_ms = 100000};
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), ERR_NOT_FOUND); /* its end */
    ask.now_ms = 2000;
    y.enabled = false;
    assert_int_equal(admin_rows_update(s, &y), OK);
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), ERR_NOT_FOUND);
    y.enabled = true;
    assert_int_equal(admin_rows_update(s, &y), OK);
    assert_int_equal(admin_rows_sessions_count(s, 2000, &n), OK);
    assert_int_equal(n, 2);
    assert_int_equal(admin_rows_sessions_end(s, STR("eva"), ask.hash), OK);
    assert_int_equal(admin_rows_session(s, &a, &ask, &got), OK);
    assert_int_equal(admin_rows_sessions_count(s, 2000, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(admin_rows_delete(s, STR("eva")), OK);
    assert_int_equal(admin_rows_sessions_count(s, 2000, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(admin_rows_session_end(s, ask.hash), OK);
    assert_int_equal(admin_rows_sessions_purge(s, 10000), OK);
}

static void test_tokens(void **state)
{
    (void)state;
    char h[ADMIN_HASH_BYTES] = {0}; /* zeros inside: bytes, not text */
    struct admin_token t = {.id = STR("ab12"),
                            .hash = str_make(h, sizeof h),
                            .name = STR("backup script"),
                            .created_by = STR("admin"),
                            .role = ADMIN_AUDITOR,
                            .created_ms = 5,
                            .expires_ms = 50};
    struct admin_token got, all[3];
    size_t n = 3;
    assert_int_equal(admin_rows_token_add(s, &t), OK);
    assert_int_equal(admin_rows_token_add(s, &t), ERR_EXISTS);
    assert_int_equal(admin_rows_token_used(s, STR("ab12"), 20, STR("192.0.2.7")), OK);
    assert_int_equal(admin_rows_token(s, &a, STR("ab12"), &got), OK);
    assert_true(got.hash.n == sizeof h && got.last_used_ms == 20 && got.role == ADMIN_AUDITOR);
    assert_int_equal(admin_rows_token(s, &a, STR("AB12"), &got), ERR_NOT_FOUND);
    assert_int_equal(admin_rows_tokens(s, &a, all, &n), OK);
    assert_int_equal(n, 1);
    assert_int_equal(admin_rows_token_delete(s, STR("ab12")), OK);
    assert_int_equal(admin_rows_token_delete(s, STR("ab12")), ERR_NOT_FOUND);
}

static void add_audit(const char *action, const char *actor, int64_t at_ms)
{
    struct audit_row r = {.at_ms = at_ms,
                          .actor = str_of(actor),
                          .via = STR("session"),
                          .from = STR("192.0.2.1"),
                          .action = str_of(action),
                          .object = STR("x"),
                          .before = STR(""),
                          .after = STR("{\"a\":1}"),
                          .result = STR("ok"),
                          .request_id = STR("r1")};
    uint64_t id;
    assert_int_equal(audit_rows_add(s, &r, &id), OK);
}

static void test_audit(void **state)
{
    (void)state;
    struct audit_row rows[10];
    uint64_t n, bad;
    size_t count = 10;
    assert_int_equal(audit_rows_verify(s, &n, &bad), OK);
    assert_true(n == 0 && bad == 0);
    add_audit("login", "Anna", 10);
    add_audit("PUT /policy/draft", "anna", 20);
    add_audit("POST /policy/draft:publish", "bob", 30);
    /* Together with a change that fails, the row goes too. */
    assert_int_equal(store_begin(s), OK);
    add_audit("DELETE /users/x", "bob", 40);
    store_rollback(s);
    add_audit("PUT /pac", "bob", 50);
    assert_int_equal(audit_rows_verify(s, &n, &bad), OK);
    assert_true(n == 4 && bad == 0);
    struct audit_page page = {.actor = STR("anna")};
    assert_int_equal(audit_rows_list(s, &a, &page, rows, &count), OK);
    assert_true(count == 2 && rows[0].id == 2 && rows[1].id == 1);
    count = 10;
    page = (struct audit_page){.action = STR("* /policy/*"), .before = 3};
    assert_int_equal(audit_rows_list(s, &a, &page, rows, &count), OK);
    assert_true(count == 1 && rows[0].id == 2 && str_eq(rows[0].after, STR("{\"a\":1}")));
    count = 10;
    page = (struct audit_page){.action = STR("[a-z]*")}; /* brackets are bytes, not sets */
    assert_int_equal(audit_rows_list(s, &a, &page, rows, &count), OK);
    assert_int_equal(count, 0);
    count = 10;
    page = (struct audit_page){.from_ms = 20, .to_ms = 50};
    assert_int_equal(audit_rows_list(s, &a, &page, rows, &count), OK);
    assert_int_equal(count, 2);
    /* Append-only by trigger; and when somebody removes the trigger, the chain tells. */
    assert_int_not_equal(store_exec(s, "UPDATE audit SET actor = 'eve' WHERE id = 2"), OK);
    assert_int_not_equal(store_exec(s, "DELETE FROM audit WHERE id = 2"), OK);
    assert_int_equal(store_exec(s, "DROP TRIGGER audit_is_append_only; DROP TRIGGER audit_stays;"
                                   "UPDATE audit SET actor = 'eve' WHERE id = 2"),
                     OK);
    assert_int_equal(audit_rows_verify(s, &n, &bad), OK);
    assert_true(n == 4 && bad == 2);
    assert_int_equal(store_exec(s, "UPDATE audit SET actor = 'anna' WHERE id = 2"), OK);
    assert_int_equal(audit_rows_verify(s, &n, &bad), OK);
    assert_int_equal(bad, 0);
    assert_int_equal(store_exec(s, "DELETE FROM audit WHERE id = 3"), OK);
    assert_int_equal(audit_rows_verify(s, &n, &bad), OK);
    assert_int_equal(bad, 4);
}

static uint64_t hash_of(uint64_t id)
{
    struct sqlite3_stmt *st;
    uint64_t first = 0;
    assert_int_equal(store_stmt(s, "SELECT hash FROM audit WHERE id = ?1", &st), OK);
    store_bind_u64(st, 1, id);
    assert_int_equal(store_step(s, st), OK);
    assert_int_equal(store_column(st, 0).n, 32);
    memcpy(&first, store_column(st, 0).p, sizeof first);
    store_reset(st);
    return first;
}

/* The same row behind another one has another hash: the rows are a chain, not a heap. */
static void test_audit_chain(void **state)
{
    (void)state;
    assert_int_equal(store_begin(s), OK);
    add_audit("login", "anna", 10);
    add_audit("PUT /pac", "bob", 20);
    uint64_t first = hash_of(1), second = hash_of(2);
    store_rollback(s);
    add_audit("login", "eve", 10);
    add_audit("PUT /pac", "bob", 20);
    assert_true(hash_of(1) != first);
    assert_true(hash_of(2) != second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_people, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audit_chain, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
