/* fuzz_filter: log filters from a query string. Input: name, NUL, value, NUL, ... and a record
 * whose texts are the input. Building and matching must hold for any bytes. */
#include <string.h>

#include "base/must.h"
#include "db/event_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct event_filter f;
    struct str all = str_make(data, n), rest = all, name, value;
    const char *why;
    int64_t at;
    event_filter_init(&f);
    while (str_split(&rest, '\0', &name)) {
        if (!str_split(&rest, '\0', &value))
            value = str_make("", 0);
        why = NULL;
        enum err e = event_filter_add(&f, name, value, INT64_C(1767225600000), &why);
        must(e == OK || e == ERR_NOMEM || why);
        must(e == ERR_NOT_FOUND || event_filter_has(name));
    }
    must(f.n_terms <= EVENT_FILTER_TERMS);
    struct record r = {.time_ms = INT64_C(1767225600000),
                       .user = all,
                       .url = all,
                       .host = str_sub(all, 0, n / 2),
                       .categories = all,
                       .groups = all};
    (void)event_filter_fits(&f, &r);
    f.n_terms = 0;
    f.from_ms = 0;
    f.to_ms = INT64_MAX;
    must(event_filter_fits(&f, &r)); /* no filter: everything */
    if (event_filter_time(all, 0, &at) == OK)
        must(n >= 3);
    event_filter_fini(&f);
    return 0;
}
