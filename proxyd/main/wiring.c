/* wiring: build order: listeners, guard, records, people, policy, workers, control. */
#include "proxyd/main/wiring.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/secret.h"
#include "db/event_rows.h"
#include "proxyd/flow/hops.h"
#include "proxyd/flow/ledger.h"
#include "proxyd/flow/recent.h"
#include "proxyd/flow/verify.h"
#include "proxyd/main/parent_watch.h"
#include "proxyd/main/verbs.h"

#define STOP_LOG_MS   10000
#define BUSY_TRIES    60
#define BUSY_PAUSE_NS 50000000

static enum err tell(enum err e, const char *message, const char *what, const char *why)
{
    if (e != OK)
        diag(DIAG_ERROR, "main", message, "what", what, "why", why ? why : err_name(e), NULL);
    return e;
}

static enum err path_in(const struct wiring *w, const char *name, char *out, size_t n)
{
    int k = snprintf(out, n, "%s/%s", w->boot->state_dir.p, name);
    return k > 0 && (size_t)k < n ? OK : ERR_LIMIT;
}

/* The addresses of this machine: a listener on a wildcard is reached by each of them. */
static enum err find_local(struct wiring *w)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return OK; /* then only what is written in the file is known to be ours */
    size_t n = 0, cap = 0;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        cap++;
    w->local = calloc(cap ? cap : 1, sizeof *w->local);
    for (const struct ifaddrs *i = all; w->local && i; i = i->ifa_next) {
        struct ip_port at;
        if (i->ifa_addr && ip_port_from_sockaddr(i->ifa_addr, &at) == OK)
            w->local[n++] = at.ip;
    }
    freeifaddrs(all);
    w->workers.shared.guard.local = w->local;
    w->workers.shared.guard.n_local = n;
    return w->local ? OK : ERR_NOMEM;
}

static void fill_guard(struct wiring *w)
{
    const struct bootstrap *b = w->boot;
    struct guard *g = &w->workers.shared.guard;
    size_t n = 0;
    for (size_t i = 0; i < w->workers.shared.n_listeners; i++)
        w->own[n++] = w->workers.listeners[i].at;
    w->own[n++] = b->admin_listen.at;
    g->own = w->own;
    g->n_own = n;
    for (size_t i = 0; i < b->n_allow_private; i++)
        w->allowed[i] = (struct guard_net){b->allow_private[i].net, b->allow_private[i].port};
    g->allowed = w->allowed;
    g->n_allowed = b->n_allow_private;
    /* the administrator names parents: they may be anywhere, but not this proxy */
    w->anywhere[0].net = (struct cidr){.bits = 0};
    w->workers.shared.parent_guard = *g;
    w->workers.shared.parent_guard.allowed = w->anywhere;
    w->workers.shared.parent_guard.n_allowed = 1;
    for (size_t i = 0; i < b->n_resolvers; i++)
        w->resolvers[i] = b->resolvers[i].at;
    w->workers.shared.resolve =
        (struct resolve_config){.servers = w->resolvers, .n_servers = b->n_resolvers};
}

static void log_changed(void *ctx, enum err now, const char *why)
{
    (void)ctx;
    if (now == OK)
        diag(DIAG_INFO, "log", "records are being stored again", NULL);
    else
        diag(DIAG_ERROR, "log", "records cannot be stored and wait in the journal", "why", why,
             NULL);
}

/* The kernel ends the processes of a keeper that was killed, but not before a new one starts. */
static enum err open_writer(const struct writer_options *o, char why[240], struct writer **out)
{
    enum err e = writer_open(o, why, out);
    for (int i = 0; e == ERR_BUSY && i < BUSY_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BUSY_PAUSE_NS}, NULL);
        e = writer_open(o, why, out);
    }
    return e;
}

/* Ids go on from the highest one anywhere; while another process still gives them, they are only
 * raised. */
static void raise_last_id(struct wiring *w, uint64_t stored)
{
    _Atomic uint64_t *last = &w->lot->page->last_id;
    uint64_t waiting = writer_last_id(w->writer), now = atomic_load(last);
    uint64_t found = stored > waiting ? stored : waiting;
    if (!w->lot->takes_over)
        atomic_store(last, found); /* what a crashed process had in hand leaves no gap */
    while (w->lot->takes_over && now < found && !atomic_compare_exchange_weak(last, &now, found))
        continue;
    w->workers.shared.last_id = last;
}

