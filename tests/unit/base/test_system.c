/* clock, secret, password, report, mapfile, ctl, state directory: what touches the system. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/ctl.h"
#include "base/mapfile.h"
#include "base/password.h"
#include "base/privs.h"
#include "base/report.h"
#include "base/secret.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/base-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void test_clock(void **state)
{
    (void)state;
    struct clock c;
    clock_init_fake(&c, 5, 1700000000123);
    assert_int_equal(clock_mono_ms(&c), 5);
    c.fake_mono_ms += 10;
    assert_int_equal(clock_mono_ms(&c), 15);
    char text[CLOCK_RFC3339_BYTES];
    clock_format_rfc3339(clock_wall_ms(&c), text);
    assert_string_equal(text, "2023-11-14T22:13:20.123Z");
    clock_format_rfc3339(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_format_rfc3339(951782400000, text);
    assert_string_equal(text, "2000-02-29T00:00:00.000Z");
    clock_init_real(&c);
    int64_t a = clock_mono_ms(&c);
    assert_true(clock_mono_ms(&c) >= a);
    assert_true(clock_wall_ms(&c) > INT64_C(1600000000000));
}

static void test_secret(void **state)
{
    (void)state;
    char a[65], b[65];
    assert_int_equal(secret_random_hex(a, 32), OK);
    assert_int_equal(secret_random_hex(b, 32), OK);
    assert_int_equal(strlen(a), 64);
    assert_string_not_equal(a, b);
    assert_true(secret_eq(STR("abc"), STR("abc")));
    assert_false(secret_eq(STR("abc"), STR("abd")));
    assert_false(secret_eq(STR("abc"), STR("ab")));
    assert_true(secret_eq(STR(""), STR("")));
    secret_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        assert_int_equal(a[i], 0);
}

static void test_password(void **state)
{
    (void)state;
    char hash[PASSWORD_HASH_BYTES], other[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(STR("secret"), hash), OK);
    assert_int_equal(password_hash(STR("secret"), other), OK);
    assert_string_not_equal(hash, other);
    assert_true(str_starts(str_of(hash), STR("$argon2id$")));
    assert_int_equal(password_check(str_of(hash), STR("secret")), OK);
    assert_int_equal(password_check(str_of(hash), STR("Secret")), ERR_DENIED);
    assert_int_equal(password_check(str_of(hash), STR("")), ERR_DENIED);
    assert_int_equal(password_check(STR("nonsense"), STR("secret")), ERR_CORRUPT);
    assert_int_equal(password_check(STR(""), STR("secret")), ERR_CORRUPT);
    assert_int_equal(password_check_nobody(STR("secret")), ERR_DENIED);
    assert_int_equal(password_hash(STR(""), hash), ERR_INVALID);
    static char text[PASSWORD_MAX + 1];
    memset(text, 'p', sizeof text);
    assert_int_equal(password_hash(str_make(text, sizeof text), other), ERR_LIMIT);
    assert_false(password_is_outdated(str_of(hash)));
}

static void test_report(void **state)
{
    (void)state;
    struct report r;
    report_init(&r);
    assert_false(report_has_faults(&r));
    report_warning(&r, "/a", "odd", "%s is odd", "a");
    assert_false(report_has_faults(&r));
    for (int i = 0; i < REPORT_MAX + 5; i++)
        report_fault(&r, "/b", "bad", "number %d", i);
    assert_true(report_has_faults(&r));
    assert_int_equal(r.n_faults, REPORT_MAX);
    assert_int_equal(r.n_dropped, 5);
    assert_string_equal(r.faults[7].message, "number 7");
    assert_string_equal(r.warnings[0].message, "a is odd");
    report_fini(&r);
    report_fini(&r);
}

static void test_mapfile(void **state)
{
    (void)state;
    struct mapfile m;
    const char *path = in_folder("f");
    assert_int_equal(mapfile_open(&m, path), ERR_NOT_FOUND);
    assert_int_equal(mapfile_replace(path, STR("first"), 0600), OK);
    assert_int_equal(mapfile_open(&m, path), OK);
    assert_int_equal(mapfile_replace(path, STR("second one"), 0640), OK);
    assert_int_equal(m.n, 5);
    assert_memory_equal(m.p, "first", 5);
    mapfile_close(&m);
    assert_int_equal(mapfile_open(&m, path), OK);
    assert_true(str_eq(str_make(m.p, m.n), STR("second one")));
    mapfile_close(&m);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(mapfile_replace(path, STR(""), 0600), OK);
    assert_int_equal(mapfile_open(&m, path), ERR_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(mapfile_replace("/nowhere/at/all", STR("x"), 0600), OK);
}

/* Answers one message by its length, on the listening socket given. */
static void *answer_one(void *arg)
{
    int c = accept(*(int *)arg, NULL, NULL);
    struct buf got;
    buf_init(&got, CTL_MAX_BYTES);
    if (ctl_receive(c, &got, 2000) == OK) {
        char text[32];
        int n = snprintf(text, sizeof text, "%zu", got.n);
        if (ctl_send(c, str_make(text, (size_t)n), 2000) != OK)
            fail();
    }
    buf_fini(&got);
    close(c);
    return NULL;
}

