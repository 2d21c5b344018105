/* policy_secret: passwords of override rules never rest: before a document is stored, each plain
 * "password" in it gives way to its argon2id "password_hash". Slow on purpose, some tens of
 * milliseconds a password. Threads: safe anywhere. */
#ifndef ADMINUI_POLICY_SECRET_H
#define ADMINUI_POLICY_SECRET_H

#include <jansson.h>

#include "base/report.h"

#define POLICY_SECRET_MAX 32 /* new passwords in one document */

/* *out: the document itself when it holds no plain password, else a copy without; one reference for
 * the caller. ERR_INVALID with report: a password that cannot be hashed, so nothing may be stored.
 * ERR_NOMEM, ERR_IO. */
enum err policy_secret_seal(json_t *document, struct report *report, json_t **out) MUST_CHECK;

#endif
