/* call: what handlers ask of a request. */
#include "adminui/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/app.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/must.h"
#include "base/secret.h"
#include "db/event_filter.h"

void call_init(struct call *c, struct app *app)
{
    *c = (struct call){.app = app};
    arena_init(&c->arena, 4096, (size_t)8 * CALL_DOCUMENT_MAX);
    buf_init(&c->body, CALL_BODY_MAX);
    buf_init(&c->reply.body, CALL_REPLY_MAX);
    if (secret_random_hex(c->request_id, 8) != OK)
        memcpy(c->request_id, "0000000000000000", sizeof c->request_id);
}

void call_fini(struct call *c)
{
    if (c->upload) {
        unlink(c->upload);
        free(c->upload);
    }
    if (c->body.p)
        secret_wipe(c->body.p, c->body.n); /* it may hold a password */
    json_decref(c->json);
    json_decref(c->audit_before);
    json_decref(c->audit_after);
    free(c->audit_object);
    free(c->reply.location);
    free(c->reply.cookie);
    free(c->reply.disposition);
    free(c->reply.allow);
    reply_drop_body(c);
    buf_fini(&c->reply.body);
    buf_fini(&c->body);
    arena_fini(&c->arena);
}

/* Nesting of the text, before a parser that recurses sees it. */
static bool is_too_deep(struct str s)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];
        if (in_string) {
            if (ch == '\\')
                i++;
            else if (ch == '"')
                in_string = false;
        } else if (ch == '"') {
            in_string = true;
        } else if (ch == '{' || ch == '[') {
            if (++depth > CALL_DEPTH_MAX)
                return true;
        } else if (ch == '}' || ch == ']') {
            depth--;
        }
    }
    return false;
}

bool call_parse_json(struct call *c)
{
    struct str text = buf_str(&c->body);
    json_error_t error;
    if (is_too_deep(text)) {
        problem_reply(c, PROBLEM_BAD_JSON, "Nested deeper than %d.", CALL_DEPTH_MAX);
        return false;
    }
    c->json = json_loadb(text.n ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (!c->json) {
        problem_reply(c, PROBLEM_BAD_JSON, "Line %d, column %d: %s.", error.line, error.column,
                      error.text);
        return false;
    }
    if (!json_is_object(c->json)) {
        problem_reply(c, PROBLEM_BAD_JSON, "The body must be a JSON object.");
        return false;
    }
    return true;
}

struct str call_query(const struct call *c, const char *name, struct str otherwise)
{
    struct str v;
    return query_get(&c->query, name, &v) ? v : otherwise;
}

bool call_query_number(struct call *c, const char *name, uint64_t max, uint64_t *value)
{
    struct str v;
    if (!query_get(&c->query, name, &v))
        return true;
    if (str_to_u64(v, max, value) == OK && *value > 0)
        return true;
    problem_reply(c, PROBLEM_INVALID, "%s is a number from 1 to %llu.", name,
                  (unsigned long long)max);
    return false;
}

bool call_query_time(struct call *c, const char *name, int64_t *at_ms)
{
    struct str text = call_query(c, name, (struct str){0});
    char pointer[16];
    if (!text.n || event_filter_time(text, clock_wall_ms(&c->app->clock), at_ms) == OK)
        return true;
    snprintf(pointer, sizeof pointer, "/%s", name);
    problem_reply_fault(c, pointer, "bad-time", "A time is RFC 3339, or such as now-24h.");
    return false;
}

bool call_query_cursor(struct call *c, uint64_t *before)
{
    struct str cursor = call_query(c, "cursor", (struct str){0});
    if (!cursor.n || str_to_u64(cursor, INT64_MAX, before) == OK)
        return true;
    problem_reply_fault(c, "/cursor", "bad-cursor", "This cursor is not one of ours.");
    return false;
}

void call_audit(struct call *c, struct str object, json_t *before, json_t *after)
{
    free(c->audit_object);
    json_decref(c->audit_before);
    json_decref(c->audit_after);
    c->audit_object = str_dup(object);
    c->audit_before = before;
    c->audit_after = after;
}

void call_etag(char out[64], const char *kind, uint64_t version)
{
    snprintf(out, 64, "\"%s%llu\"", kind, (unsigned long long)version);
}

static bool tag_in_list(struct str list, const char *current)
{
    struct str part;
    if (str_eq(str_trim(list), STR("*")))
        return true;
    while (str_split(&list, ',', &part))
        if (str_eq(str_trim(part), str_of(current)))
            return true;
    return false;
}

bool call_if_match(struct call *c, const char *current)
{
    if (!c->if_match.n) {
        problem_reply(c, PROBLEM_IF_MATCH, "Send If-Match with the ETag of the version you read.");
        return false;
    }
    if (tag_in_list(c->if_match, current))
        return true;
    snprintf(c->reply.etag, sizeof c->reply.etag, "%s", current);
    problem_reply(c, PROBLEM_CHANGED, "It was changed meanwhile; read it again.");
    return false;
}

bool call_not_modified(struct call *c, const char *current)
{
    if (current != c->reply.etag)
        snprintf(c->reply.etag, sizeof c->reply.etag, "%s", current);
    if (!c->if_none_match.n || !tag_in_list(c->if_none_match, current))
        return false;
    reply_empty(c, 304);
    return true;
}
