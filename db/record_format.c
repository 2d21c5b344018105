/* record_format: JSON, CSV, Squid's native format. */
#include "db/record_format.h"

#include "base/clock.h"

/* --- UTF-8 --- */

/* Reads one character; *n bytes of it. -1 (and one byte) for what is not UTF-8. */
static int32_t take_char(struct str s, size_t at, size_t *n)
{
    unsigned char c = (unsigned char)s.p[at];
    *n = 1;
    if (c < 0x80)
        return c;
    size_t more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0;
    if (more == 0 || at + more >= s.n)
        return -1;
    int32_t v = c & (0x3f >> more);
    for (size_t i = 1; i <= more; i++) {
        unsigned char x = (unsigned char)s.p[at + i];
        if ((x & 0xc0) != 0x80)
            return -1;
        v = v << 6 | (x & 0x3f);
    }
    static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
    if (v < least[more] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
        return -1;
    *n = more + 1;
    return v;
}

/* Characters that could forge a line or turn the reading direction around. */
static bool is_unsafe(int32_t v)
{
    return v < 0x20 || (v >= 0x7f && v < 0xa0) || v == 0x061c || v == 0x200e || v == 0x200f ||
           (v >= 0x2028 && v <= 0x202e) || (v >= 0x2066 && v <= 0x2069) || v == 0xfeff;
}

static void hex4(struct buf *out, const char *prefix, uint32_t v)
{
    static const char digits[] = "0123456789abcdef";
    buf_add_z(out, prefix);
    for (int shift = 12; shift >= 0; shift -= 4)
        buf_add_c(out, digits[(v >> shift) & 15]);
}

/* --- JSON --- */

static bool is_plain_json(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<';
}

static void add_json_char(struct buf *out, int32_t v, struct str raw)
{
    switch (v) {
    case '"':
    case '\\':
        buf_add_c(out, '\\');
        buf_add_c(out, (char)v);
        return;
    case '\n': buf_add_z(out, "\\n"); return;
    case '\t': buf_add_z(out, "\\t"); return;
    case '\r': buf_add_z(out, "\\r"); return;
    case -1: buf_add_z(out, "\\ufffd"); return;
    default: /* characters, not our enum */
        if (is_unsafe(v) || v == '<')
            hex4(out, "\\u", (uint32_t)v);
        else
            buf_add(out, raw);
    }
}

void record_format_json_string(struct str s, struct buf *out)
{
    buf_add_c(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t run = i;
        while (run < s.n && is_plain_json((unsigned char)s.p[run]))
            run++;
        buf_add(out, str_sub(s, i, run));
        i = run;
        if (i < s.n) {
            size_t n;
            int32_t v = take_char(s, i, &n);
            add_json_char(out, v, str_sub(s, i, i + n));
            i += n;
        }
    }
    buf_add_c(out, '"');
}

static void json_text(struct buf *out, const char *key, struct str s)
{
    buf_add_z(out, key);
    record_format_json_string(s, out);
}

static void json_number(struct buf *out, const char *key, uint64_t v)
{
    buf_add_z(out, key);
    buf_add_u64(out, v);
}

static void json_names(struct buf *out, const char *key, struct str names)
{
    struct str one;
    bool is_first = true;
    buf_add_z(out, key);
    buf_add_c(out, '[');
    while (str_split(&names, '\n', &one)) {
        if (!is_first)
            buf_add_c(out, ',');
        is_first = false;
        record_format_json_string(one, out);
    }
    buf_add_c(out, ']');
}

/* Room for an address or a time. */
struct small {
    char bytes[64];
    struct buf b;
};

static struct str address(const struct record *r, struct small *x)
{
    buf_init(&x->b, sizeof x->bytes);
    ip_format(&r->client, &x->b);
    size_t n = x->b.n < sizeof x->bytes ? x->b.n : sizeof x->bytes;
    for (size_t i = 0; i < n; i++)
        x->bytes[i] = x->b.p[i];
    buf_fini(&x->b);
    return str_make(x->bytes, n);
}

void record_format_json(const struct record *r, struct buf *out)
{
    char time[CLOCK_RFC3339_BYTES];
    struct small x;
    clock_format_rfc3339(r->time_ms, time);
    json_number(out, "{\"id\":", r->id);
    json_text(out, ",\"node\":", r->node);
    json_text(out, ",\"time\":", str_of(time));
    json_number(out, ",\"duration_ms\":", r->duration_ms);
    json_text(out, ",\"client\":", address(r, &x));
    json_text(out, ",\"user\":", r->user);
    json_names(out, ",\"groups\":", r->groups);
    json_text(out, ",\"method\":", r->method);
    json_text(out, ",\"url\":", r->url);
    json_text(out, ",\"scheme\":", r->scheme);
    json_text(out, ",\"host\":", r->host);
    json_number(out, ",\"port\":", r->port);
    json_number(out, ",\"status\":", r->status);
    json_number(out, ",\"bytes_in\":", r->bytes_in);
    json_number(out, ",\"bytes_out\":", r->bytes_out);
    json_text(out, ",\"content_type\":", r->content_type);
    json_text(out, ",\"verdict\":", str_of(record_verdict_name((enum record_verdict)r->verdict)));
    json_text(out, ",\"rule\":", r->rule);
    json_text(out, ",\"rule_name\":", r->rule_name);
    json_number(out, ",\"policy_version\":", r->policy_version);
    json_names(out, ",\"categories\":", r->categories);
    json_names(out, ",\"shadow\":", r->shadow);
    json_text(out, ",\"cache\":", str_of(record_cache_name((enum record_cache)r->cache)));
    json_text(out, ",\"tls\":", str_of(record_tls_name((enum record_tls)r->tls)));
    json_text(out, ",\"upstream\":", r->upstream);
    json_number(out, ",\"upstream_ms\":", r->upstream_ms);
    json_text(out, ",\"user_agent\":", r->user_agent);
    json_text(out, ",\"referer\":", r->referer);
    json_text(out, ",\"error\":", r->error);
    json_text(out, ",\"listener\":", r->listener);
    json_names(out, ",\"group_paths\":", r->group_paths);
    json_text(out, ",\"effect\":", r->effect);
    json_text(out, ",\"note\":", r->note);
    buf_add_c(out, '}');
}

/* --- CSV --- */

/* A cell that a spreadsheet would take for a formula gets a quote in front. */
static bool is_formula(struct str s)
{
    return s.n && (s.p[0] == '=' || s.p[0] == '+' || s.p[0] == '-' || s.p[0] == '@' ||
                   s.p[0] == '\t' || s.p[0] == '\r');
}

void record_format_csv_cell(struct str s, struct buf *out)
{
    buf_add_c(out, '"');
    if (is_formula(s))
        buf_add_c(out, '\'');
    for (size_t i = 0; i < s.n;) {
        size_t n;
        int32_t v = take_char(s, i, &n);
        if (v == '"')
            buf_add_z(out, "\"\"");
        else if (v < 0)
            buf_add_z(out, "\xef\xbf\xbd");
        else if (is_unsafe(v))
            hex4(out, "\\u", (uint32_t)v);
        else
            buf_add(out, str_sub(s, i, i + n));
        i += n;
    }
    buf_add_c(out, '"');
}

static void csv_text(struct buf *out, struct str s)
{
    buf_add_c(out, ',');
    record_format_csv_cell(s, out);
}

static void csv_number(struct buf *out, uint64_t v)
{
    buf_add_c(out, ',');
    buf_add_u64(out, v);
}

/* Names of a set with a space between: none of them holds one often, and the cell stays one line.
 */
static void csv_names(struct buf *out, struct str names)
{
    struct buf joined;
    struct str one;
    buf_init(&joined, (size_t)128 << 10);
    while (str_split(&names, '\n', &one)) {
        if (joined.n)
            buf_add_z(&joined, "; ");
        buf_add(&joined, one);
    }
    csv_text(out, buf_str(&joined));
    buf_fini(&joined);
}

void record_format_csv_head(struct buf *out)
{
    buf_add_z(out, "id,node,time,duration_ms,client,user,groups,method,url,scheme,host,port,status,"
                   "bytes_in,bytes_out,content_type,verdict,rule,rule_name,policy_version,"
                   "categories,shadow,cache,tls,upstream,upstream_ms,user_agent,referer,error,"
                   "listener,group_paths,effect,note\r\n");
}

void record_format_csv(const struct record *r, struct buf *out)
{
    char time[CLOCK_RFC3339_BYTES];
    struct small x;
    clock_format_rfc3339(r->time_ms, time);
    buf_add_u64(out, r->id);
    csv_text(out, r->node);
    csv_text(out, str_of(time));
    csv_number(out, r->duration_ms);
    csv_text(out, address(r, &x));
    csv_text(out, r->user);
    csv_names(out, r->groups);
    csv_text(out, r->method);
    csv_text(out, r->url);
    csv_text(out, r->scheme);
    csv_text(out, r->host);
    csv_number(out, r->port);
    csv_number(out, r->status);
    csv_number(out, r->bytes_in);
    csv_number(out, r->bytes_out);
    csv_text(out, r->content_type);
    csv_text(out, str_of(record_verdict_name((enum record_verdict)r->verdict)));
    csv_text(out, r->rule);
    csv_text(out, r->rule_name);
    csv_number(out, r->policy_version);
    csv_names(out, r->categories);
    csv_names(out, r->shadow);
    csv_text(out, str_of(record_cache_name((enum record_cache)r->cache)));
    csv_text(out, str_of(record_tls_name((enum record_tls)r->tls)));
    csv_text(out, r->upstream);
    csv_number(out, r->upstream_ms);
    csv_text(out, r->user_agent);
    csv_text(out, r->referer);
    csv_text(out, r->error);
    csv_text(out, r->listener);
    csv_names(out, r->group_paths);
    csv_text(out, r->effect);
    csv_text(out, r->note);
    buf_add_z(out, "\r\n");
}

/* --- Squid --- */

/* One field: nothing is "-", everything but plain visible bytes is %-encoded. */
static void squid_field(struct buf *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    if (s.n == 0)
        buf_add_c(out, '-');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c > 0x20 && c < 0x7f) {
            buf_add_c(out, (char)c);
        } else {
            buf_add_c(out, '%');
            buf_add_c(out, digits[c >> 4]);
            buf_add_c(out, digits[c & 15]);
        }
    }
}

