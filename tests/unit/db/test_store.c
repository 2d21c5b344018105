/* store, policy_store, migrate: opening what is there, what is not, and what is broken. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/event_query.h"
#include "db/event_rows.h"
#include "db/list_rows.h"
#include "db/migrate.h"
#include "db/policy_rows.h"
#include "db/policy_store.h"
#include "db/settings_rows.h"
#include "event_records.h"

static char dir[64], path[96], why[STORE_WHY_BYTES];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/store-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/policy.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"policy.db", "policy.db-wal", "policy.db-shm", "copy.db"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char p[128];
        snprintf(p, sizeof p, "%s/%s", dir, names[i]);
        unlink(p);
    }
    return rmdir(dir);
}

static void put_setting(struct store *s, const char *name, const char *document)
{
    struct settings_row r = {
        .name = str_of(name), .document = str_of(document), .author = STR("test"), .at_ms = 1};
    assert_int_equal(settings_rows_put(s, &r, 0, NULL), OK);
}

static void test_open(void **state)
{
    (void)state;
    struct store *s, *reader;
    struct stat st;
    assert_int_equal(policy_store_open(path, STORE_READ, why, &reader), ERR_NOT_FOUND);
    assert_non_null(strstr(why, path));
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(policy_store_open(path, STORE_READ, why, &reader), OK);
    put_setting(s, "pac", "{}");
    struct arena a;
    struct settings_row r;
    arena_init(&a, 1024, 65536);
    assert_int_equal(settings_rows_get(reader, &a, STR("pac"), &r), OK);
    /* A reader cannot write. */
    r.name = STR("other");
    assert_int_not_equal(settings_rows_put(reader, &r, 0, NULL), OK);
    assert_true(strlen(store_why(reader)) > 0);
    store_close(reader);
    store_close(s);
    /* Again: nothing to migrate. */
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(settings_rows_get(s, &a, STR("pac"), &r), OK);
    store_close(s);
    arena_fini(&a);
}

static void test_schema(void **state)
{
    (void)state;
    struct store *s;
    uint64_t version;
    assert_int_equal(store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(migrate_look(s, &migrate_policy_plan), ERR_NOT_FOUND);
    /* A step that fails leaves the file as it was. */
    static const struct migrate_step broken[] = {{"good", "CREATE TABLE a(x);"},
                                                 {"bad", "CREATE TABLE a(x);"}};
    struct migrate_plan plan = {migrate_policy_plan.application_id, broken, 2};
    assert_int_not_equal(migrate_run(s, &plan), OK);
    assert_int_equal(store_u64(s, "PRAGMA user_version", &version), OK);
    assert_int_equal(version, 0);
    assert_int_equal(migrate_run(s, &migrate_policy_plan), OK);
    assert_int_equal(migrate_look(s, &migrate_policy_plan), OK);
    /* Another kind of ours, and one from the future. */
    assert_int_equal(migrate_run(s, &migrate_events_plan), ERR_CORRUPT);
    assert_int_equal(store_exec(s, "PRAGMA user_version = 99"), OK);
    assert_int_equal(migrate_run(s, &migrate_policy_plan), ERR_UNSUPPORTED);
    assert_non_null(strstr(store_why(s), "newer"));
    store_close(s);
    assert_int_equal(policy_store_open(path, STORE_READ, why, &s), ERR_UNSUPPORTED);
}

static void test_transactions(void **state)
{
    (void)state;
    struct store *s;
    struct arena a;
    struct settings_row r;
    uint64_t version;
    arena_init(&a, 1024, 65536);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    assert_int_equal(store_begin(s), OK);
    put_setting(s, "outer", "1");
    assert_int_equal(store_begin(s), OK);
    put_setting(s, "inner", "2");
    store_rollback(s);
    assert_int_equal(store_commit(s), OK);
    assert_int_equal(settings_rows_get(s, &a, STR("outer"), &r), OK);
    assert_int_equal(settings_rows_get(s, &a, STR("inner"), &r), ERR_NOT_FOUND);
    /* Optimistic versions. */
    r = (struct settings_row){.name = STR("outer"), .document = STR("3"), .author = STR("x")};
    assert_int_equal(settings_rows_put(s, &r, 0, &version), ERR_CONFLICT);
    assert_int_equal(settings_rows_put(s, &r, 7, &version), ERR_CONFLICT);
    assert_int_equal(settings_rows_put(s, &r, 1, &version), OK);
    assert_int_equal(version, 2);
    assert_int_equal(settings_rows_stamp(s, &version), OK);
    assert_int_equal(version, 2);
    store_close(s);
    arena_fini(&a);
}

static void fill(struct store *s)
{
    char *text = malloc(400000);
    assert_non_null(text);
    for (size_t i = 0; i < 400000; i++)
        text[i] = (char)('a' + (i * 7919 % 1009) % 26);
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "doc%d", i);
        struct settings_row r = {
            .name = str_of(name), .document = str_make(text, 400000), .author = STR("test")};
        assert_int_equal(settings_rows_put(s, &r, 0, NULL), OK);
    }
    free(text);
}

