/* Old configurations and the rules they become. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include "convert/nets.h"
#include "db/settings_upstreams.h"
#include "policies/compile.h"
#include "policies/explain.h"
#include "tests/unit/convert/told.h"

struct row {
    const char *why;
    struct told_file files[TOLD_FILES];
    const char *rules;
};

static const struct row rows[] = {
    {"Squid's own default file",
     {{"squid.conf", "acl localnet src 10.0.0.0/8\nacl localnet src fc00::/7\n"
                     "acl SSL_ports port 443\nacl Safe_ports port 80\nacl Safe_ports port 443\n"
                     "acl Safe_ports port 1025-65535 # high\n"
                     "http_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\n"
                     "http_access allow localhost manager\nhttp_access deny manager\n"
                     "http_access deny to_localhost\nhttp_access allow localnet\n"
                     "http_access allow localhost\nhttp_access deny all\nhttp_port 3128\n"}},
     "block-unless-safe_ports block unless{\"ports\":[\"80\",\"443\",\"1025-65535\"]}\n"
     "block-connect-unless-ssl_ports block when{\"methods\":[\"CONNECT\"]} "
     "unless{\"ports\":[\"443\"]}\n"
     "allow-localnet allow when{\"networks\":[\"10.0.0.0/8\",\"fc00::/7\"]}\n"
     "allow-localhost allow when{\"networks\":[\"127.0.0.0/8\",\"::1\"]}\n"
     "default block\n"},
    {"no line for everything: the opposite of the last",
     {{"squid.conf", "acl bad dstdomain .bad.example\nhttp_access deny bad\n"}},
     "block-bad block when{\"hosts\":[\"bad.example\"]}\ndefault allow\n"},
    {"no http_access at all: Squid denies",
     {{"squid.conf", "http_port 3128\n"}},
     "default block\n"},
    {"values from a file, continued lines, CRLF, a BOM",
     {{"etc/squid/squid.conf", "\xef\xbb\xbf"
                               "acl bad dstdomain \\\r\n  \"/etc/squid/lists/bad.txt\"\r\n"
                               "http_access deny bad\r\nhttp_access allow all\r\n"},
      {"etc/squid/lists/bad.txt", "# comment\n.a.example\n\n.b.example\n"}},
     "block-bad block when{\"hosts\":[\"a.example\",\"b.example\"]}\ndefault allow\n"},
    {"a file that is not there switches the rule off",
     {{"squid.conf", "acl bad dstdomain \"/etc/squid/bad.txt\"\nhttp_access deny bad\n"
                     "http_access allow all\n"}},
     "block-bad block off\ndefault allow\n"},
    {"an ACL we cannot say never widens an allow",
     {{"squid.conf", "acl phone arp 00:11:22:33:44:55\nacl net src 10.1.0.0/255.255.0.0\n"
                     "http_access allow net phone\nhttp_access deny all\n"}},
     "allow-net-phone allow off when{\"networks\":[\"10.1.0.0/16\"]}\ndefault block\n"},
    {"two sets of one kind cannot both have to fit",
     {{"squid.conf", "acl a dstdomain .a.example\nacl b dstdomain .b.example\n"
                     "http_access allow a b\nhttp_access deny all\n"}},
     "allow-a-b allow off when{\"hosts\":[\"a.example\"]}\ndefault block\n"},
    {"groups, users and time",
     {{"squid.conf", "external_acl_type ldapg %LOGIN /usr/lib/squid/ext_ldap_group_acl -b x\n"
                     "acl staff external ldapg Staff\nacl who proxy_auth REQUIRED\n"
                     "acl work time MTWHF 08:00-17:00\nacl fun dstdomain .fun.example\n"
                     "http_access deny !who\nhttp_access deny fun staff work\n"
                     "http_access allow who\nhttp_access deny all\n"}},
     "block-unless-who block unless{\"users\":[\"*\"]}\n"
     "block-fun-staff-work block when{\"groups\":[\"Staff\"],\"hosts\":[\"fun.example\"],"
     "\"schedules\":[\"work\"]}\n"
     "allow-who allow when{\"users\":[\"*\"]}\ndefault block\n"},
    {"what comes after a line for everything is never reached",
     {{"squid.conf", "acl a dstdomain .a.example\nhttp_access allow all\nhttp_access deny a\n"}},
     "default allow\n"},
    {"ranges, deny_info, answers",
     {{"squid.conf", "acl r src 10.0.0.1-10.0.0.6\nacl t rep_mime_type ^video/\n"
                     "deny_info http://intra.example/no r\nhttp_reply_access deny t\n"
                     "http_access deny r\nhttp_access allow all\n"}},
     "block-t block when{\"content_types\":[\"video/*\"]}\n"
     "block-r redirect "
     "when{\"networks\":[\"10.0.0.1/32\",\"10.0.0.2/31\",\"10.0.0.4/31\",\"10.0.0.6/32\"]}\n"
     "default allow\n"},
    {"squidGuard alone",
     {{"squidGuard.conf",
       "dbhome /var/lib/squidguard/db\ntime work {\n  weekly mtwhf 08:00 - 16:30\n}\n"
       "src boss {\n  ip 10.0.0.9\n}\nsrc pupils {\n ip 10.1.0.0/16\n user anna bert\n within "
       "work\n}\n"
       "dest porn {\n domainlist porn/domains\n expressionlist porn/expressions\n}\n"
       "dest white {\n domainlist white/domains\n}\n"
       "acl {\n boss {\n  pass all\n }\n pupils {\n  pass white !porn !in-addr all\n"
       "  redirect http://x/%u\n }\n default {\n  pass !porn all\n }\n}\n"},
      {"db/porn/domains", "sex.example\n"},
      {"db/porn/expressions", "(^|/)xxx\n"},
      {"db/white/domains", "good.example\n"}},
     "boss-allow-everything-else allow when{\"networks\":[\"10.0.0.9/32\"]}\n"
     "pupils-allow-white allow when{\"categories\":[\"white\"],\"networks\":[\"10.1.0.0/16\"],"
     "\"schedules\":[\"work\"],\"users\":[\"anna\",\"bert\"]}\n"
     "pupils-block-porn block when{\"categories\":[\"porn\"],\"networks\":[\"10.1.0.0/16\"],"
     "\"schedules\":[\"work\"],\"users\":[\"anna\",\"bert\"]}\n"
     "pupils-block-hosts-given-by-address block when{\"networks\":[\"10.1.0.0/16\"],"
     "\"schedules\":[\"work\"],\"url_patterns\":[\"^[a-z]+://"
     "(\\\\d+\\\\.\\\\d+\\\\.\\\\d+\\\\.\\\\d+|"
     "\\\\[[0-9a-f:.]+\\\\])[:/]\"],\"users\":[\"anna\",\"bert\"]}\n"
     "pupils-allow-everything-else allow when{\"networks\":[\"10.1.0.0/16\"],"
     "\"schedules\":[\"work\"],\"users\":[\"anna\",\"bert\"]}\n"
     "default-block-porn block when{\"categories\":[\"porn\"]}\ndefault allow\n"},
    {"squidGuard in front of Squid only blocks; Squid still has to allow",
     {{"squid.conf", "acl net src 10.0.0.0/8\nurl_rewrite_program /usr/bin/squidGuard\n"
                     "http_access allow net\nhttp_access deny all\n"},
      {"squidGuard.conf",
       "src boss {\n ip 10.0.0.9\n}\ndest porn {\n domainlist porn/domains\n}\n"
       "dest white {\n domainlist white/domains\n}\n"
       "acl {\n boss {\n pass any\n }\n default {\n pass white !porn any\n }\n}\n"}},
     "default-block-porn block when{\"categories\":[\"porn\"]} "
     "unless{\"categories\":[\"white\"],\"networks\":[\"10.0.0.9/32\"]}\n"
     "allow-net allow when{\"networks\":[\"10.0.0.0/8\"]}\ndefault block\n"},
    {"lists of e2guardian without their configuration",
     {{"lists/bannedsitelist",
       "#listcategory: \"Bad sites\"\nbad.example\n*ip\n.Include<lists/more>\n"},
      {"lists/more", "worse.example # why\n"},
      {"lists/exceptionsitelist", "good.example\n"},
      {"lists/bannedextensionlist", ".exe\n"},
      {"lists/weightedphraselist", "<x><50>\n"}},
     "group-1-exceptionsitelist allow when{\"hosts\":[\"good.example\"]}\n"
     "group-1-bannedsitelist block when{\"hosts\":[\"bad.example\",\"worse.example\"]}\n"
     "group-1-bannedextensionlist block when{\"extensions\":[\".exe\"]}\n"
     "group-1-hosts-given-by-address block "
     "when{\"url_patterns\":[\"^[a-z]+://(\\\\d+\\\\.\\\\d+\\\\.\\\\d+"
     "\\\\.\\\\d+|\\\\[[0-9a-f:.]+\\\\])[:/]\"]}\ndefault allow\n"},
    {"filter groups of e2guardian: the first is for everybody else and comes last",
     {{"e2guardianf1.conf",
       "groupname = 'all'\nbannedsitelist = '/etc/e2guardian/lists/bannedsitelist'\n"},
      {"e2guardianf2.conf",
       "groupname = 'staff'\ngroupmode = 1\n"
       "sitelist = 'name=banned,messageno=500,path=__LISTDIR__/staff/sites'\n"},
      {"lists/bannedsitelist", "**\n"},
      {"lists/staff/sites", "games.example\n"},
      {"lists/filtergroupslist", "carla=filter2\n"}},
     "staff-bannedsitelist block when{\"hosts\":[\"games.example\"],\"users\":[\"carla\"]}\n"
     "staff-everything-else allow when{\"users\":[\"carla\"]}\n"
     "all-everything-else block\ndefault allow\n"},
    {"the configuration of a group includes another file, and a list does",
     {{"e2guardianf1.conf", "groupname = 'all'\n.Include</etc/e2guardian/common.conf>\n"},
      {"common.conf", "bannedsitelist = '/etc/e2guardian/lists/bannedsitelist'\n"},
      {"lists/bannedsitelist", "a.example\n.Include<lists/more>\n.Include<lists/none>\n"},
      {"lists/more", "b.example\n"}},
     "all-bannedsitelist block when{\"hosts\":[\"a.example\",\"b.example\"]}\ndefault allow\n"},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome o;
        enum convert_kind kind;
        assert_int_equal(told_run(rows[i].files, &kind, &o), OK);
        char *got = told_rules(&o);
        if (strcmp(got, rows[i].rules) != 0)
            print_error("%s\n", rows[i].why);
        assert_string_equal(got, rows[i].rules);
        free(got);
        outcome_fini(&o);
    }
}

/* What is a document for us at all is one for the engine. */
static void test_documents_compile(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome o;
        struct report report;
        enum convert_kind kind;
        struct snapshot *s = NULL;
        report_init(&report);
        assert_int_equal(told_run(rows[i].files, &kind, &o), OK);
        char *text = json_dumps(o.document, JSON_COMPACT);
        struct compile_input in = {.document = str_of(text)};
        enum err e = policy_compile(&in, &report, &s);
        if (e != OK)
            print_error("%s: %s %s\n", rows[i].why, report.n_faults ? report.faults[0].pointer : "",
                        report.n_faults ? report.faults[0].message : "");
        assert_int_equal(e, OK);
        snapshot_unref(s);
        free(text);
        report_fini(&report);
        outcome_fini(&o);
    }
}

