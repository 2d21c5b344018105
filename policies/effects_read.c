/* effects_read: one function per member. */
#include "policies/effects_read.h"

#include <string.h>

#define REMEMBER_MAX    43200 /* thirty days */
#define MINUTES_MAX     1440
#define LENGTH_MAX      200
#define PASSWORD_MIN    4
#define PASSWORD_MAX    200
#define HEADER_NAME_MAX 128
#define HEADER_TEXT_MAX 4096
#define LIMIT_MIN       1024
#define UPSTREAM_MAX    64

static bool is_given(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return v && !json_is_null(v);
}

/* --- remember and override ------------------------------------------------------------------- */

static void read_remember(struct reader *r, const json_t *o, const struct model_rule *rule,
                          struct effects *e)
{
    uint64_t minutes = e->remember_minutes;
    if (!json_object_get(o, "remember_minutes"))
        return;
    reader_u64(r, o, "remember_minutes", REMEMBER_MAX, &minutes);
    e->remember_minutes = (uint32_t)minutes;
    if (rule->action == VERDICT_WARN || rule->action == VERDICT_OVERRIDE)
        return;
    size_t mark = reader_enter(r, "remember_minutes");
    report_warning(r->report, r->pointer, "no-effect",
                   "Only warn and override remember that somebody went on.");
    reader_leave(r, mark);
}

/* A plain password is what somebody has just typed: whoever stores the document hashes it first. */
static void read_password(struct reader *r, const json_t *o, struct effects *e)
{
    struct str plain = {0};
    reader_string(r, o, "password", &plain);
    reader_string(r, o, "password_hash", &e->password_hash);
    size_t mark = reader_enter(r, plain.p ? "password" : "password_hash");
    if (e->password_hash.n && !str_starts(e->password_hash, STR("$argon2id$")))
        reader_fault(r, "bad-hash", "A password hash is an argon2id string.");
    else if (plain.p && (plain.n < PASSWORD_MIN || plain.n > PASSWORD_MAX))
        reader_fault(r, "bad-length", "A password has %d to %d bytes.", PASSWORD_MIN, PASSWORD_MAX);
    else if (e->by == EFFECTS_PASSWORD && !plain.p && e->password_hash.n == 0)
        reader_fault(r, "missing", "An override by password has a \"password\".");
    reader_leave(r, mark);
}

static void read_override(struct reader *r, const json_t *o, const struct model_rule *rule,
                          struct effects *e)
{
    static const char *const names[] = {"by", "min_length", "password", "password_hash", NULL};
    static const char *const words[] = {"justification", "password", NULL};
    const json_t *v = reader_object(r, o, "override");
    int by = EFFECTS_JUSTIFICATION;
    uint64_t length = e->min_length;
    if (!v)
        return;
    size_t mark = reader_enter(r, "override");
    reader_only(r, v, names);
    reader_word(r, v, "by", words, &by);
    reader_u64(r, v, "min_length", LENGTH_MAX, &length);
    e->has_override = true;
    e->by = (enum effects_override)by;
    e->min_length = (uint32_t)length;
    read_password(r, v, e);
    if (rule->action != VERDICT_OVERRIDE)
        report_warning(r->report, r->pointer, "no-effect",
                       "\"override\" belongs to rules of the action override.");
    reader_leave(r, mark);
}

/* --- quota ----------------------------------------------------------------------------------- */

static void read_quota(struct reader *r, const json_t *o, const struct model_rule *rule,
                       struct effects *e)
{
    static const char *const names[] = {"minutes_per_day", "bytes_per_day", "per", "zone", NULL};
    static const char *const words[] = {"user", "category", NULL};
    const json_t *v = reader_object(r, o, "quota");
    const struct model_values *c = &rule->cond[SIDE_WHEN][KEY_CATEGORIES];
    int per = EFFECTS_PER_USER;
    uint64_t minutes = 0, bytes = 0;
    if (!v)
        return;
    size_t mark = reader_enter(r, "quota");
    reader_only(r, v, names);
    reader_u64(r, v, "minutes_per_day", MINUTES_MAX, &minutes);
    reader_u64(r, v, "bytes_per_day", INT64_MAX / 2, &bytes);
    reader_word(r, v, "per", words, &per);
    e->quota = (struct effects_quota){.minutes = (uint32_t)minutes,
                                      .bytes = bytes,
                                      .per = (enum effects_per)per,
                                      .zone_name = STR("UTC"),
                                      .categories = c->v,
                                      .n_categories = c->n};
    reader_string(r, v, "zone", &e->quota.zone_name);
    e->has_quota = minutes || bytes;
    if (!is_given(v, "minutes_per_day") && !is_given(v, "bytes_per_day"))
        reader_fault(r, "missing", "A quota has \"minutes_per_day\", \"bytes_per_day\" or both.");
    if (per == EFFECTS_PER_CATEGORY && c->n == 0)
        reader_fault(r, "missing", "A quota per category needs \"categories\" in \"when\".");
    if (rule->action != VERDICT_ALLOW)
        reader_fault(r, "not-here", "A quota belongs to a rule of the action allow.");
    reader_leave(r, mark);
}

