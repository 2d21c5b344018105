/* api_backup: the whole configuration as one file to take away, and back. What such a file holds
 * and what a restore leaves alone: db/backup.h, db/restore.h. */
#ifndef ADMINUI_API_BACKUP_H
#define ADMINUI_API_BACKUP_H

#include "adminui/call.h"

void api_backup_get(struct call *c);
void api_backup_restore(struct call *c);

#endif
