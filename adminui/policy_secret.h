/* policy_secret: passwords of override rules never rest: before a document is stored, each plain
 * "password" in it gives way to its argon2id "password_hash". Slow on purpose, some tens of
 * milliseconds a password. Who may not edit the policy does not see the hashes either.
 * Threads: safe anywhere. */
#ifndef ADMINUI_POLICY_SECRET_H
#define ADMINUI_POLICY_SECRET_H

#include <jansson.h>

#include "base/report.h"

#define POLICY_SECRET_MAX 32 /* new passwords in one document */

/* *out: the document itself when it holds no plain password, else a copy without; one reference for
 * the caller. ERR_INVALID with report: a password that cannot be hashed, so nothing may be stored.
 * ERR_NOMEM, ERR_IO. */
enum err policy_secret_seal(json_t *document, struct report *report, json_t **out) MUST_CHECK;

/* What stands for a hash that the reader may not see. A document with it can still be checked, and
 * is refused where one is stored: the password it hides would be lost. */
#define POLICY_SECRET_HIDDEN "$argon2id$hidden"

/* Puts it in the place of every hash in a tree of ours: a document, a difference. ERR_NOMEM. */
enum err policy_secret_hide(json_t *tree) MUST_CHECK;

#endif
