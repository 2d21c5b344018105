/* ldap_link: options, TLS, bind and search over one libldap handle. */
#include "proxyd/identity/ldap_link.h"

#include <openldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxyd/identity/ldap_dial.h"
#include "proxyd/identity/ldap_text.h"

#define SYSTEM_CA_FILE       "/etc/ssl/certs/ca-certificates.crt"
#define DEFAULT_CONNECT_MS   3000
#define DEFAULT_OPERATION_MS 5000

static struct timeval time_of(uint32_t ms, uint32_t otherwise)
{
    if (ms == 0)
        ms = otherwise;
    return (struct timeval){ms / 1000, (suseconds_t)(ms % 1000) * 1000};
}

static struct timeval operation_time(const struct ldap_settings *s)
{
    return time_of(s->operation_ms, DEFAULT_OPERATION_MS);
}

const char *ldap_link_text(int result)
{
    return result == LDAP_SUCCESS ? "ok" : ldap_err2string(result); /* static, in C locale text */
}

static enum err err_of(int result)
{
    switch (result) {
    case LDAP_SUCCESS: return OK;
    case LDAP_TIMEOUT:
    case LDAP_TIMELIMIT_EXCEEDED: return ERR_TIMEOUT;
    case LDAP_NO_MEMORY: return ERR_NOMEM;
    case LDAP_NO_SUCH_OBJECT: return ERR_NOT_FOUND;
    case LDAP_SERVER_DOWN:
    case LDAP_CONNECT_ERROR:
    case LDAP_BUSY:
    case LDAP_UNAVAILABLE:
    case LDAP_LOCAL_ERROR:
    case LDAP_DECODING_ERROR:
    case LDAP_OTHER: return ERR_UNREACHABLE;
    default: return ERR_INVALID; /* results come from the server: no enum of ours */
    }
}

/* --- connecting ------------------------------------------------------------------------------ */

static bool set_tls(LDAP *ld, const struct ldap_settings *s)
{
    int verify = s->is_verify_off ? LDAP_OPT_X_TLS_NEVER : LDAP_OPT_X_TLS_HARD;
    int oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, is_server = 0;
    const char *ca = s->ca_file && *s->ca_file ? s->ca_file : SYSTEM_CA_FILE;
    return ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &verify) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &is_server) == LDAP_OPT_SUCCESS;
}

static bool set_options(LDAP *ld, const struct ldap_settings *s)
{
    int version = LDAP_VERSION3, deref = LDAP_DEREF_NEVER;
    struct timeval connect = time_of(s->connect_ms, DEFAULT_CONNECT_MS);
    struct timeval operation = operation_time(s);
    return ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_DEREF, &deref) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &connect) == LDAP_OPT_SUCCESS &&
           ldap_set_option(ld, LDAP_OPT_TIMEOUT, &operation) == LDAP_OPT_SUCCESS;
}

/* What the library adds, such as which part of a certificate it did not like. */
static void add_diagnostic(LDAP *ld, struct buf *more)
{
    char *text = NULL;
    if (more && ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text) == LDAP_OPT_SUCCESS && text)
        buf_add_z(more, text);
    ldap_memfree(text);
}

/* TLS, as the address or the settings want it, within the connect time once more. */
static enum err secure(LDAP *ld, const struct ldap_settings *s, bool is_ldaps, const char **detail)
{
    struct clock clock;
    clock_init_real(&clock);
    struct timeval limit = time_of(s->connect_ms, DEFAULT_CONNECT_MS);
    int64_t until = clock_mono_ms(&clock) + limit.tv_sec * 1000 + limit.tv_usec / 1000;
    *detail = "TLS cannot be set up";
    enum err e = ldap_dial_guard(ld, until);
    if (e != OK)
        return e;
    int rc = is_ldaps ? ldap_install_tls(ld) : ldap_start_tls_s(ld, NULL, NULL);
    if (rc != LDAP_SUCCESS) {
        bool is_late = rc == LDAP_TIMEOUT || clock_mono_ms(&clock) >= until;
        *detail = is_late    ? "no answer while setting up TLS"
                  : is_ldaps ? "TLS failed, or the certificate is not accepted"
                             : "StartTLS failed, or the certificate is not accepted";
        return is_late ? ERR_TIMEOUT : ERR_UNREACHABLE;
    }
    return ldap_dial_guard(ld, 0);
}