/* Expressions of Squid against URLs, judged by the engine. */
static void test_expressions(void **state)
{
    static const struct {
        const char *acl, *url;
        bool fits;
    } cases[] = {
        {"dstdom_regex (^|\\.)bad\\.example$", "http://bad.example/", true},
        {"dstdom_regex (^|\\.)bad\\.example$", "http://www.bad.example:8080/x", true},
        {"dstdom_regex (^|\\.)bad\\.example$", "https://bad.example/", true},
        {"dstdom_regex (^|\\.)bad\\.example$", "http://notbad.example/", false},
        {"dstdom_regex (^|\\.)bad\\.example$", "http://bad.example.org/", false},
        {"dstdom_regex (^|\\.)bad\\.example$", "http://ok.example/bad.example", false},
        {"dstdom_regex ^ads?\\.|track", "http://ad.example/", true},
        {"dstdom_regex ^ads?\\.|track", "http://x.tracker.example/", true},
        {"dstdom_regex ^ads?\\.|track", "http://bad.ads.example/", false},
        {"dstdom_regex ^ads?\\.|track", "http://ok.example/track", false},
        {"dstdom_regex a.*z", "http://a.example/z", false},
        {"dstdom_regex [^a]z$", "http://bz/", true},
        {"dstdom_regex http", "http://ok.example/", false},
        {"urlpath_regex ^/game", "http://ok.example/games", true},
        {"urlpath_regex ^/game", "http://ok.example/x/game", false},
        {"urlpath_regex \\.exe$", "http://ok.example/a/b.EXE", true},
        {"urlpath_regex \\.exe$", "http://a.exe/", false},
        {"urlpath_regex [?&]q=sex", "http://ok.example/?q=sex", true},
        {"url_regex -i sex", "http://ok.example/SEX", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char conf[300];
        struct outcome o;
        struct report report;
        struct snapshot *s = NULL;
        enum convert_kind kind;
        snprintf(conf, sizeof conf, "acl x %s\nhttp_access deny x\nhttp_access allow all\n",
                 cases[i].acl);
        const struct told_file files[] = {{"squid.conf", conf}, {NULL, NULL}};
        report_init(&report);
        assert_int_equal(told_run(files, &kind, &o), OK);
        char *text = json_dumps(o.document, JSON_COMPACT);
        struct compile_input in = {.document = str_of(text)};
        assert_int_equal(policy_compile(&in, &report, &s), OK);
        json_t *answer = NULL, *ask = json_pack("{s:s}", "url", cases[i].url);
        assert_int_equal(explain_request(s, ask, 0, &report, &answer), OK);
        bool blocked = strcmp(json_string_value(json_object_get(answer, "action")), "block") == 0;
        if (blocked != cases[i].fits)
            print_error("%s on %s\n", cases[i].acl, cases[i].url);
        assert_int_equal(blocked, cases[i].fits);
        json_decref(answer);
        json_decref(ask);
        snapshot_unref(s);
        free(text);
        report_fini(&report);
        outcome_fini(&o);
    }
}

static void test_nets(void **state)
{
    static const struct {
        const char *in, *want; /* NULL: refused */
    } cases[] = {
        {"10.0.0.0/8", "[\"10.0.0.0/8\"]"},
        {"10.1.2.3/8", "[\"10.0.0.0/8\"]"},
        {"10.0.0.0/255.255.0.0", "[\"10.0.0.0/16\"]"},
        {"10.0.0.0/255.0.255.0", NULL},
        {"10.0.0.0-10.0.0.255", "[\"10.0.0.0/24\"]"},
        {"10.0.0.255-10.0.1.0", "[\"10.0.0.255/32\",\"10.0.1.0/32\"]"},
        {"0.0.0.0-255.255.255.255", "[\"0.0.0.0/0\"]"},
        {"10.0.0.9-10.0.0.1", NULL},
        {"2001:db8::/32", "[\"2001:db8::/32\"]"},
        {"2001:db8::1-2001:db8::2", "[\"2001:db8::1/128\",\"2001:db8::2/128\"]"},
        {"10.0.0.0/33", NULL},
        {"host.example", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *out = json_array();
        enum err e = nets_add(str_of(cases[i].in), out);
        char *text = json_dumps(out, JSON_COMPACT);
        if ((e == OK) != (cases[i].want != NULL))
            print_error("%s\n", cases[i].in);
        assert_int_equal(e == OK, cases[i].want != NULL);
        if (e == OK)
            assert_string_equal(text, cases[i].want);
        free(text);
        json_decref(out);
    }
}

/* Every line gets a word, and a bad one stops nothing. */
static void test_report(void **state)
{
    const struct told_file files[] = {
        {"squid.conf", "acl\nacl x\nacl x nonsense 1\nacl p port 80 x 443\nfrobnicate on\n"
                       "http_access maybe all\nhttp_access deny nobody\ncache_mem 8 MB\n"
                       "include /etc/squid/none.conf\nhttp_access deny all\n"},
        {NULL, NULL}};
    struct outcome o;
    enum convert_kind kind;
    (void)state;
    assert_int_equal(told_run(files, &kind, &o), OK);
    assert_int_equal(kind, CONVERT_SQUID);
    assert_int_equal(json_array_size(o.report), 10);
    char *got = told_report(&o);
    assert_non_null(
        strstr(got, "4 partly: 1 of 3 values left out, the first: \"x\" is not a port."));
    assert_non_null(strstr(got, "5 dropped: A setting of Squid that has no counterpart"));
    assert_non_null(strstr(got, "8 not-needed: There is no response cache"));
    assert_non_null(strstr(got, "9 dropped: The file is not in the upload"));
    free(got);
    outcome_fini(&o);
}

static void test_nothing_of_ours(void **state)
{
    const struct told_file files[] = {{"photo.jpg", "\xff\xd8\xff\0"}, {NULL, NULL}};
    struct outcome o;
    enum convert_kind kind;
    (void)state;
    assert_int_equal(told_run(files, &kind, &o), ERR_INVALID);
    outcome_fini(&o);
}

struct settings_row {
    const char *why, *conf, *rules, *upstreams, *privacy, *report; /* report: a part of it */
};

#define PEER "cache_peer p.example parent 3128 0 no-query name=hq login=me:a%20b\n"
#define ALL  "http_access allow all\n"
#define HQ(x)                                                                                      \
    "{\"default\":\"" x "\",\"groups\":[{\"balance\":\"first\",\"members\":[{\"address\":"         \
    "\"p.example:3128\",\"password\":\"a b\",\"username\":\"me\"}],\"name\":"

static const struct settings_row settings_rows[] = {
    {"everything through one parent", PEER "never_direct allow all\n" ALL, "default allow\n",
     HQ("hq") "\"hq\",\"when_all_down\":\"fail\"}]}", NULL, ""},
    {"through the parent while it is there", PEER "nonhierarchical_direct off\n" ALL,
     "default allow\n", HQ("hq") "\"hq\",\"when_all_down\":\"direct\"}]}", NULL, ""},
    {"without never_direct nothing is sent there", PEER ALL, "default allow\n",
     HQ("") "\"hq\",\"when_all_down\":\"fail\"}]}", NULL, ""},
    {"what is always direct stands before each rule that lets through",
     PEER "acl in dstdomain .corp.example\nacl net src 10.0.0.0/8\nacl bad dstdomain .bad.example\n"
          "always_direct allow in\nnever_direct deny in\nnever_direct allow all\n"
          "http_access deny bad\nhttp_access allow net\nhttp_access deny all\n",
     "block-bad block when{\"hosts\":[\"bad.example\"]}\n"
     "allow-net-via-direct allow when{\"hosts\":[\"corp.example\"],\"networks\":[\"10.0.0.0/8\"]} "
     "to direct\n"
     "allow-net allow when{\"networks\":[\"10.0.0.0/8\"]}\ndefault block\n",
     HQ("hq") "\"hq\",\"when_all_down\":\"fail\"}]}", NULL, "always_direct says so already"},
    {"one parent for some names, the rest direct",
     PEER "acl corp dstdomain .corp.example\ncache_peer_access hq allow corp\n"
          "cache_peer_access hq deny all\nnever_direct allow corp\n" ALL,
     "everything-else-via-hq allow when{\"hosts\":[\"corp.example\"]} to hq\ndefault allow\n",
     HQ("") "\"hq\",\"when_all_down\":\"fail\"}]}", NULL, ""},
    {"conditions that may fit the same request are not told apart",
     PEER "cache_peer q.example parent 3128 0 no-query\nacl a dstdomain .a.example\n"
          "acl b src 10.0.0.0/8\ncache_peer_access hq allow a\n"
          "cache_peer_access q.example allow b\nnever_direct allow all\n" ALL,
     "default allow\n",
     "{\"default\":\"\",\"groups\":[{\"balance\":\"first\",\"members\":[{\"address\":\"p.example:"
     "3128\",\"password\":\"a b\",\"username\":\"me\"},{\"address\":\"q.example:3128\"}],\"name\":"
     "\"parents\",\"when_all_down\":\"fail\"}]}",
     NULL, "No request is sent to a parent. Its conditions may fit the same request"},
    {"in turn by weight",
     "cache_peer a.example parent 3128 0 no-query round-robin weight=3\n"
     "cache_peer 2001:db8::1 parent 8080 0 no-query round-robin\nnever_direct allow all\n" ALL,
     "default allow\n",
     "{\"default\":\"parents\",\"groups\":[{\"balance\":\"round-robin\",\"members\":[{\"address\":"
     "\"a.example:3128\",\"weight\":3},{\"address\":\"[2001:db8::1]:8080\"}],\"name\":"
     "\"parents\",\"when_all_down\":\"fail\"}]}",
     NULL, ""},
    {"two sets of one kind cannot both have to fit",
     PEER "acl corp dstdomain .corp.example\nacl ok dstdomain .ok.example\n"
          "always_direct allow corp\nnever_direct allow all\nhttp_access allow ok\n"
          "http_access deny all\n",
     "allow-ok allow when{\"hosts\":[\"ok.example\"]}\ndefault block\n",
     HQ("") "\"hq-2\",\"when_all_down\":\"fail\"}]}", NULL, "two sets of one kind"},
    {"what is no parent of ours",
     "cache_peer s.example sibling 3128 3130\ncache_peer t.example parent 443 0 no-query tls\n"
     "cache_peer u.example parent 3128 0 no-query login=PASS\nnever_direct allow all\n" ALL,
     "default allow\n", NULL, NULL, "A parent that these lines use cannot be taken over"},
    {"privacy: squid as people make it silent",
     "via off\nforwarded_for delete\nrequest_header_access Referer deny all\n"
     "request_header_access From deny all\nrequest_header_access Cookie deny all\n" ALL,
     "default allow\n", NULL, "{\"privacy\":\"high-anonymity\",\"referer\":\"none\"}",
     "5 dropped: A privacy mode holds"},
    {"privacy: transparent is ours to the letter", "forwarded_for transparent\n" ALL,
     "default allow\n", NULL, "{\"privacy\":\"via\"}", ""},
    {"privacy: fields denied one by one", "request_header_access X-Forwarded-For deny all\n" ALL,
     "default allow\n", NULL, "{\"privacy\":\"anonymous\"}", "1 partly: Of a listener"},
    {"privacy: no mode tells of the client and hides the proxy", "via off\n" ALL, "default allow\n",
     NULL, NULL, "1 dropped: There is no mode"},
    {"privacy: not for some requests only",
     "acl a src 10.0.0.1\nrequest_header_access Via deny a\n" ALL, "default allow\n", NULL, NULL,
     "2 dropped: A privacy mode holds"},
};

static void told_is(const char *why, const json_t *got, const char *want)
{
    char *text = got ? json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (strcmp(text ? text : "", want ? want : "") != 0)
        print_error("%s\n", why);
    assert_string_equal(text ? text : "", want ? want : "");
    free(text);
}

static void upstreams_are_good(const json_t *doc)
{
    struct report report;
    struct settings_upstreams s;
    char *text = json_dumps(doc, JSON_COMPACT);
    assert_int_equal(settings_upstreams_parse(str_of(text), &report, &s), OK);
    settings_upstreams_fini(&s);
    report_fini(&report);
    free(text);
}

static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof settings_rows / sizeof *settings_rows; i++) {
        const struct settings_row *row = &settings_rows[i];
        const struct told_file files[TOLD_FILES] = {{"squid.conf", row->conf}};
        struct outcome o;
        enum convert_kind kind;
        assert_int_equal(told_run(files, &kind, &o), OK);
        char *rules = told_rules(&o), *report = told_report(&o);
        if (strcmp(rules, row->rules) != 0 || !strstr(report, row->report))
            print_error("%s\n%s", row->why, report);
        assert_string_equal(rules, row->rules);
        assert_non_null(strstr(report, row->report));
        told_is(row->why, o.upstreams, row->upstreams);
        told_is(row->why, o.privacy, row->privacy);
        if (o.upstreams)
            upstreams_are_good(o.upstreams);
        free(rules);
        free(report);
        outcome_fini(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_documents_compile),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_nets),
        cmocka_unit_test(test_report),      cmocka_unit_test(test_nothing_of_ours),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
