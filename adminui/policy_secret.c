/* policy_secret: rules[].override.password to rules[].override.password_hash, and that to a mark.
 */
#include "adminui/policy_secret.h"

#include <stdio.h>
#include <string.h>

#include "base/password.h"
#include "base/secret.h"

#define MIN_BYTES 4
#define MAX_BYTES 200

#define HASH STR("$argon2id$")

static json_t *plain_of(const json_t *rule)
{
    return json_object_get(json_object_get(rule, "override"), "password");
}

static enum err seal_rule(json_t *rule)
{
    json_t *override = json_object_get(rule, "override"), *plain = plain_of(rule);
    char hash[PASSWORD_HASH_BYTES];
    if (!plain)
        return OK;
    size_t n = json_string_length(plain);
    if (json_is_null(plain)) /* as it is shown: nothing new */
        return json_object_del(override, "password") == 0 ? OK : ERR_NOMEM;
    if (!json_is_string(plain) || n < MIN_BYTES || n > MAX_BYTES)
        return ERR_INVALID;
    enum err e = password_hash(str_make(json_string_value(plain), n), hash);
    if (e != OK)
        return e;
    if (json_object_set_new(override, "password_hash", json_string(hash)) != 0 ||
        json_object_del(override, "password") != 0)
        return ERR_NOMEM;
    return OK;
}

static enum err seal_all(json_t *document, struct report *report)
{
    size_t i, n_new = 0;
    json_t *rule;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
    {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/rules/%zu/override/password", i);
        n_new += json_is_string(plain_of(rule));
        if (n_new > POLICY_SECRET_MAX) {
            report_fault(report, pointer, "too-many", "At most %d new passwords at once.",
                         POLICY_SECRET_MAX);
            return ERR_INVALID;
        }
        enum err e = seal_rule(rule);
        if (e == ERR_INVALID || e == ERR_LIMIT) {
            report_fault(report, pointer, "bad-password", "A password is a text of %d to %d bytes.",
                         MIN_BYTES, MAX_BYTES);
            return ERR_INVALID;
        }
        if (e != OK)
            return e;
    }
    return OK;
}

/* A document that was read by somebody who may not edit has lost its passwords. */
static bool has_hidden(const json_t *document, struct report *report)
{
    size_t i;
    const json_t *rule;
    bool is_found = false;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
    {
        const json_t *override = json_object_get(rule, "override");
        const char *hash = json_string_value(json_object_get(override, "password_hash"));
        char pointer[64];
        if (!hash || strcmp(hash, POLICY_SECRET_HIDDEN) != 0 || json_is_string(plain_of(rule)))
            continue;
        snprintf(pointer, sizeof pointer, "/rules/%zu/override/password_hash", i);
        report_fault(report, pointer, "hidden",
                     "The password was not shown to whoever saved this: give a new one.");
        is_found = true;
    }
    return is_found;
}

enum err policy_secret_seal(json_t *document, struct report *report, json_t **out)
{
    size_t i;
    const json_t *rule;
    bool has_any = false;
    if (has_hidden(document, report))
        return ERR_INVALID;
    json_array_foreach(json_object_get(document, "rules"), i, rule)
    {
        has_any = has_any || plain_of(rule);
    }
    json_t *copy = has_any ? json_deep_copy(document) : json_incref(document);
    enum err e = !copy ? ERR_NOMEM : has_any ? seal_all(copy, report) : OK;
    if (e == OK)
        *out = copy;
    else
        json_decref(copy);
    return e;
}

/* --- showing -----------------------------------------------------------------------------------
 */

static bool is_hash(const json_t *v)
{
    return json_is_string(v) &&
           str_starts(str_make(json_string_value(v), json_string_length(v)), HASH);
}

enum err policy_secret_hide(json_t *tree)
{
    size_t i;
    const char *name;
    json_t *v;
    enum err e = OK;
    json_object_foreach(tree, name, v)
    {
        enum err rc = !is_hash(v) ? policy_secret_hide(v)
                      : json_object_set_new(tree, name, json_string(POLICY_SECRET_HIDDEN)) == 0
                          ? OK
                          : ERR_NOMEM;
        e = e == OK ? rc : e;
    }
    json_array_foreach(tree, i, v)
    {
        enum err rc = !is_hash(v) ? policy_secret_hide(v)
                      : json_array_set_new(tree, i, json_string(POLICY_SECRET_HIDDEN)) == 0
                          ? OK
                          : ERR_NOMEM;
        e = e == OK ? rc : e;
    }
    return e;
}
