/* journal: the ring, its bounds, and what a killed process leaves behind. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxyd/log/journal.h"

static char dir[64], path[80];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/journal-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/journal-0", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void test_order(void **state)
{
    (void)state;
    struct journal *j;
    struct str entry;
    struct journal_info info;
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_info(j, &info);
    uint64_t at = info.tail;
    assert_int_equal(journal_read(j, &at, &entry), ERR_AGAIN);
    /* Sizes that do not divide the ring, many rounds: every join at its end is met. */
    char bytes[700];
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = (i * 37) % sizeof bytes;
        memset(bytes, (int)(i & 0xff), n);
        assert_int_equal(journal_append(j, str_make(bytes, n)), OK);
        assert_int_equal(journal_read(j, &at, &entry), OK);
        assert_int_equal(entry.n, n);
        assert_true(n == 0 || !memcmp(entry.p, bytes, n));
        journal_release(j, at);
    }
    assert_int_equal(journal_read(j, &at, &entry), ERR_AGAIN);
    assert_int_equal(journal_fill_percent(j), 0);
    journal_close(j);
}

static void test_full(void **state)
{
    (void)state;
    struct journal *j;
    struct str entry;
    struct journal_info info;
    char bytes[1000] = {1};
    unsigned n = 0;
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    assert_int_equal(journal_append(j, str_make(bytes, JOURNAL_ENTRY_MAX + 1)), ERR_LIMIT);
    while (n < 1000 && journal_append(j, str_make(bytes, sizeof bytes)) == OK)
        n++;
    assert_in_range(n, 60, 66);
    assert_int_equal(journal_append(j, str_make(bytes, sizeof bytes)), ERR_FULL);
    assert_in_range(journal_fill_percent(j), 97, 100);
    /* Nothing of the refused entry is seen; a released one makes room for one more. */
    journal_info(j, &info);
    uint64_t at = info.tail;
    assert_int_equal(journal_read(j, &at, &entry), OK);
    journal_release(j, at);
    while (journal_read(j, &at, &entry) == OK)
        n--;
    assert_int_equal(n, 1);
    assert_int_equal(journal_append(j, str_make(bytes, sizeof bytes)), OK);
    journal_close(j);
}

/* What is offered is not read, not counted, and gone when it is taken back, at every place of the
 * ring; a process that dies with an offer in hand has appended it. */
static void test_offers(void **state)
{
    (void)state;
    struct journal *j;
    struct str entry;
    struct journal_info info, then;
    char bytes[700] = {7};
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_info(j, &info);
    uint64_t at = info.tail;
    for (unsigned i = 0; i < 3000; i++) {
        size_t n = 8 + (i * 37) % (sizeof bytes - 8), other = 8 + (i * 91) % (sizeof bytes - 8);
        journal_info(j, &info);
        assert_int_equal(journal_offer(j, str_make(bytes, other)), OK);
        assert_int_equal(journal_read(j, &at, &entry), ERR_AGAIN);
        journal_info(j, &then);
        assert_true(then.head == info.head);
        journal_take_back(j);
        assert_int_equal(journal_read(j, &at, &entry), ERR_AGAIN);
        assert_int_equal(journal_offer(j, str_make(bytes, n)), OK);
        journal_keep(j);
        assert_int_equal(journal_read(j, &at, &entry), OK);
        assert_int_equal(entry.n, n);
        journal_release(j, at);
    }
    assert_int_equal(journal_append(j, str_make(bytes, 1)), OK);
    assert_int_equal(journal_offer(j, str_make(bytes, 2)), OK);
    journal_close(j); /* as if it had died */
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_info(j, &info);
    at = info.tail;
    assert_int_equal(info.lost, 0);
    assert_int_equal(journal_read(j, &at, &entry), OK);
    assert_int_equal(entry.n, 1);
    assert_int_equal(journal_read(j, &at, &entry), OK);
    assert_int_equal(entry.n, 2);
    assert_int_equal(journal_read(j, &at, &entry), ERR_AGAIN);
    journal_close(j);
}

static void test_lock(void **state)
{
    (void)state;
    struct journal *j, *other;
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &other), ERR_BUSY);
    journal_close(j);
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_close(j);
}

/* The child appends numbered entries as fast as it can and tells by a pipe how far it came; then it
 * is killed in the middle of it. Everything told must be there, once, in order, with at most a few
 * more. */
