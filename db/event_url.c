/* event_url: shorten and restore. */
#include "db/event_url.h"

#include <stdio.h>

#define MARK ' ' /* in front of a text that is kept as it is although it begins with '/' */

static bool take(struct str *rest, struct str prefix)
{
    if (!str_starts(*rest, prefix))
        return false;
    *rest = str_sub(*rest, prefix.n, rest->n);
    return true;
}

struct origin {
    struct str scheme;
    bool is_bracketed;
    char port[8]; /* ":8080", or empty for the scheme's own */
};

static struct origin origin_of(const struct record *r)
{
    bool is_http = str_eq(r->scheme, STR("http"));
    struct origin o = {.scheme = is_http ? STR("http://") : STR("https://"),
                       .is_bracketed = str_find(r->host, ':') != STR_NPOS};
    if (r->port != (is_http ? 80 : 443))
        snprintf(o.port, sizeof o.port, ":%u", r->port);
    return o;
}

struct str event_url_short(const struct record *r, struct buf *scratch)
{
    struct origin o = origin_of(r);
    struct str rest = r->url;
    bool fits = take(&rest, o.scheme) && (!o.is_bracketed || take(&rest, STR("["))) &&
                take(&rest, r->host) && (!o.is_bracketed || take(&rest, STR("]"))) &&
                take(&rest, str_of(o.port)) && rest.n && rest.p[0] == '/';
    if (fits)
        return rest;
    if (r->url.n == 0 || (r->url.p[0] != '/' && r->url.p[0] != MARK))
        return r->url;
    buf_clear(scratch); /* a path alone, of a request that was refused: must not be restored */
    buf_add_c(scratch, MARK);
    buf_add(scratch, r->url);
    return buf_str(scratch);
}

void event_url_restore(const struct record *r, struct str stored, struct buf *out)
{
    if (stored.n == 0 || stored.p[0] != '/') {
        buf_add(out, str_sub(stored, stored.n && stored.p[0] == MARK, stored.n));
        return;
    }
    struct origin o = origin_of(r);
    buf_add(out, o.scheme);
    if (o.is_bracketed)
        buf_add_c(out, '[');
    buf_add(out, r->host);
    if (o.is_bracketed)
        buf_add_c(out, ']');
    buf_add_z(out, o.port);
    buf_add(out, stored);
}
