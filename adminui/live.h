/* live: the streams of access records: the tail (SSE) and the export. The tail is one thread that
 * looks for new records four times a second and hands each stream what fits its filter; an export
 * is a thread of its own that reads and waits for the reader. Both write into an outflow.
 * Owner: live_open/close; call live_close after the server ended its streams.
 * Limits: LIVE_TAILS and LIVE_EXPORTS at a time; a tail ends after an hour, its browser comes back.
 * Threads: live_tail and live_export from workers. */
#ifndef ADMINUI_LIVE_H
#define ADMINUI_LIVE_H

#include "adminui/call.h"

#define LIVE_TAILS        32
#define LIVE_EXPORTS      4
#define LIVE_POLL_MS      250
#define LIVE_HEARTBEAT_MS 15000
#define LIVE_LIFE_MS      ((int64_t)60 * 60 * 1000)

struct live;

enum err live_open(struct app *app, struct live **out) MUST_CHECK;
void live_close(struct live *l); /* NULL is fine */
unsigned live_tails(struct live *l);

void live_tail(struct call *c);   /* GET /log/stream */
void live_export(struct call *c); /* GET /log/export */

#endif
