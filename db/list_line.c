/* list_line: the formats, one function each. */
#include "db/list_line.h"

#include <string.h>

#include "base/cidr.h"
#include "policies/pattern_code.h"

#define EXPRESSION_MAX 8192
#define SHOWN_MAX      200 /* bytes of a refused line that the report keeps */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct str trim(struct str s)
{
    while (s.n && is_blank(s.p[0]))
        s = str_sub(s, 1, s.n);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The next word; an empty one at the end. */
static struct str next_word(struct str *rest)
{
    struct str s = trim(*rest);
    size_t n = 0;
    while (n < s.n && !is_blank(s.p[n]))
        n++;
    *rest = str_sub(s, n, s.n);
    return str_sub(s, 0, n);
}

static void reject(struct list_line *l, struct str text, const char *why)
{
    l->sink->reject(l->sink->ctx, l->number, str_sub(text, 0, SHOWN_MAX), why);
}

static void add(struct list_line *l, enum list_kind kind, struct str text)
{
    l->sink->entry(l->sink->ctx, kind, text);
}

static void add_word(struct list_line *l, struct str word, struct str line)
{
    const char *why = "";
    if (list_entry_parse(word, &l->scratch, &why) == OK)
        add(l, l->scratch.kind, l->scratch.text);
    else
        reject(l, line, why);
}

/* A name that must not be matched: the name itself, nothing else. */
static void add_exception(struct list_line *l, struct str word, struct str line)
{
    const char *why = "";
    if (list_entry_parse(word, &l->scratch, &why) != OK)
        reject(l, line, why);
    else if (l->scratch.kind != LIST_DOMAINS)
        reject(l, line, "only a name can be an exception");
    else
        add(l, LIST_EXCEPTIONS, l->scratch.text);
}

/* Off with a comment that begins after a blank. */
static struct str without_comment(struct str s)
{
    for (size_t i = 1; i < s.n; i++) {
        if ((s.p[i] == '#' || s.p[i] == ';') && is_blank(s.p[i - 1]))
            return trim(str_sub(s, 0, i));
    }
    return s;
}

static bool is_address(struct str s)
{
    struct ip ip;
    return ip_parse(s, &ip) == OK;
}

/* --- plain and hosts --- */

static bool is_local_name(struct str s)
{
    static const char *const names[] = {"localhost", "localhost.localdomain", "local",
                                        "broadcasthost", "0.0.0.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(s, str_of(names[i])))
            return true;
    }
    return str_starts_nocase(s, STR("ip6-"));
}

static void read_hosts(struct list_line *l, struct str line)
{
    struct str rest = line, word = next_word(&rest);
    if (!is_address(word)) {
        reject(l, line, "a line of a hosts file begins with an address");
        return;
    }
    for (word = next_word(&rest); word.n && word.p[0] != '#'; word = next_word(&rest)) {
        if (!is_local_name(word))
            add_word(l, word, line);
    }
}

static bool starts_with_any(struct str line, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_starts(line, str_of(prefixes[i])))
            return true;
    }
    return false;
}

static const char *const v2fly_words[] = {"full:", "domain:", "regexp:", "keyword:", "include:"};
static void read_v2fly(struct list_line *l, struct str line);

static void read_plain(struct list_line *l, struct str line)
{
    if (list_entry_is_plain(line)) { /* nearly every line of nearly every list */
        add(l, LIST_DOMAINS, line);
        return;
    }
    if (starts_with_any(line, v2fly_words, 5)) { /* far behind many bare names */
        read_v2fly(l, line);
        return;
    }
    struct str s = without_comment(line), rest = s, word = next_word(&rest);
    if (trim(rest).n == 0)
        add_word(l, word, line);
    else if (is_address(word))
        read_hosts(l, s);
    else
        reject(l, line, "more than one word");
}

