/* verb_log: proxyctl log search. */
#ifndef ADMINUI_CTL_VERB_LOG_H
#define ADMINUI_CTL_VERB_LOG_H

struct ctl;

int verb_log_search(struct ctl *c);

#endif
