/* list_line: one line of a list in a known format to entries, and the guess which format a line is
 * of. Called by list_formats alone; on its own for fuzzing. Pure. */
#ifndef DB_LIST_LINE_H
#define DB_LIST_LINE_H

#include "db/list_entry.h"
#include "db/list_formats.h"

struct list_line {
    const struct list_sink *sink;
    uint64_t number; /* of the line, 1 is the first */
    struct list_entry scratch;
};

/* line: without its newline; blanks and CR at the ends are taken off here. */
void list_line_read(struct list_line *l, enum list_format f, struct str line);

/* What one line looks like; LIST_AUTO: says nothing (empty, comment). */
enum list_format list_line_guess(struct str line);

#endif
