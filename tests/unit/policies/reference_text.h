/* reference_text: random documents of reference.h's rules written out as JSON, the index they are
 * judged with, and random requests. */
#ifndef TESTS_POLICIES_REFERENCE_TEXT_H
#define TESTS_POLICIES_REFERENCE_TEXT_H

#include "policies/reference.h"

#define REFERENCE_RULES_MAX 4500 /* more than 64 words of them */

static inline void reference_must(bool is_good)
{
    if (!is_good)
        abort();
}

static const char *const reference_messages[] = {"", "m1", "m2"};

/* --- documents -----------------------------------------------------------------------------------
 */

static inline void reference_write_text(struct buf *b, const char *text)
{
    buf_add_c(b, '"');
    for (const char *c = text; *c; c++)
        buf_addf(b, *c == '\\' ? "\\\\" : "%c", *c);
    buf_add_c(b, '"');
}

static inline void reference_write_key(struct buf *b, int key, uint32_t mask)
{
    bool is_single = key == K_MIN || key == K_MAX, is_first = true;
    buf_addf(b, "\"%s\":%s", ref_keys[key].name, is_single ? "" : "[");
    for (uint32_t i = 0; i < ref_keys[key].n; i++) {
        if (!(mask >> i & 1))
            continue;
        buf_add_z(b, is_first ? "" : ",");
        is_first = false;
        if (is_single)
            buf_add_z(b, ref_keys[key].pool[i]);
        else
            reference_write_text(b, ref_keys[key].pool[i]);
    }
    buf_add_z(b, is_single ? "" : "]");
}

static inline void reference_write_rule(struct buf *b, const struct ref_rule *r, uint32_t number)
{
    static const char *const sides[] = {"when", "unless"};
    buf_addf(b,
             "%s{\"id\":\"%u\",\"enabled\":%s,\"shadow\":%s,\"action\":\"%s\",\"log\":\"%s\","
             "\"tls\":\"%s\",\"message\":\"%s\"",
             number ? "," : "", number, r->is_enabled ? "true" : "false",
             r->is_shadow ? "true" : "false", verdict_action_name(r->action),
             verdict_log_name(r->log), verdict_tls_name(r->tls), reference_messages[r->message]);
    if (r->action == VERDICT_REDIRECT)
        buf_add_z(b, ",\"redirect_url\":\"http://r.test/\"");
    if (r->is_limited)
        buf_addf(b, ",\"limit\":{\"bytes_per_second\":%u}", 2000 + number);
    if (r->expires_at_ms)
        buf_addf(b, ",\"expires_at\":\"2026-11-%02dT00:00:00Z\"",
                 23 + (int)((r->expires_at_ms - MONDAY_MS) / DAY_MS));
    for (int side = 0; side < 2; side++) {
        buf_addf(b, ",\"%s\":{", sides[side]);
        for (uint32_t keys = r->keys[side]; keys; keys &= keys - 1) {
            reference_write_key(b, __builtin_ctz(keys), r->mask[side][__builtin_ctz(keys)]);
            buf_add_z(b, keys & (keys - 1) ? "," : "");
        }
        buf_add_c(b, '}');
    }
    buf_add_c(b, '}');
}

static inline void reference_write(struct buf *b, const struct ref_policy *p)
{
    static const char *const identity[] = {"when-needed", "always", "never"};
    buf_addf(b,
             "{\"identity\":\"%s\",\"default\":{\"action\":\"%s\",\"message\":\"%s\"}," REF_LISTS
             "\"schedules\":[",
             identity[p->identity], verdict_action_name(p->default_action),
             reference_messages[p->default_message]);
    for (size_t i = 0; i < REF_N(ref_schedule); i++)
        buf_addf(b,
                 "%s{\"name\":\"%s\",\"zone\":\"%s\",\"windows\":[{\"days\":[%s],\"from\":\"%s\","
                 "\"to\":\"%s\"}]}",
                 i ? "," : "", pool_schedules[i], ref_schedule[i].zone, ref_schedule[i].days,
                 ref_schedule[i].from, ref_schedule[i].to);
    buf_add_z(b, "],\"rules\":[");
    for (uint32_t r = 0; r < p->n; r++)
        reference_write_rule(b, &p->rules[r], r);
    buf_add_z(b, "]}");
}

static inline void reference_side(struct ref_rule *r, int side, uint32_t n_conditions)
{
    for (uint32_t c = 0; c < n_conditions; c++) {
        int k = (int)rng(K_N);
        if (k == K_MIN || k == K_MAX) {
            r->mask[side][k] = 1u << rng(ref_keys[k].n);
        } else {
            r->mask[side][k] |= 1u << rng(ref_keys[k].n);
            r->mask[side][k] |= 1u << rng(ref_keys[k].n);
        }
        r->keys[side] |= 1u << k;
    }
}

