/* fuzz_url: URLs and authorities; the normal form is a fixed point and holds clean bytes only. */
#include "base/must.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_normal(const struct url *u)
{
    struct arena a;
    struct str once, twice;
    struct url again;
    arena_init(&a, 4096, 16 << 20);
    must(url_normal(u, &a, &once) == OK);
    for (size_t i = 0; i < once.n; i++)
        must(once.p[i] > ' ' && once.p[i] < 0x7f);
    must(url_parse(once, &again) == OK);
    must(url_normal(&again, &a, &twice) == OK);
    must(str_eq(once, twice));
    must(str_find_str(again.path_query, STR("/./")) == STR_NPOS ||
         str_find_str(again.path_query, STR("/./")) > str_find(again.path_query, '?'));
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = str_make(data, n);
    struct url u;
    struct host h;
    uint16_t port;
    if (url_parse(s, &u) == OK) {
        must(u.port != 0 && u.path_query.n > 0);
        check_normal(&u);
    }
    if (url_parse_authority(s, &h, &port) == OK)
        must(port != 0 && h.n > 0);
    if (url_parse_host_field(s, &h, &port) == OK)
        must(h.n > 0);
    return 0;
}
