/* job_convert: the job that reads an old configuration (room convert) out of an upload: one file,
 * or a tar or zip of several. Run on the jobs thread. */
#ifndef ADMINUI_JOB_CONVERT_H
#define ADMINUI_JOB_CONVERT_H

#include "adminui/job_work.h"

/* OK: *result is a Converted of openapi.json. order->category: "auto" or a kind of convert.h;
 * order->source: name of a lone file; order->dry_run: categories are only counted, not stored.
 * Nothing of the draft is touched: the document is in the result. why: one sentence. */
enum err job_convert(struct desk *d, const struct job_order *order, const struct job_pulse *pulse,
                     char why[STORE_WHY_BYTES], json_t **result) MUST_CHECK;

#endif
