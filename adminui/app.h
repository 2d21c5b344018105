/* app: what main builds once and every part of the program is handed. Nothing here changes after
 * start but through the parts' own locks.
 * Owner: main. Threads: the parts say so themselves. */
#ifndef ADMINUI_APP_H
#define ADMINUI_APP_H

#include <stdatomic.h>
#include <sys/types.h>

#include "adminui/router.h"
#include "base/clock.h"
#include "db/bootstrap.h"

struct access;
struct exports;
struct jobs;
struct live;
struct overseer;
struct policy_hold;
struct readings;
struct server;
struct subscriber;
struct workers;

struct app {
    const struct bootstrap *boot;
    struct clock clock;
    int64_t started_ms; /* monotonic */
    uid_t owner;        /* of the state directory: may use the unix socket */
    char *store_path;   /* policy.db */
    char *index_path;   /* categories.idx */
    char *events_dir;
    char *control_path; /* control.sock of proxyd */
    char *socket_path;  /* admin.sock */
    char *spool_dir;    /* uploads on their way in */
    char *web_dir;      /* built dashboard; may be missing */
    char node[256];     /* host name */
    const struct route *routes;
    struct access *access;
    struct readings *readings; /* who reads which records */
    struct workers *workers;
    struct policy_hold *policies; /* compiled snapshots for the tester */
    struct jobs *jobs;
    struct live *live;
    struct overseer *overseer;
    struct subscriber *subscriber;
    struct server *server;
    atomic_uint n_searches; /* under way, see api_log */
    atomic_bool has_spare;  /* much memory was freed: the overseer gives it back to the system */
};

#define APP_API "/api/v1"

#endif
