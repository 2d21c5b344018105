/* writer: records reach the sink once, in order, through failures, restarts and kills. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proxyd/log/event.h"
#include "proxyd/log/writer.h"

#define IDS 200000

struct sink {
    _Atomic int fails; /* enum err to answer with; OK: take it */
    _Atomic unsigned times[IDS];
    _Atomic unsigned n, batches, changes;
    uint64_t last_id;
    bool is_disordered;
};

static struct sink sink;
static char dir[64];

static enum err take(void *ctx, const struct writer_batch *b)
{
    struct sink *s = ctx;
    if (s->fails != OK)
        return (enum err)s->fails;
    uint64_t last = 0;
    for (size_t i = 0; i < b->n; i++) {
        assert_true(b->records[i].id < IDS);
        s->times[b->records[i].id]++;
        s->is_disordered |= b->records[i].id < last;
        last = b->records[i].id;
    }
    assert_true(b->n_positions > 0 && b->positions[0].epoch != 0);
    s->n += (unsigned)b->n;
    s->batches++;
    return OK;
}

static const char *why(void *ctx)
{
    (void)ctx;
    return "the disk is full";
}

static void changed(void *ctx, enum err now, const char *text)
{
    struct sink *s = ctx;
    assert_string_equal(text, now == OK ? "" : "the disk is full");
    s->changes++;
}

static struct writer *open_writer(unsigned n, size_t bytes)
{
    struct writer *w;
    char text[240];
    struct writer_options o = {.dir = dir,
                               .n_journals = n,
                               .journal_bytes = bytes,
                               .interval_ms = 5,
                               .sink = {take, why, NULL, &sink},
                               .changed = changed,
                               .changed_ctx = &sink};
    assert_int_equal(writer_open(&o, text, &w), OK);
    return w;
}

static enum err put(struct journal *j, struct buf *scratch, uint64_t id)
{
    struct record r = {.id = id,
                       .time_ms = 1000,
                       .user = STR("alice"),
                       .url = STR("http://example.com/"),
                       .host = STR("example.com")};
    return event_append(j, scratch, &r);
}

static int setup(void **state)
{
    (void)state;
    memset(&sink, 0, sizeof sink);
    snprintf(dir, sizeof dir, "/tmp/writer-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char path[128];
    (void)state;
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "%s/journal-%d", dir, i);
        unlink(path);
        snprintf(path, sizeof path, "%s/journal-%d.damaged", dir, i);
        unlink(path);
    }
    return rmdir(dir);
}

static void expect_once(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i <= to; i++) {
        if (sink.times[i] != 1)
            fail_msg("record %llu was stored %u times", (unsigned long long)i, sink.times[i]);
    }
}

static void test_moves(void **state)
{
    (void)state;
    struct buf scratch;
    struct writer *w = open_writer(3, 0);
    event_scratch_init(&scratch);
    assert_int_equal(writer_start(w), OK);
    for (uint64_t i = 1; i <= 30000; i++)
        assert_int_equal(put(writer_journal(w, (unsigned)(i % 3)), &scratch, i), OK);
    assert_int_equal(writer_flush(w, 5000), OK);
    expect_once(1, 30000);
    assert_false(sink.is_disordered);
    struct writer_stats s;
    writer_stats(w, &s);
    assert_int_equal(s.written, 30000);
    assert_int_equal(s.lag_bytes, 0);
    assert_int_equal(s.state, OK);
    assert_int_equal(put(writer_journal(w, 0), &scratch, 30001), OK);
    assert_int_equal(writer_stop(w, 5000), OK); /* drains what came after the flush */
    expect_once(30001, 30001);
    assert_null(writer_journal(w, 3));
    writer_close(w);
    buf_fini(&scratch);
}

