/* fetch: one easy handle a call. */
#include "adminui/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cidr.h"

#define CONNECT_S  15L
#define WHOLE_S    900L
#define SLOW_BYTES 500L /* a second, */
#define SLOW_S     30L  /* for so long: too slow */
#define REDIRECTS  5L

struct fetching {
    const struct fetch_ask *ask;
    struct fetch_answer *out;
    FILE *file;
    bool is_refused, is_large;
};

/* Asked by libcurl with the address it is about to dial: the only judge of where we go. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetching *f = ctx;
    struct ip_port at;
    if (purpose != CURLSOCKTYPE_IPCXN || ip_port_from_sockaddr(&address->addr, &at) != OK)
        return CURL_SOCKET_BAD;
    enum ip_class kind = ip_classify(&at.ip);
    bool is_near = kind == IP_LOOPBACK || kind == IP_PRIVATE;
    if (kind != IP_PUBLIC && !(is_near && f->ask->may_be_private)) {
        f->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_bytes(char *p, size_t size, size_t n, void *ctx)
{
    struct fetching *f = ctx;
    size_t bytes = size * n;
    f->out->bytes += bytes;
    f->is_large = f->out->bytes > f->ask->max_bytes;
    return f->is_large ? 0 : fwrite(p, 1, bytes, f->file);
}

/* "Name: value\r\n" into a buffer when the name is that. */
static void keep_header(struct str line, const char *name, char out[FETCH_TAG_BYTES])
{
    size_t n = strlen(name);
    if (line.n <= n || strncasecmp(line.p, name, n) != 0 || line.p[n] != ':')
        return;
    struct str value = str_trim(str_sub(line, n + 1, line.n));
    while (value.n && (value.p[value.n - 1] == '\r' || value.p[value.n - 1] == '\n'))
        value.n--;
    if (value.n >= FETCH_TAG_BYTES)
        return;
    memcpy(out, value.p, value.n);
    out[value.n] = 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct fetching *f = ctx;
    struct str line = str_make(p, size * n);
    if (str_starts(line, STR("HTTP/"))) { /* of the last answer alone, behind all redirects */
        f->out->etag[0] = f->out->last_modified[0] = 0;
    } else {
        keep_header(line, "etag", f->out->etag);
        keep_header(line, "last-modified", f->out->last_modified);
    }
    return size * n;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up,
                       curl_off_t up_now)
{
    const struct fetching *f = ctx;
    (void)total;
    (void)now;
    (void)up;
    (void)up_now;
    return f->ask->is_cancelled && atomic_load(f->ask->is_cancelled);
}

static struct curl_slist *conditions(const struct fetch_ask *ask)
{
    struct curl_slist *all = NULL;
    char line[FETCH_TAG_BYTES + 32];
    if (ask->etag && *ask->etag) {
        snprintf(line, sizeof line, "If-None-Match: %s", ask->etag);
        all = curl_slist_append(all, line);
    }
    if (ask->last_modified && *ask->last_modified) {
        snprintf(line, sizeof line, "If-Modified-Since: %s", ask->last_modified);
        all = curl_slist_append(all, line);
    }
    return all;
}

static void set_bounds(CURL *c)
{
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, WHOLE_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, SLOW_S);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "proxyd/" PROXYD_VERSION);
}

static void set_ask(CURL *c, struct fetching *f, struct curl_slist *headers)
{
    const struct fetch_ask *ask = f->ask;
    curl_easy_setopt(c, CURLOPT_URL, ask->url);
    curl_easy_setopt(c, CURLOPT_PROXY, ask->proxy ? ask->proxy : "");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, f);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, f);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, f);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    if (ask->username && *ask->username) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERNAME, ask->username);
        curl_easy_setopt(c, CURLOPT_PASSWORD, ask->password ? ask->password : "");
    }
    if (ask->ca_file && *ask->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, ask->ca_file);
}

static enum err from_curl(CURLcode rc, const struct fetching *f)
{
    if (f->is_refused)
        return ERR_DENIED;
    if (f->is_large)
        return ERR_LIMIT;
    switch ((int)rc) {
    case CURLE_OK: return OK;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return ERR_INVALID;
    case CURLE_OPERATION_TIMEDOUT: return ERR_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK: return ERR_CLOSED;
    case CURLE_WRITE_ERROR: return ERR_IO;
    default: /* a number of libcurl, not our enum */ return ERR_UNREACHABLE;
    }
}

static void explain(enum err e, CURLcode rc, struct fetching *f, const char *detail)
{
    char *why = f->out->why;
    if (e == ERR_DENIED)
        snprintf(
            why, FETCH_WHY_BYTES,
            "the address leads to this machine or a private network (allow_private permits it)");
    else if (e == ERR_LIMIT)
        snprintf(why, FETCH_WHY_BYTES, "larger than %llu bytes",
                 (unsigned long long)f->ask->max_bytes);
    else if (e == ERR_REFUSED)
        snprintf(why, FETCH_WHY_BYTES, "the server answered %ld", f->out->status);
    else if (e != OK)
        snprintf(why, FETCH_WHY_BYTES, "%.*s", FETCH_WHY_BYTES - 1,
                 *detail ? detail : curl_easy_strerror(rc));
}

enum err fetch_file(const struct fetch_ask *ask, struct fetch_answer *out)
{
    char detail[CURL_ERROR_SIZE] = "";
    struct fetching f = {.ask = ask, .out = out};
    *out = (struct fetch_answer){0};
    CURL *c = curl_easy_init();
    f.file = c ? fopen(ask->to, "wbe") : NULL;
    if (!f.file) {
        snprintf(out->why, FETCH_WHY_BYTES, "no room for it in the state directory");
        curl_easy_cleanup(c);
        return ERR_IO;
    }
    struct curl_slist *headers = conditions(ask);
    set_bounds(c);
    set_ask(c, &f, headers);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
    CURLcode rc = curl_easy_perform(c);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
    enum err e = from_curl(rc, &f);
    if (fclose(f.file) != 0 && e == OK)
        e = ERR_IO;
    out->is_unchanged = e == OK && out->status == 304 && headers; /* unasked it says nothing */
    if (e == OK && out->status != 200 && !out->is_unchanged)
        e = ERR_REFUSED;
    explain(e, rc, &f, detail);
    if (e != OK || out->is_unchanged)
        unlink(ask->to);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    return e;
}
