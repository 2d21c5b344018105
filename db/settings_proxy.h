/* settings_proxy: the settings document "proxy" (JSON text) as a value, every fault reported at
 * once with its JSON pointer. Called by adminui (validation) and proxyd/main (use). Pure but for
 * memory. Owner: settings_proxy_fini works on a zeroed one. Threads: safe anywhere.
 *
 * {"node": "proxy1",                  name in Via, Proxy-Status and records; a token
 *  "realm": "Internet access",        of the login prompt
 *  "contact": "helpdesk@example.com", shown on pages; may be empty
 *  "note": "",                        a sentence of the house on block pages; may be empty
 *  "timeouts_ms": {"head": 20000, "idle": 120000, "identity": 15000, "resolve": 10000,
 *                  "connect": 20000, "answer": 300000, "body": 300000, "tunnel": 3600000,
 *                  "reply": 30000, "pool": 55000, "drain": 10000},
 *  "limits": {"clients": 50000, "per_client": 4000, "pool": 1024, "pool_per_host": 128,
 *             "drain_body_bytes": 262144, "head_bytes": 131072, "line_bytes": 32768,
 *             "field_bytes": 65792, "fields": 128,
 *             "memory_mb": 0},         of what runs, heads and buffers; 0: a quarter of the
 * machine's "traffic": {...},                  what one client, one user and all may take:
 * settings_traffic.h
 *  "listeners": [...],              what requests of each tell: settings_privacy.h
 *  "warn_remembered_s": 3600,         how long "continue" on a warning holds
 *  "when_log_full": "refuse",         503 while no record can be kept; or "drop": go on and count
 *  "retention_days": 90}              access records; 0: for ever
 * Every key may be left out: the value above holds. */
#ifndef DB_SETTINGS_PROXY_H
#define DB_SETTINGS_PROXY_H

#include "base/arena.h"
#include "base/privacy.h"
#include "base/report.h"
#include "base/traffic.h"

struct settings_proxy {
    struct arena arena; /* holds the texts */
    struct str node, realm, contact, note;
    uint32_t head_ms, idle_ms, identity_ms, resolve_ms, connect_ms, answer_ms, body_ms, tunnel_ms,
        reply_ms, pool_ms, drain_ms;
    uint32_t clients, per_client, pool, pool_per_host, drain_body_bytes;
    uint32_t head_bytes, line_bytes, field_bytes, fields, memory_mb;
    uint32_t warn_remembered_s;
    uint32_t retention_days;
    bool refuse_when_log_full;
    struct traffic traffic;          /* its arrays are the arena's */
    struct privacy_settings privacy; /* the same */
};

/* The document that holds until an administrator stores one: all keys with their defaults. */
struct str settings_proxy_default_document(void);

/* OK, ERR_INVALID with faults in report, or ERR_NOMEM. The report is initialised here and always to
 * be finished by the caller. *out is written only on OK. */
enum err settings_proxy_parse(struct str document, struct report *report,
                              struct settings_proxy *out) MUST_CHECK;
void settings_proxy_fini(struct settings_proxy *s);

#endif
