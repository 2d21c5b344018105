/* report: see report.h. Each kind is an array that doubles at powers of two; losing an entry for
 * want of memory is counted, so that a broken document can never pass as a good one. */
#include "base/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r)
{
    memset(r, 0, sizeof *r);
}

static void free_entries(struct report_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(e[i].pointer);
        free(e[i].code);
        free(e[i].message);
    }
    free(e);
}

void report_fini(struct report *r)
{
    free_entries(r->faults, r->n_faults);
    free_entries(r->warnings, r->n_warnings);
    memset(r, 0, sizeof *r);
}

bool report_has_faults(const struct report *r)
{
    return r->n_faults > 0 || r->n_dropped > 0;
}

/* Room for one more: grows when n is 0 or a power of two. NULL leaves everything as it was. */
static struct report_entry *grow(struct report_entry *e, size_t n)
{
    if (n != 0 && (n & (n - 1)) != 0)
        return e;
    return realloc(e, (n == 0 ? 1 : n * 2) * sizeof *e);
}

static char *format_text(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

static bool append(struct report_entry **list, size_t *n, struct report_entry e)
{
    struct report_entry *bigger = *n < REPORT_MAX ? grow(*list, *n) : NULL;
    if (bigger)
        *list = bigger;
    if (!bigger || !e.pointer || !e.code || !e.message) {
        free(e.pointer);
        free(e.code);
        free(e.message);
        return false;
    }
    (*list)[(*n)++] = e;
    return true;
}

void report_fault(struct report *r, const char *pointer, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct report_entry e = {strdup(pointer), strdup(code), format_text(format, args)};
    va_end(args);
    if (!append(&r->faults, &r->n_faults, e))
        r->n_dropped++;
}

void report_warning(struct report *r, const char *pointer, const char *code, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    struct report_entry e = {strdup(pointer), strdup(code), format_text(format, args)};
    va_end(args);
    append(&r->warnings, &r->n_warnings, e); /* a warning too many is no fault */
}
