/* overseer: the thread that does at its time what nobody has to ask for: publishes scheduled
 * changes, ends trials, watches what was published and takes it back when it blocks or fails much
 * more than before. Looks once a second; what it does is one transaction with its audit row each,
 * and proxyd is told afterwards. While adminui is down nothing happens: what is late at the next
 * start is published with a note, or waits for a person. It also gives spare memory back.
 * Owner: overseer_open/close. Threads: its own; overseer_look is for it and for tests. */
#ifndef ADMINUI_OVERSEER_H
#define ADMINUI_OVERSEER_H

#include "adminui/app.h"

struct desk;
struct overseer;

enum err overseer_open(struct app *app, struct overseer **out) MUST_CHECK;
void overseer_close(struct overseer *o); /* NULL is fine */

/* One look at everything, at the clock of the desk's app. True: proxyd has to be told. */
bool overseer_look(struct desk *d);

#endif
