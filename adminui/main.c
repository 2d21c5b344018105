/* main: the adminui program: command line, state directory, first start, the parts in their order,
 * and the wait for a signal. Exit codes: 0 fine, 1 bad configuration or usage, 2 runtime failure.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adminui/access.h"
#include "adminui/first_start.h"
#include "adminui/jobs.h"
#include "adminui/live.h"
#include "adminui/overseer.h"
#include "adminui/paths.h"
#include "adminui/policy_hold.h"
#include "adminui/reading.h"
#include "adminui/routes.h"
#include "adminui/server.h"
#include "adminui/subscriber.h"
#include "adminui/workers.h"
#include "base/diag.h"
#include "base/privs.h"

#define WORKERS 8

struct options {
    const char *config, *web;
    bool is_check;
};

static void usage(FILE *to)
{
    fputs("usage: adminui --config FILE [--check] [--web DIR]\n"
          "       adminui --version | --help\n"
          "  --config FILE  the bootstrap file, the same that proxyd is started with\n"
          "  --check        read it, report every fault with its line, and end\n"
          "  --web DIR      the built dashboard (default: beside the program)\n",
          to);
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"web", required_argument, NULL, 'w'},
        {"check", no_argument, NULL, 'k'},        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:w:kvh", longs, NULL)) != -1) {
        switch (c) {
        case 'c': o->config = optarg; break;
        case 'w': o->web = optarg; break;
        case 'k': o->is_check = true; break;
        case 'v': puts("adminui " PROXYD_VERSION); return 0;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 1;
        }
    }
    if (optind == argc && o->config)
        return -1;
    usage(stderr);
    return 1;
}

static bool read_config(const struct options *o, struct bootstrap *b)
{
    struct bootstrap_report r;
    char line[16];
    enum err e = bootstrap_load(o->config, &r, b);
    for (size_t i = 0; i < r.n_faults; i++) {
        snprintf(line, sizeof line, "%d", r.faults[i].line);
        diag(DIAG_ERROR, "config", r.faults[i].message, "file", o->config, "line", line, NULL);
    }
    if (e == ERR_NOMEM)
        diag(DIAG_ERROR, "config", "out of memory", NULL);
    bootstrap_report_fini(&r);
    return e == OK;
}

/* All signals we end by are taken by the main thread alone. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static enum err drop_rights(const struct bootstrap *b)
{
    enum err e = privs_drop(b->user.p);
    if (e == ERR_NOT_FOUND) {
        diag(DIAG_WARN, "main", "no such user, staying root", "user", b->user.p, NULL);
        return OK;
    }
    if (e != OK)
        diag(DIAG_ERROR, "main", "rights cannot be dropped", "user", b->user.p, "why", err_name(e),
             NULL);
    return e;
}

static enum err prepare(struct app *app)
{
    struct stat st;
    const char *dir = app->boot->state_dir.p;
    privs_raise_nofile();
    enum err e = privs_state_dir(dir, app->boot->user.p);
    if (e != OK) {
        diag(DIAG_ERROR, "main", "the state directory cannot be used", "dir", dir, "why",
             err_name(e), NULL);
        return e;
    }
    e = drop_rights(app->boot);
    if (e == OK && stat(dir, &st) == 0)
        app->owner = st.st_uid;
    privs_harden();
    return e == OK ? paths_prepare(app) : e;
}

static enum err start(struct app *app)
{
    enum err e = prepare(app);
    if (e == OK)
        e = first_start(app);
    if (e == OK)
        e = policy_hold_open(app, &app->policies);
    if (e == OK)
        e = access_open(app, &app->access);
    if (e == OK)
        e = readings_open(&app->readings);
    if (e == OK)
        e = workers_open(app, WORKERS, &app->workers);
    if (e == OK)
        e = jobs_open(app, &app->jobs);
    if (e == OK)
        e = live_open(app, &app->live);
    if (e == OK)
        e = overseer_open(app, &app->overseer);
    if (e == OK)
        e = subscriber_open(app, &app->subscriber);
    if (e == OK)
        e = server_open(app, &app->server);
    return e;
}

static void stop(struct app *app)
{
    server_close(app->server); /* ends streams and waits for running calls */
    live_close(app->live);
    overseer_close(app->overseer);
    subscriber_close(app->subscriber); /* gives orders to the jobs */
    jobs_close(app->jobs);
    workers_close(app->workers);
    access_close(app->access);
    readings_close(app->readings);
    policy_hold_close(app->policies);
}

static void announce(const struct app *app)
{
    char url[160];
    snprintf(url, sizeof url, "%s://%s", app->boot->admin_tls ? "https" : "http",
             app->boot->admin_listen.text.p);
    diag(DIAG_INFO, "main", "the dashboard is up", "url", url, "socket", app->socket_path, NULL);
}

static int run(struct app *app)
{
    sigset_t set;
    int sig = 0;
    block_signals(&set);
    json_object_seed(0);
    enum err e = start(app);
    if (e == OK) {
        announce(app);
        do {
            sigwait(&set, &sig); /* SIGHUP: nothing is kept here that a reload would change */
        } while (sig == SIGHUP);
    }
    stop(app);
    return e == OK ? 0 : 2;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct bootstrap boot = {0};
    struct app app = {.boot = &boot, .routes = routes_table};
    int code = read_options(argc, argv, &o);
    if (code >= 0)
        return code;
    if (!read_config(&o, &boot))
        return 1;
    if (o.is_check) {
        bootstrap_fini(&boot);
        return 0;
    }
    (void)mallopt(M_ARENA_MAX, 2); /* else each thread keeps a heap of what it once needed */
    clock_init_real(&app.clock);
    app.started_ms = clock_mono_ms(&app.clock);
    code = paths_init(&app, o.web) == OK ? run(&app) : 2;
    paths_fini(&app);
    bootstrap_fini(&boot);
    return code;
}
