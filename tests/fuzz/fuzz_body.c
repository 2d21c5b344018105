/* fuzz_body: bodies. The first two bytes choose framing, direction and cut; taking in two parts
 * must forward the same bytes and end the same way as taking at once, and the pieces must hold the
 * content. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "proxyd/wire/http_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void start(struct http_body *b, unsigned choice)
{
    static struct http_head h;
    http_head_init_request(&h, NULL);
    h.is_chunked = (choice & 3) != 0;
    h.has_length = !h.is_chunked;
    h.length = choice;
    http_body_of_request(&h, b);
    b->of_response = (choice & 0x80) != 0;
}

static enum err take(struct http_body *b, struct str s, size_t *done, struct http_refusal *why)
{
    size_t n;
    enum err e = http_body_take(b, str_sub(s, *done, s.n), &n, why);
    must(n <= s.n - *done);
    *done += n;
    return e;
}

static void check_pieces(unsigned choice, struct str s, enum err want, uint64_t n_content)
{
    struct http_body b;
    struct http_refusal why;
    struct http_piece piece;
    uint64_t content = 0;
    size_t done = 0;
    enum err e;
    start(&b, choice);
    do {
        e = http_body_step(&b, str_sub(s, done, s.n), &piece, &why);
        must(e == ERR_INVALID || piece.n <= s.n - done);
        must(piece.content.n <= piece.n || e == ERR_INVALID);
        content += piece.content.n;
        done += e == ERR_INVALID ? 0 : piece.n;
    } while (e == ERR_AGAIN && piece.n);
    must(e == want && content == n_content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    struct str s = str_make(data + 2, n - 2);
    size_t cut = (size_t)data[1] * s.n / 255, once = 0, twice = 0;
    struct http_body a, b;
    struct http_refusal why_a = {0, NULL}, why_b = {0, NULL};
    start(&a, data[0]);
    enum err e = take(&a, s, &once, &why_a);
    start(&b, data[0]);
    char *copy = malloc(cut ? cut : 1);
    must(copy != NULL);
    memcpy(copy, s.p, cut);
    enum err f = take(&b, str_make(copy, cut), &twice, &why_b);
    free(copy);
    if (f == ERR_AGAIN)
        f = take(&b, s, &twice, &why_b);
    must(e == f && once == twice && a.n_content == b.n_content && why_a.reason == why_b.reason);
    must(e != ERR_AGAIN || once == s.n || a.framing == HTTP_BODY_CHUNKED);
    check_pieces(data[0], s, e, a.n_content);
    return 0;
}
