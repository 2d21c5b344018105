/* backup, restore, settings_secret: what leaves, what comes back, what is refused, what stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/admin_rows.h"
#include "db/backup.h"
#include "db/policy_rows.h"
#include "db/policy_store.h"
#include "db/restore.h"
#include "db/settings_rows.h"
#include "db/settings_secret.h"

static char dir[64], path[96], copy[96], why[STORE_WHY_BYTES];
static struct store *s;
static struct arena a;

static void publish(const char *document)
{
    uint64_t version;
    struct policy_text t = {.document = str_of(document)};
    struct policy_publish p = {.comment = STR(""), .author = STR("anna"), .at_ms = 5};
    assert_int_equal(policy_rows_publish_text(s, &t, &p, &version), OK);
}

static void set_directory(const char *document, uint64_t expected)
{
    struct settings_row row = {
        .name = STR("directory"), .document = str_of(document), .author = STR("anna")};
    assert_int_equal(settings_rows_put(s, &row, expected, NULL), OK);
}

static int setup(void **state)
{
    (void)state;
    struct admin_account admin = {
        .username = STR("anna"), .hash = STR("$argon2id$x"), .role = ADMIN_ADMIN, .enabled = true};
    snprintf(dir, sizeof dir, "/tmp/backup-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/policy.db", dir);
    snprintf(copy, sizeof copy, "%s/copy", dir);
    arena_init(&a, 4096, 1 << 22);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(admin_rows_create(s, &admin), OK);
    publish("{\"rules\":[]}");
    set_directory("{\"bind_dn\":\"cn=x\",\"bind_password\":\"hush-hush-word\"}", 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(s);
    arena_fini(&a);
    unlink(path);
    unlink(copy);
    return rmdir(dir); /* so nothing is left beside the copy */
}

static void write_copy(bool with_secrets)
{
    struct backup_order o = {.path = copy, .with_secrets = with_secrets, .at_ms = 77};
    assert_int_equal(backup_write(s, &o, why), OK);
}

static bool holds(const char *word)
{
    char *bytes = calloc(1, 1 << 20);
    FILE *f = fopen(copy, "r");
    size_t n = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    bool found = memmem(bytes, n, word, strlen(word)) != NULL;
    free(bytes);
    return found;
}

static enum err restore(struct restore_done *done)
{
    struct restore_info info;
    struct restore_order how = {
        .path = copy, .author = STR("anna"), .comment = STR("back"), .at_ms = 9};
    enum err e = restore_look(copy, why, &info);
    if (e != OK)
        return e;
    assert_int_equal(restore_attach(s, copy), OK);
    e = restore_run(s, &how, done);
    restore_detach(s);
    return e;
}

static void no_secret_leaves(void **state)
{
    (void)state;
    struct restore_info info;
    struct backup_order o = {.path = copy};
    write_copy(false);
    assert_false(holds("hush-hush-word"));
    assert_int_equal(backup_write(s, &o, why), ERR_EXISTS);
    assert_int_equal(restore_look(copy, why, &info), OK);
    assert_false(info.has_secrets);
    assert_int_equal(info.made_ms, 77);
    assert_int_equal(info.live_version, 1);
    assert_int_equal(info.n_accounts, 1);
    unlink(copy);
    write_copy(true);
    assert_true(holds("hush-hush-word"));
}

static void what_changed_comes_back(void **state)
{
    (void)state;
    struct restore_done done;
    struct policy_version v;
    struct settings_row row;
    write_copy(false);
    publish("{\"rules\":[1]}");
    set_directory("{\"bind_dn\":\"cn=y\",\"bind_password\":\"hush-hush-word\"}", 1);
    assert_int_equal(restore(&done), OK);
    assert_int_equal(done.version, 3);
    assert_true(done.is_new_version);
    assert_int_equal(done.n_secrets_missing, 0);
    assert_int_equal(policy_rows_live(s, &a, &v), OK);
    assert_true(str_eq(v.document, STR("{\"rules\":[]}")));
    assert_int_equal(policy_rows_version(s, &a, 2, &v), OK);
    assert_true(str_eq(v.document, STR("{\"rules\":[1]}")));
    assert_int_equal(settings_rows_get(s, &a, STR("directory"), &row), OK);
    assert_true(
        str_eq(row.document, STR("{\"bind_dn\":\"cn=x\",\"bind_password\":\"hush-hush-word\"}")));
    assert_int_equal(row.version, 3); /* never one that was seen before */
    assert_int_equal(restore(&done), OK);
    assert_false(done.is_new_version); /* it is live already */
}

/* Each makes the copy one that must be refused. */
static void strangers_are_refused(void **state)
{
    (void)state;
    static const char *const spoil[] = {
        "CREATE TRIGGER t AFTER INSERT ON person BEGIN DELETE FROM settings; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE more(x)",
        "DROP INDEX audit_time",
        "PRAGMA user_version=901",
        "PRAGMA user_version=0",
        "PRAGMA application_id=1",
        "DELETE FROM policy_live",
        "UPDATE admin_account SET role = 1",
        "PRAGMA foreign_keys=OFF; INSERT INTO category_source VALUES('none','upload','','',1,1)",
    };
    struct restore_done done;
    for (size_t i = 0; i < sizeof spoil / sizeof *spoil; i++) {
        struct store *bad;
        write_copy(false);
        assert_int_equal(store_open(copy, STORE_WRITE, why, &bad), OK);
        assert_int_equal(store_exec(bad, spoil[i]), OK);
        store_close(bad);
        if (restore(&done) != ERR_INVALID || !why[0])
            fail_msg("not refused: %s (%s)", spoil[i], why);
        unlink(copy);
    }
    FILE *f = fopen(copy, "w");
    fputs("SQLite format 2", f);
    fclose(f);
    assert_int_equal(restore(&done), ERR_INVALID);
}

static void secrets_of_a_tree(void **state)
{
    (void)state;
    json_t *was = json_loads("{\"a\":[{\"name\":\"p\",\"password\":\"1\"},"
                             "{\"name\":\"q\",\"password\":\"2\"}],\"secret\":\"3\"}",
                             0, NULL);
    json_t *now = json_loads("{\"a\":[{\"name\":\"q\",\"password\":null},"
                             "{\"name\":\"new\",\"password\":null,\"secret\":null}],"
                             "\"secret\":null}",
                             0, NULL);
    assert_int_equal(settings_secret_keep(now, was), 1); /* by place the second one fits */
    char *text = json_dumps(now, JSON_COMPACT);
    assert_string_equal(text, "{\"a\":[{\"name\":\"q\",\"password\":\"2\"},"
                              "{\"name\":\"new\",\"password\":\"2\",\"secret\":null}],"
                              "\"secret\":\"3\"}");
    free(text);
    assert_int_equal(settings_secret_hide(now), 3);
    settings_secret_fill(now, "");
    text = json_dumps(json_object_get(now, "a"), JSON_COMPACT);
    assert_string_equal(text, "[{\"name\":\"q\",\"password\":\"\"},"
                              "{\"name\":\"new\",\"password\":\"\",\"secret\":\"\"}]");
    free(text);
    json_decref(was);
    json_decref(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_secret_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changed_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_are_refused, setup, teardown),
        cmocka_unit_test(secrets_of_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
