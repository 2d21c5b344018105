/* verb_system: proxyctl status, pac, report, limits. */
#ifndef ADMINUI_CTL_VERB_SYSTEM_H
#define ADMINUI_CTL_VERB_SYSTEM_H

struct ctl;

int verb_system_status(struct ctl *c);
int verb_system_pac_show(struct ctl *c);
int verb_system_pac_test(struct ctl *c);
int verb_system_report(struct ctl *c);
int verb_system_limits(struct ctl *c);
int verb_system_upstreams(struct ctl *c);
int verb_system_privacy_show(struct ctl *c);
int verb_system_privacy_test(struct ctl *c); /* 2: the promise is broken */

#endif
