/* wiring: everything of a serving process at once, for the thread sanitizer: two workers with
 * clients on them, policies and settings swapped under them, the control socket asked all it can
 * be asked, the watch of parents, the helpers that know people, the pulse and the log thread. Each
 * side counts what it got; what matters most is that nothing is told by the sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ctl.h"
#include "base/password.h"
#include "db/identity_rows.h"
#include "db/policy_rows.h"
#include "db/policy_store.h"
#include "db/settings_rows.h"
#include "proxyd/main/people_watch.h"
#include "proxyd/main/pulse.h"
#include "proxyd/main/wiring.h"

#define CLIENTS  3
#define EACH     120 /* requests of a client */
#define ASKERS   2
#define QUESTION 100 /* of an asker */
#define RELOADS  63  /* the last one asks who it is */

static const char *const documents[] = {
    "{\"default\":{\"action\":\"allow\"},\"rules\":[]}",
    "{\"default\":{\"action\":\"block\"},\"rules\":[]}",
    "{\"default\":{\"action\":\"allow\"},\"rules\":[{\"id\":\"r1\",\"name\":\"n\",\"action\":"
    "\"block\",\"when\":{\"url_patterns\":[\"/x[0-9]+$\"]}}]}",
    "{\"default\":{\"action\":\"block\"},\"rules\":[{\"id\":\"r1\",\"name\":\"n\",\"action\":"
    "\"allow\",\"when\":{\"users\":[\"anna\"]}}]}",
};
static const char parents[] =
    "{\"groups\":[{\"name\":\"hq\",\"members\":[{\"address\":\"127.0.0.1:9\"}],"
    "\"check\":{\"interval_ms\":1000,\"timeout_ms\":200}}]}";

static char dir[64], control[96];
static uint16_t port;
static struct wiring w;
static struct store *store;

/* --- a state directory ------------------------------------------------------------------------ */

static void publish(unsigned i)
{
    struct policy_publish p = {STR("c"), STR("anna"), 1, 0};
    struct policy_text t = {.document = str_of(documents[i % 4])};
    uint64_t version;
    assert_int_equal(policy_rows_publish_text(store, &t, &p, &version), OK);
}

static void add_anna(void)
{
    char hash[PASSWORD_HASH_BYTES];
    assert_int_equal(password_hash(STR("x"), hash), OK);
    struct identity_user u = {.name = STR("anna"), .hash = str_of(hash), .enabled = true};
    assert_int_equal(identity_rows_create(store, &u), OK);
}

static void set_parents(struct arena *a)
{
    struct settings_row was = {0}, row = {.name = STR("upstreams"), .document = str_of(parents)};
    (void)!settings_rows_get(store, a, STR("upstreams"), &was);
    assert_int_equal(settings_rows_put(store, &row, was.version, NULL), OK);
}

static uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static void make_state(struct bootstrap *b)
{
    char path[96], why[STORE_WHY_BYTES], text[400];
    struct bootstrap_report r;
    snprintf(dir, sizeof dir, "/tmp/meet-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/policy.db", dir);
    snprintf(control, sizeof control, "%s/control.sock", dir);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &store), OK);
    publish(0);
    add_anna();
    port = free_port();
    snprintf(text, sizeof text,
             "[state]\ndir = %s\n[proxy]\nlisten = 127.0.0.1:%u\nworkers = 2\n"
             "resolvers = 127.0.0.1:9\nallow-private = 127.0.0.0/8\n",
             dir, port);
    assert_int_equal(bootstrap_parse(str_of(text), &r, b), OK);
    bootstrap_report_fini(&r);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_state(void)
{
    store_close(store);
    assert_int_equal(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- the sides -------------------------------------------------------------------------------- */

static int connect_proxy(void)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&sa, sizeof sa) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Three requests of a new connection, in one go; true when the first was answered. Every fourth
 * connection brings the login of somebody who is known, who may be forgotten meanwhile. */
static bool ask(unsigned i)
{
    char text[900];
    size_t got = 0, n = 0;
    int fd = connect_proxy();
    if (fd < 0)
        return false;
    for (int k = 0; k < 3; k++)
        n +=
            (size_t)snprintf(text + n, sizeof text - n,
                             "GET http://127.0.0.1:9/x%u HTTP/1.1\r\nHost: 127.0.0.1:9\r\n%s%s\r\n",
                             i, i % 4 ? "" : "Proxy-Authorization: Basic YW5uYTp4\r\n",
                             k < 2 ? "" : "Connection: close\r\n");
    bool is_sent = send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
    for (ssize_t k = 1; is_sent && k > 0;) { /* to the end; the first bytes stay */
        k = recv(fd, text + (got < 12 ? got : 12), sizeof text - 12, 0);
        got += k > 0 ? (size_t)k : 0;
    }
    close(fd);
    return got >= 12 && memcmp(text, "HTTP/1.1 ", 9) == 0;
}

static void *be_clients(void *arg)
{
    unsigned *n_answered = arg;
    for (unsigned i = 0; i < EACH; i++)
        *n_answered += ask(i);
    return NULL;
}

static const char *const questions[] = {
    "status", "limits-clients", "upstreams",    "patterns",    "quotas",
    "grants", "privacy",        "privacy-test", "forget-user", "reload",
};
#define QUESTIONS (sizeof questions / sizeof *questions)
#define WAITING   2 /* the last ones: they reload */

static bool ask_control(const char *what, int timeout_ms)
{
    char text[80];
    struct buf answer;
    snprintf(text, sizeof text, "{\"do\":\"%s\",\"user\":\"anna\"}", what);
    buf_init(&answer, CTL_MAX_BYTES);
    enum err e = ctl_ask(control, str_of(text), &answer, timeout_ms);
    buf_fini(&answer);
    return e == OK;
}

static void *be_control(void *arg)
{
    unsigned *n_answered = arg;
    for (unsigned i = 0; i < QUESTION; i++)
        *n_answered += ask_control(questions[i % QUESTIONS], 60000);
    return NULL;
}

/* However long a reload compiles. */
static void nobody_waits_for_a_reload(void)
{
    pthread_mutex_lock(&w.reload.turn);
    for (size_t i = 0; i + WAITING < QUESTIONS; i++)
        if (!ask_control(questions[i], 10000))
            fail_msg("no answer to %s", questions[i]);
    pthread_mutex_unlock(&w.reload.turn);
}

/* As main's own thread does, but without its pauses. */
static void be_main(struct arena *a)
{
    struct people_watch people = {0};
    for (unsigned i = 1; i <= RELOADS; i++) {
        publish(i);
        if (i == RELOADS / 2)
            set_parents(a);
        reload_if_changed(&w.reload);
        people_watch_look(&people, people_identity(&w.people));
    }
}

static void all_at_once(void **state)
{
    (void)state;
    struct bootstrap b;
    struct sockets sockets;
    struct pulse *pulse;
    struct arena a;
    struct identity_status known;
    pthread_t threads[CLIENTS + ASKERS];
    unsigned n[CLIENTS + ASKERS] = {0};
    int page_fd = -1;
    struct keeper_lot lot = {.boot = &b, .sockets = &sockets, .keeper_fd = -1};
    make_state(&b);
    arena_init(&a, 4096, 1 << 20);
    assert_int_equal(sockets_bind(&b, &sockets), OK);
    assert_int_equal(shared_page_open(&page_fd, &lot.page), OK);
    assert_int_equal(wiring_build(&w, &lot), OK);
    assert_int_equal(pulse_start(&w.workers, -1, 0, &pulse), OK);
    nobody_waits_for_a_reload();
    for (int i = 0; i < CLIENTS + ASKERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < CLIENTS ? be_clients : be_control, &n[i]), 0);
    be_main(&a);
    for (int i = 0; i < CLIENTS + ASKERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(n[i], i < CLIENTS ? EACH : QUESTION);
    }
    assert_int_equal(w.reload.policy_version, RELOADS + 1);
    assert_int_equal(json_array_size(w.reload.problems), 0);
    assert_non_null(w.reload.current->parents);
    assert_true(atomic_load(&lot.page->last_id) >= CLIENTS * EACH);
    assert_true(ask(0));
    identity_status(people_identity(&w.people), &a, &known);
    assert_true(known.n_asked > 0 && known.n_local_users == 1);
    pulse_stop(pulse);
    assert_int_equal(wiring_drain(&w), OK);
    wiring_fini(&w);
    shared_page_close(lot.page);
    close(page_fd);
    arena_fini(&a);
    bootstrap_fini(&b);
    remove_state();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