static enum err build_log(struct wiring *w)
{
    char dir[4096], why[240] = "";
    uint64_t stored = 0;
    enum err e = path_in(w, "events", dir, sizeof dir);
    if (e == OK)
        e = tell(sink_db_open(&w->sink, dir, &w->clock), "cannot open the records", dir, NULL);
    if (e != OK)
        return e;
    struct writer_options o = {.dir = dir,
                               .n_journals = w->workers.n,
                               .first_journal = w->lot->first_journal,
                               .sink = sink_db_sink(&w->sink),
                               .changed = log_changed};
    e = tell(open_writer(&o, why, &w->writer), "cannot open the journal", dir, why);
    if (e != OK)
        return e;
    if (event_rows_last_id(w->sink.events, &stored) != OK)
        diag(DIAG_WARN, "log", "cannot read the last record's number", "why",
             event_rows_why(w->sink.events), NULL);
    raise_last_id(w, stored);
    if (writer_recover(w->writer) != OK)
        diag(DIAG_WARN, "log", "records of the last run wait in the journal", NULL);
    return tell(writer_start(w->writer), "cannot start the log thread", dir, NULL);
}

static enum err build_policy(struct wiring *w)
{
    enum err e = source_open(w->boot->state_dir.p, &w->source);
    if (e == OK)
        e = people_init(&w->people, &w->clock);
    w->reload = (struct reload){.source = w->source,
                                .workers = &w->workers,
                                .sink = &w->sink,
                                .people = &w->people,
                                .clock = &w->clock};
    if (e == OK)
        e = reload_init(&w->reload);
    w->has_reload = e == OK;
    if (e == OK)
        e = reload_first(&w->reload, &w->first_set);
    w->workers.shared.identity = people_identity(&w->people);
    return tell(e, "cannot prepare the policy", w->boot->state_dir.p, NULL);
}

/* Without a file (a full disk) everything works and is forgotten at the end. */
static enum err build_ledger(struct wiring *w)
{
    char path[4096];
    struct ledger_info info;
    struct worker_shared *s = &w->workers.shared;
    int64_t now_ms = clock_wall_ms(&w->clock);
    enum err e = path_in(w, "ledger", path, sizeof path);
    if (e == OK)
        e = ledger_open(path, LEDGER_SLOTS, now_ms, &s->ledger);
    for (int i = 0; e == ERR_BUSY && i < BUSY_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = BUSY_PAUSE_NS}, NULL);
        e = ledger_open(path, LEDGER_SLOTS, now_ms, &s->ledger);
    }
    if (e != OK) {
        diag(DIAG_WARN, "main", "quotas and accepted pages are kept in memory only", "what", path,
             "why", err_name(e), NULL);
        return ledger_open(NULL, LEDGER_SLOTS, now_ms, &s->ledger);
    }
    ledger_info(s->ledger, now_ms, &info);
    if (info.was_replaced)
        diag(DIAG_WARN, "main", "not a ledger: put aside as .bad, counting begins anew", "what",
             path, NULL);
    if (info.n_damaged)
        diag(DIAG_WARN, "main", "some accounts of quotas were damaged and begin anew", "what", path,
             NULL);
    return OK;
}

static enum err build_shared(struct wiring *w)
{
    struct worker_shared *s = &w->workers.shared;
    s->clock = &w->clock;
    s->recent = recent_new();
    probe_init(&s->probe);
    enum err e = s->recent ? secret_random(s->token_key, sizeof s->token_key) : ERR_NOMEM;
    if (e == OK)
        e = build_ledger(w);
    if (e == OK)
        e = verify_start(&s->verify);
    if (e == OK)
        e = limits_new(&s->limits);
    if (e == OK)
        e = hops_new(&s->hops);
    return e;
}

static enum err build_workers(struct wiring *w)
{
    enum err e = build_shared(w);
    if (e == OK)
        e = workers_start(&w->workers, w->writer, w->first_set);
    flow_set_unref(w->first_set); /* it is theirs, and reload's until the next one */
    w->first_set = NULL;
    return tell(e, "cannot start the workers", "threads", NULL);
}

static enum err build_watch(struct wiring *w)
{
    struct worker_shared *s = &w->workers.shared;
    struct parent_watch_parts parts = {&w->clock, &s->parent_guard, &s->resolve};
    enum err e = parent_watch_start(&parts, &w->watch);
    struct flow_set *set = reload_set(&w->reload);
    if (e == OK)
        e = parent_watch_set(w->watch, set);
    flow_set_unref(set);
    w->reload.watch = w->watch;
    return tell(e, "cannot start the watch of parent proxies", "thread", NULL);
}

