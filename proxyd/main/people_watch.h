/* people_watch: tells the operator, one line each, when a server of the directory goes away and
 * when it is back. Owner: caller's storage, zeroed at first. Threads: main's own, once a second. */
#ifndef PROXYD_MAIN_PEOPLE_WATCH_H
#define PROXYD_MAIN_PEOPLE_WATCH_H

#include "proxyd/identity/identity.h"

struct people_watch {
    struct {
        char url[256];
        bool is_down;
    } server[LDAP_SERVERS_MAX];
};

void people_watch_look(struct people_watch *w, struct identity *id);

#endif
