/* replay: facts out of a record, then the same questions in the same order as flow/step_decide. */
#include "policies/replay.h"

const char *replay_outcome_name(enum replay_outcome o)
{
    static const char *const names[] = {"allowed", "blocked",     "redirected",
                                        "warned",  "denied_auth", "unsure"};
    return names[o];
}

const char *replay_doubt_text(enum replay_doubt d)
{
    static const char *const texts[REPLAY_N_DOUBTS] = {
        [REPLAY_NO_DOUBT] = "",
        [REPLAY_NO_USER] = "nobody was asked who it was, this policy would ask",
        [REPLAY_NO_ADDRESS] = "the server's address was not looked up then",
        [REPLAY_NO_ANSWER] = "the server was not asked then, so its answer is not known",
        [REPLAY_NO_QUERY] = "the query was not recorded",
    };
    return texts[d];
}

static bool is_tunnel(const struct record *r)
{
    return str_eq(r->method, STR("CONNECT"));
}

bool replay_recorded(const struct record *r, enum replay_outcome *out)
{
    if (!r->policy_version || !r->host.n || (!r->status && !is_tunnel(r)))
        return false;
    switch ((enum record_verdict)r->verdict) {
    case RECORD_ALLOWED: *out = REPLAY_ALLOWED; return true;
    case RECORD_BLOCKED:
        *out = r->status >= 300 && r->status < 400 ? REPLAY_REDIRECTED : REPLAY_BLOCKED;
        return true;
    case RECORD_WARNED: *out = REPLAY_WARNED; return true;
    case RECORD_DENIED_AUTH: *out = REPLAY_LOGIN; return true;
    case RECORD_REFUSED:
    case RECORD_ERROR: break;
    }
    *out = REPLAY_ALLOWED; /* it was let through, and then the server failed */
    return r->upstream.n > 0;
}

static size_t split_names(struct str names, struct str out[RECORD_LISTS_MAX])
{
    size_t n = 0;
    while (n < RECORD_LISTS_MAX && str_split(&names, '\n', &out[n]))
        n++;
    return n;
}

/* "192.0.2.1:80", "[2001:db8::1]:443" */
static bool server_of(const struct record *r, struct ip *out)
{
    struct ip_port at;
    if (ip_port_parse(r->upstream, &at) != OK)
        return false;
    *out = at.ip;
    return true;
}

void replay_facts(const struct record *r, struct replay_room *room, struct facts *out)
{
    struct facts f = {.known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET),
                      .listener = r->listener,
                      .client = r->client,
                      .now_ms = r->time_ms,
                      .method = r->method,
                      .host = r->host,
                      .port = r->port,
                      .user = r->user,
                      .groups = room->groups,
                      .url = r->url,
                      .user_agent = r->user_agent,
                      .status = r->status,
                      .content_type = r->content_type,
                      .size_bytes = r->answer_bytes};
    f.scheme = is_tunnel(r) ? FACTS_TUNNEL : FACTS_HTTP;
    f.known |= FACTS_BIT(FACTS_URL);
    if (is_tunnel(r)) /* what is inside was never seen, and never will be */
        f.known |= FACTS_BIT(FACTS_ANSWER) | FACTS_BIT(FACTS_CONTENT);
    f.host_is_ip = r->host.n && ip_parse(r->host, &f.host_ip) == OK;
    if (f.host_is_ip) {
        f.server = f.host_ip;
        f.known |= FACTS_BIT(FACTS_ADDRESS);
    }
    if (r->user.n) {
        f.n_groups = split_names(r->groups, room->groups);
        if (f.n_groups && split_names(r->group_paths, room->paths) == f.n_groups)
            f.group_paths = room->paths;
        f.known |= FACTS_BIT(FACTS_IDENTITY);
    }
    *out = f;
}

bool replay_is_cut(const struct snapshot *then, const struct record *r)
{
    return r->rule.n && snapshot_hides_query(then, r->rule);
}

void replay_cut(struct facts *f)
{
    if (f->scheme != FACTS_TUNNEL)
        f->known &= ~FACTS_BIT(FACTS_URL);
}

/* Learns a stage from the record as the live path would from the world. */
static enum replay_doubt learn(const struct record *r, enum facts_stage stage, struct facts *f)
{
    switch (stage) {
    case FACTS_IDENTITY: return REPLAY_NO_USER;
    case FACTS_ADDRESS:
        if (!server_of(r, &f->server))
            return REPLAY_NO_ADDRESS;
        break;
    case FACTS_ANSWER:
        if (!r->upstream.n)
            return REPLAY_NO_ANSWER;
        break;
    case FACTS_URL: return REPLAY_NO_QUERY; /* known, but where it was cut */
    case FACTS_CONTENT:
    case FACTS_CONNECT:
    case FACTS_TARGET:
    case FACTS_N_STAGES: break;
    }
    f->known |= FACTS_BIT(stage);
    return REPLAY_NO_DOUBT;
}

static enum replay_outcome outcome_of(enum verdict_action a)
{
    switch (a) {
    case VERDICT_ALLOW: return REPLAY_ALLOWED;
    case VERDICT_BLOCK: return REPLAY_BLOCKED;
    case VERDICT_REDIRECT: return REPLAY_REDIRECTED;
    case VERDICT_WARN:
    case VERDICT_OVERRIDE: return REPLAY_WARNED;
    }
    return REPLAY_UNSURE;
}

static void in_doubt(const struct record *r, enum replay_doubt doubt, struct replay_judged *out)
{
    bool was_asked = doubt == REPLAY_NO_USER && r->verdict == RECORD_DENIED_AUTH;
    out->outcome = was_asked ? REPLAY_LOGIN : REPLAY_UNSURE;
    out->doubt = was_asked ? REPLAY_NO_DOUBT : doubt;
}

void replay_judge_facts(const struct snapshot *s, const struct record *r, struct facts *f,
                        struct replay_judged *out)
{
    out->doubt = REPLAY_NO_DOUBT;
    if (snapshot_identity(s) == SNAPSHOT_NEVER)
        f->known |= FACTS_BIT(FACTS_IDENTITY);
    else if (snapshot_identity(s) == SNAPSHOT_ALWAYS && !r->user.n) {
        in_doubt(r, REPLAY_NO_USER, out);
        return;
    }
    for (int i = 0; i <= FACTS_N_STAGES; i++) {
        policy_decide(s, f, &out->v);
        if (out->v.is_final) {
            verdict_spend(&out->v, str_starts(r->effect, STR("quota-")));
            out->outcome = outcome_of(out->v.action);
            return;
        }
        enum replay_doubt doubt = learn(r, out->v.needs, f);
        if (doubt != REPLAY_NO_DOUBT) {
            in_doubt(r, doubt, out);
            return;
        }
    }
    in_doubt(r, REPLAY_NO_ANSWER, out);
}

bool replay_is_same(const struct record *r, enum replay_outcome then, enum replay_outcome now)
{
    bool both_refused = (then == REPLAY_BLOCKED || then == REPLAY_REDIRECTED) &&
                        (now == REPLAY_BLOCKED || now == REPLAY_REDIRECTED);
    return then == now || (both_refused && is_tunnel(r)); /* nobody sees a redirect of a tunnel */
}
