/* list_formats: lines as people have them, in every format, cut at every position. */
#include "db/list_formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/host.h"
#include "db/list_entry.h"
#include "db/list_line.h"

/* Everything a reader says, as lines of text: "domains a.example", "reject 3 reason". */
struct heard {
    struct buf b;
    bool with_reasons;
};

static void on_entry(void *ctx, enum list_kind kind, struct str text)
{
    struct heard *h = ctx;
    buf_addf(&h->b, "%c %.*s\n", list_kind_name(kind)[kind == LIST_EXPRESSIONS ? 3 : 0],
             STR_ARG(text));
}

static void on_reject(void *ctx, uint64_t line, struct str text, const char *reason)
{
    struct heard *h = ctx;
    (void)text;
    assert_true(strlen(reason) > 5);
    buf_addf(&h->b, "x %llu\n", (unsigned long long)line);
    if (h->with_reasons)
        buf_addf(&h->b, "  %s\n", reason);
}

static enum list_format read_pieces(struct heard *h, enum list_format f, struct str text,
                                    size_t piece)
{
    struct list_sink sink = {on_entry, on_reject, h};
    struct list_reader *r;
    assert_int_equal(list_formats_new(f, &sink, &r), OK);
    for (size_t at = 0; at < text.n; at += piece)
        list_formats_feed(r, str_sub(text, at, at + piece));
    list_formats_end(r);
    enum list_format seen = list_formats_seen(r);
    list_formats_free(r);
    return seen;
}

struct format_case {
    const char *why;
    enum list_format want;
    const char *text, *heard;
};

