/* busy: a connection over the limits is told so at once and recorded, without taking any of what is
 * short. Threads: one worker. */
#ifndef PROXYD_FLOW_BUSY_H
#define PROXYD_FLOW_BUSY_H

#include "proxyd/flow/admit.h"

struct worker;

/* word: why. Answers and reads away what has come; the descriptor is to be closed next. */
void busy_answer(struct worker *w, int fd, const struct ip_port *client, enum admit_word word);
/* The same, and takes fd. */
void busy_turn_away(struct worker *w, int take_fd, const struct ip_port *client,
                    enum admit_word word);

#endif
