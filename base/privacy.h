/* privacy: what the requests of one listener tell of the client and of the proxy, as one value:
 * read from the bootstrap file and from the settings by db, used by the flow, which may not see
 * each other. What each mode does field by field stands in proxyd/wire/veil.h.
 * Borrows: nothing. Threads: values. */
#ifndef BASE_PRIVACY_H
#define BASE_PRIVACY_H

#include "base/arena.h"
#include "base/cidr.h"

#define PRIVACY_TRUST_MAX 16

enum privacy_mode {
    PRIVACY_VIA,            /* Via is added, nothing else is changed */
    PRIVACY_NAMED,          /* and the client's address is told */
    PRIVACY_ANONYMOUS,      /* a proxy is told of, nothing of its client */
    PRIVACY_HIGH_ANONYMITY, /* nothing is told of either */
};

enum privacy_referer {
    PRIVACY_REFERER_KEEP,
    PRIVACY_REFERER_SAME_HOST, /* left out when it names another host than the request */
    PRIVACY_REFERER_NONE,
};

struct privacy {
    enum privacy_mode mode;
    enum privacy_referer referer;
    /* named: clients (proxies of the house) whose Forwarded and X-Forwarded-For are believed and
     * added to; everybody else's are replaced */
    struct cidr trust[PRIVACY_TRUST_MAX];
    uint8_t n_trust;
    bool has_mode, has_referer; /* was said, not left to the default; trust: n_trust */
};

const char *privacy_mode_name(enum privacy_mode m);
const char *privacy_referer_name(enum privacy_referer r);
/* ERR_NOT_FOUND: no such word. */
enum err privacy_mode_parse(struct str word, enum privacy_mode *out) MUST_CHECK;
enum err privacy_referer_parse(struct str word, enum privacy_referer *out) MUST_CHECK;
/* ERR_INVALID: not a network; ERR_LIMIT: PRIVACY_TRUST_MAX are there. */
enum err privacy_add_trust(struct privacy *p, struct str network) MUST_CHECK;
bool privacy_trusts(const struct privacy *p, const struct ip *client);

/* What `first` has said, the rest from `then`. */
struct privacy privacy_join(const struct privacy *first, const struct privacy *then);

#define PRIVACY_NAME_BYTES   72
#define PRIVACY_SETTINGS_MAX 64

/* What the settings say, listener by listener. */
struct privacy_settings {
    struct {
        char name[PRIVACY_NAME_BYTES]; /* the listener's address as the bootstrap file has it */
        struct privacy p;
    } * listeners;
    size_t n;
};

/* A copy in the arena. ERR_NOMEM. */
enum err privacy_settings_copy(const struct privacy_settings *s, struct arena *a,
                               struct privacy_settings *out) MUST_CHECK;
/* NULL: nothing is said of it. */
const struct privacy *privacy_settings_of(const struct privacy_settings *s, struct str listener);

#endif
