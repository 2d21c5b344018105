/* keeper: children, their pipes, and signals in one poll. */
#include "proxyd/main/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/privs.h"
#include "proxyd/log/writer.h"
#include "proxyd/main/notify.h"

#define INHERIT       "PROXYD_INHERIT"
#define SILENCE_MS    30000 /* without a sign of life, once it was ready */
#define CALM_MS       2000  /* a child that served so long is started again at once */
#define PAUSE_LAST_MS 1000
#define STARTS_MAX    20 /* in a row that never served */
#define EXIT_RUNTIME  2

struct child {
    pid_t pid; /* 0: none */
    int pipe;
    unsigned parity; /* which half of the journal numbers it has */
    bool is_ready;
    int64_t began_ms, word_ms;
};

struct keeper {
    const struct bootstrap *boot;
    const char *config;
    char program[4096]; /* path, looked at again for an upgrade */
    int (*serve)(const struct keeper_lot *lot);
    struct sockets sockets;
    struct shared_page *page;
    int page_fd, signal_fd;
    struct child now, old; /* old: draining, after an upgrade */
    sigset_t was;          /* for children */
    bool is_ending, has_served, is_upgrade_due;
    unsigned n_failed; /* starts in a row that never served */
    int64_t start_at_ms;
    int code;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- children ----------------------------------------------------------------------------------
 */

static int be_child(const struct keeper *k, int pipe_fd, unsigned parity)
{
    struct sockets mine = k->sockets;
    struct keeper_lot lot = {.boot = k->boot,
                             .sockets = &mine,
                             .page = k->page,
                             .keeper_fd = pipe_fd,
                             .first_journal = parity * WRITER_JOURNALS_MAX,
                             .takes_over = k->old.pid != 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == 1)
        return EXIT_RUNTIME; /* the keeper died before the line above */
    close(k->signal_fd);
    sigprocmask(SIG_SETMASK, &k->was, NULL);
    return k->serve(&lot);
}

static void start(struct keeper *k)
{
    int ends[2];
    struct child *c = &k->now;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        diag(DIAG_ERROR, "keeper", "cannot start", "why", strerror(errno), NULL);
        k->start_at_ms = now_ms() + PAUSE_LAST_MS;
        return;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    unsigned parity = k->old.pid ? !k->old.parity : c->parity;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        exit(be_child(k, ends[1], parity));
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        k->start_at_ms = now_ms() + PAUSE_LAST_MS;
        return;
    }
    *c = (struct child){.pid = pid, .pipe = ends[0], .parity = parity, .began_ms = now_ms()};
    c->word_ms = c->began_ms;
    k->start_at_ms = 0;
}

static void tell_child(const struct child *c, int sig)
{
    if (c->pid)
        kill(c->pid, sig);
}

/* --- what a child says -------------------------------------------------------------------------
 */

static void became_ready(struct keeper *k)
{
    k->now.is_ready = k->has_served = true;
    k->n_failed = 0;
    if (k->old.pid) {
        diag(DIAG_INFO, "keeper", "the new process serves, the old one drains", NULL);
        tell_child(&k->old, SIGTERM);
    }
}

static void take_words(struct keeper *k, struct child *c)
{
    char text[512];
    ssize_t n = read(c->pipe, text, sizeof text - 1);
    if (n <= 0)
        return;
    struct str rest = str_make(text, (size_t)n), line;
    c->word_ms = now_ms();
    while (str_split(&rest, '\n', &line)) {
        char word[64];
        if (c != &k->now || !line.n || line.n >= sizeof word)
            continue;
        memcpy(word, line.p, line.n);
        word[line.n] = 0;
        notify_send(word);
        if (str_eq(line, STR("READY=1")) && !c->is_ready)
            became_ready(k);
    }
}

/* --- their ends --------------------------------------------------------------------------------
 */

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_RUNTIME;
}

static void tell_end(const char *what, int status)
{
    char how[64];
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "exit code %d", exit_code(status));
    diag(DIAG_ERROR, "keeper", what, "how", how, NULL);
}

/* The new program of an upgrade does not come up: the old process goes on. */
static void go_back(struct keeper *k, int status)
{
    tell_end("the new process did not start: the old one goes on", status);
    k->now = k->old;
    k->old = (struct child){0};
    notify_send("READY=1");
}

