/* proxy_link: one question, one answer. */
#include "adminui/proxy_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctl.h"
#include "base/secret.h"

#define RELOAD_MS 60000

const char *proxy_link_why(enum err e)
{
    if (e == ERR_NOT_FOUND || e == ERR_REFUSED)
        return "proxyd is not running";
    if (e == ERR_TIMEOUT)
        return "proxyd does not answer in time";
    if (e == ERR_CORRUPT || e == ERR_INVALID)
        return "proxyd answered what cannot be read";
    return e == ERR_DENIED ? "proxyd's control socket may not be used" : "proxyd went away";
}

enum err proxy_link_ask(const struct app *app, json_t *take_question, int timeout_ms,
                        json_t **answer)
{
    char *text = take_question ? json_dumps(take_question, JSON_COMPACT) : NULL;
    struct buf b;
    json_decref(take_question);
    if (!text)
        return ERR_NOMEM;
    buf_init(&b, CTL_MAX_BYTES);
    enum err e = ctl_ask(app->control_path, str_of(text), &b, timeout_ms);
    secret_wipe(text, strlen(text)); /* a directory test carries a password */
    free(text);
    json_t *j = e == OK ? json_loadb(b.p ? b.p : "", b.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
    buf_fini(&b);
    if (e != OK)
        return e;
    if (!json_is_object(j)) {
        json_decref(j);
        return ERR_CORRUPT;
    }
    *answer = j;
    return OK;
}

void proxy_link_reload(const struct app *app, struct proxy_reload *out)
{
    json_t *answer;
    *out = (struct proxy_reload){0};
    enum err e = proxy_link_ask(app, json_pack("{s:s}", "do", "reload"), RELOAD_MS, &answer);
    if (e != OK) {
        snprintf(out->why, sizeof out->why, "%s; it takes this up when it starts",
                 proxy_link_why(e));
        return;
    }
    json_int_t version = json_integer_value(json_object_get(answer, "policy_version"));
    out->is_applied = json_is_true(json_object_get(answer, "ok"));
    out->policy_version = version > 0 ? (uint64_t)version : 0;
    json_int_t trial = json_integer_value(json_object_get(answer, "trial_version"));
    out->trial_version = trial > 0 ? (uint64_t)trial : 0;
    if (!out->is_applied) {
        const char *error = json_string_value(json_object_get(answer, "error"));
        snprintf(out->why, sizeof out->why, "proxyd: %s", error ? error : "refused without a word");
    }
    json_decref(answer);
}
