/* pac_parse: the settings document "pac" (JSON text) to a model, every fault reported at once with
 * its JSON pointer. Pure but for memory. Limit: PAC_DOCUMENT_MAX bytes. Threads: safe anywhere.
 *
 * {"url": "https://proxy.example.com/proxy.pac",
 *  "profiles": [
 *   {"name": "default",
 *    "networks": [],                      client networks; the profile without any is for the rest
 *    "proxies": [{"type": "http|https|socks5|socks4", "host": "p1.example.com", "port": 3128,
 *                 "weight": 1}],          host null: the address at which the file was asked for
 *    "sharing": "failover|by-host",
 *    "fallback": "none|direct",           what follows the last proxy
 *    "plain_names_direct": true,
 *    "direct": {"domains": [], "exact": [], "networks": [], "schemes": [], "ports": []},
 *    "routes": [{"name": "partner", "proxies": [..], "sharing": "failover", "fallback": "none",
 *                "domains": [], "exact": [], "networks": []}],
 *    "resolve_names": false}]}
 * Only profiles and their name are required. `domains` match the name and everything below. */
#ifndef PAC_PAC_PARSE_H
#define PAC_PAC_PARSE_H

#include "base/report.h"
#include "pac/pac_model.h"

#define PAC_DOCUMENT_MAX (4u << 20)

/* The document that holds until an administrator writes one: this proxy for all, private and
 * link-local addresses, plain names and .local direct, no way past the proxy when it is down. */
struct str pac_parse_default_document(void);

/* OK and one reference for the caller, ERR_INVALID with faults in report, or ERR_NOMEM. The report
 * is initialised here and always to be finished by the caller; it may hold warnings on OK. */
enum err pac_parse(struct str document, struct report *report, struct pac_model **out) MUST_CHECK;

#endif
