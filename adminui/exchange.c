/* exchange: the stages of one request.
 *   STARTED  the request line is known          -> first call: guard, route, access
 *   BODY     pieces come in, to memory or a file
 *   RUNNING  suspended, a worker has it
 *   ANSWERED the worker is done, the connection is resumed, the answer is queued
 * A refusal on the first call closes the connection, so bytes behind it are never a second request.
 */
#include "adminui/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adminui/admit.h"
#include "adminui/desk.h"
#include "adminui/outflow.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/static_files.h"
#include "adminui/transact.h"
#include "adminui/workers.h"

#define LARGE_BYTES ((uint64_t)1 << 20)
#define READ_BLOCK  16384
#define DROP_BYTES  ((uint64_t)64 << 20)
#define DROP_IDLE_S 10u

enum stage { STARTED, BODY, RUNNING, ANSWERED };

struct exchanges {
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct list each;
    size_t n_suspended;
    bool is_stopping;
};

struct exchange {
    struct work work;
    struct list node; /* in exchanges */
    struct door *door;
    struct MHD_Connection *connection;
    char *uri;
    enum stage stage;
    bool must_close, is_static;
    bool is_refused;          /* the answer is made, the body is dropped */
    bool has_stream, is_told; /* under the lock of exchanges */
    uint64_t body_bytes, reply_bytes;
    int upload_fd;
    struct call call;
};

/* --- all of them -------------------------------------------------------------------------------
 */

enum err exchanges_open(struct exchanges **out)
{
    struct exchanges *x = calloc(1, sizeof *x);
    if (!x)
        return ERR_NOMEM;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->idle, NULL);
    list_init(&x->each);
    *out = x;
    return OK;
}

/* A stream that has not been told to end yet, with a reference; NULL when all have. Ending one
 * takes the lock itself (its connection is resumed), so it is done outside. */
static struct outflow *next_stream(struct exchanges *x)
{
    struct outflow *found = NULL;
    pthread_mutex_lock(&x->lock);
    x->is_stopping = true;
    for (struct list *l = x->each.next; l != &x->each && !found; l = l->next) {
        struct exchange *e = LIST_ENTRY(l, struct exchange, node);
        if (e->has_stream && !e->is_told) {
            e->is_told = true;
            found = outflow_ref(e->call.reply.stream);
        }
    }
    pthread_mutex_unlock(&x->lock);
    return found;
}

void exchanges_stop(struct exchanges *x)
{
    struct outflow *o;
    while ((o = next_stream(x)) != NULL) {
        outflow_stop(o);
        outflow_unref(o);
    }
}

void exchanges_wait(struct exchanges *x)
{
    pthread_mutex_lock(&x->lock);
    while (x->n_suspended)
        pthread_cond_wait(&x->idle, &x->lock);
    pthread_mutex_unlock(&x->lock);
}

void exchanges_close(struct exchanges *x)
{
    if (!x)
        return;
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->idle);
    free(x);
}

static void suspend(struct exchange *e)
{
    struct exchanges *x = e->door->all;
    pthread_mutex_lock(&x->lock);
    x->n_suspended++;
    pthread_mutex_unlock(&x->lock);
    MHD_suspend_connection(e->connection);
}

static void resume(struct exchange *e)
{
    struct exchanges *x = e->door->all;
    MHD_resume_connection(e->connection);
    pthread_mutex_lock(&x->lock); /* e may be gone by now */
    if (--x->n_suspended == 0)
        pthread_cond_broadcast(&x->idle);
    pthread_mutex_unlock(&x->lock);
}

/* --- coming and going --------------------------------------------------------------------------
 */

void *exchange_started(void *door, const char *uri, struct MHD_Connection *connection)
{
    struct exchange *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->door = door;
    e->connection = connection;
    e->upload_fd = -1;
    e->uri = strdup(uri);
    call_init(&e->call, e->door->app);
    struct exchanges *x = e->door->all;
    pthread_mutex_lock(&x->lock);
    list_push_back(&x->each, &e->node);
    pthread_mutex_unlock(&x->lock);
    return e;
}

