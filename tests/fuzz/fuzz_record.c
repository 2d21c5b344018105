/* fuzz_record: bytes as a journal entry, and the same bytes as the texts of a record that is
 * written out: a line stays a line, JSON stays JSON. */
#include <jansson.h>
#include <string.h>

#include "base/must.h"
#include "db/event_url.h"
#include "db/record_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t count(const struct buf *b, char c)
{
    size_t k = 0;
    for (size_t i = 0; i < b->n; i++)
        k += b->p[i] == c;
    return k;
}

static void write_out(const struct record *r)
{
    struct buf b;
    buf_init(&b, (size_t)64 << 20);
    record_format_json(r, &b);
    must(!b.failed && count(&b, '\n') == 0);
    json_t *j = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    must(j || r->bytes_in > INT64_MAX || r->bytes_out > INT64_MAX || r->id > INT64_MAX ||
         r->policy_version > INT64_MAX);
    json_decref(j);
    buf_clear(&b);
    record_format_csv(r, &b);
    must(!b.failed && count(&b, '\n') == 1 && b.p[b.n - 1] == '\n' && count(&b, '"') % 2 == 0);
    buf_clear(&b);
    record_format_squid(r, &b);
    must(!b.failed && count(&b, '\n') == 1 && b.p[b.n - 1] == '\n');
    buf_fini(&b);
}

static void through_url(const struct record *r)
{
    struct buf scratch, out;
    buf_init(&scratch, (size_t)1 << 20);
    buf_init(&out, (size_t)1 << 20);
    event_url_restore(r, event_url_short(r, &scratch), &out);
    must(str_eq(buf_str(&out), r->url));
    buf_fini(&scratch);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct record r;
    struct str all = str_make(data, n);
    if (record_decode(all, &r) == OK) {
        write_out(&r);
        through_url(&r);
    }
    struct str half = str_sub(all, 0, n / 2);
    r = (struct record){.user = all,
                        .url = all,
                        .host = half,
                        .scheme = str_sub(all, n / 2, n),
                        .groups = all,
                        .categories = half,
                        .upstream = all,
                        .content_type = all,
                        .user_agent = all};
    write_out(&r);
    through_url(&r);
    return 0;
}
