/* exchange: one request on its way through libmicrohttpd: first call (guard, route, access), body,
 * worker, answer. Called by server only.
 * Owner: libmicrohttpd's per-request pointer; freed by exchange_completed.
 * Threads: the door's thread, and one worker while the connection is suspended. */
#ifndef ADMINUI_EXCHANGE_H
#define ADMINUI_EXCHANGE_H

#include <microhttpd.h>

#include "adminui/app.h"

#define EXCHANGE_HOSTS_MAX 96

struct door { /* one libmicrohttpd daemon */
    struct app *app;
    struct MHD_Daemon *daemon;
    int fd; /* listening socket, ours to close */
    bool is_local, is_tls;
    struct str hosts[EXCHANGE_HOSTS_MAX]; /* accepted Host values; none for the unix socket */
    size_t n_hosts;
    struct exchanges *all;
};

struct exchanges; /* every request under way, for the end */

enum err exchanges_open(struct exchanges **out) MUST_CHECK;
/* Ends all streams, and from now on new ones at once. */
void exchanges_stop(struct exchanges *x);
/* Waits until no connection is suspended. */
void exchanges_wait(struct exchanges *x);
void exchanges_close(struct exchanges *x); /* NULL is fine */

/* MHD_OPTION_URI_LOG_CALLBACK, the access handler, MHD_OPTION_NOTIFY_COMPLETED. */
void *exchange_started(void *door, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *door, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **context);
void exchange_completed(void *door, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code);

#endif
