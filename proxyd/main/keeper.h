/* keeper: the first process of proxyd. It binds the ports, gives up its rights, and keeps one
 * process that serves: started again within milliseconds when it crashes or hangs, replaced without
 * a refused connection on SIGUSR2 (the program file and the bootstrap file are read anew). It
 * parses nothing that comes from the network. Signals: SIGTERM, SIGINT end (the serving process
 * drains first); SIGHUP is passed on; SIGUSR2 upgrades. Threads: one. */
#ifndef PROXYD_MAIN_KEEPER_H
#define PROXYD_MAIN_KEEPER_H

#include "proxyd/main/shared_page.h"
#include "proxyd/main/sockets.h"

/* What a serving process gets. */
struct keeper_lot {
    const struct bootstrap *boot;
    struct sockets *sockets; /* to be taken */
    struct shared_page *page;
    int keeper_fd;          /* lines for the service manager: "READY=1", "WATCHDOG=1" */
    unsigned first_journal; /* number of its first journal: two processes may serve for a while */
    bool takes_over;        /* the other one is still serving */
};

/* serve: the whole of the serving process; gives its exit code. config: path of the bootstrap file,
 * for the upgrade. Returns the exit code of proxyd. */
int keeper_run(const struct bootstrap *b, const char *config,
               int (*serve)(const struct keeper_lot *lot));

/* For --check during an upgrade: are the sockets that are handed on those of this file? True also
 * when there is no upgrade. */
bool keeper_check(const struct bootstrap *b);

#endif
