/* certificate: the dashboard's certificate and key as PEM text: the files named in the bootstrap
 * file, or a self-signed pair made at first start in the state directory (ECDSA P-256, two years,
 * made anew when it has run out). Made through GnuTLS, which libmicrohttpd serves TLS with.
 * Owner: caller's storage. Threads: at start only. */
#ifndef ADMINUI_CERTIFICATE_H
#define ADMINUI_CERTIFICATE_H

#include "adminui/app.h"

struct certificate {
    char *chain, *key; /* PEM, zero-terminated */
};

/* Writes a diag line for what is wrong. ERR_INVALID: key and certificate do not belong together. */
enum err certificate_load(const struct app *app, struct certificate *out) MUST_CHECK;
void certificate_fini(struct certificate *c); /* wipes the key; works on a zeroed one */

#endif
