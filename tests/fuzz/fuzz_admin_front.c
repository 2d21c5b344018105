/* fuzz_admin_front: what stands before every handler of adminui: guard, router, query and JSON
 * reading, on lines "METHOD TARGET VERSION", fields, an empty line and a body; and the bootstrap
 * file, when the first byte is '['. */
#include <string.h>

#include "adminui/app.h"
#include "adminui/call.h"
#include "adminui/guard.h"
#include "adminui/routes.h"
#include "base/must.h"

#define FIELDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_bootstrap(struct str s)
{
    struct bootstrap_report r;
    struct bootstrap b;
    enum err e = bootstrap_parse(s, &r, &b);
    must((e == ERR_INVALID) == (r.n_faults > 0));
    if (e == OK) {
        must(b.n_listen > 0 && b.state_dir.n > 0);
        bootstrap_fini(&b);
    }
    bootstrap_report_fini(&r);
}

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* What guard let through has one meaning: no slash can hide in a segment, no dot segment is left.
 */
static void check_admitted(const struct guard_input *in)
{
    struct arena a;
    struct router_match m;
    struct query q;
    struct str query = in->uri, path = {0};
    arena_init(&a, 4096, 1u << 20);
    str_split(&query, '?', &path);
    must(str_find_str(path, STR("/../")) == STR_NPOS && str_find_str(path, STR("//")) == STR_NPOS);
    if (router_find(routes_table, in->method, path, &a, &m) == OK && m.route) {
        must(is_clean(m.params[0]) && is_clean(m.params[1]));
        must(str_find(m.params[0], '/') == STR_NPOS && str_find(m.params[0], '\\') == STR_NPOS);
    }
    buf_fini(&m.allow);
    if (query_parse(query, &a, &q) == OK)
        for (size_t i = 0; i < q.n; i++)
            must(is_clean(q.pairs[i].name) && is_clean(q.pairs[i].value));
    arena_fini(&a);
}

static void check_json(struct str body)
{
    static struct app app;
    struct call c;
    call_init(&c, &app);
    buf_add(&c.body, body);
    bool good = call_parse_json(&c);
    must(good == (c.reply.status == 0));
    call_fini(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct str hosts[] = {{"localhost:8443", 14}};
    struct guard_field fields[FIELDS_MAX];
    struct guard_verdict v;
    struct str rest = str_make(data, n), line, word[3] = {{0}};
    if (n && data[0] == '[') {
        check_bootstrap(rest);
        return 0;
    }
    str_split(&rest, '\n', &line);
    for (int i = 0; i < 3; i++)
        str_split(&line, ' ', &word[i]);
    struct guard_input in = {.method = word[0],
                             .uri = word[1],
                             .version = word[2],
                             .fields = fields,
                             .hosts = hosts,
                             .n_hosts = 1};
    while (in.n_fields < FIELDS_MAX && str_split(&rest, '\n', &line) && line.n) {
        struct str value = line;
        str_split(&value, ':', &fields[in.n_fields].name);
        fields[in.n_fields++].value = str_trim(value);
    }
    guard_check(&in, &v);
    must(v.status == 0 || (v.slug && v.detail));
    if (!v.status)
        check_admitted(&in);
    check_json(rest);
    return 0;
}