/* d domains, u urls, r expressions, i addresses, e exceptions, x refused */
static const struct format_case cases[] = {
    {"plain", LIST_FORMAT_PLAIN,
     "# comment\n\nexample.com\n  spaced.example\t\r\nWWW.Upper.Example\n*.star.example\n"
     ".dot.example\ntrailing.example.\ncomment.example # why\nbad host name\n192.0.2.1\n"
     "10.0.0.0/8\n2001:DB8::1\n[2001:db8::2]:80\nport.example:8080\nhttp://scheme.example/\n"
     "https://path.example/a/B?c=D\nhost.example/x/\nftp://no.example/\n-\ncom\n"
     "under_score.example\na..b.example\n",
     "d example.com\nd spaced.example\nd www.upper.example\nd star.example\nd dot.example\n"
     "d trailing.example\nd comment.example\nx 10\ni 192.0.2.1\ni 10.0.0.0/8\ni 2001:db8::1\n"
     "i 2001:db8::2\nd port.example\nd scheme.example\nu path.example/a/B?c=D\n"
     "u host.example/x/\nx 19\nx 20\nx 21\nd under_score.example\nx 23\n"},
    {"IDN", LIST_FORMAT_PLAIN,
     "b\xc3\xbc"
     "cher.example\nxn--bcher-kva.example\n",
     "d xn--bcher-kva.example\nd xn--bcher-kva.example\n"},
    {"byte order mark", LIST_FORMAT_PLAIN, "\xef\xbb\xbf# comment\r\na.example\r\nb.example",
     "d a.example\nd b.example\n"},
    {"urls", LIST_FORMAT_PLAIN,
     "drive.example/file/d/1\nh.example/a//b/../c\nh.example:8080/x\n1.2.3.4/80/vbc.exe\n"
     "h.example/a/*\nh.example/*/b\nh.example/a*b?*\nH.example/CaSe\nuser@h.example/"
     "\nfragment.example#x\n",
     "u drive.example/file/d/1\nu h.example/a//c\nu h.example:8080/x\nu 1.2.3.4/80/vbc.exe\n"
     "u h.example/a/\nx 6\nu h.example/a*b?*\nu h.example/CaSe\nx 9\nd fragment.example\n"},
    {"hosts", LIST_FORMAT_HOSTS,
     "# hosts\n127.0.0.1 localhost\n0.0.0.0 a.example b.example # two\n127.0.0.1\tC.example\n"
     "::1 ip6-localhost\n0.0.0.0 0.0.0.0\na.example\n0.0.0.0 bad..name\n",
     "d a.example\nd b.example\nd c.example\nx 7\nx 8\n"},
    {"adblock", LIST_FORMAT_ADBLOCK,
     "[Adblock Plus 2.0]\n! Title: x\n||a.example^\n||b.example^$all\n||c.example/path\n"
     "@@||d.example^\n||e.example^$domain=x.example\n##.banner\n||192.0.2.9^\n/ads[0-9]+/\n"
     "f.example\n-ad-manager/$~stylesheet\n||g.example^$third-party,popup\n||*.h.example^\n"
     "||i.example^|\n||j.example^x\n||k.*^\n# not a comment there? it is\n",
     "d a.example\nd b.example\nu c.example/path\ne d.example\nx 7\nx 8\ni 192.0.2.9\n"
     "r ads[0-9]+\nd f.example\nx 12\nd g.example\nd h.example\nd i.example\nx 16\nx 17\n"},
    {"dnsmasq", LIST_FORMAT_DNSMASQ,
     "address=/a.example/0.0.0.0\nserver=/b.example/\nlocal=/c.example/d.example/\nserver=8.8.8.8\n"
     "ipset=/x.example/set\naddress=/bad\n",
     "d a.example\nd b.example\nd c.example\nd d.example\nx 4\nx 5\nx 6\n"},
    {"rpz", LIST_FORMAT_RPZ,
     "; zone\n$TTL 60\n@ SOA localhost. root.localhost. 1 2 3 4 5\n  NS localhost.\n"
     "a.example CNAME .\n*.a.example CNAME .\nb.example IN CNAME rpz-passthru.\n"
     "32.1.2.0.192.rpz-ip CNAME .\nc.example A 127.0.0.1\n",
     "d a.example\nd a.example\ne b.example\nx 8\nx 9\n"},
    {"unbound", LIST_FORMAT_UNBOUND,
     "server:\nlocal-zone: \"a.example\" always_nxdomain\nlocal-zone: \"b.example.\" transparent\n"
     "local-data: \"c.example A 0.0.0.0\"\nlocal-zone: broken\n",
     "d a.example\ne b.example\nd c.example\nx 5\n"},
    {"bind", LIST_FORMAT_BIND,
     "zone \"a.example\" { type master; file \"/etc/null\"; };\nzone \"b.example\" {\n  type "
     "master;\n"
     "};\nzone c.example {\n",
     "d a.example\nd b.example\nx 5\n"},
    {"csv", LIST_FORMAT_CSV,
     "rank,site\n1,a.example\n\"2\",\"b.example\",9\n3,C.example,x\n4,nothing\n",
     "d a.example\nd b.example\nd c.example\nx 5\n"},
    {"v2fly", LIST_FORMAT_V2FLY,
     "# c\nfull:a.example\ndomain:b.example @ads\nc.example\nregexp:^x\\.y$\nkeyword:bet\n"
     "include:other\n",
     "d a.example\nd b.example\nd c.example\nx 5\nx 6\nx 7\n"},
    {"expressions", LIST_FORMAT_EXPRESSIONS,
     "# c\n(casino|poker)\\.(com|net)\n^https?://[^/]+/ads/\n  spaced$ \nwith\x01"
     "control|x\n",
     "r (casino|poker)\\.(com|net)\nr ^https?://[^/]+/ads/\nr spaced$\nx 5\n"},
    {"NUL", LIST_FORMAT_PLAIN, "a.example\n", "d a.example\n"},
    {"empty", LIST_FORMAT_PLAIN, "", ""},
    {"only newlines", LIST_FORMAT_PLAIN, "\n\r\n\n", ""},
};

static void test_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct format_case *c = &cases[i];
        struct str text = str_of(c->text);
        for (size_t piece = 1; piece <= text.n + 1; piece += piece < 40 ? 1 : 97) {
            struct heard h = {0};
            buf_init(&h.b, 1 << 20);
            enum list_format f = read_pieces(&h, LIST_AUTO, text, piece);
            if (f != c->want)
                fail_msg("%s: taken for %s", c->why, list_format_name(f));
            if (!str_eq(buf_str(&h.b), str_of(c->heard)))
                fail_msg("%s, in pieces of %zu:\n%.*s", c->why, piece, STR_ARG(buf_str(&h.b)));
            buf_fini(&h.b);
        }
    }
}

static void test_odd_bytes(void **state)
{
    (void)state;
    struct heard h = {0};
    buf_init(&h.b, 1 << 20);
    read_pieces(&h, LIST_AUTO, STR("a.example\nb\0c.example\nd.example\n"), 5);
    assert_true(str_eq(buf_str(&h.b), STR("d a.example\nx 2\nd d.example\n")));
    buf_clear(&h.b);
    read_pieces(&h, LIST_AUTO,
                STR("\xff\xfe"
                    "a\0.\0e\0x\0\n\0"),
                100);
    assert_true(str_eq(buf_str(&h.b), STR("d a.ex\n")));
    buf_fini(&h.b);
}

