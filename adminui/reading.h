/* reading: who reads records of people leaves a row in the audit trail: searches, single records,
 * exports, the live tail, reports by person. Pages, and the same question asked again within
 * READING_AGAIN_MS, are one reading. Called by transact.
 * Owner: readings_open/close. Threads: any; a lock inside. Limit: READING_KEPT questions are
 * remembered; one that was pushed out is written down again. */
#ifndef ADMINUI_READING_H
#define ADMINUI_READING_H

#include "adminui/call.h"

#define READING_AGAIN_MS ((int64_t)10 * 60 * 1000)
#define READING_KEPT     128

struct readings;

enum err readings_open(struct readings **out) MUST_CHECK;
void readings_close(struct readings *r); /* NULL is fine */

/* Is this reading to be written down? Then the call's audit object is what was asked for. */
bool reading_is_new(struct readings *r, struct call *c);

#endif
