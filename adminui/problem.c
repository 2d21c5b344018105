/* problem: the table of slugs and the bodies. */
#include "adminui/problem.h"

#include <stdio.h>
#include <string.h>

#include "adminui/reply.h"

static const struct {
    const char *slug;
    unsigned status;
    const char *title;
} problems[] = {
    [PROBLEM_BAD_REQUEST] = {"bad-request", 400, "Bad request"},
    [PROBLEM_BAD_JSON] = {"bad-json", 400, "Bad JSON"},
    [PROBLEM_INVALID] = {"invalid", 422, "Invalid content"},
    [PROBLEM_NOT_LOGGED_IN] = {"not-logged-in", 401, "Not logged in"},
    [PROBLEM_WRONG_LOGIN] = {"wrong-login", 401, "Wrong name or password"},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "Not allowed"},
    [PROBLEM_ONE_TIME_PASSWORD] = {"one-time-password", 403, "The password must be changed first"},
    [PROBLEM_CSRF] = {"csrf", 403, "Not from the dashboard"},
    [PROBLEM_NOT_FOUND] = {"not-found", 404, "Not found"},
    [PROBLEM_METHOD] = {"method-not-allowed", 405, "Method not allowed"},
    [PROBLEM_CONFLICT] = {"conflict", 409, "In conflict"},
    [PROBLEM_CHANGED] = {"changed", 412, "Changed meanwhile"},
    [PROBLEM_TOO_LARGE] = {"too-large", 413, "Too large"},
    [PROBLEM_MEDIA_TYPE] = {"unsupported-media-type", 415, "Unsupported media type"},
    [PROBLEM_MISDIRECTED] = {"misdirected-request", 421, "Misdirected request"},
    [PROBLEM_IF_MATCH] = {"if-match-required", 428, "If-Match required"},
    [PROBLEM_TOO_OFTEN] = {"too-often", 429, "Too often"},
    [PROBLEM_INTERNAL] = {"internal", 500, "Internal error"},
    [PROBLEM_BUSY] = {"busy", 503, "Busy"},
    [PROBLEM_PROXY_DOWN] = {"proxy-down", 503, "proxyd does not answer"},
    [PROBLEM_QUERY_TIMEOUT] = {"query-timeout", 503, "Query took too long"},
    [PROBLEM_STORAGE] = {"storage", 507, "Cannot be stored"},
};

const char *problem_slug(enum problem p)
{
    return problems[p].slug;
}

unsigned problem_status(enum problem p)
{
    return problems[p].status;
}

enum problem problem_from_slug(const char *slug)
{
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        if (strcmp(problems[i].slug, slug) == 0)
            return (enum problem)i;
    return PROBLEM_INTERNAL;
}

json_t *problem_faults_json(const struct report_entry *e, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, json_pack("{s:s,s:s,s:s}", "pointer", e[i].pointer, "code",
                                             e[i].code, "message", e[i].message));
    return all;
}

static void reply_problem(struct call *c, enum problem p, const char *detail, json_t *errors)
{
    char type[80];
    snprintf(type, sizeof type, "urn:proxyd:problem:%s", problems[p].slug);
    json_t *body =
        json_pack("{s:s,s:s,s:i,s:s,s:s}", "type", type, "title", problems[p].title, "status",
                  (int)problems[p].status, "detail", detail, "instance", c->request_id);
    if (errors)
        json_object_set_new(body, "errors", errors);
    if (p == PROBLEM_CHANGED && c->reply.etag[0])
        json_object_set_new(body, "etag", json_string(c->reply.etag));
    if (c->reply.retry_after_s)
        json_object_set_new(body, "retry_after_ms",
                            json_integer((json_int_t)c->reply.retry_after_s * 1000));
    reply_json(c, problems[p].status, body);
    c->reply.type = "application/problem+json";
    c->reply.slug = problems[p].slug;
}

void problem_reply(struct call *c, enum problem p, const char *detail, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, detail);
    vsnprintf(text, sizeof text, detail, ap);
    va_end(ap);
    reply_problem(c, p, text, NULL);
}

void problem_reply_report(struct call *c, const struct report *r, bool is_syntax)
{
    char text[160];
    size_t n = r->n_faults + r->n_dropped;
    snprintf(text, sizeof text, "%zu fault%s; errors[] says where and why.", n, n == 1 ? "" : "s");
    reply_problem(c, is_syntax ? PROBLEM_BAD_REQUEST : PROBLEM_INVALID, text,
                  problem_faults_json(r->faults, r->n_faults));
}

void problem_reply_fault(struct call *c, const char *pointer, const char *code, const char *message)
{
    reply_problem(
        c, PROBLEM_INVALID, message,
        json_pack("[{s:s,s:s,s:s}]", "pointer", pointer, "code", code, "message", message));
}

void problem_reply_err(struct call *c, enum err e, const char *what)
{
    switch (e) {
    case ERR_NOT_FOUND: problem_reply(c, PROBLEM_NOT_FOUND, "No such %s.", what); return;
    case ERR_EXISTS: problem_reply(c, PROBLEM_CONFLICT, "This %s exists already.", what); return;
    case ERR_CONFLICT:
        problem_reply(c, PROBLEM_CHANGED, "The %s was changed meanwhile.", what);
        return;
    case ERR_FULL:
        problem_reply(c, PROBLEM_STORAGE, "The disk is full; the %s was not stored.", what);
        return;
    case ERR_TIMEOUT:
        problem_reply(c, PROBLEM_QUERY_TIMEOUT, "The query took too long; narrow the time range.");
        return;
    case ERR_BUSY: problem_reply(c, PROBLEM_BUSY, "The store is busy; try again."); return;
    case ERR_LIMIT: problem_reply(c, PROBLEM_TOO_LARGE, "The %s is too large.", what); return;
    case ERR_INVALID: problem_reply(c, PROBLEM_INVALID, "The %s is not valid.", what); return;
    case OK:
    case ERR_NOMEM:
    case ERR_AGAIN:
    case ERR_EOF:
    case ERR_CLOSED:
    case ERR_REFUSED:
    case ERR_UNREACHABLE:
    case ERR_DENIED:
    case ERR_IO:
    case ERR_CORRUPT:
    case ERR_UNSUPPORTED: break;
    }
    problem_reply(c, PROBLEM_INTERNAL, "The %s could not be handled: %s.", what, err_name(e));
}
