/* url: splitting and normalising http/https URLs (RFC 3986), one normal form for policy, dialling
 * and record. Pure. Threads: safe anywhere. Borrows: views point into the caller's bytes or the
 * arena. */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/arena.h"
#include "base/host.h"

enum url_scheme { URL_HTTP, URL_HTTPS };

struct url {
    enum url_scheme scheme;
    struct host host;
    uint16_t port; /* never 0; the scheme's default when the text names none */
    bool is_port_default;
    /* As sent upstream: starts with '/', fragment removed, not re-encoded. Only "http://host?q",
     * which has a query and no path, gives "?q": who sends it puts the '/' before. */
    struct str path_query;
};

/* An absolute http or https URL. Userinfo, missing host, bad port, control bytes, space, non-ASCII
 * in the authority that is not IDN: ERR_INVALID. The fragment is dropped. path_query borrows from
 * raw, or is a static "/" when the path is empty. */
enum err url_parse(struct str raw, struct url *out) MUST_CHECK;

/* "host:port" of a CONNECT (RFC 9112 3.2.3): port required, 1..65535, no userinfo, no path. */
enum err url_parse_authority(struct str raw, struct host *host, uint16_t *port) MUST_CHECK;

/* "host[:port]" of a Host field; *port is 0 when absent. */
enum err url_parse_host_field(struct str raw, struct host *host, uint16_t *port) MUST_CHECK;

/* The text that url_patterns are matched against and that is recorded:
 *   scheme://host[:port if not default]/path[?query]
 * with percent-encoded unreserved bytes decoded, the other triplets in upper case, dot segments
 * removed (RFC 3986 5.2.4), empty path "/", bytes outside ASCII percent-encoded. path_query as in
 * struct url (an empty one is allowed and gives "/").  The result lives in the arena. ERR_NOMEM. */
enum err url_normal(const struct url *u, struct arena *a, struct str *out) MUST_CHECK;

/* "https://host:port/" for a CONNECT, where no path is known (default port omitted). */
enum err url_normal_authority(const struct host *h, uint16_t port, struct arena *a,
                              struct str *out) MUST_CHECK;

#endif