/* --- header fields --------------------------------------------------------------------------- */

static bool is_token(struct str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            !memchr(others, c, sizeof others - 1))
            return false;
    }
    return s.n > 0;
}

/* Fields that say where a message goes and where it ends, or that are for this hop alone. */
static bool is_forbidden(struct str name)
{
    static const char *const names[] = {"connection",
                                        "keep-alive",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "host",
                                        "expect",
                                        "content-length",
                                        "content-encoding",
                                        "via",
                                        "http2-settings",
                                        "range",
                                        "max-forwards",
                                        "content-type",
                                        "forwarded",
                                        "content-location"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(name, str_of(names[i])))
            return true;
    return str_starts_nocase(name, STR("proxy-"));
}

static bool is_field_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return s.n <= HEADER_TEXT_MAX && str_trim(s).n == s.n;
}

static void read_header(struct reader *r, const char *key, const json_t *v,
                        struct effects_header *h)
{
    struct str name = str_of(key), value = {0};
    if (json_is_string(v))
        value = str_make(json_string_value(v), json_string_length(v));
    if (!is_token(name) || name.n > HEADER_NAME_MAX)
        reader_fault(r, "bad-name", "This is not the name of a header field.");
    else if (is_forbidden(name))
        reader_fault(r, "forbidden", "The proxy itself writes this header field.");
    else if (!json_is_string(v) && !json_is_null(v))
        reader_fault(r, "wrong-type", "A header field is a text, or null to take it away.");
    else if (!is_field_text(value))
        reader_fault(r, "bad-value",
                     "A value has at most %d bytes, no control characters and no space around it.",
                     HEADER_TEXT_MAX);
    h->name = reader_copy(r, name);
    h->value = value.n ? reader_copy(r, value) : (struct str){0};
}

