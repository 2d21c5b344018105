/* index_build: categories.idx from all lists in the store, and categories.idx.local from what was
 * entered by hand: the latter takes milliseconds, so that one entry is live at once. Each is
 * written beside, synced and renamed. Beside each stands a .json with the stamp of the content it
 * was built from and its figures, so that a start after a crash sees at once whether it is what the
 * store says. Threads: the main one on the jobs thread, the local one anywhere (a file lock puts
 * builders one behind the other). */
#ifndef ADMINUI_INDEX_BUILD_H
#define ADMINUI_INDEX_BUILD_H

#include <jansson.h>

#include "adminui/desk.h"
#include "adminui/job_work.h"

/* why: one sentence on errors. ERR_CLOSED: cancelled. */
enum err index_build_main(struct desk *d, const struct job_pulse *pulse,
                          char why[STORE_WHY_BYTES]) MUST_CHECK;
enum err index_build_local(struct desk *d, char why[STORE_WHY_BYTES]) MUST_CHECK;
bool index_build_local_is_current(struct desk *d);

/* {stamp, entries, categories, built_at}; which: "" or INDEX_FILE_LOCAL. NULL: none. */
json_t *index_build_figures(const struct app *app, const char *which);

#endif
