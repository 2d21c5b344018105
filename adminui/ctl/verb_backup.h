/* verb_backup: proxyctl backup, restore. */
#ifndef ADMINUI_CTL_VERB_BACKUP_H
#define ADMINUI_CTL_VERB_BACKUP_H

struct ctl;

int verb_backup(struct ctl *c);
int verb_restore(struct ctl *c);

#endif
