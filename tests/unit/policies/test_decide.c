/* The engine on small documents: every key, three-valued answers, order, unless, shadow, expiry. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/compile.h"
#include "policies/decide.h"
#include "policies/explain.h"

static struct snapshot *compile(const char *document)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = str_of(document), .version = 7, .index = NULL};
    enum err e = policy_compile(&in, &report, &s);
    for (size_t i = 0; i < report.n_faults; i++)
        print_message("%s %s %s\n", report.faults[i].pointer, report.faults[i].code,
                      report.faults[i].message);
    report_fini(&report);
    assert_int_equal(e, OK);
    return s;
}

struct want_row {
    const char *why, *rule, *request, *want; /* "allow", "block", ... */
};

static const struct want_row keys[] = {
    {"no conditions", "{}", "{\"url\":\"http://a.test/\"}", "block"},
    {"user", "{\"users\":[\"Bob\"]}", "{\"url\":\"http://a.test/\",\"user\":\"bob\"}", "block"},
    {"user in other case", "{\"users\":[\"bob\"]}", "{\"url\":\"http://a.test/\",\"user\":\"BOB\"}",
     "block"},
    {"other user", "{\"users\":[\"bob\"]}", "{\"url\":\"http://a.test/\",\"user\":\"eve\"}",
     "allow"},
    {"anybody logged in", "{\"users\":[\"*\"]}", "{\"url\":\"http://a.test/\",\"user\":\"eve\"}",
     "block"},
    {"nobody is not anybody", "{\"users\":[\"*\"]}", "{\"url\":\"http://a.test/\"}", "allow"},
    {"group", "{\"groups\":[\"staff\"]}",
     "{\"url\":\"http://a.test/\",\"user\":\"b\",\"groups\":[\"x\",\"Staff\"]}", "block"},
    {"no group", "{\"groups\":[\"staff\"]}",
     "{\"url\":\"http://a.test/\",\"user\":\"b\",\"groups\":[\"x\"]}", "allow"},
    {"network", "{\"networks\":[\"10.0.0.0/8\",\"192.0.2.0/24\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"10.9.8.7\"}", "block"},
    {"network, outside", "{\"networks\":[\"10.0.0.0/8\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"11.0.0.1\"}", "allow"},
    {"network v6", "{\"networks\":[\"2001:db8::/32\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"2001:db8:1::9\"}", "block"},
    {"one address", "{\"networks\":[\"10.0.0.1\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"10.0.0.1\"}", "block"},
    {"everything v4", "{\"networks\":[\"0.0.0.0/0\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"203.0.113.1\"}", "block"},
    {"v4 is not in a v6 network", "{\"networks\":[\"2000::/3\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"203.0.113.1\"}", "allow"},
    {"listener", "{\"listeners\":[\"127.0.0.1:3128\"]}",
     "{\"url\":\"http://a.test/\",\"listener\":\"127.0.0.1:3128\"}", "block"},
    {"schedule, inside", "{\"schedules\":[\"work\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-11-23T09:00:00Z\"}", "block"},
    {"schedule, outside", "{\"schedules\":[\"work\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-11-23T18:00:00Z\"}", "allow"},
    {"schedule, summer time", "{\"schedules\":[\"work\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-07-06T06:30:00Z\"}", "block"},
    {"schedule, winter time", "{\"schedules\":[\"work\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-01-05T06:30:00Z\"}", "allow"},
    {"schedule, weekend", "{\"schedules\":[\"work\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-11-22T09:00:00Z\"}", "allow"},
    {"schedule over midnight", "{\"schedules\":[\"night\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-11-28T01:00:00Z\"}", "block"},
    {"schedule over midnight, next day's night", "{\"schedules\":[\"night\"]}",
     "{\"url\":\"http://a.test/\",\"time\":\"2026-11-28T23:00:00Z\"}", "allow"},
    {"scheme", "{\"schemes\":[\"https\"]}", "{\"url\":\"https://a.test/\"}", "block"},
    {"scheme, tunnel", "{\"schemes\":[\"connect\"]}", "{\"url\":\"a.test:443\"}", "block"},
    {"scheme, a tunnel is https", "{\"schemes\":[\"https\"]}", "{\"url\":\"a.test:443\"}", "block"},
    {"scheme, other", "{\"schemes\":[\"https\"]}", "{\"url\":\"http://a.test/\"}", "allow"},
    {"method", "{\"methods\":[\"post\"]}", "{\"url\":\"http://a.test/\",\"method\":\"POST\"}",
     "block"},
    {"port", "{\"ports\":[8080]}", "{\"url\":\"http://a.test:8080/\"}", "block"},
    {"port range", "{\"ports\":[\"1-79\",\"8000-8999\"]}", "{\"url\":\"http://a.test:8999/\"}",
     "block"},
    {"port, outside", "{\"ports\":[\"1-79\",\"8000-8999\"]}", "{\"url\":\"http://a.test:9000/\"}",
     "allow"},
    {"port 65535", "{\"ports\":[\"9000-65535\"]}", "{\"url\":\"http://a.test:65535/\"}", "block"},
    {"host itself", "{\"hosts\":[\"a.test\"]}", "{\"url\":\"http://A.TEST./\"}", "block"},
    {"host below", "{\"hosts\":[\"*.a.test\"]}", "{\"url\":\"http://x.y.a.test/\"}", "block"},
    {"host look-alike", "{\"hosts\":[\"a.test\"]}", "{\"url\":\"http://ba.test/\"}", "allow"},
    {"host address", "{\"hosts\":[\"192.0.2.7\"]}", "{\"url\":\"http://192.0.2.7/\"}", "block"},
    {"host top level", "{\"hosts\":[\"test\"]}", "{\"url\":\"http://a.test/\"}", "block"},
    {"pattern", "{\"url_patterns\":[\"^https?://[^/]+/casino/\"]}",
     "{\"url\":\"http://a.test/Casino/x\"}", "block"},
    {"pattern, normal form", "{\"url_patterns\":[\"/casino/\"]}",
     "{\"url\":\"http://a.test/x/../%63asino/\"}", "block"},
    {"pattern, no", "{\"url_patterns\":[\"/casino/\"]}", "{\"url\":\"http://a.test/casin0/\"}",
     "allow"},
    {"pattern with look-behind", "{\"url_patterns\":[\"(?<!not)bad\\\\.\"]}",
     "{\"url\":\"http://notbad.test/\"}", "allow"},
    {"pattern, tunnel sees the host", "{\"url_patterns\":[\"^https://a\\\\.test/\"]}",
     "{\"url\":\"a.test:443\"}", "block"},
    {"list of domains", "{\"lists\":[\"names\"]}", "{\"url\":\"http://www.listed.test/\"}",
     "block"},
    {"list of patterns", "{\"lists\":[\"pats\"]}", "{\"url\":\"http://a.test/list7\"}", "block"},
    {"list of networks", "{\"lists\":[\"nets\"]}",
     "{\"url\":\"http://a.test/\",\"client\":\"10.1.1.1\"}", "block"},
    {"any of several lists", "{\"lists\":[\"names\",\"pats\"]}",
     "{\"url\":\"http://a.test/list7\"}", "block"},
    {"no list", "{\"lists\":[\"names\",\"pats\",\"nets\"]}", "{\"url\":\"http://a.test/\"}",
     "allow"},
    {"content type", "{\"content_types\":[\"video/*\"]}",
     "{\"url\":\"http://a.test/\",\"content_type\":\"video/mp4\"}", "block"},
    {"content type, exact", "{\"content_types\":[\"text/html\"]}",
     "{\"url\":\"http://a.test/\",\"content_type\":\"text/plain\"}", "allow"},
    {"extension", "{\"extensions\":[\".EXE\"]}",
     "{\"url\":\"http://a.test/dir.d/setup.exe?x=1.txt\"}", "block"},
    {"extension, none", "{\"extensions\":[\"exe\"]}", "{\"url\":\"http://a.exe/\"}", "allow"},
    {"agent", "{\"user_agents\":[\"curl\"]}",
     "{\"url\":\"http://a.test/\",\"user_agent\":\"CURL/7.88\"}", "block"},
    {"agent glob", "{\"user_agents\":[\"win*firefox/1*\"]}",
     "{\"url\":\"http://a.test/\",\"user_agent\":\"Mozilla (Windows) Firefox/115\"}", "block"},
    {"agent is no pattern", "{\"user_agents\":[\"c.rl\"]}",
     "{\"url\":\"http://a.test/\",\"user_agent\":\"curl\"}", "allow"},
    {"min bytes", "{\"min_bytes\":1000}", "{\"url\":\"http://a.test/\",\"size_bytes\":1000}",
     "block"},
    {"min bytes, below", "{\"min_bytes\":1000}", "{\"url\":\"http://a.test/\",\"size_bytes\":999}",
     "allow"},
    {"max bytes, size not told", "{\"max_bytes\":1000}", "{\"url\":\"http://a.test/\"}", "allow"},
    {"two keys, both", "{\"users\":[\"bob\"],\"hosts\":[\"a.test\"]}",
     "{\"url\":\"http://a.test/\",\"user\":\"bob\"}", "block"},
    {"two keys, one", "{\"users\":[\"bob\"],\"hosts\":[\"a.test\"]}",
     "{\"url\":\"http://b.test/\",\"user\":\"bob\"}", "allow"},
};