static void serving_ended(struct keeper *k, int status)
{
    bool was_ready = k->now.is_ready;
    int64_t lived = now_ms() - k->now.began_ms;
    unsigned parity = k->now.parity;
    close(k->now.pipe);
    k->now = (struct child){.parity = parity};
    k->code = exit_code(status);
    if (k->is_ending)
        return;
    if (k->old.pid && !was_ready) {
        go_back(k, status);
        return;
    }
    if (WIFEXITED(status) && k->code == 0) { /* somebody asked it to, past us */
        k->is_ending = true;
        return;
    }
    k->n_failed += !was_ready;
    if (!was_ready && (!k->has_served || k->n_failed >= STARTS_MAX)) {
        k->is_ending = true; /* it has told why */
        return;
    }
    tell_end("the serving process ended: starting the next", status);
    int64_t pause = was_ready && lived >= CALM_MS ? 0 : 100 * (1 + (int64_t)k->n_failed);
    k->start_at_ms = now_ms() + (pause > PAUSE_LAST_MS ? PAUSE_LAST_MS : pause);
}

static void reap(struct keeper *k)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == k->old.pid) {
            if (exit_code(status) != 0)
                tell_end("the old process ended badly", status);
            close(k->old.pipe);
            k->old = (struct child){0};
        } else if (pid == k->now.pid) {
            serving_ended(k, status);
        }
    }
}

/* --- upgrade -----------------------------------------------------------------------------------
 */

static bool set_inheritance(const struct keeper *k)
{
    struct buf b;
    buf_init(&b, 65536);
    buf_addf(&b, "%d %d %d %u ", k->page_fd, (int)k->now.pid, k->now.pipe, k->now.parity);
    sockets_describe(&k->sockets, &b);
    buf_add_c(&b, 0);
    bool is_good = !b.failed && setenv(INHERIT, b.p, 1) == 0;
    buf_fini(&b);
    return is_good;
}

