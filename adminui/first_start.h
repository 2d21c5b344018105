/* first_start: what adminui does to a state directory that is new: policy.db with its schema, the
 * starter policy as version 1, an administrator with a one-time password that is printed once.
 * On every start: brings the schema up to date. Called by main. */
#ifndef ADMINUI_FIRST_START_H
#define ADMINUI_FIRST_START_H

#include "adminui/app.h"

/* Writes diag lines for what goes wrong. */
enum err first_start(struct app *app) MUST_CHECK;

#endif
