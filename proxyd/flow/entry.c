/* entry: filling records. */
#include "proxyd/flow/entry.h"

#include <stdlib.h>
#include <string.h>

#include "proxyd/flow/context.h"

static struct str join(struct request *r, const struct str *names, size_t n)
{
    struct str out = {"", 0};
    if (n > 0 && event_join(names, n, &r->k->arena, &out) != OK)
        return STR("");
    return out;
}

static void fill_verdict(struct request *r, struct record *out)
{
    const struct work *k = r->k;
    const struct verdict *v = &k->verdict;
    if (!k->has_facts)
        return;
    out->policy_version = v->policy_version;
    out->categories = join(r, v->categories, v->n_categories);
    out->shadow = join(r, v->shadow, v->n_shadow);
    if (k->is_final) {
        out->rule = v->rule_id;
        out->rule_name = v->rule_name;
        if (v->log == VERDICT_LOG_NO_QUERY)
            out->url = event_url_without_query(out->url);
    }
    if (k->is_trial && !out->effect.n)
        out->effect = STR("canary");
}

/* A head that was never whole: only what is certain. */
static void fill_target(const struct work *k, struct record *out)
{
    if (!k->is_head_whole)
        return;
    out->port = k->req.url.port;
    out->method = k->method;
    out->url = k->url;
    out->scheme = k->scheme;
    out->host = k->host;
    out->user_agent = k->user_agent;
    out->referer = k->referer;
}

void entry_fill(struct request *r, struct record *out)
{
    struct work *k = r->k;
    const struct conn *c = r->conn;
    *out = (struct record){
        .time_ms = r->w->loop.wall_ms - (r->w->loop.now_ms - r->began_ms),
        .client = c->client.ip,
        .client_port = c->client.port,
        .status = r->status,
        .verdict = r->verdict,
        .cache = RECORD_CACHE_NONE,
        .tls = k->req.method == HTTP_CONNECT ? RECORD_TLS_TUNNEL : RECORD_TLS_NONE,
        .upstream_ms = k->upstream_ms,
        .node = r->hold->set->settings.node,
        .user = k->user,
        .content_type = k->content_type,
        .listener = k->listener,
        .effect = str_of(r->effect),
        .note = k->note,
        .answer_bytes = k->has_facts ? k->facts.size_bytes : RECORD_NOT_TOLD,
    };
    if (k->parent && k->upstream_at.port) {
        out->upstream = k->parent->text;
    } else if (k->upstream_at.port) {
        struct buf b = {.p = k->upstream_text,
                        .cap = sizeof k->upstream_text,
                        .ceiling_bytes = sizeof k->upstream_text};
        ip_port_format(&k->upstream_at, &b);
        out->upstream = buf_str(&b);
    }
    out->groups = join(r, k->groups, k->n_groups);
    out->group_paths = join(r, k->group_paths, k->n_groups);
    fill_target(k, out);
    fill_verdict(r, out);
    if (k->fault == FAULT_HEAD || k->fault == FAULT_BODY || k->fault == FAULT_ANSWER_BAD ||
        k->fault == FAULT_PARENT_SAID)
        out->error = str_of(k->refusal.reason);
    else if (k->fault != FAULT_NONE)
        out->error = fault_token(k->fault);
}

enum err entry_slim(struct request *r)
{
    struct record rec;
    struct buf *b = &r->w->scratch;
    entry_fill(r, &rec);
    event_bound(&rec); /* a tunnel keeps no more than its record will say */
    buf_clear(b);
    record_encode(&rec, b);
    if (b->failed)
        return ERR_NOMEM;
    char *p = b->n <= ENTRY_SLIM_BYTES ? slab_take(&r->w->slims) : malloc(b->n);
    if (!p)
        return ERR_NOMEM;
    memcpy(p, b->p, b->n);
    r->slim = str_make(p, b->n);
    return OK;
}

void entry_slim_give(struct request *r)
{
    char *p = (char *)(uintptr_t)r->slim.p;
    if (p && r->slim.n <= ENTRY_SLIM_BYTES)
        slab_give(&r->w->slims, p);
    else
        free(p);
    r->slim = (struct str){0};
}

static void fill_end(struct request *r, struct record *rec)
{
    rec->id = request_id(r);
    rec->duration_ms = (uint32_t)(r->w->loop.now_ms - r->began_ms);
    rec->bytes_in = r->bytes_in + (r->up.n_out > r->up_lead ? r->up.n_out - r->up_lead : 0);
    rec->bytes_out = r->bytes_out + r->down.n_out;
}

void entry_write(struct request *r, struct record *rec)
{
    struct worker *w = r->w;
    fill_end(r, rec);
    if (r->error) {
        rec->error = str_of(r->error);
        if (r->verdict == RECORD_ALLOWED && !str_eq(rec->error, STR("client_closed")) &&
            rec->tls != RECORD_TLS_TUNNEL)
            rec->verdict = RECORD_ERROR;
    }
    if (event_append(w->journal, &w->scratch, rec) != OK)
        stats_add(w->stats, STATS_RECORDS_LOST, 1);
    stats_record(w->stats, rec);
}

/* An effect of the rule: no record. Refusals are recorded whatever the rule says. */
bool entry_is_unwanted(const struct request *r)
{
    return r->k && r->k->is_final && r->k->verdict.log == VERDICT_LOG_NONE &&
           (r->verdict == RECORD_ALLOWED || r->verdict == RECORD_WARNED);
}

void entry_offer(struct request *r, size_t n_left)
{
    struct record rec;
    if (r->is_offered || entry_is_unwanted(r))
        return;
    entry_fill(r, &rec);
    fill_end(r, &rec);
    rec.bytes_out += n_left;
    r->is_offered = event_offer(r->w->journal, &r->w->scratch, &rec) == OK;
}

void entry_settle(struct request *r)
{
    struct record rec = {.verdict = r->verdict};
    r->is_offered = false;
    journal_keep(r->w->journal);
    fill_end(r, &rec);
    stats_record(r->w->stats, &rec);
}

void entry_undo(struct request *r)
{
    if (r->is_offered)
        journal_take_back(r->w->journal);
    r->is_offered = false;
}
