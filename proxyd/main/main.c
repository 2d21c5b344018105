/* main: the command line, the bootstrap file, and the serving process's signals. Exit codes: 0
 * fine, 1 bad configuration or usage, 2 runtime failure. keeper.c keeps a serving process;
 * everything that runs in it is built in wiring.c. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/diag.h"
#include "proxyd/main/keeper.h"
#include "proxyd/main/options.h"
#include "proxyd/main/people_watch.h"
#include "proxyd/main/pulse.h"
#include "proxyd/main/wiring.h"

enum { EXIT_FINE = 0, EXIT_USAGE = 1, EXIT_RUNTIME = 2 };

static void tell_faults(const char *path, const struct bootstrap_report *r)
{
    for (size_t i = 0; i < r->n_faults; i++) {
        char line[16];
        snprintf(line, sizeof line, "%d", r->faults[i].line);
        diag(DIAG_ERROR, "config", r->faults[i].message, "file", path, "line", line, NULL);
    }
}

/* Blocked in every thread; read through a descriptor by this one. */
static int signals_open(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* To the service manager, by way of the keeper. */
static void say(const struct wiring *w, const char *line)
{
    ssize_t n = write(w->lot->keeper_fd, line, strlen(line));
    (void)n; /* the end of the keeper is ours by the kernel's hand */
}

static void reload_on_request(struct wiring *w)
{
    struct reload_versions now;
    json_t *problems = json_array();
    say(w, "RELOADING=1\n");
    enum err e = reload_now(&w->reload, problems, &now);
    json_decref(problems);
    diag(e == OK ? DIAG_INFO : DIAG_WARN, "main",
         e == OK ? "reloaded" : "reload failed, what ran before goes on", "why", err_name(e), NULL);
    say(w, "READY=1\n");
}

/* Until SIGTERM or SIGINT. Once a second it is looked whether something new is stored, so that a
 * proxy started before adminui, or one that missed a message, comes to it by itself. */
static void watch(struct wiring *w, int signal_fd)
{
    struct people_watch people = {0};
    for (;;) {
        struct pollfd p = {.fd = signal_fd, .events = POLLIN};
        int n = poll(&p, 1, 1000);
        struct signalfd_siginfo info;
        if (n == 0) {
            reload_if_changed(&w->reload);
            people_watch_look(&people, people_identity(&w->people));
        }
        if (n <= 0 || read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
            continue;
        if (info.ssi_signo != SIGHUP)
            return;
        reload_on_request(w);
    }
}

static int serve(const struct keeper_lot *lot)
{
    static struct wiring w; /* large; main's own, handed down by address */
    int signal_fd = signals_open();
    if (signal_fd < 0) {
        diag(DIAG_ERROR, "main", "cannot watch signals", "why", strerror(errno), NULL);
        return EXIT_RUNTIME;
    }
    int code = EXIT_RUNTIME;
    struct pulse *pulse = NULL;
    if (wiring_build(&w, lot) == OK &&
        pulse_start(&w.workers, lot->keeper_fd, lot->boot->watchdog_s * 500, &pulse) == OK) {
        diag(DIAG_INFO, "main", "ready", "listen", lot->boot->listen[0].text.p, "version",
             PROXYD_VERSION, NULL);
        say(&w, "READY=1\n");
        watch(&w, signal_fd);
        diag(DIAG_INFO, "main", "draining", NULL);
        pulse_stop(pulse);
        wiring_drain(&w);
        diag(DIAG_INFO, "main", "ended", NULL);
        code = EXIT_FINE;
    }
    wiring_fini(&w);
    close(signal_fd);
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    const char *fault;
    if (!options_parse(argc, argv, &o, &fault)) {
        fprintf(stderr, "error: main: bad usage what=\"%s\"\n%s", fault, options_usage);
        return EXIT_USAGE;
    }
    if (o.job == OPTIONS_VERSION || o.job == OPTIONS_HELP) {
        fputs(o.job == OPTIONS_VERSION ? "proxyd " PROXYD_VERSION "\n" : options_usage, stdout);
        return EXIT_FINE;
    }
    struct bootstrap b;
    struct bootstrap_report report;
    enum err e = bootstrap_load(o.config, &report, &b);
    tell_faults(o.config, &report);
    bootstrap_report_fini(&report);
    if (e != OK)
        return EXIT_USAGE;
    int code = EXIT_FINE;
    if (o.job == OPTIONS_RUN)
        code = keeper_run(&b, o.config, serve);
    else if (keeper_check(&b))
        printf("%s: fine\n", o.config);
    else
        code = EXIT_USAGE;
    bootstrap_fini(&b);
    return code;
}