/* A handle over a connection of our own making; *out is set also when TLS failed. */
static enum err open_handle(const struct ldap_settings *s, const char *url, LDAP **out,
                            const char **detail)
{
    LDAPURLDesc *parts = NULL;
    int fd = -1;
    *detail = "not an ldap:// or ldaps:// address";
    if (ldap_url_parse(url, &parts) != LDAP_URL_SUCCESS)
        return ERR_INVALID;
    struct timeval limit = time_of(s->connect_ms, DEFAULT_CONNECT_MS);
    uint32_t ms = (uint32_t)(limit.tv_sec * 1000 + limit.tv_usec / 1000);
    const char *host = parts->lud_host && *parts->lud_host ? parts->lud_host : "localhost";
    enum err e = ldap_dial_open(host, parts->lud_port, ms, &fd, detail);
    ldap_free_urldesc(parts);
    if (e != OK)
        return e == ERR_TIMEOUT ? e : ERR_UNREACHABLE;
    if (ldap_init_fd(fd, LDAP_PROTO_TCP, url, out) != LDAP_SUCCESS) {
        *detail = "no memory for a connection";
        close(fd);
        return ERR_NOMEM;
    }
    *detail = "the CA file is not usable";
    return set_options(*out, s) && set_tls(*out, s) ? OK : ERR_INVALID;
}

/* It does so at the first use of any option. */
void ldap_link_prepare(void)
{
    int level;
    (void)ldap_get_option(NULL, LDAP_OPT_DEBUG_LEVEL, &level);
}

enum err ldap_link_open(const struct ldap_settings *s, const char *url, LDAP **out,
                        const char **detail, struct buf *more)
{
    LDAP *ld = NULL;
    bool is_ldaps = strncasecmp(url, "ldaps:", 6) == 0;
    if (!is_ldaps && !s->start_tls && !s->may_be_cleartext) {
        *detail = "passwords would go without TLS; use ldaps or StartTLS, or unlock cleartext";
        return ERR_INVALID;
    }
    enum err e = open_handle(s, url, &ld, detail);
    if (e == OK && (is_ldaps || s->start_tls))
        e = secure(ld, s, is_ldaps, detail);
    if (e != OK) {
        if (ld)
            add_diagnostic(ld, more);
        ldap_link_close(ld);
        return e;
    }
    *detail = "ok";
    *out = ld;
    return OK;
}

void ldap_link_close(LDAP *ld)
{
    if (ld)
        ldap_unbind_ext(ld, NULL, NULL);
}

/* --- binding --------------------------------------------------------------------------------- */

static const char *policy_detail(LDAP *ld, LDAPControl **controls)
{
    LDAPControl *c = ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL);
    ber_int_t expire = -1, grace = -1;
    LDAPPasswordPolicyError e = PP_noError;
    if (!c || ldap_parse_passwordpolicy_control(ld, c, &expire, &grace, &e) != LDAP_SUCCESS)
        return NULL;
    if (e == PP_accountLocked)
        return ldap_refusal_sentence(LDAP_REFUSAL_LOCKED);
    if (e == PP_passwordExpired)
        return ldap_refusal_sentence(LDAP_REFUSAL_OLD_PASSWORD);
    return e == PP_changeAfterReset ? ldap_refusal_sentence(LDAP_REFUSAL_MUST_CHANGE) : NULL;
}

/* What the server said to a bind. */
static enum err judge_bind(int result, const char *text, const char *policy, const char **detail)
{
    enum ldap_refusal why = ldap_text_bind_refusal(str_of(text));
    switch (result) {
    case LDAP_SUCCESS: *detail = policy ? policy : "ok"; return OK;
    case LDAP_INVALID_CREDENTIALS: break;
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX: why = LDAP_REFUSAL_NO_USER; break;
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_INSUFFICIENT_ACCESS:
        if (why == LDAP_REFUSAL_PASSWORD)
            why = LDAP_REFUSAL_NOT_ALLOWED;
        break;
    case LDAP_STRONG_AUTH_REQUIRED:
    case LDAP_CONFIDENTIALITY_REQUIRED:
        *detail = "the server wants TLS or signing";
        return ERR_INVALID;
    default: *detail = ldap_link_text(result); return err_of(result);
    }
    *detail = policy ? policy : ldap_refusal_sentence(why);
    return ERR_DENIED;
}

