/* certificate: making, reading and judging it. */
#include "adminui/certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mapfile.h"
#include "base/secret.h"

#define LIFE_S  ((time_t)825 * 24 * 3600) /* what browsers bear */
#define EARLY_S ((time_t)24 * 3600)
#define PEM_MAX (256u << 10)

void certificate_fini(struct certificate *c)
{
    if (c->key)
        secret_wipe(c->key, strlen(c->key));
    free(c->key);
    free(c->chain);
    *c = (struct certificate){0};
}

static char *read_text(const char *path)
{
    struct mapfile m;
    if (mapfile_open(&m, path) != OK)
        return NULL;
    char *text = m.n <= PEM_MAX ? str_dup(str_make(m.p, m.n)) : NULL;
    mapfile_close(&m);
    return text;
}

/* Do both belong together, and is the certificate valid now? */
static bool is_usable(const struct certificate *c, bool *is_expired)
{
    gnutls_x509_crt_t chain[8];
    unsigned n = 8;
    gnutls_x509_privkey_t key;
    gnutls_datum_t text = {(unsigned char *)c->chain, (unsigned)strlen(c->chain)};
    unsigned char a[64], b[64];
    size_t na = sizeof a, nb = sizeof b;
    if (gnutls_x509_crt_list_import(chain, &n, &text, GNUTLS_X509_FMT_PEM, 0) < 0)
        return false;
    bool good = gnutls_x509_privkey_init(&key) == 0;
    if (good) {
        text = (gnutls_datum_t){(unsigned char *)c->key, (unsigned)strlen(c->key)};
        good = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
               gnutls_x509_privkey_get_key_id(key, 0, a, &na) == 0 &&
               gnutls_x509_crt_get_key_id(chain[0], 0, b, &nb) == 0 && na == nb &&
               memcmp(a, b, na) == 0;
        gnutls_x509_privkey_deinit(key);
    }
    *is_expired = gnutls_x509_crt_get_expiration_time(chain[0]) < time(NULL) + EARLY_S;
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return good;
}

static int add_names(gnutls_x509_crt_t crt, const struct app *app)
{
    const struct bootstrap *b = app->boot;
    static const unsigned char v4[4] = {127, 0, 0, 1};
    unsigned char v6[16] = {0};
    v6[15] = 1;
    int r = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9, 0);
    r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, v4, sizeof v4,
                                              GNUTLS_FSAN_APPEND);
    r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, v6, sizeof v6,
                                              GNUTLS_FSAN_APPEND);
    if (app->node[0])
        r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, app->node,
                                                  (unsigned)strlen(app->node), GNUTLS_FSAN_APPEND);
    for (size_t i = 0; i < b->n_admin_names; i++)
        r |=
            gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, b->admin_names[i].p,
                                                 (unsigned)b->admin_names[i].n, GNUTLS_FSAN_APPEND);
    if (ip_classify(&b->admin_listen.at.ip) != IP_LOOPBACK &&
        ip_classify(&b->admin_listen.at.ip) != IP_UNSPECIFIED) {
        bool is_v4 = ip_is_v4(&b->admin_listen.at.ip);
        r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
                                                  b->admin_listen.at.ip.b + (is_v4 ? 12 : 0),
                                                  is_v4 ? 4 : 16, GNUTLS_FSAN_APPEND);
    }
    return r;
}

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct app *app)
{
    unsigned char serial[16];
    time_t now = time(NULL);
    if (secret_random(serial, sizeof serial) != OK)
        return -1;
    serial[0] &= 0x7f;
    const char *name = app->node[0] ? app->node : "proxyd";
    int r = gnutls_x509_crt_set_version(crt, 3);
    r |= gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
    r |= gnutls_x509_crt_set_activation_time(crt, now - 3600);
    r |= gnutls_x509_crt_set_expiration_time(crt, now + LIFE_S);
    r |= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name));
    r |= gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0,
                                       "proxyd dashboard", 16);
    r |= gnutls_x509_crt_set_key(crt, key);
    r |= gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
    r |= gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
    r |= gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
    r |= add_names(crt, app);
    r |= gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    return r;
}

static enum err write_pair(const struct app *app, gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                           const char *const paths[2])
{
    gnutls_datum_t pem_crt = {0}, pem_key = {0};
    enum err e = ERR_IO;
    if (fill(crt, key, app) == 0 &&
        gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem_crt) == 0 &&
        gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                          &pem_key) == 0) {
        e = mapfile_replace(paths[1], str_make(pem_key.data, pem_key.size), 0600);
        if (e == OK)
            e = mapfile_replace(paths[0], str_make(pem_crt.data, pem_crt.size), 0644);
    }
    if (pem_key.data)
        secret_wipe(pem_key.data, pem_key.size);
    gnutls_free(pem_crt.data);
    gnutls_free(pem_key.data);
    return e;
}

static enum err make_pair(const struct app *app, const char *const paths[2])
{
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
    if (gnutls_x509_crt_init(&crt) != 0)
        return ERR_NOMEM;
    if (gnutls_x509_privkey_init(&key) != 0) {
        gnutls_x509_crt_deinit(crt);
        return ERR_NOMEM;
    }
    enum err e = ERR_IO;
    if (gnutls_x509_privkey_generate2(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0, NULL,
                                      0) == 0)
        e = write_pair(app, crt, key, paths);
    gnutls_x509_privkey_deinit(key);
    gnutls_x509_crt_deinit(crt);
    return e;
}

static bool read_pair(struct certificate *c, const char *const paths[2], bool *is_expired)
{
    c->chain = read_text(paths[0]);
    c->key = read_text(paths[1]);
    if (c->chain && c->key && is_usable(c, is_expired))
        return true;
    certificate_fini(c);
    return false;
}

static enum err load_own(const struct app *app, struct certificate *out)
{
    char *paths[2] = {NULL, NULL};
    bool is_expired = false;
    const char *dir = app->boot->state_dir.p;
    enum err e = asprintf(&paths[0], "%s/admin-cert.pem", dir) < 0 ||
                         asprintf(&paths[1], "%s/admin-key.pem", dir) < 0
                     ? ERR_NOMEM
                     : OK;
    const char *const fixed[2] = {paths[0], paths[1]};
    if (e == OK && (!read_pair(out, fixed, &is_expired) || is_expired)) {
        certificate_fini(out);
        e = make_pair(app, fixed);
        if (e == OK && !read_pair(out, fixed, &is_expired))
            e = ERR_IO;
        if (e == OK)
            diag(DIAG_INFO, "server", "a self-signed certificate was made", "file", paths[0], NULL);
        else
            diag(DIAG_ERROR, "server", "no certificate could be made", "file", paths[0], "why",
                 err_name(e), NULL);
    }
    free(paths[0]);
    free(paths[1]);
    return e;
}

enum err certificate_load(const struct app *app, struct certificate *out)
{
    const struct bootstrap *b = app->boot;
    bool is_expired = false;
    *out = (struct certificate){0};
    if (!b->admin_certificate.n)
        return load_own(app, out);
    const char *const paths[2] = {b->admin_certificate.p, b->admin_key.p};
    if (!read_pair(out, paths, &is_expired)) {
        diag(DIAG_ERROR, "server", "certificate and key cannot be read or do not belong together",
             "certificate", paths[0], "key", paths[1], NULL);
        return ERR_INVALID;
    }
    if (is_expired)
        diag(DIAG_WARN, "server", "the certificate has run out or does so today", "certificate",
             paths[0], NULL);
    return OK;
}
