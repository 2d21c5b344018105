/* verbs: what may be asked over the control socket: reload, status, forget-user, directory-test.
 * The handlers get struct wiring as their context and run on the connection's thread. */
#ifndef PROXYD_MAIN_VERBS_H
#define PROXYD_MAIN_VERBS_H

#include "proxyd/main/control.h"

extern const struct control_verb verbs_table[];

#endif