static const char document_format[] =
    "{\"schedules\":[{\"name\":\"work\",\"zone\":\"Europe/"
    "Paris\",\"windows\":[{\"days\":[\"mon\",\"fri\"],"
    "\"from\":\"08:00\",\"to\":\"18:00\"}]},{\"name\":\"night\",\"zone\":\"UTC\",\"windows\":[{"
    "\"days\":[\"fri\"],"
    "\"from\":\"22:00\",\"to\":\"06:00\"}]}],"
    "\"lists\":[{\"name\":\"names\",\"kind\":\"domains\",\"entries\":[\"listed.test\"]},"
    "{\"name\":\"pats\",\"kind\":\"url_patterns\",\"entries\":[\"/list[0-9]\"]},"
    "{\"name\":\"nets\",\"kind\":\"networks\",\"entries\":[\"10.0.0.0/8\"]}],"
    "\"rules\":[{\"id\":\"r1\",\"%s\":%s,%s\"action\":\"block\"}]}";

static struct snapshot *compile_one(const char *side, const char *conditions, const char *more)
{
    char *text = NULL;
    assert_true(asprintf(&text, document_format, side, conditions, more) > 0);
    struct snapshot *s = compile(text);
    free(text);
    return s;
}

static void expect(struct snapshot *s, const char *request, const char *want, const char *why)
{
    struct report report;
    report_init(&report);
    json_t *r = json_loads(request, JSON_REJECT_DUPLICATES, NULL), *out = NULL;
    assert_non_null(r);
    enum err e = explain_request(s, r, INT64_C(1795427000000), &report, &out);
    if (report.n_faults)
        print_message("%s: %s\n", why, report.faults[0].message);
    assert_int_equal(e, OK);
    const char *got = json_string_value(json_object_get(out, "action"));
    if (strcmp(got, want) != 0)
        print_message("%s: %s wants %s, got %s\n", why, request, want, got);
    assert_string_equal(got, want);
    /* the naive trace agrees with the bit sets */
    const json_t *first = json_array_get(json_object_get(out, "trace"), 0);
    const char *fit = json_string_value(json_object_get(first, "fit"));
    if (json_is_true(json_object_get(first, "enabled")) &&
        !json_is_true(json_object_get(first, "shadow")))
        assert_string_equal(fit, strcmp(want, "block") == 0 ? "yes" : "no");
    report_fini(&report);
    json_decref(out);
    json_decref(r);
}

