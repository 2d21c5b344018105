/* mapfile: a file mapped read-only, whole. Rooms that only interpret bytes get them from here.
 * Owner: caller's storage; mapfile_close unmaps and works on a zeroed struct. The mapping stays
 * valid when the file is replaced by rename; it must never be truncated in place. */
#ifndef BASE_MAPFILE_H
#define BASE_MAPFILE_H

#include "base/str.h"

struct mapfile {
    void *p;
    size_t n;
};

/* ERR_NOT_FOUND, ERR_DENIED, ERR_IO; an empty file is ERR_CORRUPT. */
enum err mapfile_open(struct mapfile *m, const char *path) MUST_CHECK;
void mapfile_close(struct mapfile *m);

/* Writes bytes to path through a temporary file beside it, fsync and rename: readers see the old
 * file or the new one, never a part. mode as for open(2). ERR_FULL, ERR_DENIED, ERR_IO. */
enum err mapfile_replace(const char *path, struct str bytes, unsigned mode) MUST_CHECK;

#endif
