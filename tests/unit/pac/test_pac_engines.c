/* The emitted file and pac_decide say the same: random settings, real host names and odd ones, on
 * every JavaScript engine at hand (duk, mujs, node; pactester of libpacparser as the oldest
 * client). An engine that is not installed is skipped, but one at least must be there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pac/pac_decide.h"
#include "pac/pac_js.h"
#include "pac/pac_parse.h"

enum { ROUNDS = 12, N_HOSTS = 400 };

struct random {
    uint64_t state;
};

static uint32_t next(struct random *r, uint32_t below)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (uint32_t)(r->state >> 16) % below;
}

static const char *const odd_hosts[] = {"localhost",
                                        "intranet",
                                        "WWW.Example.COM",
                                        "www.example.com.",
                                        ".",
                                        "..",
                                        "a..b",
                                        "__proto__",
                                        "constructor",
                                        "x.constructor",
                                        "toString.example",
                                        "hasOwnProperty",
                                        "10.1.2.3",
                                        "10.0.0.0",
                                        "10.255.255.255",
                                        "11.0.0.0",
                                        "192.168.1.1",
                                        "256.1.1.1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "01.2.3.4",
                                        "1.2.3.04",
                                        "0.0.0.0",
                                        "255.255.255.255",
                                        "::1",
                                        "::",
                                        "2001:db8::1",
                                        "2001:db8:0:0:0:0:0:1",
                                        "2001:DB8::FFFF",
                                        "fe80::1%eth0",
                                        "::ffff:10.1.2.3",
                                        "::ffff:a01:203",
                                        "1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7::",
                                        "1::2::3",
                                        "1:2:3:4:5:6:7:8:9",
                                        "12345::",
                                        ":::",
                                        "::1.2.3.256",
                                        "[::1]",
                                        "fc00::1",
                                        "deep.er.www.example.com",
                                        "notexample.com",
                                        "example.com.evil.test",
                                        "xn--bcher-kva.example",
                                        "a_b.example",
                                        "-.example"};

static char *hosts[N_HOSTS];
static unsigned long seen[PAC_WHY_DEFAULT + 1]; /* how often each reason decided */

static void load_hosts(void)
{
    size_t n = 0;
    for (; n < sizeof odd_hosts / sizeof *odd_hosts; n++)
        hosts[n] = strdup(odd_hosts[n]);
    FILE *f = popen("zstd -dc --long=27 ../shared/data/popular-domains.txt.zst 2>/dev/null | awk "
                    "'NR % 2500 == 7'",
                    "r");
    char line[300];
    while (f && n < N_HOSTS && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = 0;
        if (line[0] &&
            strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
                strlen(line))
            hosts[n++] = strdup(line);
    }
    if (f)
        pclose(f);
    for (; n < N_HOSTS; n++) {
        snprintf(line, sizeof line, "%c%zu.site%zu.%s", (char)('a' + n % 26), n, n % 37,
                 n % 3 ? "com" : "co.uk");
        hosts[n] = strdup(line);
    }
}

static void add_names(struct random *r, struct buf *b, size_t n, const char *prefix)
{
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        const char *h = hosts[next(r, N_HOSTS)];
        const char *dot = next(r, 2) ? strchr(h, '.') : NULL;
        struct str s = str_of(dot && dot[1] ? dot + 1 : h);
        /* Each route has its own names, so that no fault arises: the first letter decides. */
        if (s.n < 2 || !((s.p[0] >= 'a' && s.p[0] <= 'z') || s.p[0] == 'x') ||
            str_find_str(s, STR("..")) != STR_NPOS || str_find(s, ':') != STR_NPOS ||
            s.p[s.n - 1] == '.' || !strchr(prefix, s.p[0]))
            continue;
        buf_addf(b, "%s\"%.*s\"", first ? "" : ",", STR_ARG(s));
        first = false;
    }
}