static void every_key_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct snapshot *s = compile_one("when", keys[i].rule, "");
        expect(s, keys[i].request, keys[i].want, keys[i].why);
        snapshot_unref(s);
    }
}

static void every_key_exempts(void **state)
{
    (void)state;
    for (size_t i = 1; i < sizeof keys / sizeof keys[0] - 2; i++) { /* one key only */
        struct snapshot *s = compile_one("unless", keys[i].rule, "");
        expect(s, keys[i].request, strcmp(keys[i].want, "block") == 0 ? "allow" : "block",
               keys[i].why);
        snapshot_unref(s);
    }
}

static void switches(void **state)
{
    (void)state;
    struct snapshot *s = compile_one("when", "{}", "\"enabled\":false,");
    expect(s, "{\"url\":\"http://a.test/\"}", "allow", "disabled");
    snapshot_unref(s);
    s = compile_one("when", "{}", "\"shadow\":true,");
    expect(s, "{\"url\":\"http://a.test/\"}", "allow", "shadow");
    snapshot_unref(s);
    s = compile_one("when", "{}", "\"expires_at\":\"2026-11-24T00:00:00Z\",");
    expect(s, "{\"url\":\"http://a.test/\",\"time\":\"2026-11-23T23:59:59Z\"}", "block",
           "not yet expired");
    expect(s, "{\"url\":\"http://a.test/\",\"time\":\"2026-11-24T00:00:00Z\"}", "allow", "expired");
    expect(s, "{\"url\":\"http://a.test/\",\"time\":\"2026-11-23T00:00:00Z\"}", "block",
           "time may go back");
    snapshot_unref(s);
}