static void test_failing_sink(void **state)
{
    (void)state;
    struct buf scratch;
    struct writer_stats s;
    struct writer *w = open_writer(1, JOURNAL_MIN_BYTES);
    event_scratch_init(&scratch);
    sink.fails = ERR_FULL;
    assert_int_equal(writer_start(w), OK);
    uint64_t id = 1;
    while (put(writer_journal(w, 0), &scratch, id) == OK)
        id++;
    assert_int_equal(put(writer_journal(w, 0), &scratch, id), ERR_FULL);
    assert_int_equal(writer_flush(w, 60), ERR_TIMEOUT);
    writer_stats(w, &s);
    assert_int_equal(s.state, ERR_FULL);
    assert_true(s.failures > 0 && s.fill_percent > 90 && s.written == 0);
    sink.fails = OK; /* somebody made room */
    assert_int_equal(writer_flush(w, 5000), OK);
    expect_once(1, id - 1);
    assert_int_equal(sink.changes, 2);
    writer_stats(w, &s);
    assert_int_equal(s.state, OK);
    writer_close(w);
    buf_fini(&scratch);
}

/* What could not be stored before the end is stored after the next start, with fewer workers too.
 */
static void test_restart(void **state)
{
    (void)state;
    struct buf scratch;
    char path[128];
    struct writer *w = open_writer(4, 0);
    event_scratch_init(&scratch);
    sink.fails = ERR_IO;
    assert_int_equal(writer_start(w), OK);
    for (uint64_t i = 1; i <= 400; i++)
        assert_int_equal(put(writer_journal(w, (unsigned)(i % 4)), &scratch, i), OK);
    assert_int_equal(writer_stop(w, 50), ERR_TIMEOUT);
    writer_close(w);
    assert_int_equal(sink.n, 0);
    sink.fails = OK;
    w = open_writer(2, 0);
    assert_int_equal(writer_last_id(w), 400);
    assert_int_equal(writer_recover(w), OK);
    expect_once(1, 400);
    assert_false(sink.is_disordered);
    assert_int_equal(writer_last_id(w), 0);
    snprintf(path, sizeof path, "%s/journal-3", dir);
    assert_int_not_equal(access(path, F_OK), 0);
    writer_close(w);
    buf_fini(&scratch);
}

static void test_damaged_journal(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/journal-0", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("not a journal", f);
    fclose(f);
    struct writer *w = open_writer(1, 0);
    struct writer_stats s;
    writer_stats(w, &s);
    assert_int_equal(s.lost, 1);
    writer_close(w);
    snprintf(path, sizeof path, "%s/journal-0.damaged", dir);
    assert_int_equal(access(path, F_OK), 0);
}

static void test_second_process(void **state)
{
    (void)state;
    struct writer *w = open_writer(1, 0), *other;
    char text[240];
    struct writer_options o = {.dir = dir, .n_journals = 1, .sink = {take, NULL, NULL, &sink}};
    assert_int_equal(writer_open(&o, text, &other), ERR_BUSY);
    assert_non_null(strstr(text, "another proxyd"));
    writer_close(w);
}

/* The sink of the child is lost with it, so it is a pipe here: what it stored comes out of it. */
static enum err take_to_pipe(void *ctx, const struct writer_batch *b)
{
    int fd = *(int *)ctx;
    for (size_t i = 0; i < b->n; i++) {
        if (write(fd, &b->records[i].id, sizeof(uint64_t)) != sizeof(uint64_t))
            return ERR_IO;
    }
    return OK;
}

static struct writer *pipe_writer(int *fd)
{
    char text[240];
    struct writer *w;
    struct writer_options o = {.dir = dir,
                               .n_journals = 1,
                               .journal_bytes = (size_t)1 << 20,
                               .interval_ms = 1,
                               .sink = {take_to_pipe, NULL, NULL, fd}};
    assert_int_equal(writer_open(&o, text, &w), OK);
    return w;
}

static void child(int stored_fd, int told_fd)
{
    struct buf scratch;
    struct writer *w = pipe_writer(&stored_fd);
    event_scratch_init(&scratch);
    if (writer_start(w) != OK)
        _exit(1);
    for (uint64_t i = 1; i < IDS;) {
        if (put(writer_journal(w, 0), &scratch, i) != OK)
            usleep(100);
        else if (write(told_fd, &i, sizeof i) == sizeof i)
            i++;
        else
            _exit(1);
    }
    pause();
}

