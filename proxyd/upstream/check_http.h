/* check_http: one question to a parent proxy on a connection that has just been made, and whether
 * it was answered: it accepts connections also when nobody serves them any more. Without a URL the
 * proxy itself is asked (OPTIONS * with Max-Forwards 0) and any answer in HTTP will do, a refusal
 * included; with one that is fetched and has to be 2xx or 3xx.
 * Owner: caller's storage; check_http_stop before it goes. Threads: the loop's. */
#ifndef PROXYD_UPSTREAM_CHECK_HTTP_H
#define PROXYD_UPSTREAM_CHECK_HTTP_H

#include "proxyd/io/dial.h"
#include "proxyd/io/stream_fd.h"
#include "proxyd/upstream/parent.h"
#include "proxyd/wire/http_head.h"

#define CHECK_HTTP_ANSWER 8192 /* bytes of a head that are read */
#define CHECK_HTTP_ASK    2048

struct check_http {
    struct stream_fd fd;
    struct loop *loop;
    struct timer late;
    struct http_head head;
    bool is_open, wants_good; /* wants_good: 2xx or 3xx */
    size_t n_ask, n_asked, n_in;
    char ask[CHECK_HTTP_ASK], in[CHECK_HTTP_ANSWER];
    void (*on_done)(struct check_http *c, enum err e);
};

/* Writes the question; its length, 0: it does not fit. Pure, for the test as well. */
size_t check_http_question(const struct parent_check *how, const struct parent_member *m,
                           char out[CHECK_HTTP_ASK]);

/* OK: the head in `bytes` is one that will do; ERR_AGAIN: more is needed; ERR_DENIED: a status that
 * will not; ERR_INVALID: not HTTP. */
enum err check_http_judge(struct http_head *h, struct str bytes, bool wants_good) MUST_CHECK;

/* Takes the connection that `d` has made; on_done is called once from the loop, by timeout_ms at
 * the latest (ERR_TIMEOUT). c->on_done is set by the caller before. */
void check_http_start(struct check_http *c, struct dial *d, const struct parent_check *how,
                      const struct parent_member *m);
void check_http_stop(struct check_http *c); /* harmless when none runs */

#endif