void exchange_completed(void *door, struct MHD_Connection *connection, void **context,
                        enum MHD_RequestTerminationCode code)
{
    (void)door;
    (void)connection;
    (void)code;
    struct exchange *e = *context;
    if (!e)
        return;
    *context = NULL;
    struct exchanges *x = e->door->all;
    pthread_mutex_lock(&x->lock);
    list_remove(&e->node);
    pthread_mutex_unlock(&x->lock);
    if (e->call.reply.stream)
        outflow_leave(e->call.reply.stream);
    if (e->upload_fd >= 0)
        close(e->upload_fd);
    if (e->body_bytes + e->reply_bytes > LARGE_BYTES) /* as a tree it took many times as much */
        atomic_store(&e->call.app->has_spare, true);
    call_fini(&e->call);
    free(e->uri);
    free(e);
}

/* --- the answer --------------------------------------------------------------------------------
 */

static void park_stream(void *ctx)
{
    suspend(ctx);
}

static void wake_stream(void *ctx)
{
    resume(ctx);
}

static ssize_t read_stream(void *ctx, uint64_t at, char *out, size_t room)
{
    (void)at;
    struct exchange *e = ctx;
    ssize_t n = outflow_read(e->call.reply.stream, out, room);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static struct MHD_Response *make_response(struct exchange *e)
{
    struct reply *r = &e->call.reply;
    if (r->stream) {
        outflow_attach(r->stream, park_stream, wake_stream, e);
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, READ_BLOCK, read_stream, e,
                                                 NULL);
    }
    if (r->has_file) {
        struct MHD_Response *m = MHD_create_response_from_fd64(r->file_bytes, r->file_fd);
        r->has_file = !m; /* it is closed with the response */
        return m;
    }
    size_t n = r->body.n;
    e->reply_bytes = n;
    char *bytes = n ? buf_take(&r->body) : NULL;
    if (n && !bytes)
        return NULL;
    return MHD_create_response_from_buffer(n, n ? bytes : (void *)(uintptr_t) "",
                                           n ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
}

static void add(struct MHD_Response *m, const char *name, const char *value)
{
    if (value && *value)
        (void)MHD_add_response_header(m, name, value);
}

static void add_security(struct MHD_Response *m, bool is_tls)
{
    static const char *const fields[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
         "frame-ancestors 'none'; require-trusted-types-for 'script'; "
         "trusted-types svelte-trusted-html"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        add(m, fields[i][0], fields[i][1]);
    if (is_tls)
        add(m, "Strict-Transport-Security", "max-age=31536000");
}

static void add_fields(struct exchange *e, struct MHD_Response *m)
{
    const struct reply *r = &e->call.reply;
    char seconds[16];
    add_security(m, e->door->is_tls);
    add(m, "Content-Type", r->type);
    add(m, "ETag", r->etag);
    add(m, "Location", r->location);
    add(m, "Set-Cookie", r->cookie);
    add(m, "Content-Disposition", r->disposition);
    add(m, "Allow", r->allow);
    add(m, "Cache-Control", "no-store");
    add(m, "X-Request-Id", e->call.request_id);
    if (r->retry_after_s) {
        snprintf(seconds, sizeof seconds, "%u", r->retry_after_s);
        add(m, "Retry-After", seconds);
    }
    if (r->status == 401)
        add(m, "WWW-Authenticate", "Bearer realm=\"proxyd\"");
    if (e->must_close)
        add(m, "Connection", "close");
}

static enum MHD_Result answer(struct exchange *e)
{
    unsigned status = e->call.reply.status;
    struct MHD_Response *m = make_response(e);
    if (!m)
        return MHD_NO;
    add_fields(e, m);
    enum MHD_Result r = MHD_queue_response(e->connection, status, m);
    MHD_destroy_response(m);
    return r;
}

static enum MHD_Result answer_file(struct exchange *e)
{
    struct static_file f;
    struct call *c = &e->call;
    struct str accept = {0};
    const char *value =
        MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, "Accept-Encoding");
    if (value)
        accept = str_of(value);
    static_files_open(e->door->app->web_dir, c->path, accept, &f);
    bool is_same = f.etag[0] && c->if_none_match.n && str_eq(c->if_none_match, str_of(f.etag));
    struct MHD_Response *m;
    if (f.fd >= 0 && is_same) {
        close(f.fd);
        m = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    } else if (f.fd >= 0) {
        m = MHD_create_response_from_fd64(f.n_bytes, f.fd);
        if (!m)
            close(f.fd);
    } else {
        m = MHD_create_response_from_buffer(f.text.n, (void *)(uintptr_t)f.text.p,
                                            MHD_RESPMEM_PERSISTENT);
    }
    if (!m)
        return MHD_NO;
    add_security(m, e->door->is_tls);
    add(m, "Content-Type", f.type);
    add(m, "Cache-Control", f.cache);
    add(m, "ETag", f.etag);
    add(m, "Content-Encoding", f.encoding);
    add(m, "Vary", "Accept-Encoding");
    enum MHD_Result r = MHD_queue_response(e->connection, is_same ? 304 : f.status, m);
    MHD_destroy_response(m);
    return r;
}

/* --- first call --------------------------------------------------------------------------------
 */

static bool open_upload(struct exchange *e)
{
    struct call *c = &e->call;
    if (asprintf(&c->upload, "%s/upload-XXXXXX", e->door->app->spool_dir) < 0) {
        c->upload = NULL;
    } else {
        e->upload_fd = mkostemp(c->upload, O_CLOEXEC);
        if (e->upload_fd >= 0)
            return true;
        free(c->upload);
        c->upload = NULL;
    }
    problem_reply_err(c, err_from_errno(errno), "upload");
    return false;
}

/* Judges the head. False: the answer is made and the connection closes after it. */
static bool admit(struct exchange *e, const char *version)
{
    struct admit_input in = {
        .door = e->door, .connection = e->connection, .uri = e->uri, .version = version};
    struct admit_result r = {0};
    bool good = admit_request(&e->call, &in, &r);
    e->body_bytes = r.body_bytes;
    e->is_static = r.is_static;
    if (!good) {
        e->is_refused = r.is_framed && r.body_bytes && r.body_bytes <= DROP_BYTES;
        e->must_close = !r.is_framed || r.body_bytes > DROP_BYTES;
    }
    if (!good || e->is_static || e->call.route->body != ROUTE_RAW)
        return good;
    return open_upload(e);
}

/* --- body and worker ---------------------------------------------------------------------------
 */

static bool take_piece(struct exchange *e, const char *p, size_t n)
{
    struct call *c = &e->call;
    if (e->is_refused)
        return true;
    if (e->upload_fd < 0) {
        buf_add(&c->body, str_make(p, n));
        return !c->body.failed;
    }
    c->upload_bytes += n;
    while (n) {
        ssize_t done = write(e->upload_fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* From here on the end of the program ends the stream. */
static void note_stream(struct exchange *e)
{
    struct exchanges *x = e->door->all;
    pthread_mutex_lock(&x->lock);
    e->has_stream = true;
    e->is_told = x->is_stopping;
    bool is_stopping = x->is_stopping;
    pthread_mutex_unlock(&x->lock);
    if (is_stopping)
        outflow_stop(e->call.reply.stream);
}

static void run(struct work *w, struct desk *d)
{
    struct exchange *e = (struct exchange *)(void *)w; /* work is its first member */
    e->call.desk = d;
    transact_run(&e->call);
    e->call.desk = NULL;
    e->stage = ANSWERED;
    if (e->call.reply.stream)
        note_stream(e);
    resume(e);
}

static enum MHD_Result start_work(struct exchange *e)
{
    if (e->upload_fd >= 0) {
        close(e->upload_fd);
        e->upload_fd = -1;
    }
    e->stage = RUNNING;
    e->work.run = run;
    list_init(&e->work.node);
    suspend(e);
    workers_add(e->door->app->workers, &e->work);
    return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's */
enum MHD_Result exchange_handle(void *door, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **context)
{
    (void)door;
    (void)url; /* decoded and cut at a zero byte; the raw one came to exchange_started */
    struct exchange *e = *context;
    if (!e || !e->uri)
        return MHD_NO;
    switch (e->stage) {
    case STARTED:
        e->call.method = str_of(method);
        if (admit(e, version) || e->is_refused) {
            e->stage = BODY;
            if (e->is_refused)
                MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, DROP_IDLE_S);
            return MHD_YES;
        }
        e->stage = ANSWERED;
        return answer(e);
    case BODY:
        if (*upload_bytes) {
            size_t n = *upload_bytes;
            *upload_bytes = 0;
            return take_piece(e, upload, n) ? MHD_YES : MHD_NO;
        }
        if (!e->is_refused)
            return e->is_static ? answer_file(e) : start_work(e);
        e->stage = ANSWERED;
        return answer(e);
    case RUNNING: return MHD_YES;
    case ANSWERED: return answer(e);
    }
    return MHD_NO;
}
