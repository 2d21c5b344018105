/* fuzz_head: request and response heads. The first byte chooses kind, limits and where the input is
 * cut: parsing in two parts, from a buffer that moved, must answer as parsing at once. What is
 * accepted is written, and what is written is accepted again and says the same: who is asked, for
 * what, and where the message ends. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "proxyd/wire/http_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct http_limits small = {512, 128, 128, 8};

struct answer {
    enum err err;
    uint16_t status;
    const char *reason;
};

static void init(struct http_head *h, unsigned choice)
{
    const struct http_limits *limits = choice & 2 ? &small : NULL;
    if (choice & 1)
        http_head_init_response(h, limits);
    else
        http_head_init_request(h, limits);
}

static struct answer parse(struct http_head *h, struct str s)
{
    struct http_refusal why = {0, NULL};
    struct answer a = {.err = http_head_parse(h, s, &why)};
    a.status = why.status;
    a.reason = why.reason;
    if (a.err == ERR_INVALID)
        must(a.reason != NULL && a.status >= 400 && a.status < 600);
    return a;
}

static void check_same(const struct http_head *a, const struct http_head *b)
{
    must(a->is_chunked == b->is_chunked && a->has_length == b->has_length);
    must(a->length == b->length && a->status == b->status);
    must(!headers_has(&b->h, HEADER_PROXY_AUTHORIZATION));
    must((b->h.twice >> HEADER_CONTENT_LENGTH & 1) == 0);
    if (a->is_response)
        return;
    must((b->h.twice >> HEADER_HOST & 1) == 0);
    must(str_eq(a->method_text, b->method_text) && b->minor == 1);
    must(str_eq(host_str(&a->url.host), host_str(&b->url.host)));
    /* the scheme of https is told by the connection, not by what is written */
    must(a->url.port == b->url.port || (a->url.scheme == URL_HTTPS && a->url.is_port_default));
    must(b->form != HTTP_FORM_ABSOLUTE);
}

/* An answer without a body loses its length (RFC 9110 8.6), and says it in no other way. */
static bool has_framing(const struct http_head *h)
{
    return !h->is_response || (h->status >= 200 && h->status != 204);
}

static void check_written(const struct http_head *h)
{
    static struct http_head again;
    static const struct http_forward how = {.via = {"p", 1}};
    struct buf out;
    buf_init(&out, 1 << 20);
    enum err e =
        h->is_response ? http_write_response(h, &how, &out) : http_write_request(h, &how, &out);
    must(e == OK);
    if (h->is_response)
        http_head_init_response(&again, NULL);
    else
        http_head_init_request(&again, NULL);
    /* A 1.0 request may come without Host, then what is written has none and is not for 1.1. */
    if (h->is_response || h->url.host.n) {
        struct answer a = parse(&again, buf_str(&out));
        must(a.err == OK || a.status == 431 || a.status == 414 || a.status == 502);
        if (a.err == OK && has_framing(h))
            check_same(h, &again);
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_head whole, parts;
    if (n < 2)
        return 0;
    unsigned choice = data[0];
    size_t cut = (size_t)data[1] * (n - 2) / 255;
    struct str s = str_make(data + 2, n - 2);
    init(&whole, choice);
    struct answer once = parse(&whole, s);
    init(&parts, choice);
    char *copy = malloc(cut ? cut : 1);
    must(copy != NULL);
    memcpy(copy, s.p, cut);
    struct answer first = parse(&parts, str_make(copy, cut));
    free(copy);
    struct answer second = first.err == ERR_AGAIN ? parse(&parts, s) : first;
    must(second.err == once.err && second.reason == once.reason && second.status == once.status);
    if (once.err != OK)
        return 0;
    must(whole.n_bytes == parts.n_bytes && whole.h.n == parts.h.n && whole.n_bytes <= s.n);
    for (size_t i = 0; i < whole.h.n; i++) {
        struct str name = headers_name_at(&whole.h, i), value = headers_value_at(&whole.h, i);
        must(header_is_token(name) && name.p + name.n < value.p + value.n + 1);
        must(value.p + value.n <= s.p + whole.n_bytes);
    }
    check_written(&whole);
    return 0;
}
