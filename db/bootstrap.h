/* bootstrap: the INI file both programs are started with; everything else lives in the store.
 * Parsed by one function, so that proxyd and adminui cannot read it differently. All faults are
 * reported at once with their line numbers. Called by the mains and by nobody else.
 * Owner: caller's storage; bootstrap_fini frees and works on a zeroed struct. Threads: read-only
 * after loading. Limit: BOOTSTRAP_MAX values of a repeatable key, a file of 256 KiB.
 * See: the contract's "Bootstrap file"; additions beside it: [admin] name, certificate, key;
 * [proxy] watchdog; of listen: privacy=via|named|anonymous|high-anonymity,
 * referer=keep|same-host|none, trust-forwarded=network[,network]. */
#ifndef DB_BOOTSTRAP_H
#define DB_BOOTSTRAP_H

#include "base/arena.h"
#include "base/cidr.h"
#include "base/privacy.h"

#define BOOTSTRAP_MAX        64
#define BOOTSTRAP_WATCHDOG_S 20

enum bootstrap_mode {
    BOOTSTRAP_FORWARD,
    BOOTSTRAP_TRANSPARENT,
    BOOTSTRAP_REVERSE,
    BOOTSTRAP_SOCKS
};

struct bootstrap_listener {
    struct ip_port at;
    struct str text; /* the address as written: the name of the listener in policies */
    enum bootstrap_mode mode;
    struct str tls_cert; /* empty: no TLS on this port */
    bool proxy_protocol;
    struct privacy privacy; /* what is said here holds against the settings */
    int line;
};

struct bootstrap_private { /* an address that may be dialled although it is not public */
    struct cidr net;
    uint16_t port; /* 0: any */
};

struct bootstrap_address {
    struct ip_port at;
    struct str text;
    int line;
};

struct bootstrap {
    struct arena arena;   /* holds every text below; all of them end in a zero byte too */
    struct str state_dir; /* default /var/lib/proxyd */

    struct bootstrap_listener listen[BOOTSTRAP_MAX]; /* default 127.0.0.1:3128 */
    size_t n_listen;
    unsigned workers;    /* 0: one per core */
    unsigned watchdog_s; /* a process that gives no sign of life so long is replaced; 0: never */
    struct str user;     /* default proxyd */
    struct bootstrap_address resolvers[BOOTSTRAP_MAX]; /* port 53 when none is written */
    size_t n_resolvers;                                /* 0: /etc/resolv.conf */
    struct bootstrap_private allow_private[BOOTSTRAP_MAX];
    size_t n_allow_private;

    struct bootstrap_address pac_listen[BOOTSTRAP_MAX];
    size_t n_pac_listen; /* 0: only on the proxy port */

    struct bootstrap_address admin_listen; /* default 127.0.0.1:8443 */
    bool admin_tls;                        /* default on; off is refused unless on loopback */
    struct str admin_names[BOOTSTRAP_MAX]; /* more names the dashboard may be called by */
    size_t n_admin_names;
    struct str admin_certificate,
        admin_key; /* PEM files; empty: self-signed, made at first start */
};

struct bootstrap_fault {
    int line; /* 0: the file as a whole */
    char *message;
};

struct bootstrap_report {
    struct bootstrap_fault *faults; /* in the order of the file */
    size_t n_faults;
};

void bootstrap_report_fini(struct bootstrap_report *r); /* works on a zeroed one */

/* Both initialise *report (always to be finished by the caller) and write *out only on OK.
 * ERR_INVALID: report says what and where. ERR_NOMEM. */
enum err bootstrap_parse(struct str text, struct bootstrap_report *report,
                         struct bootstrap *out) MUST_CHECK;
/* A file that cannot be read is a fault of line 0 as well. */
enum err bootstrap_load(const char *path, struct bootstrap_report *report,
                        struct bootstrap *out) MUST_CHECK;
void bootstrap_fini(struct bootstrap *b);

#endif