static enum err build_control(struct wiring *w)
{
    char path[4096];
    enum err e = path_in(w, "control.sock", path, sizeof path);
    if (e == OK)
        e = control_start(path, w->lot->takes_over, verbs_table, w, &w->control);
    return tell(e, "cannot listen on the control socket", path,
                e == ERR_EXISTS ? "another proxyd runs on this state directory" : NULL);
}

#define FD_PART  64 /* this part of the descriptors is kept from new clients, within bounds */
#define FD_LEAST 16
#define FD_MOST  256

/* The table of the process is as large as it will be: see base/privs.h. */
static void bound_descriptors(struct wiring *w)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur > INT32_MAX)
        return;
    int all = (int)l.rlim_cur, kept = all / FD_PART;
    kept = kept < FD_LEAST ? FD_LEAST : kept > FD_MOST ? FD_MOST : kept;
    w->workers.shared.last_fd = all > 2 * kept ? all - kept : 0;
}

#define MEMORY_PART 4

/* The first line of a file behind a prefix, without its end. False: there is none such. */
static bool read_line(const char *path, const char *prefix, char *out, size_t n)
{
    char line[1024];
    bool is_found = false;
    FILE *f = fopen(path, "re");
    while (f && !is_found && fgets(line, sizeof line, f)) {
        struct str s = str_trim(str_of(line));
        is_found = str_starts(s, str_of(prefix)) && s.n - strlen(prefix) < n;
        if (is_found)
            snprintf(out, n, "%.*s", (int)(s.n - strlen(prefix)), s.p + strlen(prefix));
    }
    if (f)
        fclose(f);
    return is_found;
}

/* What the machine has, or our control group may have. */
static void bound_memory(struct wiring *w)
{
    char group[512], path[600], text[32];
    uint64_t most = 0;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    if (!read_line("/proc/self/cgroup", "0::", group, sizeof group))
        group[0] = 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
    if (read_line(path, "", text, sizeof text) && /* "max": no number */
        str_to_u64(str_of(text), UINT64_MAX, &most) == OK && most && (most < all || all == 0))
        all = most;
    w->workers.shared.memory_bytes = all / MEMORY_PART;
}

enum err wiring_build(struct wiring *w, const struct keeper_lot *lot)
{
    *w = (struct wiring){.lot = lot, .boot = lot->boot};
    clock_init_real(&w->clock);
    w->started_ms = clock_mono_ms(&w->clock);
    enum err e = workers_init(&w->workers, lot->boot, lot->sockets);
    if (e == OK)
        e = find_local(w);
    if (e != OK)
        return e;
    fill_guard(w);
    bound_descriptors(w);
    bound_memory(w);
    e = build_log(w);
    if (e == OK)
        e = build_policy(w);
    if (e == OK)
        e = build_workers(w);
    if (e == OK)
        e = build_watch(w);
    return e == OK ? build_control(w) : e;
}

enum err wiring_drain(struct wiring *w)
{
    control_stop(w->control);
    w->control = NULL;
    enum err cut = workers_drain(&w->workers);
    enum err kept = w->writer ? writer_stop(w->writer, STOP_LOG_MS) : OK;
    if (cut == ERR_TIMEOUT)
        diag(DIAG_WARN, "main", "some connections were cut at the end of the drain time", NULL);
    if (kept != OK)
        diag(DIAG_WARN, "log", "some records wait in the journal for the next start", NULL);
    return cut != OK ? cut : kept;
}

void wiring_fini(struct wiring *w)
{
    control_stop(w->control);
    parent_watch_stop(w->watch);
    if (w->workers.n_running)
        workers_drain(&w->workers);
    people_stop(&w->people); /* its threads post into the workers' mailboxes */
    verify_stop(w->workers.shared.verify);
    workers_fini(&w->workers);
    limits_free(w->workers.shared.limits);
    hops_free(w->workers.shared.hops);
    probe_fini(&w->workers.shared.probe);
    ledger_close(w->workers.shared.ledger);
    recent_free(w->workers.shared.recent);
    flow_set_unref(w->first_set);
    people_fini(&w->people);
    if (w->has_reload)
        reload_fini(&w->reload);
    source_close(w->source);
    writer_close(w->writer);
    sink_db_close(&w->sink);
    free(w->local);
}
