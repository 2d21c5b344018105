/* paths: where the program's files are: in the state directory, and beside the program or installed
 * (the built dashboard). Threads: at start only. */
#ifndef ADMINUI_PATHS_H
#define ADMINUI_PATHS_H

#include "adminui/app.h"

/* Fills the paths of app. web: from the command line, may be NULL. */
enum err paths_init(struct app *app, const char *web) MUST_CHECK;
/* Makes the folder for uploads, empty. Writes a diag line on failure. */
enum err paths_prepare(struct app *app) MUST_CHECK;
void paths_fini(struct app *app);

#endif