static int receive_bind(LDAP *ld, int id, const struct ldap_settings *s, LDAPMessage **message)
{
    struct timeval limit = operation_time(s);
    int got = ldap_result(ld, id, LDAP_MSG_ALL, &limit, message);
    if (got > 0)
        return LDAP_SUCCESS;
    if (got == 0)
        return LDAP_TIMEOUT;
    int rc = LDAP_SERVER_DOWN;
    (void)ldap_get_option(ld, LDAP_OPT_RESULT_CODE, &rc);
    return rc == LDAP_SUCCESS ? LDAP_SERVER_DOWN : rc;
}

static enum err bind_now(LDAP *ld, const struct ldap_settings *s, const char *dn,
                         struct berval *secret, const char **detail)
{
    LDAPControl policy = {.ldctl_oid = (char *)(uintptr_t)LDAP_CONTROL_PASSWORDPOLICYREQUEST};
    LDAPControl *controls[] = {&policy, NULL}, **answers = NULL;
    LDAPMessage *message = NULL;
    char *text = NULL;
    int id, result = LDAP_SERVER_DOWN;
    int rc = ldap_sasl_bind(ld, dn, LDAP_SASL_SIMPLE, secret, controls, NULL, &id);
    if (rc == LDAP_SUCCESS)
        rc = receive_bind(ld, id, s, &message);
    if (rc == LDAP_SUCCESS)
        rc = ldap_parse_result(ld, message, &result, NULL, &text, NULL, &answers, 1);
    enum err e = judge_bind(rc == LDAP_SUCCESS ? result : rc, text,
                            answers ? policy_detail(ld, answers) : NULL, detail);
    ldap_controls_free(answers);
    ldap_memfree(text);
    return e;
}

enum err ldap_link_bind(LDAP *ld, const struct ldap_settings *s, const char *dn,
                        struct str password, const char **detail)
{
    /* RFC 4513 5.1.2: a name with an empty password is an anonymous bind and would succeed. */
    if (password.n == 0 || *dn == '\0') {
        *detail = "empty password";
        return ERR_DENIED;
    }
    struct berval secret = {password.n, (char *)(uintptr_t)password.p};
    return bind_now(ld, s, dn, &secret, detail);
}

/* Our own account, so that we may search. A refusal is the administrator's matter. */
enum err ldap_link_bind_service(LDAP *ld, const struct ldap_settings *s, const char **detail)
{
    *detail = "anonymous";
    if (*s->bind_dn == '\0')
        return OK;
    enum err e = ldap_link_bind(ld, s, s->bind_dn, str_of(s->bind_password), detail);
    if (e != ERR_DENIED)
        return e;
    *detail = "the service account is refused";
    return ERR_INVALID;
}

/* --- searching ------------------------------------------------------------------------------- */

enum err ldap_link_search(LDAP *ld, const struct ldap_settings *s, const struct ldap_link_query *q,
                          LDAPMessage **out, bool *is_cut)
{
    struct timeval limit = operation_time(s);
    LDAPMessage *found = NULL;
    char **attributes = (char **)(uintptr_t)q->attributes; /* libldap only reads them */
    int rc = ldap_search_ext_s(ld, q->base, q->scope, q->filter, attributes, 0, NULL, NULL, &limit,
                               q->size_limit, &found);
    *is_cut = rc == LDAP_SIZELIMIT_EXCEEDED || rc == LDAP_ADMINLIMIT_EXCEEDED ||
              rc == LDAP_PARTIAL_RESULTS;
    if (rc == LDAP_SUCCESS || rc == LDAP_REFERRAL || (*is_cut && found)) {
        *out = found;
        return OK;
    }
    ldap_msgfree(found);
    return err_of(rc);
}