static void add_nets(struct random *r, struct buf *b, unsigned odd)
{
    bool first = true;
    for (size_t i = 0, n = next(r, 12); i < n; i++) {
        unsigned bits = 9 + next(r, 23);
        uint32_t ip = next(r, 2) ? 10u << 24 | next(r, 1u << 24) : next(r, 0xffffffffu);
        ip &= 0xffffffffu << (32 - bits);
        if (((bits ^ odd) & 1) != 0) /* odd lengths to one route, even ones to the other */
            continue;
        buf_addf(b, "%s\"%u.%u.%u.%u/%u\"", first ? "" : ",", ip >> 24, ip >> 16 & 255,
                 ip >> 8 & 255, ip & 255, bits);
        first = false;
    }
    if (odd)
        buf_addf(b, "%s\"2001:db8::/32\",\"::1/128\"", first ? "" : ",");
    else
        buf_addf(b, "%s\"2001:db8::/64\",\"fc00::/7\",\"::/0\",\"192.0.2.0/24\",\"10.200.0.0/16\"",
                 first ? "" : ",");
}

static void add_proxies(struct random *r, struct buf *b, const char *name)
{
    static const char *const types[] = {"http", "https", "socks5", "socks4"};
    size_t n = 1 + next(r, 7);
    buf_add_z(b, "\"proxies\":[");
    for (size_t i = 0; i < n; i++) {
        if (next(r, 6) == 0)
            buf_addf(b, "%s{\"host\":null}", i ? "," : "");
        else
            buf_addf(b, "%s{\"type\":\"%s\",\"host\":\"%s%zu.example\",\"port\":%u,\"weight\":%u}",
                     i ? "," : "", types[next(r, 4)], name, i, 1 + next(r, 65535), 1 + next(r, 8));
    }
    buf_addf(b, "],\"sharing\":\"%s\",\"fallback\":\"%s\"", next(r, 2) ? "by-host" : "failover",
             next(r, 2) ? "direct" : "none");
}

static struct pac_model *random_model(struct random *r, bool may_resolve)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_addf(&b, "{\"profiles\":[{\"name\":\"p\",\"plain_names_direct\":%s,\"resolve_names\":%s,",
             next(r, 2) ? "true" : "false", may_resolve ? "true" : "false");
    add_proxies(r, &b, "main");
    buf_add_z(&b, ",\"direct\":{\"domains\":[");
    add_names(r, &b, next(r, 200), "abcdefghij");
    buf_add_z(&b, "],\"exact\":[");
    add_names(r, &b, next(r, 50), "klmnopq");
    buf_add_z(&b, "],\"networks\":[");
    add_nets(r, &b, 0);
    buf_addf(&b, "],\"schemes\":[%s],\"ports\":[%s]}", next(r, 2) ? "\"ftp\",\"WS\"" : "",
             next(r, 2) ? "8080,81" : "");
    buf_add_z(&b, ",\"routes\":[{\"name\":\"other\",");
    add_proxies(r, &b, "other");
    buf_add_z(&b, ",\"domains\":[");
    add_names(r, &b, next(r, 200), "klmnopq");
    buf_add_z(&b, "],\"exact\":[");
    add_names(r, &b, next(r, 50), "abcdefghijrstuvwxyz");
    buf_add_z(&b, "],\"networks\":[");
    add_nets(r, &b, 1);
    buf_add_z(&b, "]}]}]}");
    struct report rep;
    struct pac_model *m = NULL;
    if (pac_parse(buf_str(&b), &rep, &m) != OK)
        fail_msg("%s at %s in %.*s", rep.n_faults ? rep.faults[0].code : "?",
                 rep.n_faults ? rep.faults[0].pointer : "?", STR_ARG(buf_str(&b)));
    report_fini(&rep);
    buf_fini(&b);
    return m;
}

static const char *resolved_of(size_t i)
{
    static const char *const answers[] = {"10.1.2.3", "192.0.2.7", NULL, "10.200.0.1"};
    return answers[i % 4];
}

static void url_of(size_t i, char *out, size_t n)
{
    static const char *const forms[] = {
        "http://%s%s%s/",         "https://%s%s%s:8080/x?y:81/",
        "HTTP://u:p@%s%s%s:81?q", "ftp://%s%s%s/",
        "ws://%s%s%s:00080/",     "https://%s%s%s:99999999999999999999999/",
        "other:%s%s%s",           "http://%s%s%s#:81"};
    bool is_v6 = strchr(hosts[i], ':') && hosts[i][0] != '[';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, n, forms[i * 7 % 8], is_v6 ? "[" : "", hosts[i], is_v6 ? "]" : "");
