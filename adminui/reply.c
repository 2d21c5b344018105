/* reply: filling in the answer. */
#include "adminui/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/outflow.h"
#include "base/clock.h"

void reply_drop_body(struct call *c)
{
    if (c->reply.stream) {
        outflow_leave(c->reply.stream);
        outflow_unref(c->reply.stream);
    }
    if (c->reply.has_file)
        close(c->reply.file_fd);
    c->reply.stream = NULL;
    c->reply.has_file = false;
}

static void begin(struct call *c, unsigned status, const char *type)
{
    reply_drop_body(c);
    buf_clear(&c->reply.body);
    c->reply.status = status;
    c->reply.type = type;
    c->reply.slug = NULL;
}

static int add_piece(const char *p, size_t n, void *ctx)
{
    struct buf *out = ctx;
    buf_add(out, str_make(p, n));
    return out->failed ? -1 : 0;
}

void reply_json(struct call *c, unsigned status, json_t *take_body)
{
    begin(c, status, "application/json");
    if (!take_body || json_dump_callback(take_body, add_piece, &c->reply.body,
                                         JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        begin(c, 500, "application/problem+json");
        buf_add_z(&c->reply.body, "{\"type\":\"urn:proxyd:problem:internal\",\"title\":\"Internal "
                                  "error\",\"status\":500,\"detail\":\"Out of memory.\"}");
        c->reply.slug = "internal";
    }
    json_decref(take_body);
}

void reply_page(struct call *c, json_t *take_items, json_t *take_next)
{
    reply_json(c, 200,
               json_pack("{s:o,s:o}", "items", take_items, "next_cursor",
                         take_next ? take_next : json_null()));
}

void reply_json_text(struct call *c, unsigned status, struct str text)
{
    reply_text(c, status, "application/json", text);
}

void reply_text(struct call *c, unsigned status, const char *type, struct str text)
{
    begin(c, status, type);
    buf_add(&c->reply.body, text);
}

void reply_file(struct call *c, const char *type, int take_fd, uint64_t n)
{
    begin(c, 200, type);
    c->reply.has_file = true;
    c->reply.file_fd = take_fd;
    c->reply.file_bytes = n;
}

void reply_empty(struct call *c, unsigned status)
{
    begin(c, status, NULL);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '@';
}

void reply_location(struct call *c, const char *path, struct str segment)
{
    struct buf b;
    buf_init(&b, 2048);
    buf_addf(&b, "/api/v1%s", path);
    for (size_t i = 0; i < segment.n; i++) {
        if (is_unreserved(segment.p[i]))
            buf_add_c(&b, segment.p[i]);
        else
            buf_addf(&b, "%%%02X", (unsigned char)segment.p[i]);
    }
    free(c->reply.location);
    c->reply.location = buf_take(&b);
}

void reply_file_name(struct call *c, const char *name)
{
    char *text = NULL;
    if (asprintf(&text, "attachment; filename=\"%s\"", name) < 0)
        return;
    free(c->reply.disposition);
    c->reply.disposition = text;
}

json_t *reply_time(int64_t wall_ms)
{
    char text[CLOCK_RFC3339_BYTES];
    if (!wall_ms)
        return json_null();
    clock_format_rfc3339(wall_ms, text);
    return json_string(text);
}

json_t *reply_str(struct str s)
{
    json_t *j = json_stringn(s.n ? s.p : "", s.n);
    if (j)
        return j;
    struct buf b;
    buf_init(&b, s.n * 3 + 16);
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x80)
            buf_add_c(&b, s.p[i]);
        else
            buf_add_z(&b, "\xef\xbf\xbd");
    }
    j = json_stringn(b.n ? b.p : "", b.n);
    buf_fini(&b);
    return j;
}

json_t *reply_u64(uint64_t v)
{
    return json_integer((json_int_t)(v > INT64_MAX ? INT64_MAX : v));
}

json_t *reply_cursor(uint64_t v)
{
    return json_sprintf("%llu", (unsigned long long)v);
}