static void ask(int listener, const char *path, struct str message, enum err want)
{
    pthread_t t;
    struct buf answer;
    char text[32];
    buf_init(&answer, CTL_MAX_BYTES);
    assert_int_equal(pthread_create(&t, NULL, answer_one, &listener), 0);
    assert_int_equal(ctl_ask(path, message, &answer, 2000), want);
    assert_int_equal(pthread_join(t, NULL), 0);
    if (want == OK) {
        snprintf(text, sizeof text, "%zu", message.n);
        assert_true(str_eq(buf_str(&answer), str_of(text)));
    }
    buf_fini(&answer);
}

static void test_ctl(void **state)
{
    (void)state;
    int fd = -1;
    const char *path = in_folder("s");
    assert_int_equal(ctl_connect(path, &fd), ERR_NOT_FOUND);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof a.sun_path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 4), 0);
    static char large[CTL_MAX_BYTES];
    memset(large, 'x', sizeof large);
    ask(listener, path, STR("{}"), OK);
    ask(listener, path, str_make(large, sizeof large), OK);
    /* Nobody accepts: connected, but no answer in time. */
    struct buf answer;
    buf_init(&answer, 100);
    assert_int_equal(ctl_ask(path, STR("{}"), &answer, 50), ERR_TIMEOUT);
    close(listener);
    assert_int_equal(ctl_ask(path, STR("{}"), &answer, 50), ERR_REFUSED);
    buf_fini(&answer);
    unlink(path);
}

/* A length over the bound, or an end in the middle of a message. */
static void test_ctl_framing(void **state)
{
    (void)state;
    int pair[2];
    struct buf got;
    buf_init(&got, CTL_MAX_BYTES);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(ctl_send(pair[0], STR("one"), 100), OK);
    assert_int_equal(ctl_send(pair[0], STR(""), 100), OK);
    assert_int_equal(ctl_receive(pair[1], &got, 100), OK);
    assert_true(str_eq(buf_str(&got), STR("one")));
    assert_int_equal(ctl_receive(pair[1], &got, 100), OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(ctl_receive(pair[1], &got, 20), ERR_TIMEOUT);
    assert_int_equal(write(pair[0], "\xff\xff\xff\xff", 4), 4);
    assert_int_equal(ctl_receive(pair[1], &got, 100), ERR_LIMIT);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[0], "\0\0", 2), 2);
    close(pair[0]);
    enum err e = ctl_receive(pair[1], &got, 100);
    assert_true(e == ERR_CLOSED || e == ERR_EOF);
    close(pair[1]);
    buf_fini(&got);
}

static void test_state_folder(void **state)
{
    (void)state;
    const char *path = in_folder("state");
    struct stat st;
    assert_int_equal(privs_state_dir(path, "root"), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(privs_state_dir(path, "root"), OK);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(privs_state_dir(in_folder("a/b"), "root"), ERR_NOT_FOUND);
    assert_true(privs_raise_nofile() >= 256);
    assert_int_equal(privs_drop("root"), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock),       cmocka_unit_test(test_secret),
        cmocka_unit_test(test_password),    cmocka_unit_test(test_report),
        cmocka_unit_test(test_mapfile),     cmocka_unit_test(test_ctl),
        cmocka_unit_test(test_ctl_framing), cmocka_unit_test(test_state_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
