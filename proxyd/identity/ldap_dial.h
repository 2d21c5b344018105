/* ldap_dial: the TCP connection under an LDAP handle, and a bound on how long TLS may take on it.
 * libldap 2.5 spins without end when a server accepts and then says nothing during the handshake;
 * the layer put in here ends that. Called by ldap_link only. Threads: blocks; one handle, one
 * thread.
 */
#ifndef PROXYD_IDENTITY_LDAP_DIAL_H
#define PROXYD_IDENTITY_LDAP_DIAL_H

#include <ldap.h>

#include "base/str.h"

/* Every address of the host in turn, within ms in all. The name is looked up by the system's
 * resolver. detail is static text. ERR_UNREACHABLE, ERR_REFUSED, ERR_TIMEOUT, ERR_IO. */
enum err ldap_dial_open(const char *host, int port, uint32_t ms, int *fd,
                        const char **detail) MUST_CHECK;

/* From now on reads of this handle that wait longer than until_mono_ms fail; 0 takes the bound
 * away. To be set before TLS begins. ERR_NOMEM. */
enum err ldap_dial_guard(LDAP *ld, int64_t until_mono_ms) MUST_CHECK;

#endif