/* Cut short, overwritten, not a database at all: a clear refusal, never a crash. */
static void test_damaged(void **state)
{
    (void)state;
    struct store *s;
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    fill(s);
    store_close(s);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    char junk[8192];
    memset(junk, 0xa5, sizeof junk);
    const off_t sizes[] = {st.st_size - 100, st.st_size / 2, 5000, 4096, 1000, 100, 17, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(truncate(path, sizes[i]), 0);
        for (int mode = STORE_READ; mode <= STORE_WRITE; mode++) {
            enum err e = policy_store_open(path, (enum store_mode)mode, why, &s);
            if (e != ERR_CORRUPT)
                fail_msg("cut to %lld bytes: %s (%s)", (long long)sizes[i], err_name(e),
                         e == OK ? "" : why);
            assert_non_null(strstr(why, path));
        }
    }
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
    close(fd);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), ERR_CORRUPT);
}

static void test_damaged_inside(void **state)
{
    (void)state;
    struct store *s;
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    fill(s);
    store_close(s);
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (off_t page = 1; page < 12; page++)
        assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
    close(fd);
    assert_int_equal(policy_store_open(path, STORE_READ, why, &s), ERR_CORRUPT);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), ERR_CORRUPT);
}

static void test_denied(void **state)
{
    (void)state;
    struct store *s;
    assert_int_equal(policy_store_open("/nowhere/at/all.db", STORE_WRITE, why, &s), ERR_NOT_FOUND);
    assert_int_equal(policy_store_open(dir, STORE_WRITE, why, &s), ERR_IO);
    if (geteuid() == 0)
        return; /* nothing is denied to root */
    assert_int_equal(chmod(dir, 0500), 0);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), ERR_DENIED);
    assert_int_equal(chmod(dir, 0700), 0);
}

/* A full disk, by a bound on file sizes in a child: the change fails whole, what was there stays.
 */
static int write_without_space(void)
{
    struct store *s;
    struct rlimit limit = {300000, 300000};
    signal(SIGXFSZ, SIG_IGN);
    if (policy_store_open(path, STORE_WRITE, why, &s) != OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    char *text = calloc(1, 2000000);
    memset(text, 'x', 2000000);
    struct settings_row r = {
        .name = STR("big"), .document = str_make(text, 2000000), .author = STR("test")};
    enum err e = settings_rows_put(s, &r, 0, NULL);
    free(text);
    if (e != ERR_FULL || !strstr(store_why(s), "space"))
        return 2;
    struct arena a;
    arena_init(&a, 1024, 65536);
    if (settings_rows_get(s, &a, STR("small"), &r) != OK ||
        settings_rows_get(s, &a, STR("big"), &r) != ERR_NOT_FOUND)
        return 3;
    return 0;
}

static void test_full(void **state)
{
    (void)state;
    struct store *s;
    int status;
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    put_setting(s, "small", "{}");
    store_close(s);
    pid_t pid = fork();
    if (pid == 0)
        _exit(write_without_space());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    store_close(s);
}

static bool count_record(void *ctx, const struct record *r)
{
    (void)r;
    ++*(uint64_t *)ctx;
    return true;
}

/* The same for records: refused whole while there is no room, taken whole when there is. */
static int write_events_without_space(void)
{
    static struct record r[2000];
    static struct made m[2000];
    struct event_writer *w;
    struct rlimit was, limit = {150000, RLIM_INFINITY};
    char events[96];
    signal(SIGXFSZ, SIG_IGN);
    snprintf(events, sizeof events, "%s/events", dir);
    for (uint64_t i = 0; i < 2000; i++)
        r[i] = make_record(i + 1, 1000000 + (int64_t)i, &m[i]);
    struct event_batch b = {r, 2000, NULL, 0};
    if (event_rows_open(events, &w) != OK || getrlimit(RLIMIT_FSIZE, &was) != 0)
        return 1;
    limit.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (event_rows_write(w, &b) != ERR_FULL || !strstr(event_rows_why(w), "space"))
        return 2;
    setrlimit(RLIMIT_FSIZE, &was);
    uint64_t last;
    if (event_rows_last_id(w, &last) != OK || last != 0)
        return 3;
    if (event_rows_write(w, &b) != OK || event_rows_last_id(w, &last) != OK || last != 2000)
        return 4;
    event_rows_close(w);
    /* Strings numbered by the batch that failed must not be taken for stored. */
    struct event_reader *reader;
    uint64_t seen = 0;
    struct event_emit emit = {count_record, &seen};
    if (event_query_open(events, &reader) != OK)
        return 6;
    for (uint64_t id = 1; id <= 2000; id += 100) {
        if (event_query_get(reader, id, &emit) != OK)
            return 7;
    }
    event_query_close(reader);
    static const char *const left[] = {"", "-wal", "-shm"}; /* a reader may leave the last two */
    for (int i = 0; i < 3; i++) {
        snprintf(events, sizeof events, "%s/events/1970-01-01.db%s", dir, left[i]);
        unlink(events);
    }
    snprintf(events, sizeof events, "%s/events", dir);
    return rmdir(events) == 0 ? 0 : 5;
}

static void test_events_full(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(write_events_without_space());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_backup(void **state)
{
    (void)state;
    struct store *s, *copy;
    struct arena a;
    struct settings_row r;
    struct stat st;
    char to[96];
    arena_init(&a, 1024, 1 << 20);
    snprintf(to, sizeof to, "%s/copy.db", dir);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    fill(s);
    assert_int_equal(policy_store_backup(s, to), OK);
    assert_int_equal(policy_store_backup(s, to), ERR_EXISTS);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(policy_store_open(to, STORE_READ, why, &copy), OK);
    assert_int_equal(settings_rows_get(copy, &a, STR("doc9"), &r), OK);
    store_close(copy);
    assert_int_equal(policy_store_backup(s, "/nowhere/copy.db"), ERR_NOT_FOUND);
    store_close(s);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backup, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