static void append_until_killed(int fd)
{
    struct journal *j;
    uint64_t entry[8] = {0};
    if (journal_open(path, (size_t)4 << 20, &j) != OK)
        _exit(1);
    for (uint64_t i = 1;; i++) {
        for (int k = 0; k < 8; k++)
            entry[k] = i;
        if (journal_append(j, str_make(entry, 8 + (i % 8) * 8)) != OK)
            pause();
        if (i % 64 == 0 && write(fd, &i, sizeof i) != sizeof i)
            _exit(1);
    }
}

static uint64_t run_and_kill(unsigned delay_us)
{
    int fd[2];
    uint64_t told = 0, x;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fd[0]);
        append_until_killed(fd[1]);
    }
    close(fd[1]);
    usleep(delay_us);
    kill(pid, SIGKILL);
    while (read(fd[0], &x, sizeof x) == sizeof x)
        told = x;
    close(fd[0]);
    waitpid(pid, NULL, 0);
    return told;
}

static void test_killed(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        uint64_t told = run_and_kill(1500 + round * 1700);
        struct journal *j;
        struct journal_info info;
        struct str entry;
        if (access(path, F_OK) != 0)
            continue; /* killed before it had begun */
        enum err e = journal_open(path, (size_t)4 << 20, &j);
        if (e == ERR_CORRUPT && told == 0) { /* killed while the file was made */
            unlink(path);
            continue;
        }
        assert_int_equal(e, OK);
        journal_info(j, &info);
        uint64_t at = info.tail, expect = 1, first;
        while (journal_read(j, &at, &entry) == OK) {
            memcpy(&first, entry.p, sizeof first);
            assert_int_equal(first, expect);
            assert_int_equal(entry.n, 8 + (expect % 8) * 8);
            expect++;
        }
        assert_int_equal(info.lost, 0);
        assert_true(expect > told);
        journal_close(j);
        unlink(path);
    }
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* for the teardown */
    assert_true(fd >= 0);
    close(fd);
}

/* A byte changed behind our back: what stands before it is found, the rest is counted as lost. */
static void test_damaged(void **state)
{
    (void)state;
    struct journal *j;
    struct journal_info info;
    struct str entry;
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(journal_append(j, STR("0123456789abcdef")), OK);
    journal_close(j);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "X", 1, 4096 + 24 * 6 + 9), 1); /* in the seventh entry */
    close(fd);
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_info(j, &info);
    assert_int_equal(info.lost, 1);
    uint64_t at = info.tail;
    int n = 0;
    while (journal_read(j, &at, &entry) == OK)
        n++;
    assert_int_equal(n, 6);
    assert_int_equal(journal_append(j, STR("goes on")), OK);
    assert_int_equal(journal_read(j, &at, &entry), OK);
    assert_true(str_eq(entry, STR("goes on")));
    journal_close(j);
}

static void test_not_a_journal(void **state)
{
    (void)state;
    struct journal *j;
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "hello", 5), 5);
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), ERR_CORRUPT);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), ERR_CORRUPT);
    close(fd);
    assert_int_equal(journal_open("/nowhere/at/all", JOURNAL_MIN_BYTES, &j), ERR_NOT_FOUND);
}

/* One thread appends, another reads: under the thread sanitizer this is the proof of the order. */
static void *produce(void *arg)
{
    struct journal *j = arg;
    for (uint64_t i = 1; i <= 50000;) {
        if (journal_append(j, str_make(&i, sizeof i)) == OK)
            i++;
        else
            usleep(50);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    (void)state;
    struct journal *j;
    struct journal_info info;
    struct str entry;
    pthread_t t;
    assert_int_equal(journal_open(path, JOURNAL_MIN_BYTES, &j), OK);
    journal_info(j, &info);
    uint64_t at = info.tail, expect = 1, x;
    assert_int_equal(pthread_create(&t, NULL, produce, j), 0);
    while (expect <= 50000) {
        enum err e = journal_read(j, &at, &entry);
        assert_true(e == OK || e == ERR_AGAIN); /* anything else would spin here for ever */
        if (e != OK)
            continue;
        memcpy(&x, entry.p, sizeof x);
        assert_int_equal(x, expect++);
        journal_release(j, at);
    }
    pthread_join(t, NULL);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_full, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_offers, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_lock, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_killed, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_damaged, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_not_a_journal, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(test_two_threads, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
