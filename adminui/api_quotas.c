/* api_quotas: questions handed on to proxyd. */
#include "adminui/api_quotas.h"

#include "adminui/fields.h"
#include "adminui/hand_on.h"
#include "adminui/reply.h"

static void list(struct call *c, const char *verb, const char *other)
{
    uint64_t limit = 200;
    if (!call_query_number(c, "limit", 1000, &limit))
        return;
    hand_on(c,
            json_pack("{s:s, s:o, s:o, s:I}", "do", verb, "user",
                      reply_str(call_query(c, "user", STR(""))), other,
                      reply_str(call_query(c, other, STR(""))), "limit", (json_int_t)limit),
            "balances");
}

void api_quotas_list(struct call *c)
{
    list(c, "quotas", "rule");
}

void api_quotas_grants(struct call *c)
{
    list(c, "grants", "host");
}

/* Checks and audits; proxyd is told after the commit. what: the member besides user and rule. */
static void note(struct call *c, const char *what)
{
    const struct field fields[] = {{"user", FIELD_STR, true, false, 1, 256},
                                   {"rule", FIELD_STR, false, true, 1, 128},
                                   {what, FIELD_STR, false, true, 1, 256}};
    if (!fields_check(c, fields, 3))
        return;
    call_audit(c, fields_str(c->json, "user", STR("")), NULL, json_incref(c->json));
    reply_empty(c, 204);
}

static void tell(struct call *c, const char *verb, const char *what)
{
    const char *const names[] = {"user", "rule", what};
    json_t *ask = json_pack("{s:s}", "do", verb);
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(ask, names[i], reply_str(fields_str(c->json, names[i], STR(""))));
    hand_on(c, ask, "balances");
}

void api_quotas_reset(struct call *c)
{
    note(c, "category");
}

void api_quotas_reset_noted(struct call *c)
{
    tell(c, "quotas-reset", "category");
}

void api_quotas_revoke(struct call *c)
{
    note(c, "host");
}

void api_quotas_revoke_noted(struct call *c)
{
    tell(c, "grants-revoke", "host");
}
