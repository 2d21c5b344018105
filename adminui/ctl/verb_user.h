/* verb_user: proxyctl user ... */
#ifndef ADMINUI_CTL_VERB_USER_H
#define ADMINUI_CTL_VERB_USER_H

struct ctl;

int verb_user_list(struct ctl *c);
int verb_user_add(struct ctl *c);
int verb_user_passwd(struct ctl *c);
int verb_user_delete(struct ctl *c);
int verb_user_forget(struct ctl *c);

#endif