/* One pattern, taken as it stands when it compiles; line: what the report shows. */
static void add_expression(struct list_line *l, struct str pattern, struct str line)
{
    if (pattern.n > EXPRESSION_MAX) {
        reject(l, line, "longer than 8,192 bytes");
        return;
    }
    for (size_t i = 0; i < pattern.n; i++) {
        if ((unsigned char)pattern.p[i] < 0x20 && pattern.p[i] != '\t') {
            reject(l, line, "holds a control byte");
            return;
        }
    }
    struct pattern_fault fault;
    struct pattern_code *code = NULL;
    enum err e = pattern_code_new(pattern, &fault, &code);
    pattern_code_unref(code);
    if (e == ERR_INVALID)
        reject(l, line, fault.message);
    else
        add(l, LIST_EXPRESSIONS, pattern);
}

/* --- AdBlock style --- */

/* Options a proxy can honour by blocking the whole host. */
static bool is_harmless_option(struct str o)
{
    static const char *const names[] = {"all",       "document", "doc",         "popup",
                                        "important", "network",  "third-party", "3p"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(o, str_of(names[i])))
            return true;
    }
    return o.n == 0;
}

static bool options_are_harmless(struct str options)
{
    struct str one;
    while (str_split(&options, ',', &one)) {
        if (!is_harmless_option(trim(one)))
            return false;
    }
    return true;
}

static void read_adblock_host(struct list_line *l, struct str body, bool is_exception,
                              struct str line)
{
    size_t caret = str_find(body, '^');
    if (caret != STR_NPOS && caret + 1 < body.n &&
        !str_eq(str_sub(body, caret, body.n), STR("^|"))) {
        reject(l, line, "something stands behind the separator '^'");
        return;
    }
    body = caret == STR_NPOS ? body : str_sub(body, 0, caret);
    while (str_starts(body, STR("*.")))
        body = str_sub(body, 2, body.n);
    if (str_find(body, '*') != STR_NPOS)
        reject(l, line, "a wildcard inside is not supported; use an expression");
    else if (is_exception)
        add_exception(l, body, line);
    else
        add_word(l, body, line);
}

static void read_adblock(struct list_line *l, struct str line)
{
    struct str body = line;
    if (line.p[0] == '!' || line.p[0] == '[')
        return;
    if (str_find_str(line, STR("##")) != STR_NPOS || str_find_str(line, STR("#@#")) != STR_NPOS ||
        str_find_str(line, STR("#?#")) != STR_NPOS || str_find_str(line, STR("#$#")) != STR_NPOS) {
        reject(l, line, "a cosmetic rule changes pages, a proxy cannot");
        return;
    }
    bool is_exception = str_starts(body, STR("@@"));
    body = str_sub(body, is_exception ? 2 : 0, body.n);
    size_t dollar = str_rfind(body, '$');
    if (dollar != STR_NPOS && !options_are_harmless(str_sub(body, dollar + 1, body.n))) {
        reject(l, line, "an option that a proxy cannot judge");
        return;
    }
    body = str_sub(body, 0, dollar);
    if (str_starts(body, STR("||")))
        read_adblock_host(l, str_sub(body, 2, body.n), is_exception, line);
    else if (body.n > 2 && body.p[0] == '/' && body.p[body.n - 1] == '/' && !is_exception)
        add_expression(l, str_sub(body, 1, body.n - 1), line);
    else if (list_entry_is_plain(body) && !is_exception)
        add(l, LIST_DOMAINS, body);
    else
        reject(l, line, "not a rule about a host");
}

/* --- name server configurations --- */

static void read_dnsmasq(struct list_line *l, struct str line)
{
    struct str rest = line, key, one;
    str_split(&rest, '=', &key);
    key = trim(key);
    rest = trim(rest);
    bool is_ours =
        str_eq(key, STR("address")) || str_eq(key, STR("server")) || str_eq(key, STR("local"));
    if (!is_ours || rest.n == 0 || rest.p[0] != '/') {
        reject(l, line, "not address=/name/, server=/name/ or local=/name/");
        return;
    }
    size_t last = str_rfind(rest, '/');
    struct str names = str_sub(rest, 1, last);
    if (last == 0)
        reject(l, line, "the name is not ended by '/'");
    while (last > 0 && str_split(&names, '/', &one))
        add_word(l, one, line);
}