static const char *squid_result(const struct record *r)
{
    switch ((enum record_verdict)r->verdict) {
    case RECORD_BLOCKED:
    case RECORD_DENIED_AUTH:
    case RECORD_REFUSED: return "TCP_DENIED";
    case RECORD_ERROR: return "TCP_MISS_ABORTED";
    case RECORD_ALLOWED:
    case RECORD_WARNED: break;
    }
    if (r->cache == RECORD_CACHE_HIT)
        return "TCP_HIT";
    if (r->cache == RECORD_CACHE_REVALIDATED)
        return "TCP_REFRESH_UNMODIFIED";
    return str_eq(r->scheme, STR("connect")) ? "TCP_TUNNEL" : "TCP_MISS";
}

/* Who was asked: the server, or a parent ("group/host:port"). */
static void squid_hierarchy(struct buf *out, struct str upstream)
{
    size_t slash = str_find(upstream, '/');
    bool is_parent = slash != STR_NPOS;
    buf_add_z(out, is_parent ? " FIRSTUP_PARENT/" : upstream.n ? " HIER_DIRECT/" : " HIER_NONE/");
    squid_field(out, str_sub(upstream, is_parent ? slash + 1 : 0, str_rfind(upstream, ':')));
}

void record_format_squid(const struct record *r, struct buf *out)
{
    struct small x;
    int64_t end = r->time_ms + (int64_t)r->duration_ms; /* Squid writes the moment it logged */
    buf_addf(out, "%lld.%03lld %6u ", (long long)(end / 1000), (long long)(end % 1000),
             r->duration_ms);
    squid_field(out, address(r, &x));
    buf_addf(out, " %s/%03u %llu ", squid_result(r), r->status, (unsigned long long)r->bytes_out);
    squid_field(out, r->method);
    buf_add_c(out, ' ');
    if (str_eq(r->scheme, STR("connect"))) {
        squid_field(out, r->host);
        buf_addf(out, ":%u", r->port);
    } else {
        squid_field(out, r->url);
    }
    buf_add_c(out, ' ');
    squid_field(out, r->user);
    squid_hierarchy(out, r->upstream);
    buf_add_c(out, ' ');
    squid_field(out, str_sub(r->content_type, 0, str_find(r->content_type, ';')));
    buf_add_c(out, '\n');
}