#pragma GCC diagnostic pop
}

static void write_script(const char *path, const struct pac_input *in)
{
    struct buf b;
    buf_init(&b, 4 << 20);
    assert_int_equal(pac_emit(in, &b), OK);
    for (size_t i = 0; i < b.n; i++)
        assert_true(b.p[i] == '\n' || (b.p[i] >= 0x20 && b.p[i] < 0x7f));
    buf_add_z(&b, "var qs = [");
    for (size_t i = 0; i < N_HOSTS; i++) {
        char url[600];
        url_of(i, url, sizeof url);
        buf_add_z(&b, i ? ",\n[" : "[");
        pac_js_string(&b, str_of(url));
        buf_add_c(&b, ',');
        pac_js_string(&b, str_of(hosts[i]));
        buf_add_c(&b, ',');
        pac_js_string(&b, str_of(resolved_of(i) ? resolved_of(i) : ""));
        buf_add_c(&b, ']');
    }
    buf_add_z(&b,
              "];\nvar at, say = typeof print === \"function\" ? print : console.log;\n"
              "function dnsResolve(h) { return qs[at][2] || null; }\n"
              "for (at = 0; at < qs.length; at++) say(FindProxyForURL(qs[at][0], qs[at][1]));\n");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(b.p, 1, b.n, f), b.n);
    fclose(f);
    buf_fini(&b);
}

static void ask_c(const struct pac_input *in, size_t i, struct buf *out)
{
    char url[600];
    struct ip ip;
    url_of(i, url, sizeof url);
    bool has = resolved_of(i) && ip_parse(str_of(resolved_of(i)), &ip) == OK;
    struct pac_query q = {str_of(url), str_of(hosts[i]), has ? &ip : NULL};
    struct pac_answer a;
    buf_clear(out);
    assert_int_equal(pac_decide(in, &q, out, &a), OK);
    seen[a.why]++;
    assert_true(a.route < in->model->profiles[in->profile].n_routes);
}

static void compare(const char *command, const struct pac_input *in)
{
    FILE *f = popen(command, "r");
    assert_non_null(f);
    struct buf want;
    buf_init(&want, 65536);
    char line[4096];
    for (size_t i = 0; i < N_HOSTS; i++) {
        if (!fgets(line, sizeof line, f))
            fail_msg("%s ends at host %zu", command, i);
        line[strcspn(line, "\n")] = 0;
        ask_c(in, i, &want);
        buf_add_c(&want, 0);
        if (strcmp(line, want.p) != 0)
            fail_msg("%s, host %s: engine \"%s\", C \"%s\"", command, hosts[i], line, want.p);
    }
    assert_null(fgets(line, sizeof line, f));
    assert_int_equal(pclose(f), 0);
    buf_fini(&want);
}

static void test_engines(void **state)
{
    (void)state;
    static const char *const engines[] = {"duk", "mujs", "node"};
    char dir[] = "/tmp/proxyd-pac-XXXXXX", path[64], command[128];
    size_t n_engines = 0;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/test.js", dir);
    load_hosts();
    for (size_t e = 0; e < 3; e++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", engines[e]);
        if (system(command) != 0)
            continue;
        n_engines++;
        struct random r = {88172645463325252u};
        for (int round = 0; round < ROUNDS; round++) {
            struct pac_model *m = random_model(&r, round % 3 == 0);
            struct pac_input in = {m, 0, 7, {STR("2001:db8::5"), 3128}};
            write_script(path, &in);
            snprintf(command, sizeof command, "%s %s", engines[e], path);
            compare(command, &in);
            pac_model_unref(m);
        }
    }
    for (size_t i = 0; i < N_HOSTS; i++)
        free(hosts[i]);
    unlink(path);
    rmdir(dir);
    if (n_engines == 0)
        skip();
    for (int w = 0; w <= PAC_WHY_DEFAULT; w++) {
        if (seen[w] == 0)
            fail_msg("no host was decided by %s", pac_decide_why_name((enum pac_why)w));
        print_message("%s %lu\n", pac_decide_why_name((enum pac_why)w), seen[w]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_engines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