static void read_rpz(struct list_line *l, struct str line)
{
    struct str rest = line, name = next_word(&rest), word = next_word(&rest);
    if (line.p[0] == '$' || line.p[0] == '@' || str_eq(name, STR("NS")))
        return; /* of the zone itself, also on a line that goes on with the name before it */
    while (word.n && !str_eq_nocase(word, STR("CNAME"))) {
        if (str_eq_nocase(word, STR("SOA")) || str_eq_nocase(word, STR("NS")))
            return;
        word = next_word(&rest);
    }
    struct str target = next_word(&rest);
    if (target.n == 0)
        reject(l, line, "not a CNAME record");
    else if (str_eq_nocase(target, STR("rpz-passthru.")))
        add_exception(l, name, line);
    else if (str_ends(name, STR(".rpz-ip")) || str_ends(name, STR(".rpz-nsdname")))
        reject(l, line, "a trigger on answers, not on names");
    else
        add_word(l, name, line);
}

/* The part between the first two quotes; false when there are none. */
static bool quoted(struct str s, struct str *out)
{
    size_t a = str_find(s, '"');
    if (a == STR_NPOS)
        return false;
    s = str_sub(s, a + 1, s.n);
    size_t b = str_find(s, '"');
    *out = str_sub(s, 0, b);
    return b != STR_NPOS;
}

static void read_unbound(struct list_line *l, struct str line)
{
    struct str name;
    if (str_starts(line, STR("server:")))
        return;
    bool is_zone = str_starts(line, STR("local-zone:"));
    if ((!is_zone && !str_starts(line, STR("local-data:"))) || !quoted(line, &name)) {
        reject(l, line, "not a local-zone or local-data with a quoted name");
        return;
    }
    bool is_open = is_zone && str_find_str(line, STR("transparent")) != STR_NPOS;
    name = next_word(&name);
    if (is_open)
        add_exception(l, name, line);
    else
        add_word(l, name, line);
}

static void read_bind(struct list_line *l, struct str line)
{
    struct str name;
    if (!str_starts(line, STR("zone")))
        return; /* the inside of a zone's braces */
    if (quoted(line, &name))
        add_word(l, name, line);
    else
        reject(l, line, "the zone's name is not quoted");
}

/* --- the rest --- */

static struct str unquote(struct str s)
{
    s = trim(s);
    return s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"' ? str_sub(s, 1, s.n - 1) : s;
}

static void read_csv(struct list_line *l, struct str line)
{
    const char *why = "no column is a host";
    char separator = str_find(line, ',') != STR_NPOS   ? ','
                     : str_find(line, ';') != STR_NPOS ? ';'
                                                       : '\t';
    struct str rest = line, cell;
    while (str_split(&rest, separator, &cell)) {
        cell = unquote(cell);
        if (str_find(cell, '.') == STR_NPOS)
            continue; /* a rank, a count, a word */
        if (list_entry_parse(cell, &l->scratch, &why) == OK) {
            add(l, l->scratch.kind, l->scratch.text);
            return;
        }
    }
    if (l->number > 1) /* the first line may name the columns */
        reject(l, line, why);
}

static void read_v2fly(struct list_line *l, struct str line)
{
    struct str rest = without_comment(line), word = next_word(&rest), value = word, key;
    size_t colon = str_find(word, ':');
    if (colon == STR_NPOS) {
        add_word(l, word, line);
        return;
    }
    str_split(&value, ':', &key);
    if (str_eq(key, STR("domain")) || str_eq(key, STR("full")))
        add_word(l, value, line);
    else if (str_eq(key, STR("include")))
        reject(l, line, "another list is included, which is not here");
    else if (str_eq(key, STR("regexp")) || str_eq(key, STR("keyword")))
        reject(l, line, "a pattern on names; write it as an expression on URLs");
    else
        add_word(l, word, line);
}

static bool is_comment(enum list_format f, struct str line)
{
    if (line.p[0] == '#')
        return f != LIST_FORMAT_ADBLOCK || line.n == 1 || (line.p[1] != '#' && line.p[1] != '@');
    if (line.p[0] == ';' || (line.p[0] == '/' && line.n > 1 && line.p[1] == '/'))
        return f != LIST_FORMAT_EXPRESSIONS;
    return line.p[0] == '!' && (f == LIST_FORMAT_PLAIN || f == LIST_FORMAT_HOSTS);
}

