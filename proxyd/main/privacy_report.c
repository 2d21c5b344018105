/* privacy_report: two heads side by side. */
#include "proxyd/main/privacy_report.h"

#include <stdlib.h>

#include "proxyd/main/control.h"
#include "proxyd/wire/http_head.h"
#include "proxyd/wire/leak.h"

/* Documentation addresses and names that do not exist: what is found again was planted here. */
#define CLAIM  "198.51.100.77"
#define PERSON "tester@person.invalid"
#define INNER  "inner-proxy.invalid"

static const char *const planted[] = {
    "User-Agent: privacy-test/1",
    "Accept: */*",
    "Forwarded: for=" CLAIM ";host=a.invalid;proto=http",
    "X-Forwarded-For: " CLAIM ", 192.0.2.1",
    "x-forwarded-for: " CLAIM,
    "X_Forwarded_For: " CLAIM,
    "X-Forwarded-Host: " CLAIM,
    "X-Forwarded-Port: 1 " CLAIM,
    "X-Forwarded-Server: " CLAIM,
    "X-Forwarded-User: " CLAIM,
    "X-Real-IP: " CLAIM,
    "X-Client-IP: " CLAIM,
    "Client-IP: " CLAIM,
    "X-Cluster-Client-IP: " CLAIM,
    "True-Client-IP: " CLAIM,
    "CF-Connecting-IP: " CLAIM,
    "Fastly-Client-IP: " CLAIM,
    "X-Originating-IP: " CLAIM,
    "X-Remote-Addr: " CLAIM,
    "WL-Proxy-Client-IP: " CLAIM,
    "X-Authenticated-User: " CLAIM,
    "X-Remote-User: " CLAIM,
    "X-UIDH: " CLAIM,
    "From: " PERSON,
    "Via: 1.1 " INNER,
    "X-Via: 1.1 " INNER,
    "X-BlueCoat-Via: " INNER,
    "X-Proxy-ID: " INNER,
    "X-Cache: HIT from " INNER,
    "CDN-Loop: " INNER,
    "Surrogate-Capability: " INNER "=\"Surrogate/1.0\"",
    "Proxy-Authorization: Basic dGVzdGVyOnRlc3Rlcg==",
    "Proxy-Connection: keep-alive",
    "X-Secret-Hop: " INNER,
    "Connection: close, X-Secret-Hop",
    "Cookie: a=b",
};

void privacy_report_fields(struct buf *out)
{
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        buf_add_z(out, planted[i]);
        buf_add(out, STR("\r\n"));
    }
}

const char *privacy_said_by(const struct worker_listener *l, const struct disclosure *d)
{
    if (l->privacy.has_mode)
        return "file";
    return d->privacy.has_mode ? "settings" : "default";
}

/* --- comparing ------------------------------------------------------------------------------- */

struct comparing {
    const struct privacy_report *r;
    struct http_head sent, seen, answer;
    struct leak_marks marks;
    bool is_trusted, is_kept, names_client;
    json_t *items;
};

static json_t *text(struct str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string("(not text)");
}

static bool is_same(const struct headers *a, size_t i, const struct headers *b, size_t k)
{
    return str_eq_nocase(headers_name_at(a, i), headers_name_at(b, k)) &&
           str_eq(headers_value_at(a, i), headers_value_at(b, k));
}

/* Index of the field of `in` that is the one of `of`, or STR_NPOS. */
static size_t find_same(const struct headers *in, const struct headers *of, size_t i)
{
    for (size_t k = 0; k < in->n; k++)
        if (is_same(of, i, in, k))
            return k;
    return STR_NPOS;
}

static void add(struct comparing *c, struct str name, json_t *sent, json_t *seen, enum leak tells)
{
    bool breaks = leak_breaks(c->r->privacy.mode, c->is_trusted, tells, json_is_null(sent));
    c->is_kept = c->is_kept && !breaks;
    json_array_append_new(c->items,
                          json_pack("{s:o, s:o, s:o, s:s, s:b}", "field", text(name), "sent", sent,
                                    "seen", seen, "tells", leak_name(tells), "breaks", breaks));
}

