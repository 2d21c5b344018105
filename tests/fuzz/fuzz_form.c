/* fuzz_form: bodies of forms and queries: decoding never grows, never gives a NUL; the words of
 * safe search are in a query exactly once, whatever it was. */
#include <string.h>

#include "base/must.h"
#include "policies/safe_search.h"
#include "proxyd/wire/form_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_value(struct str fields, struct str name)
{
    struct arena a;
    struct str value;
    arena_init(&a, 4096, 16 << 20);
    if (form_text_value(fields, name, &a, &value) == OK)
        must(value.n <= fields.n && str_find(value, '\0') == STR_NPOS);
    arena_fini(&a);
}

static unsigned count(struct str query, struct str name)
{
    struct str part;
    unsigned n = 0;
    while (str_split(&query, '&', &part))
        n += str_eq_nocase(str_sub(part, 0, str_find(part, '=')), name);
    return n;
}

static void check_query(struct str path_query)
{
    struct buf b;
    buf_init(&b, path_query.n + 100);
    safe_search_rewrite(path_query, STR("safe=active&ssui=on"), &b);
    must(!b.failed);
    struct str s = buf_str(&b), query = str_sub(s, str_find(s, '?') + 1, s.n);
    must(str_ends(s, STR("safe=active&ssui=on")));
    must(count(query, STR("safe")) == 1 && count(query, STR("ssui")) == 1);
    must(str_starts(path_query, str_sub(s, 0, str_find(s, '?'))));
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = str_make(data, n);
    check_value(s, STR("reason"));
    check_value(s, STR(""));
    check_query(s);
    return 0;
}