/* What is asked for when a stage is not known yet. */
static void asks_for_the_cheapest_stage(void **state)
{
    (void)state;
    static const struct {
        const char *why, *rules;
        unsigned known; /* beside connect and target */
        bool is_final;
        const char *want; /* action or stage */
    } rows[] = {
        {"host alone needs no name",
         "[{\"id\":\"a\",\"when\":{\"hosts\":[\"x.test\"]},\"action\":\"block\"}]", 0, true,
         "block"},
        {"user needs one", "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"}]",
         0, false, "identity"},
        {"user on another host does not",
         "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"],\"hosts\":[\"y.test\"]},\"action\":"
         "\"block\"}]",
         0, true, "allow"},
        {"an exempt user matters",
         "[{\"id\":\"a\",\"when\":{\"hosts\":[\"x.test\"]},\"unless\":{\"users\":[\"bob\"]},"
         "\"action\":\"block\"}]",
         0, false, "identity"},
        {"exempt by host, no name",
         "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"]},\"unless\":{\"hosts\":[\"x.test\"]},"
         "\"action\":\"block\"}]",
         0, true, "allow"},
        {"an earlier rule settles it",
         "[{\"id\":\"a\",\"when\":{\"hosts\":[\"x.test\"]},\"action\":\"allow\"},{\"id\":\"b\","
         "\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"}]",
         0, true, "allow"},
        {"what follows does the same: no name needed",
         "[{\"id\":\"b\",\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"},{\"id\":\"a\","
         "\"when\":{\"hosts\":[\"x.test\"]},\"action\":\"block\"}]",
         0, true, "block"},
        {"nothing that does otherwise overtakes an unknown",
         "[{\"id\":\"b\",\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"},{\"id\":\"a\","
         "\"when\":{\"hosts\":[\"x.test\"]},\"action\":\"allow\"}]",
         0, false, "identity"},
        {"what follows blocks with another word: a name is needed",
         "[{\"id\":\"b\",\"when\":{\"users\":[\"bob\"]},\"action\":\"block\",\"message\":\"m\"},"
         "{\"id\":\"a\",\"when\":{\"hosts\":[\"x.test\"]},\"action\":\"block\"}]",
         0, false, "identity"},
        {"allowed either way, whatever its message",
         "[{\"id\":\"b\",\"when\":{\"groups\":[\"it\"]},\"action\":\"allow\",\"message\":\"m\"}]",
         0, true, "allow"},
        {"allowed either way, but logged in another way",
         "[{\"id\":\"b\",\"when\":{\"groups\":[\"it\"]},\"action\":\"allow\",\"log\":\"none\"}]", 0,
         false, "identity"},
        {"allowed either way, but one would be opened",
         "[{\"id\":\"b\",\"when\":{\"groups\":[\"it\"]},\"action\":\"allow\",\"tls\":\"inspect\"}]",
         0, false, "identity"},
        {"allowed either way, but one has a quota",
         "[{\"id\":\"b\",\"when\":{\"groups\":[\"it\"]},\"action\":\"allow\",\"quota\":{\"minutes_"
         "per_"
         "day\":5}}]",
         0, false, "identity"},
        {"a warning is remembered a rule: a name is needed",
         "[{\"id\":\"b\",\"when\":{\"groups\":[\"it\"]},\"action\":\"warn\"},{\"id\":\"a\","
         "\"when\":{"
         "\"hosts\":[\"x.test\"]},\"action\":\"warn\"}]",
         0, false, "identity"},
        {"two unknown ones that do the same, then one that does otherwise",
         "[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"x\"]},\"action\":\"block\"},{\"id\":\"b\","
         "\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"},{\"id\":\"c\",\"when\":{\"hosts\":["
         "\"x.test\"]},\"action\":\"allow\"}]",
         0, false, "url"},
        {"what differs is on trial only",
         "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"]},\"action\":\"allow\"},{\"id\":\"b\","
         "\"shadow\":true,\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"}]",
         0, true, "allow"},
        {"what differs has lapsed",
         "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"]},\"action\":\"allow\"},{\"id\":\"b\","
         "\"expires_at\":\"1970-01-01T00:00:01Z\",\"when\":{\"users\":[\"bob\"]},\"action\":"
         "\"block\"}]",
         0, true, "allow"},
        {"the address before the answer",
         "[{\"id\":\"a\",\"when\":{\"server_networks\":[\"10.0.0.0/8\"],\"content_types\":[\"text/"
         "html\"]},\"action\":\"block\"}]",
         FACTS_BIT(FACTS_URL) | FACTS_BIT(FACTS_IDENTITY), false, "address"},
        {"a name before the address",
         "[{\"id\":\"a\",\"when\":{\"server_networks\":[\"10.0.0.0/"
         "8\"],\"groups\":[\"it\"]},\"action\":"
         "\"block\"}]",
         FACTS_BIT(FACTS_URL), false, "identity"},
        {"exempt by port, nothing is asked",
         "[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"x\"],\"groups\":[\"it\"]},\"unless\":{"
         "\"ports\":["
         "\"80\"]},\"action\":\"block\"}]",
         0, true, "allow"},
        {"another listener, nothing is asked",
         "[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"],\"listeners\":[\"other\"]},\"action\":"
         "\"block\"}]",
         0, true, "allow"},
        {"pattern needs the url",
         "[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"x\"]},\"action\":\"block\"}]", 0, false,
         "url"},
        {"name before url",
         "[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"x\"],\"groups\":[\"g\"]},\"action\":"
         "\"block\"}]",
         0, false, "identity"},
        {"pattern that is not there, no name",
         "[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"zzz\"],\"groups\":[\"g\"]},\"action\":"
         "\"block\"}]",
         FACTS_BIT(FACTS_URL), true, "allow"},
        {"type needs the answer",
         "[{\"id\":\"a\",\"when\":{\"content_types\":[\"video/*\"]},\"action\":\"block\"}]",
         FACTS_BIT(FACTS_URL) | FACTS_BIT(FACTS_IDENTITY), false, "answer"},
        {"mixed list, part known",
         "[{\"id\":\"a\",\"when\":{\"lists\":[\"n\",\"p\"]},\"action\":\"block\"}]", 0, true,
         "block"},
        {"mixed list, other part",
         "[{\"id\":\"a\",\"when\":{\"lists\":[\"m\",\"p\"]},\"action\":\"block\"}]", 0, false,
         "url"},
        {"shadow rules ask for nothing",
         "[{\"id\":\"a\",\"shadow\":true,\"when\":{\"users\":[\"bob\"]},\"action\":\"block\"}]", 0,
         true, "allow"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        assert_true(asprintf(&text,
                             "{\"lists\":[{\"name\":\"n\",\"kind\":\"domains\",\"entries\":[\"x."
                             "test\"]},{\"name\":\"m\","
                             "\"kind\":\"domains\",\"entries\":[\"m.test\"]},{\"name\":\"p\","
                             "\"kind\":\"url_patterns\","
                             "\"entries\":[\"q\"]}],\"rules\":%s}",
                             rows[i].rules) > 0);
        struct snapshot *s = compile(text);
        free(text);
        struct facts f = {.known =
                              FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET) | rows[i].known,
                          .now_ms = 5000,
                          .listener = STR("l"),
                          .method = STR("GET"),
                          .host = STR("x.test"),
                          .port = 80,
                          .scheme = FACTS_HTTP,
                          .url = STR("http://x.test/"),
                          .size_bytes = UINT64_MAX};
        struct verdict v;
        policy_decide(s, &f, &v);
        const char *got = v.is_final ? verdict_action_name(v.action) : verdict_stage_name(v.needs);
        if (v.is_final != rows[i].is_final || strcmp(got, rows[i].want) != 0)
            print_message("%s: wants %s, got %s\n", rows[i].why, rows[i].want, got);
        assert_int_equal(v.is_final, rows[i].is_final);
        assert_string_equal(got, rows[i].want);
        snapshot_unref(s);
    }
}

