/* api_convert: the upload goes to a job; what it gives is shown first and saved by the client. */
#include "adminui/api_convert.h"

#include "adminui/job_start.h"
#include "adminui/problem.h"
#include "convert/convert.h"

void api_convert_post(struct call *c)
{
    enum convert_kind kind;
    struct str from = call_query(c, "from", STR("auto"));
    struct str categories = call_query(c, "categories", STR("count"));
    struct job_order order = {.kind = JOB_CONVERT,
                              .category = from,
                              .source = call_query(c, "name", (struct str){0}),
                              .dry_run = !str_eq(categories, STR("store")),
                              .take_upload = c->upload};
    if (!convert_kind_from_name(from, &kind)) {
        problem_reply_fault(c, "/from", "unknown-kind",
                            "It comes from squid, squidguard or e2guardian; auto finds out.");
        return;
    }
    if (order.dry_run && !str_eq(categories, STR("count"))) {
        problem_reply_fault(c, "/categories", "bad-value", "categories is count or store.");
        return;
    }
    call_audit(
        c, from, NULL,
        json_pack("{s:I,s:b}", "bytes", (json_int_t)c->upload_bytes, "store", (int)!order.dry_run));
    job_start(c, &order);
}
