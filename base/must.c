/* must: the one place where the process stops itself. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "fatal: must: broken invariant where=%s:%d what=\"%s\"\n", file, line, what);
    abort();
}
