/* settings_upstreams: the settings document "upstreams" (JSON text) as a value: parent proxies,
 * every fault reported at once with its JSON pointer. Called by adminui (validation) and
 * proxyd/main (use). Pure but for memory. Owner: settings_upstreams_fini works on a zeroed one.
 *
 * {"groups": [{"name": "hq",                  named by rules: "upstream": "hq"
 *              "members": [{"address": "proxy1.corp.example:3128",
 *                           "username": "", "password": "",   Basic, for this proxy
 *                           "weight": 1, "backup": false,
 *                           "proxy_protocol": "off"}],        or "v1", "v2": tells it the client
 *              "balance": "first",              or "round-robin", "client-hash"
 *              "when_all_down": "fail",         or "direct"
 *              "connect_timeout_ms": 3000,      for one member
 *              "answer_timeout_ms": 0,          then another is asked, if that is harmless; 0:
 * never "check": {"kind": "connect",     or "http": asks the proxy, or fetches "url" "url": "",
 * http://..., through the member: 2xx or 3xx "interval_ms": 5000,   0: no checks, a request tries
 * again "timeout_ms": 2000, "retry_ms": 10000, "down_after": 2, "up_after": 2}}], "default": ""}
 * what no rule sends elsewhere; "" or "direct" Every key but name, members and address may be left
 * out: the value above holds. */
#ifndef DB_SETTINGS_UPSTREAMS_H
#define DB_SETTINGS_UPSTREAMS_H

#include "base/arena.h"
#include "base/host.h"
#include "base/report.h"

#define SETTINGS_UPSTREAMS_GROUPS  32
#define SETTINGS_UPSTREAMS_MEMBERS 16

struct settings_upstreams_member {
    struct host host;
    uint16_t port;
    struct str username, password;
    uint32_t weight;
    bool is_backup;
    int proxy_protocol; /* 0 off, 1, 2 */
};

struct settings_upstreams_group {
    struct str name;
    struct settings_upstreams_member *members;
    size_t n;
    int balance; /* 0 first, 1 round-robin, 2 client-hash */
    bool is_direct_when_down;
    uint32_t connect_ms, answer_ms;
    int check_kind;       /* 0 connect, 1 http */
    struct str check_url; /* http alone; may be empty */
    uint32_t interval_ms, timeout_ms, retry_ms, down_after, up_after;
};

struct settings_upstreams {
    struct arena arena;
    struct settings_upstreams_group *groups;
    size_t n;
    struct str standard; /* name of a group; empty: direct */
};

struct str settings_upstreams_default_document(void);

/* OK, ERR_INVALID with faults, or ERR_NOMEM. The report is initialised here and always to be
 * finished by the caller. *out is written only on OK. */
enum err settings_upstreams_parse(struct str document, struct report *report,
                                  struct settings_upstreams *out) MUST_CHECK;
void settings_upstreams_fini(struct settings_upstreams *s);

#endif
