/* export: access records as CSV, NDJSON or Squid's format, oldest first, streamed. Each export is a
 * thread that reads the day files and waits while the reader is slow. live calls this.
 * Owner: exports_open/close; close after the server ended its streams. Limit: LIVE_EXPORTS. */
#ifndef ADMINUI_EXPORT_H
#define ADMINUI_EXPORT_H

#include "adminui/call.h"

struct exports;

enum err exports_open(struct app *app, struct exports **out) MUST_CHECK;
void exports_close(struct exports *x); /* waits for the threads; NULL is fine */
void exports_start(struct exports *x, struct call *c);

#endif
