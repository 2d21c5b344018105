/* wire_bench: nanoseconds a request for reading and writing heads, reading chunked bodies and
 * normalising URLs, on one thread. Built and run by hand:
 *   make && cc -O2 -D_GNU_SOURCE -I. tests/bench/wire_bench.c build/release/libproxyd.a -lidn2
 * -lxxhash -o build/wire_bench
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "proxyd/wire/http_body.h"
#include "proxyd/wire/http_write.h"

static const char small_get[] = "GET http://origin.test:8080/index.html HTTP/1.1\r\n"
                                "Host: origin.test:8080\r\n\r\n";

static const char browser_get[] =
    "GET http://www.example.com/assets/js/app.3f9a1c.js?v=20260101 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "Proxy-Connection: keep-alive\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Referer: http://www.example.com/start/page?id=12345\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n"
    "Cache-Control: max-age=0\r\n"
    "If-None-Match: \"5f3e-61c2b7a1\"\r\n"
    "Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";

static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Server: nginx/1.22.1\r\n"
                               "Date: Mon, 23 Nov 2026 06:00:00 GMT\r\n"
                               "Content-Type: application/octet-stream\r\n"
                               "Content-Length: 1024\r\n"
                               "Last-Modified: Mon, 23 Nov 2026 05:00:00 GMT\r\n"
                               "Connection: keep-alive\r\n"
                               "ETag: \"6562d2c0-400\"\r\n"
                               "Accept-Ranges: bytes\r\n\r\n";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef void round_fn(struct str text);

static struct http_head head;
static char room[8192];
static struct arena arena;

static void read_request(struct str text)
{
    struct http_refusal why;
    http_head_init_request(&head, NULL);
    must(http_head_parse(&head, text, &why) == OK);
}

static void read_response(struct str text)
{
    struct http_refusal why;
    http_head_init_response(&head, NULL);
    must(http_head_parse(&head, text, &why) == OK);
}

static void write_request(struct str text)
{
    struct http_forward how = {.via = STR("proxy.example")};
    struct buf out = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    read_request(text);
    must(http_write_request(&head, &how, &out) == OK);
}

static void write_response(struct str text)
{
    struct http_forward how = {.via = STR("proxy.example")};
    struct buf out = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    read_response(text);
    must(http_write_response(&head, &how, &out) == OK);
}

static void normal_url(struct str text)
{
    struct url u;
    struct str s;
    must(url_parse(text, &u) == OK);
    must(url_normal(&u, &arena, &s) == OK);
    arena_reset(&arena);
}

static void read_chunks(struct str text)
{
    static struct http_head chunked;
    struct http_body b;
    struct http_refusal why;
    size_t n;
    chunked.is_chunked = true;
    http_body_of_request(&chunked, &b);
    must(http_body_take(&b, text, &n, &why) == OK);
}

static void measure(const char *name, round_fn *fn, struct str text, double per)
{
    double best = 1e18;
    for (int run = 0; run < 7; run++) {
        const int rounds = 20000;
        double t = now();
        for (int i = 0; i < rounds; i++)
            fn(text);
        t = (now() - t) / rounds;
        best = t < best ? t : best;
    }
    printf("{\"what\": \"%s\", \"bytes\": %zu, \"ns\": %.1f}\n", name, text.n, best / per);
}

int main(void)
{
    static char chunks[8 * 1000 + 8];
    struct str url = STR("http://www.example.com/assets/js/app.3f9a1c.js?v=20260101");
    size_t n = 0;
    arena_init(&arena, 8192, 1 << 20);
    for (int i = 0; i < 1000; i++, n += 6)
        memcpy(chunks + n, "1\r\nx\r\n", 6);
    memcpy(chunks + n, "0\r\n\r\n", 5);
    measure("read a small request head", read_request, str_of(small_get), 1);
    measure("read a browser's request head", read_request, str_of(browser_get), 1);
    measure("read and write a small request head", write_request, str_of(small_get), 1);
    measure("read and write a browser's request head", write_request, str_of(browser_get), 1);
    measure("read a response head", read_response, str_of(response), 1);
    measure("read and write a response head", write_response, str_of(response), 1);
    measure("normal form of a URL", normal_url, url, 1);
    measure("one chunk of one byte", read_chunks, str_make(chunks, n + 5), 1000);
    arena_fini(&arena);
    return 0;
}