/* least: conditions of each rule; many make rules that seldom fit, so that the search goes far. */
static inline void reference_policy(struct ref_policy *p, uint32_t n, uint32_t least)
{
    bool is_plain = rng(3) == 0; /* few different effects: more that may be passed over */
    p->n = n;
    p->identity = rng(6) ? 0 : (int)rng(3);
    p->default_action = rng(2) ? VERDICT_ALLOW : VERDICT_BLOCK;
    p->default_message = is_plain ? 0 : rng(3);
    for (uint32_t i = 0; i < n; i++) {
        struct ref_rule *r = &p->rules[i];
        memset(r, 0, sizeof *r);
        reference_side(r, 0, least + rng(4));
        reference_side(r, 1, rng(3) ? 0 : 1 + rng(2));
        r->is_enabled = rng(10) != 0;
        r->is_shadow = rng(8) == 0;
        r->action = (enum verdict_action)(is_plain ? rng(2) : rng(5));
        r->log = rng(6) || is_plain ? VERDICT_LOG_FULL : (enum verdict_log)rng(3);
        r->tls = rng(6) || is_plain ? VERDICT_TLS_DEFAULT : (enum verdict_tls)rng(3);
        r->is_limited = rng(12) == 0;
        r->message = is_plain ? 0 : rng(3);
        r->expires_at_ms = rng(6) ? 0 : MONDAY_MS + (1 + rng(5)) * DAY_MS;
    }
}

static inline enum err reference_append(void *ctx, struct str bytes)
{
    buf_add(ctx, bytes);
    return OK;
}

static inline void reference_add_entries(struct set_domain_builder *b, enum set_domain_kind kind,
                                         const char *const (*rows)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < REF_N(pool_categories); c++)
            if (strcmp(rows[i][1], pool_categories[c]) == 0)
                reference_must(set_domain_builder_add(b, c, kind, str_of(rows[i][0])) == OK);
}

static inline struct category_index *reference_index(struct buf *bytes)
{
    struct str names[REF_N(pool_categories)];
    struct set_domain_builder *b;
    struct category_index *x;
    for (size_t i = 0; i < REF_N(pool_categories); i++)
        names[i] = str_of(pool_categories[i]);
    buf_init(bytes, 1 << 20);
    reference_must(set_domain_builder_new(names, REF_N(names), &b) == OK);
    reference_add_entries(b, SET_DOMAIN_NAME, ref_member, REF_N(ref_member));
    reference_add_entries(b, SET_DOMAIN_URL, ref_member_url, REF_N(ref_member_url));
    reference_add_entries(b, SET_DOMAIN_EXCEPTION, ref_exception, REF_N(ref_exception));
    reference_must(set_domain_builder_finish(b, reference_append, bytes, NULL) == OK);
    set_domain_builder_free(b);
    reference_must(category_index_open(buf_str(bytes), NULL, NULL, &x) == OK);
    return x;
}

/* --- requests ------------------------------------------------------------------------------------
 */

#define ANY(pool) (pool)[rng(REF_N(pool))]

/* Time goes on in small steps, and sometimes jumps; people come back. */
static inline void reference_request(struct ref_request *r, int64_t *clock_ms)
{
    *clock_ms = rng(10) ? *clock_ms + rng(20000) : MONDAY_MS + rng(6 * 86400) * INT64_C(1000);
    r->now_ms = *clock_ms;
    r->person = rng(4) ? rng(REF_N(ref_people)) : 0;
    r->is_numbered = rng(2);
    r->client = ANY(ref_clients);
    r->listener = rng(3) ? pool_listeners[rng(2)] : "127.0.0.1:1";
    r->host = ANY(ref_hosts);
    r->method = ANY(pool_methods);
    r->path = ANY(ref_paths);
    r->type = rng(4) == 0 ? "" : rng(3) ? pool_types[rng(2)] : "image/png";
    r->agent = ANY(ref_agents);
    r->server = ANY(ref_servers);
    r->size_bytes = rng(4) == 0 ? UINT64_MAX : rng(4) == 0 ? 1000 : rng(1000000);
    r->port = (uint16_t)(rng(2) ? 80 : rng(2) ? 443 : 8123);
    r->scheme = (enum facts_scheme)rng(3);
    if (r->scheme == FACTS_TUNNEL)
        r->path = "/";
    if (r->scheme == FACTS_TUNNEL)
        snprintf(r->url, sizeof r->url, "%s:%u", r->host, r->port);
    else
        snprintf(r->url, sizeof r->url, "%s://%s%s", r->scheme == FACTS_HTTP ? "http" : "https",
                 r->host, r->path);
    r->known = FACTS_BIT(FACTS_CONNECT) | (rng(16) ? FACTS_BIT(FACTS_TARGET) : 0);
    for (int s = FACTS_IDENTITY; s < FACTS_N_STAGES; s++)
        if (rng(2) && (s != FACTS_URL || r->known & FACTS_BIT(FACTS_TARGET)))
            r->known |= FACTS_BIT(s);
}

/* What the reference is asked: where nobody is ever asked for a name, nobody is known. */
static inline struct ref_request reference_seen(const struct ref_policy *p,
                                                const struct ref_request *r)
{
    struct ref_request seen = *r;
    if (p->identity == 2) {
        seen.person = 0;
        seen.known |= FACTS_BIT(FACTS_IDENTITY);
    }
    ref_learn(&seen);
    return seen;
}

#endif