static void identity_modes(void **state)
{
    (void)state;
    struct facts f = {.known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET),
                      .host = STR("x.test"),
                      .port = 80};
    struct verdict v;
    struct snapshot *s = compile("{\"identity\":\"always\",\"rules\":[]}");
    policy_decide(s, &f, &v);
    assert_false(v.is_final);
    assert_int_equal(v.needs, FACTS_IDENTITY);
    snapshot_unref(s);
    s = compile("{\"identity\":\"never\",\"rules\":[{\"id\":\"a\",\"when\":{\"users\":[\"bob\"]},"
                "\"action\":\"block\"}]}");
    policy_decide(s, &f, &v);
    assert_true(v.is_final);
    assert_int_equal(v.action, VERDICT_ALLOW);
    assert_int_equal(v.policy_version, 7);
    snapshot_unref(s);
}

static void all_faults_at_once(void **state)
{
    (void)state;
    static const char document[] =
        "{\"what\":1,\"identity\":\"maybe\",\"default\":{\"action\":\"warn\"},"
        "\"schedules\":[{\"name\":\"s\",\"zone\":\"Mars/"
        "Base\",\"windows\":[{\"days\":[\"tod\"],\"from\":\"8\",\"to\":\"18:00\"}]}],"
        "\"lists\":[{\"name\":\"l\",\"kind\":\"url_patterns\",\"entries\":[\"(\"]},{\"name\":\"l\","
        "\"kind\":\"domains\",\"entries\":[\"a..b\"]}],"
        "\"rules\":[{\"id\":\"r\",\"when\":{\"networks\":[\"10.0.0.1/"
        "8\"],\"users\":[]},\"action\":\"explode\"},"
        "{\"id\":\"r\",\"when\":{\"ports\":[0]},\"action\":\"block\",\"expires_at\":\"tomorrow\"}]"
        "}";
    static const char *const want[] = {"/what",
                                       "/identity",
                                       "/default/action",
                                       "/schedules/0/windows/0",
                                       "/schedules/0/windows/0/from",
                                       "/lists/1",
                                       "/lists/1/entries/0",
                                       "/rules/0/when/networks/0",
                                       "/rules/0/when/users",
                                       "/rules/0/action",
                                       "/rules/1",
                                       "/rules/1/when/ports/0",
                                       "/rules/1/expires_at"};
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = str_of(document), .version = 1, .index = NULL};
    assert_int_equal(policy_compile(&in, &report, &s), ERR_INVALID);
    for (size_t w = 0; w < sizeof want / sizeof want[0]; w++) {
        bool is_there = false;
        for (size_t i = 0; i < report.n_faults; i++)
            is_there = is_there || strcmp(report.faults[i].pointer, want[w]) == 0;
        if (!is_there)
            print_message("no fault at %s\n", want[w]);
        assert_true(is_there);
    }
    report_fini(&report);
}