static void keep_over_exec(const struct keeper *k, bool keep)
{
    sockets_keep_over_exec(&k->sockets, keep);
    (void)fcntl(k->page_fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
    (void)fcntl(k->now.pipe, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/* Runs "--check" of the program that stands at our path now. */
static bool new_program_is_fine(const struct keeper *k)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &k->was, NULL);
        execl(k->program, k->program, "--config", k->config, "--check", (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool may_upgrade(const struct keeper *k)
{
    return !k->old.pid && k->now.pid && k->now.is_ready;
}

/* Asked for in the middle of a start or drain it waits: a package may be upgraded twice in a row.
 */
static void upgrade(struct keeper *k)
{
    k->is_upgrade_due = !may_upgrade(k);
    if (k->is_upgrade_due) {
        diag(DIAG_INFO, "keeper", "the upgrade waits for another start or drain to end", NULL);
        return;
    }
    diag(DIAG_INFO, "keeper", "upgrading", "program", k->program, NULL);
    notify_send("RELOADING=1");
    keep_over_exec(k, true);
    if (set_inheritance(k) && new_program_is_fine(k)) {
        execl(k->program, k->program, "--config", k->config, (char *)NULL);
        diag(DIAG_ERROR, "keeper", "cannot run the new program", "why", strerror(errno), NULL);
    } else {
        diag(DIAG_ERROR, "keeper", "not upgraded: the check of program and file failed", NULL);
    }
    unsetenv(INHERIT);
    keep_over_exec(k, false);
    notify_send("READY=1");
}

/* "page pid pipe parity sockets..." of the keeper before us. */
static bool read_inheritance(struct str text, struct child *old, int *page_fd, struct str *sockets)
{
    struct str word;
    uint64_t n[4];
    for (int i = 0; i < 4; i++) {
        if (!str_split(&text, ' ', &word) || str_to_u64(word, INT32_MAX, &n[i]) != OK)
            return false;
    }
    *page_fd = (int)n[0];
    *old = (struct child){
        .pid = (pid_t)n[1], .pipe = (int)n[2], .parity = n[3] != 0, .is_ready = true};
    old->began_ms = old->word_ms = now_ms();
    *sockets = text;
    return true;
}

bool keeper_check(const struct bootstrap *b)
{
    const char *text = getenv(INHERIT);
    struct child old;
    struct sockets s;
    struct str rest;
    int page_fd;
    if (!text)
        return true;
    bool is_same =
        read_inheritance(str_of(text), &old, &page_fd, &rest) && sockets_inherit(rest, b, &s) == OK;
    if (!is_same)
        diag(DIAG_ERROR, "keeper", "listeners or workers have changed: this needs a restart", NULL);
    return is_same;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static void one_signal(struct keeper *k)
{
    struct signalfd_siginfo info;
    if (read(k->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    switch (info.ssi_signo) {
    case SIGCHLD: reap(k); break;
    case SIGHUP: tell_child(&k->now, SIGHUP); break;
    case SIGUSR2: upgrade(k); break;
    default:
        k->is_ending = true;
        k->start_at_ms = 0;
        notify_send("STOPPING=1");
        sockets_fini(&k->sockets);
        tell_child(&k->now, SIGTERM);
        tell_child(&k->old, SIGTERM);
        break;
    }
}

static int wait_ms(const struct keeper *k)
{
    if (!k->start_at_ms)
        return 1000;
    int64_t in = k->start_at_ms - now_ms();
    return in < 0 ? 0 : in > 1000 ? 1000 : (int)in;
}

static void watch_silence(struct keeper *k)
{
    struct child *c = &k->now;
    int64_t bound = (int64_t)k->boot->watchdog_s * 1000;
    if (!c->pid || !c->is_ready || k->is_ending || !bound || now_ms() - c->word_ms < bound)
        return;
    diag(DIAG_ERROR, "keeper", "no sign of life: the serving process is ended", NULL);
    c->word_ms = now_ms();
    kill(c->pid, SIGKILL);
}

static void turn(struct keeper *k)
{
    struct pollfd p[3] = {{.fd = k->signal_fd, .events = POLLIN},
                          {.fd = k->now.pid ? k->now.pipe : -1, .events = POLLIN},
                          {.fd = k->old.pid ? k->old.pipe : -1, .events = POLLIN}};
    if (poll(p, 3, wait_ms(k)) < 0 && errno != EINTR)
        return;
    if (p[1].revents & POLLIN)
        take_words(k, &k->now);
    if (p[2].revents & POLLIN)
        take_words(k, &k->old);
    if (p[0].revents)
        one_signal(k);
    else if ((p[1].revents | p[2].revents) & POLLHUP)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); /* its SIGCHLD comes */
    watch_silence(k);
    if (k->is_upgrade_due && !k->is_ending && may_upgrade(k))
        upgrade(k);
    if (!k->is_ending && k->start_at_ms && now_ms() >= k->start_at_ms)
        start(k);
}

/* Where the program stands. A file that was replaced between our exec and this line (a package
 * upgraded twice in a row) is called "... (deleted)"; its successor stands at the path before that.
 */
static bool find_program(struct keeper *k)
{
    static const char mark[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", k->program, sizeof k->program - 1);
    if (n <= 0)
        return false;
    k->program[n] = 0;
    struct str path = str_make(k->program, (size_t)n);
    if (str_ends(path, str_of(mark)) && access(k->program, F_OK) != 0)
        k->program[path.n - (sizeof mark - 1)] = 0;
    return true;
}

static enum err take_signals(struct keeper *k)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, &k->was) != 0)
        return ERR_IO;
    if (getenv(INHERIT)) /* they were blocked before us, so that none is lost in the exec */
        sigemptyset(&k->was);
    k->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    return k->signal_fd < 0 ? ERR_IO : OK;
}

/* The rights of root are needed for the ports and the state directory alone. */
static enum err begin(struct keeper *k)
{
    const char *inherited = getenv(INHERIT);
    struct str sockets;
    k->page_fd = -1;
    if (inherited) {
        if (!read_inheritance(str_of(inherited), &k->old, &k->page_fd, &sockets))
            return ERR_INVALID;
        enum err e = sockets_inherit(sockets, k->boot, &k->sockets);
        keep_over_exec(k, false);
        (void)fcntl(k->old.pipe, F_SETFD, FD_CLOEXEC);
        unsetenv(INHERIT);
        k->has_served = true;
        return e == OK ? shared_page_open(&k->page_fd, &k->page) : e;
    }
    privs_raise_nofile();
    enum err e = privs_state_dir(k->boot->state_dir.p, k->boot->user.p);
    if (e != OK) {
        diag(DIAG_ERROR, "main", "the state directory cannot be used", "what", k->boot->state_dir.p,
             "why", err_name(e), NULL);
        return e;
    }
    e = sockets_bind(k->boot, &k->sockets);
    if (e != OK)
        return e;
    e = privs_drop(k->boot->user.p);
    if (e == ERR_NOT_FOUND)
        diag(DIAG_WARN, "main", "running as root: there is no such user to drop to", "user",
             k->boot->user.p, NULL);
    else if (e != OK)
        diag(DIAG_ERROR, "main", "cannot drop rights", "what", k->boot->user.p, NULL);
    privs_harden();
    return e == OK || e == ERR_NOT_FOUND ? shared_page_open(&k->page_fd, &k->page) : e;
}

int keeper_run(const struct bootstrap *b, const char *config,
               int (*serve)(const struct keeper_lot *lot))
{
    struct keeper k = {.boot = b, .config = config, .serve = serve, .code = EXIT_RUNTIME};
    if (!find_program(&k) || take_signals(&k) != OK) {
        diag(DIAG_ERROR, "keeper", "cannot watch signals or find the program", NULL);
        return EXIT_RUNTIME;
    }
    if (begin(&k) == OK)
        start(&k);
    while (k.now.pid || k.old.pid || (k.start_at_ms && !k.is_ending))
        turn(&k);
    sockets_fini(&k.sockets);
    shared_page_close(k.page);
    close(k.signal_fd);
    return k.code;
}
