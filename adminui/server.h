/* server: the two front doors, TLS on the address of the bootstrap file and admin.sock, both by
 * libmicrohttpd with one epoll thread each. Requests pass guard, router and access on the first
 * call; handlers run on workers while the connection is suspended.
 * Owner: server_open/close. Threads: server_close from main only.
 * Limit: SERVER_CONNECTIONS a door, 60 s idle, 64 KiB of head. */
#ifndef ADMINUI_SERVER_H
#define ADMINUI_SERVER_H

#include "adminui/app.h"

#define SERVER_CONNECTIONS 512

struct server;

/* Writes a diag line for what cannot be opened. ERR_REFUSED: address in use or not ours. */
enum err server_open(struct app *app, struct server **out) MUST_CHECK;
/* No new connections; streams end, running handlers are waited for. NULL is fine. */
void server_close(struct server *s);

#endif
