/* busy: a connection over the limits is told so at once and recorded, without taking any of what is
 * short. Threads: one worker. */
#ifndef PROXYD_FLOW_BUSY_H
#define PROXYD_FLOW_BUSY_H

#include "proxyd/flow/admit.h"

struct worker;

/* Takes fd. word: why. */
void busy_turn_away(struct worker *w, int take_fd, const struct ip_port *client,
                    enum admit_word word);

#endif