static void second_stage_faults(void **state)
{
    (void)state;
    static const char document[] =
        "{\"schedules\":[{\"name\":\"s\",\"zone\":\"Mars/Base\",\"windows\":[]}],"
        "\"lists\":[{\"name\":\"unused\",\"kind\":\"url_patterns\",\"entries\":[\"fine\",\"(\"]}],"
        "\"rules\":[{\"id\":\"a\",\"when\":{\"url_patterns\":[\"x{2,1}\"],\"lists\":[\"none\"],"
        "\"schedules\":[\"none\"]},\"action\":\"block\"}]}";
    static const char *const want[] = {"/schedules/0/zone", "/lists/0/entries/1",
                                       "/rules/0/when/url_patterns/0", "/rules/0/when/lists/0",
                                       "/rules/0/when/schedules/0"};
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = str_of(document), .version = 1, .index = NULL};
    assert_int_equal(policy_compile(&in, &report, &s), ERR_INVALID);
    for (size_t w = 0; w < sizeof want / sizeof want[0]; w++) {
        bool is_there = false;
        for (size_t i = 0; i < report.n_faults; i++)
            is_there = is_there || strcmp(report.faults[i].pointer, want[w]) == 0;
        if (!is_there)
            print_message("no fault at %s\n", want[w]);
        assert_true(is_there);
    }
    report_fini(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_fits),
        cmocka_unit_test(every_key_exempts),
        cmocka_unit_test(switches),
        cmocka_unit_test(asks_for_the_cheapest_stage),
        cmocka_unit_test(identity_modes),
        cmocka_unit_test(all_faults_at_once),
        cmocka_unit_test(second_stage_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
