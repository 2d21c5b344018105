/* verb_replay: policy replay, what a policy would have done with past traffic. */
#ifndef ADMINUI_CTL_VERB_REPLAY_H
#define ADMINUI_CTL_VERB_REPLAY_H

struct ctl;

int verb_replay(struct ctl *c);

#endif
