/* wiring: everything that one proxyd is made of, built in order and taken down in the reverse one.
 * main.c calls it and nobody else. Owner: caller's storage; wiring_fini works on a half-built one.
 * Threads: main. */
#ifndef PROXYD_MAIN_WIRING_H
#define PROXYD_MAIN_WIRING_H

#include "db/bootstrap.h"
#include "proxyd/main/control.h"
#include "proxyd/main/keeper.h"
#include "proxyd/main/reload.h"

struct wiring {
    const struct keeper_lot *lot;
    const struct bootstrap *boot; /* of the lot */
    struct clock clock;
    int64_t started_ms; /* monotonic */
    struct workers workers;
    struct sink_db sink;
    struct writer *writer;
    struct people people;
    struct source *source;
    struct reload reload;
    struct parent_watch *watch;
    struct control *control;
    struct flow_set *first_set; /* until the workers have it */
    struct ip *local;           /* addresses of this machine, for the guard */
    struct ip_port own[2 * BOOTSTRAP_MAX + 1];
    struct guard_net allowed[BOOTSTRAP_MAX];
    struct guard_net anywhere[2]; /* of the guard for parent proxies */
    struct ip_port resolvers[BOOTSTRAP_MAX];
    bool has_reload;
};

/* Each failure has told the operator what and where. After OK everything runs. */
enum err wiring_build(struct wiring *w, const struct keeper_lot *lot) MUST_CHECK;

/* Stops accepting, lets what runs finish, stores every record. OK, or ERR_TIMEOUT when something
 * was cut or records had to stay in the journal for the next start. */
enum err wiring_drain(struct wiring *w);
void wiring_fini(struct wiring *w);

#endif