/* A line without an end, and one that is too long between two good ones. */
static void test_long_lines(void **state)
{
    (void)state;
    size_t n = 3 * LIST_LINE_MAX;
    char *text = malloc(n + 40);
    assert_non_null(text);
    memcpy(text, "a.example\n", 10);
    memset(text + 10, 'x', n);
    memcpy(text + 10 + n, "\nb.example\n", 11);
    const size_t pieces[] = {1000, LIST_LINE_MAX - 1, LIST_LINE_MAX, 100000, n + 40};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct heard h = {0};
        buf_init(&h.b, 1 << 20);
        read_pieces(&h, LIST_AUTO, str_make(text, n + 21), pieces[i]);
        if (!str_eq(buf_str(&h.b), STR("d a.example\nx 2\nd b.example\n")))
            fail_msg("in pieces of %zu: %.*s", pieces[i], STR_ARG(buf_str(&h.b)));
        buf_clear(&h.b);
        read_pieces(&h, LIST_FORMAT_PLAIN, str_make(text, n), pieces[i]);
        assert_true(str_eq(buf_str(&h.b), STR("d a.example\nx 2\n")));
        buf_fini(&h.b);
    }
    free(text);
}

/* The short way must give what the long way gives. */
static void test_plain_names(void **state)
{
    (void)state;
    static const char *const words[] = {"example.com",
                                        "a-b.c_d.example",
                                        "xn--bcher-kva.example",
                                        "-a.example",
                                        "1.example",
                                        "a.b.c.d.e.f",
                                        "com",
                                        "a.1",
                                        "a.0x1",
                                        "A.example",
                                        ".a.example",
                                        "a.example.",
                                        "a..b",
                                        "1.2.3.4",
                                        "a.b1",
                                        "a.1b",
                                        "a b.c"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct host h;
        struct str w = str_of(words[i]);
        if (!list_entry_is_plain(w))
            continue;
        assert_int_equal(host_normalise(w, &h), OK);
        assert_true(str_eq(host_str(&h), w));
    }
    assert_true(list_entry_is_plain(STR("example.com")));
    assert_false(list_entry_is_plain(STR("example.1")));
}

static void test_names(void **state)
{
    (void)state;
    enum list_format f;
    assert_true(list_format_from_name(STR("hosts"), &f) && f == LIST_FORMAT_HOSTS);
    assert_true(list_format_from_name(STR("urls"), &f) && f == LIST_FORMAT_PLAIN);
    assert_true(list_format_from_name(STR("auto"), &f) && f == LIST_AUTO);
    assert_false(list_format_from_name(STR("xml"), &f));
    assert_string_equal(list_format_name(LIST_FORMAT_PLAIN), "plain");
    struct list_reader *r;
    struct list_sink sink = {on_entry, on_reject, NULL};
    assert_int_equal(list_formats_new(LIST_FORMAT_SQUIDGUARD, &sink, &r), ERR_UNSUPPORTED);
}

/* Every case of plain letters once more as UTF-16, in both orders of bytes. */
static void test_utf16(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++) {
        const struct format_case *c = &cases[i / 2];
        struct heard h = {0};
        struct buf b;
        bool is_big = i % 2, is_ascii = c->text[0] != '\0';
        buf_init(&b, 1 << 20);
        buf_init(&h.b, 1 << 20);
        buf_add(&b, is_big ? STR("\xfe\xff") : STR("\xff\xfe"));
        for (const char *p = c->text; *p; p++) {
            is_ascii = is_ascii && (unsigned char)*p < 0x80;
            buf_add(&b, str_make(is_big ? (char[]){0, *p} : (char[]){*p, 0}, 2));
        }
        for (size_t piece = 1; is_ascii && piece < 8; piece++) {
            buf_clear(&h.b);
            read_pieces(&h, LIST_AUTO, buf_str(&b), piece);
            if (!str_eq(buf_str(&h.b), str_of(c->heard)))
                fail_msg("%s, in pieces of %zu:\n%.*s", c->why, piece, STR_ARG(buf_str(&h.b)));
        }
        buf_fini(&b);
        buf_fini(&h.b);
    }
    struct heard h = {0};
    buf_init(&h.b, 4096);
    read_pieces(&h, LIST_AUTO, STR("\xff\xfe\xfc\0.\0d\0e\0\n\0\x3d\xd8\0\xde.\0a\0"), 3);
    assert_true(str_starts(buf_str(&h.b), STR("d xn--tda.de\n")));
    buf_fini(&h.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),     cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_odd_bytes),   cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_plain_names), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
