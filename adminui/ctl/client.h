/* client: one call of the JSON API over the unix socket, by libcurl.
 * Owner: caller's storage; fini works on a zeroed struct. Threads: one. */
#ifndef ADMINUI_CTL_CLIENT_H
#define ADMINUI_CTL_CLIENT_H

#include <curl/curl.h>
#include <jansson.h>

#include "base/buf.h"

#define CLIENT_ANSWER_MAX (256u << 20)

struct client {
    CURL *curl;
    const char *socket; /* path */
    char why[CURL_ERROR_SIZE + 200];
};

struct client_ask {
    const char *method, *path;                  /* path below /api/v1, encoded */
    const json_t *json;                         /* body; NULL: none */
    const char *file;                           /* or the body is this file; "-" is not possible */
    const char *if_match;                       /* NULL: none */
    void (*piece)(void *ctx, struct str bytes); /* the answer as it comes; NULL: kept */
    void *ctx;
};

struct client_answer {
    long status;
    struct buf body;
    json_t *json; /* NULL when the body is no JSON */
    char etag[80], location[256];
};

enum err client_init(struct client *c, const char *socket) MUST_CHECK;
void client_fini(struct client *c);

/* OK: there is an answer, whatever its status. Else c->why says what happened. */
enum err client_call(struct client *c, const struct client_ask *ask,
                     struct client_answer *out) MUST_CHECK;
void client_answer_fini(struct client_answer *a);

/* Appends percent-encoded text. */
void client_encode(struct client *c, struct buf *out, const char *text);

#endif
