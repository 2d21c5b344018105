/* shared_page: the little that two serving processes must share while one takes over from the
 * other: the last record id given. A page of memory that the keeper makes and every process it
 * starts has mapped. Owner: shared_page_close. Threads and processes: atomics only. */
#ifndef PROXYD_MAIN_SHARED_PAGE_H
#define PROXYD_MAIN_SHARED_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

struct shared_page {
    _Atomic uint64_t last_id; /* of records; raised to the highest one stored at each start */
};

/* A new page, or (fd >= 0) the one behind an inherited descriptor. *fd is its descriptor.
 * ERR_NOMEM, ERR_INVALID. */
enum err shared_page_open(int *fd, struct shared_page **out) MUST_CHECK;
void shared_page_close(struct shared_page *p);

#endif