/* What was sent, and whether it came; then what came and was not sent. */
static void compare(struct comparing *c)
{
    const struct headers *sent = &c->sent.h, *seen = &c->seen.h;
    for (size_t i = 0; i < sent->n; i++) {
        struct str name = headers_name_at(sent, i), value = headers_value_at(sent, i);
        bool came = find_same(seen, sent, i) != STR_NPOS;
        add(c, name, text(value), came ? text(value) : json_null(),
            came ? leak_of(name, value, &c->marks) : LEAK_NOTHING);
    }
    for (size_t i = 0; i < seen->n; i++) {
        struct str name = headers_name_at(seen, i), value = headers_value_at(seen, i);
        if (find_same(sent, seen, i) != STR_NPOS)
            continue;
        enum leak tells = leak_of(name, value, &c->marks);
        c->names_client = c->names_client || tells == LEAK_CLIENT;
        add(c, name, json_null(), text(value), tells);
    }
}

/* Fields of the answer that the server has not sent: a script of its page can read them. */
static json_t *answer_fields(struct comparing *c)
{
    json_t *out = json_array();
    const struct headers *h = &c->answer.h;
    for (size_t i = 0; i < h->n; i++) {
        struct str name = headers_name_at(h, i), value = headers_value_at(h, i);
        bool is_servers = h->f[i].id == HEADER_CONTENT_LENGTH ||
                          h->f[i].id == HEADER_CONTENT_TYPE || h->f[i].id == HEADER_CONNECTION;
        enum leak tells = leak_of(name, value, &c->marks);
        bool is_date = h->f[i].id == HEADER_DATE;
        bool breaks =
            c->r->privacy.mode == PRIVACY_HIGH_ANONYMITY && (tells != LEAK_NOTHING || is_date);
        if (is_servers)
            continue;
        c->is_kept = c->is_kept && !breaks;
        json_array_append_new(out,
                              json_pack("{s:o, s:o, s:s, s:b}", "field", text(name), "value",
                                        text(value), "tells", leak_name(tells), "breaks", breaks));
    }
    return out;
}

/* Do the fields that came stand in the order in which they were sent? Our own behind them count
 * as out of order where the mode promises that there are none. */
static bool is_in_order(const struct comparing *c)
{
    size_t last = 0;
    for (size_t i = 0; i < c->seen.h.n; i++) {
        size_t at = find_same(&c->sent.h, &c->seen.h, i);
        if (at == STR_NPOS)
            continue;
        if (at < last)
            return false;
        last = at;
    }
    return true;
}

static bool parse(struct http_head *h, struct str bytes, bool is_response)
{
    struct http_refusal why;
    if (is_response)
        http_head_init_response(h, NULL);
    else
        http_head_init_request(h, NULL);
    return http_head_parse(h, bytes, &why) == OK;
}

static json_t *address(const struct ip_port *at)
{
    char room[64];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    ip_port_format(at, &b);
    return text(buf_str(&b));
}

static json_t *judge(struct comparing *c)
{
    const struct privacy *p = &c->r->privacy;
    char room[64];
    struct buf ip = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    ip_format(&c->r->client.ip, &ip);
    c->marks =
        (struct leak_marks){buf_str(&ip), STR(CLAIM), STR(PERSON), STR(INNER), c->r->this_proxy};
    c->is_trusted = p->mode == PRIVACY_NAMED && privacy_trusts(p, &c->r->client.ip);
    c->is_kept = true;
    c->items = json_array();
    compare(c);
    json_t *answer = answer_fields(c);
    bool is_ordered = is_in_order(c);
    if ((p->mode == PRIVACY_NAMED && !c->names_client) ||
        (p->mode == PRIVACY_HIGH_ANONYMITY && !is_ordered))
        c->is_kept = false;
    if (p->mode >= PRIVACY_ANONYMOUS && c->r->line_names_client)
        c->is_kept = false;
    return json_pack("{s:b, s:o, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:b}", "ok", 1,
                     "listener", text(c->r->listener), "privacy", privacy_mode_name(p->mode),
                     "referer", privacy_referer_name(p->referer), "kept", c->is_kept, "in_order",
                     is_ordered, "client", address(&c->r->client), "source", address(&c->r->source),
                     "items", c->items, "answer", answer, "proxy_line", text(c->r->line),
                     "line_names_client", c->r->line_names_client);
}

json_t *privacy_report_json(const struct privacy_report *r)
{
    json_t *out = NULL;
    struct comparing *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->r = r;
    if (!parse(&c->sent, r->sent, false) || !parse(&c->seen, r->seen, false) ||
        !parse(&c->answer, r->answer, true))
        out = control_error("what came back is not a whole message");
    else
        out = judge(c);
    free(c);
    return out;
}
