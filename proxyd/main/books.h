/* books: what the ledger holds, for administrators: balances of quotas and accepted pages, read and
 * reset over the control socket. Threads: any (the ledger has its own locks). */
#ifndef PROXYD_MAIN_BOOKS_H
#define PROXYD_MAIN_BOOKS_H

#include <jansson.h>

struct wiring;

/* {"do": "quotas", "user"?, "rule"?, "limit"?} -> {"ok", "items", "truncated", "table"}. user: part
 * of a name, case aside. */
json_t *books_quotas(void *ctx, const json_t *request);
/* {"do": "quotas-reset", "user", "rule"?, "category"?} -> {"ok", "reset"}. user: the whole name. */
json_t *books_quotas_reset(void *ctx, const json_t *request);
/* {"do": "grants", "user"?, "host"?, "limit"?} -> {"ok", "items", "truncated"} */
json_t *books_grants(void *ctx, const json_t *request);
/* {"do": "grants-revoke", "user", "host"?, "rule"?} -> {"ok", "revoked"} */
json_t *books_grants_revoke(void *ctx, const json_t *request);

#endif
