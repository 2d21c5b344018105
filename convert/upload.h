/* upload: the files of a configuration to be read, by the names they had. A configuration names
 * other files by paths of the machine it came from; they are found by the longest common end of
 * both paths. Owner: the caller owns names and bytes; they are only looked at. Threads: values. */
#ifndef CONVERT_UPLOAD_H
#define CONVERT_UPLOAD_H

#include "base/str.h"

struct upload_file {
    struct str name; /* as in the archive; a lone file has the name it was sent with */
    struct str bytes;
};

struct upload {
    const struct upload_file *v;
    size_t n;
};

/* The file that a configuration calls `path`: at least the last part of the path is the same; of
 * several the one with the most parts in common. NULL: none. */
const struct upload_file *upload_find(const struct upload *u, struct str path);

/* Part after the last '/'. */
struct str upload_base(struct str path);

/* One line without its end ("\n", "\r\n") off *rest, counted from 1. False at the end. */
struct upload_cursor {
    struct str rest;
    unsigned line;
};
bool upload_line(struct upload_cursor *c, struct str *line);

/* Next word between spaces and tabs off *rest; false when there is none. */
bool upload_word(struct str *rest, struct str *word);

#endif
