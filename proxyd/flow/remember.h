/* remember: who may go on to which host after a warning, for a while. Each worker has its own copy;
 * a click is told to all of them through their mailboxes, so no request takes a lock.
 * Owner: caller's storage. Threads: one worker. Limit: REMEMBER_MAX; the oldest go first. */
#ifndef PROXYD_FLOW_REMEMBER_H
#define PROXYD_FLOW_REMEMBER_H

#include "base/list.h"
#include "base/map.h"

#define REMEMBER_MAX 16384

struct remember {
    struct map by_key;
    struct list by_age; /* oldest first */
};

void remember_init(struct remember *m);
void remember_fini(struct remember *m);
/* key: who and host, as remember_key writes it. Best effort: out of memory forgets. */
void remember_put(struct remember *m, struct str key, int64_t until_ms);
bool remember_has(struct remember *m, struct str key, int64_t now_ms);

/* "who\nhost" into out. */
#define REMEMBER_KEY_MAX 640
struct str remember_key(struct str who, struct str host, char out[REMEMBER_KEY_MAX]);

#endif