void list_line_read(struct list_line *l, enum list_format f, struct str line)
{
    line = trim(line);
    if (line.n == 0 || is_comment(f, line))
        return;
    switch (f) {
    case LIST_AUTO:
    case LIST_FORMAT_SQUIDGUARD:
    case LIST_FORMAT_PLAIN: read_plain(l, line); return;
    case LIST_FORMAT_HOSTS: read_hosts(l, line); return;
    case LIST_FORMAT_ADBLOCK: read_adblock(l, line); return;
    case LIST_FORMAT_DNSMASQ: read_dnsmasq(l, line); return;
    case LIST_FORMAT_RPZ: read_rpz(l, line); return;
    case LIST_FORMAT_UNBOUND: read_unbound(l, line); return;
    case LIST_FORMAT_BIND: read_bind(l, line); return;
    case LIST_FORMAT_CSV: read_csv(l, line); return;
    case LIST_FORMAT_V2FLY: read_v2fly(l, line); return;
    case LIST_FORMAT_EXPRESSIONS: add_expression(l, line, line); return;
    }
}

/* --- guessing --- */

static bool has_word(struct str line, const char *word)
{
    struct str rest = line, w = next_word(&rest);
    for (; w.n; w = next_word(&rest)) {
        if (str_eq_nocase(w, str_of(word)))
            return true;
    }
    return false;
}

/* Signs that neither a URL nor a filter rule has. */
static bool looks_like_pattern(struct str line)
{
    return line.p[0] == '^' || line.p[line.n - 1] == '$' || memchr(line.p, '\\', line.n) ||
           (memchr(line.p, '(', line.n) && memchr(line.p, '|', line.n)) ||
           (memchr(line.p, '[', line.n) && memchr(line.p, ']', line.n)) ||
           str_find_str(line, STR(".*")) != STR_NPOS;
}

/* "...$third-party", "...$~image": the options of a filter rule. */
static bool has_options(struct str line)
{
    size_t at = str_rfind(line, '$');
    if (at == STR_NPOS || at + 1 >= line.n)
        return false;
    char c = line.p[at + 1];
    return c == '~' || (c >= 'a' && c <= 'z');
}

enum list_format list_line_guess(struct str line)
{
    static const char *const adblock[] = {"||", "@@", "[Adblock", "[adblock", "##.", "###", "##["};
    static const char *const dnsmasq[] = {"address=/", "server=/", "local=/"};
    static const char *const unbound[] = {"local-zone:", "local-data:", "server:"};
    line = trim(line);
    if (line.n == 0)
        return LIST_AUTO;
    if (starts_with_any(line, adblock, 7))
        return LIST_FORMAT_ADBLOCK;
    if (line.p[0] == '#' || line.p[0] == '!' || line.p[0] == ';')
        return LIST_AUTO;
    if (starts_with_any(line, dnsmasq, 3))
        return LIST_FORMAT_DNSMASQ;
    if (starts_with_any(line, unbound, 3))
        return LIST_FORMAT_UNBOUND;
    if (starts_with_any(line, v2fly_words, 5))
        return LIST_FORMAT_V2FLY;
    if (str_starts(line, STR("zone \"")))
        return LIST_FORMAT_BIND;
    if (str_starts(line, STR("$TTL")) || has_word(line, "CNAME") || has_word(line, "SOA"))
        return LIST_FORMAT_RPZ;
    struct str rest = line, first = next_word(&rest);
    if (is_address(first) && trim(rest).n && trim(rest).p[0] != '#')
        return LIST_FORMAT_HOSTS;
    if (list_entry_is_plain(first) || is_address(first))
        return LIST_FORMAT_PLAIN;
    if (has_options(line))
        return LIST_FORMAT_ADBLOCK;
    if (!str_starts_nocase(line, STR("http")) && looks_like_pattern(line))
        return LIST_FORMAT_EXPRESSIONS;
    return str_find(line, ',') != STR_NPOS ? LIST_FORMAT_CSV : LIST_FORMAT_PLAIN;
}