static void read_headers(struct reader *r, const json_t *o, struct effects *e)
{
    const json_t *v = reader_object(r, o, "set_headers");
    size_t n = json_object_size(v), i = 0;
    const char *key;
    json_t *value;
    if (n == 0)
        return;
    size_t mark = reader_enter(r, "set_headers");
    if (n > EFFECTS_HEADERS_MAX)
        reader_fault(r, "too-many", "At most %d header fields.", EFFECTS_HEADERS_MAX);
    struct effects_header *h = reader_alloc(r, EFFECTS_HEADERS_MAX, sizeof *h);
    json_object_foreach((json_t *)(uintptr_t)v, key, value)
    {
        if (!h || i == EFFECTS_HEADERS_MAX)
            break;
        size_t at = reader_enter(r, key);
        read_header(r, key, value, &h[i++]);
        reader_leave(r, at);
    }
    e->headers = h;
    e->n_headers = i;
    reader_leave(r, mark);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void read_safe_search(struct reader *r, const json_t *o, struct effects *e)
{
    static const char *const words[] = {"off", "strict", "moderate", NULL};
    const json_t *v = json_object_get(o, "safe_search");
    int safe = EFFECTS_SAFE_OFF;
    if (json_is_boolean(v))
        safe = json_is_true(v) ? EFFECTS_SAFE_STRICT : EFFECTS_SAFE_OFF;
    else if (!json_is_null(v))
        reader_word(r, o, "safe_search", words, &safe);
    e->safe_search = (enum effects_safe)safe;
}

static void read_limit(struct reader *r, const json_t *o, struct effects *e)
{
    static const char *const names[] = {"bytes_per_second", NULL};
    if (!is_given(o, "limit"))
        return;
    const json_t *v = reader_object(r, o, "limit");
    if (!v)
        return;
    size_t mark = reader_enter(r, "limit");
    reader_only(r, v, names);
    reader_u64(r, v, "bytes_per_second", UINT64_C(1) << 40, &e->limit_bytes_s);
    if (e->limit_bytes_s && e->limit_bytes_s < LIMIT_MIN)
        reader_fault(r, "too-small", "A limit is at least %d bytes per second.", LIMIT_MIN);
    reader_leave(r, mark);
}

/* Which groups there are is a matter of the settings: only the form is judged here. */
static void read_upstream(struct reader *r, const json_t *o, const struct model_rule *rule,
                          struct effects *e)
{
    if (!is_given(o, "upstream"))
        return;
    reader_string(r, o, "upstream", &e->upstream);
    size_t mark = reader_enter(r, "upstream");
    if (e->upstream.n > UPSTREAM_MAX || !is_token(e->upstream))
        reader_fault(r, "bad-name", "This is not the name of a group of parent proxies.");
    if (rule->action == VERDICT_BLOCK || rule->action == VERDICT_REDIRECT)
        report_warning(r->report, r->pointer, "no-effect",
                       "\"upstream\" belongs to rules that let through.");
    reader_leave(r, mark);
}

static void warn_of_scan(struct reader *r, const json_t *o)
{
    if (!is_given(o, "scan") || json_is_false(json_object_get(o, "scan")))
        return;
    size_t mark = reader_enter(r, "scan");
    report_warning(r->report, r->pointer, "not-enforced",
                   "\"scan\" is kept but not enforced by this version.");
    reader_leave(r, mark);
}

void effects_read(struct reader *r, const json_t *o, struct model_rule *rule)
{
    static const char *const names[] = {"remember_minutes", "override", "quota",    "set_headers",
                                        "safe_search",      "limit",    "upstream", NULL};
    bool has_any = false;
    for (const char *const *n = names; *n; n++)
        has_any = has_any || json_object_get(o, *n);
    warn_of_scan(r, o);
    if (!has_any)
        return;
    struct effects *e = reader_alloc(r, 1, sizeof *e);
    if (!e)
        return;
    *e = effects_none;
    read_remember(r, o, rule, e);
    read_override(r, o, rule, e);
    if (is_given(o, "quota"))
        read_quota(r, o, rule, e);
    read_headers(r, o, e);
    read_safe_search(r, o, e);
    read_limit(r, o, e);
    read_upstream(r, o, rule, e);
    rule->effects = e;
}

/* --- for people ------------------------------------------------------------------------------ */

static json_t *text(struct str s)
{
    return s.p ? json_stringn(s.p, s.n) : json_null();
}

static json_t *number_or_null(uint64_t v)
{
    return v ? json_integer((json_int_t)v) : json_null();
}

static json_t *quota_json(const struct effects_quota *q)
{
    return json_pack("{s:o, s:o, s:s, s:o}", "minutes_per_day", number_or_null(q->minutes),
                     "bytes_per_day", number_or_null(q->bytes), "per", effects_per_name(q->per),
                     "zone", text(q->zone_name));
}

json_t *effects_json(const struct effects *e)
{
    if (!e)
        return json_null();
    json_t *headers = json_object();
    for (size_t i = 0; i < e->n_headers; i++)
        json_object_setn_new(headers, e->headers[i].name.p, e->headers[i].name.n,
                             text(e->headers[i].value));
    json_t *override = e->has_override ? json_pack("{s:s, s:i}", "by", effects_override_name(e->by),
                                                   "min_length", (int)e->min_length)
                                       : json_null();
    json_t *limit = e->limit_bytes_s
                        ? json_pack("{s:I}", "bytes_per_second", (json_int_t)e->limit_bytes_s)
                        : json_null();
    json_t *upstream = e->upstream.n ? text(e->upstream) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "remember_minutes",
                     number_or_null(e->remember_minutes), "override", override, "quota",
                     e->has_quota ? quota_json(&e->quota) : json_null(), "set_headers", headers,
                     "safe_search", effects_safe_name(e->safe_search), "limit", limit, "upstream",
                     upstream);
}
