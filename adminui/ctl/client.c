/* client: libcurl set up for one request after the other. */
#include "adminui/ctl/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BASE "http://localhost/api/v1"

enum err client_init(struct client *c, const char *socket)
{
    *c = (struct client){.socket = socket};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ERR_NOMEM;
    c->curl = curl_easy_init();
    return c->curl ? OK : ERR_NOMEM;
}

void client_fini(struct client *c)
{
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
    *c = (struct client){0};
}

void client_answer_fini(struct client_answer *a)
{
    buf_fini(&a->body);
    json_decref(a->json);
    *a = (struct client_answer){0};
}

void client_encode(struct client *c, struct buf *out, const char *text)
{
    char *encoded = curl_easy_escape(c->curl, text, 0);
    buf_add_z(out, encoded ? encoded : "");
    curl_free(encoded);
}

struct receiving {
    const struct client_ask *ask;
    struct client_answer *out;
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct receiving *r = ctx;
    if (r->ask->piece && r->out->status < 400)
        r->ask->piece(r->ask->ctx, str_make(p, size * n));
    else
        buf_add(&r->out->body, str_make(p, size * n));
    return r->out->body.failed ? 0 : size * n;
}

static void keep_value(struct str line, struct str name, char *out, size_t room)
{
    if (!str_starts_nocase(line, name))
        return;
    struct str v = str_sub(line, name.n, line.n);
    while (v.n && (v.p[v.n - 1] == '\r' || v.p[v.n - 1] == '\n'))
        v.n--;
    v = str_trim(v);
    if (v.n < room) {
        memcpy(out, v.p, v.n);
        out[v.n] = 0;
    }
}

static size_t on_field(char *p, size_t size, size_t n, void *ctx)
{
    struct receiving *r = ctx;
    struct str line = str_make(p, size * n), word;
    if (str_starts(line, STR("HTTP/"))) {
        uint64_t status = 0;
        struct str rest = line;
        str_split(&rest, ' ', &word);
        str_split(&rest, ' ', &word);
        if (str_to_u64(str_sub(word, 0, 3), 999, &status) == OK)
            r->out->status = (long)status;
    }
    keep_value(line, STR("ETag:"), r->out->etag, sizeof r->out->etag);
    keep_value(line, STR("Location:"), r->out->location, sizeof r->out->location);
    return size * n;
}

static struct curl_slist *fields(const struct client_ask *ask)
{
    char text[160];
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    if (ask->json)
        list = curl_slist_append(list, "Content-Type: application/json");
    else if (ask->file)
        list = curl_slist_append(list, "Content-Type: application/octet-stream");
    if (ask->if_match) {
        snprintf(text, sizeof text, "If-Match: %s", ask->if_match);
        list = curl_slist_append(list, text);
    }
    return list;
}

/* The file as body, with its length: the API takes no chunks. */
static FILE *open_body(struct client *c, const char *path)
{
    struct stat st;
    FILE *f = fopen(path, "re");
    if (!f || fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(c->why, sizeof c->why, "%.150s: %s", path,
                 f ? "not a regular file" : strerror(errno));
        if (f)
            fclose(f);
        return NULL;
    }
    curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(c->curl, CURLOPT_READDATA, f);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)st.st_size);
    return f;
}

static enum err perform(struct client *c, const struct client_ask *ask, struct receiving *r)
{
    FILE *f = NULL;
    char *text = ask->json ? json_dumps(ask->json, JSON_COMPACT) : NULL;
    struct buf url;
    buf_init(&url, 64u << 10);
    buf_addf(&url, "%s%s", BASE, ask->path);
    buf_add_c(&url, 0);
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    curl_easy_setopt(c->curl, CURLOPT_URL, url.p);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    if (text)
        curl_easy_setopt(c->curl, CURLOPT_COPYPOSTFIELDS, text);
    enum err e = OK;
    if (ask->file && !(f = open_body(c, ask->file)))
        e = ERR_NOT_FOUND;
    struct curl_slist *list = fields(ask);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, ask->method);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, on_field);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, r);
    if (e == OK && curl_easy_perform(c->curl) != CURLE_OK)
        e = ERR_UNREACHABLE;
    curl_slist_free_all(list);
    if (f)
        fclose(f);
    free(text);
    buf_fini(&url);
    return e;
}

enum err client_call(struct client *c, const struct client_ask *ask, struct client_answer *out)
{
    *out = (struct client_answer){0};
    struct receiving r = {ask, out};
    buf_init(&out->body, CLIENT_ANSWER_MAX);
    c->why[0] = 0;
    enum err e = perform(c, ask, &r);
    if (e == ERR_UNREACHABLE)
        snprintf(c->why, sizeof c->why, "adminui does not answer on %.150s", c->socket);
    if (e == OK && out->body.n)
        out->json = json_loadb(out->body.p, out->body.n, JSON_DECODE_ANY, NULL);
    return e;
}