static void drain(int fd)
{
    uint64_t id;
    while (read(fd, &id, sizeof id) == sizeof id)
        sink.times[id]++;
}

/* kill -9 of the whole process while its log thread moves records: after the next start every
 * record that was appended is in the sink. Doubles are possible here, by design: ids make them
 * harmless. */
static void test_killed(void **state)
{
    (void)state;
    int stored[2], told[2];
    uint64_t last = 0, x;
    assert_int_equal(pipe(stored), 0);
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0)
        child(stored[1], told[1]);
    close(told[1]);
    close(stored[1]);
    /* Both pipes must be kept flowing; the told one ends when the child is gone. */
    while (last < 3000 && read(told[0], &x, sizeof x) == sizeof x) {
        last = x;
        if (last % 500 == 0) {
            uint64_t ids[400];
            ssize_t n = read(stored[0], ids, sizeof ids);
            for (ssize_t i = 0; i < n / 8; i++)
                sink.times[ids[i]]++;
        }
    }
    kill(pid, SIGKILL);
    while (read(told[0], &x, sizeof x) == sizeof x)
        last = x;
    drain(stored[0]);
    waitpid(pid, NULL, 0);
    assert_true(last >= 3000);
    struct writer *w = open_writer(1, 0); /* its sink is the array */
    assert_int_equal(writer_recover(w), OK);
    writer_close(w);
    unsigned doubles = 0;
    for (uint64_t i = 1; i <= last; i++) {
        if (sink.times[i] == 0)
            fail_msg("record %llu of %llu is lost", (unsigned long long)i,
                     (unsigned long long)last);
        doubles += sink.times[i] > 1;
    }
    assert_true(doubles <= WRITER_BATCH); /* at most the batch under way */
    close(told[0]);
    close(stored[0]);
}

static void test_event(void **state)
{
    (void)state;
    struct arena a;
    struct str out;
    arena_init(&a, 1024, 65536);
    const struct str names[] = {STR("staff"), STR("a\nb"), STR(""), STR("sales")};
    assert_int_equal(event_join(names, 4, &a, &out), OK);
    assert_true(str_eq(out, STR("staff\nsales")));
    assert_int_equal(event_join(names, 0, &a, &out), OK);
    assert_int_equal(out.n, 0);
    assert_true(str_eq(event_url_without_query(STR("http://h/a?b=c?d")), STR("http://h/a")));
    /* The longest request still fits one entry and is cut between characters. */
    struct writer *w = open_writer(1, 0);
    struct buf scratch;
    event_scratch_init(&scratch);
    char *big = malloc(60000);
    assert_non_null(big);
    for (int i = 0; i < 60000; i += 2)
        memcpy(big + i, "\xc3\xa9", 2);
    struct str s = str_make(big, 60000), odd = str_make(big + 1, 59999); /* begins in a character */
    big[1] = 'x';
    struct record r = {.id = 7,
                       .url = odd,
                       .user = s,
                       .groups = s,
                       .user_agent = s,
                       .referer = s,
                       .categories = s,
                       .rule_name = s,
                       .content_type = s,
                       .error = s,
                       .host = s};
    assert_int_equal(event_append(writer_journal(w, 0), &scratch, &r), OK);
    struct journal_info info;
    journal_info(writer_journal(w, 0), &info);
    uint64_t at = info.tail;
    assert_int_equal(journal_read(writer_journal(w, 0), &at, &out), OK);
    assert_int_equal(record_decode(out, &r), OK);
    assert_int_equal(r.id, 7);
    assert_int_equal(r.url.n, EVENT_URL_MAX - 1);
    assert_int_equal(r.user.n % 2, 0);
    assert_int_equal(r.groups.n, 0); /* one name too long to keep whole */
    writer_close(w);
    free(big);
    buf_fini(&scratch);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_sink, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_journal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_process, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_event, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
