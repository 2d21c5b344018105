/* event_filter: pairs of a query string to terms, terms against a record. */
#include "db/event_filter.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX 1024

enum value_kind { TEXT, NAMES, NUMBER, VERDICT, TLS, CACHE };

/* Where a field stands in struct record: a struct str (but for the client's address), or a number.
 */
#define FIELD(kind, member)                                                                        \
    {                                                                                              \
#member, kind, offsetof(struct record, member), sizeof(((struct record *)0)->member)       \
    }

static const struct {
    const char *name;
    enum value_kind kind;
    size_t at, bytes;
} fields[EVENT_FIELDS] = {
    [EVENT_ID] = FIELD(NUMBER, id),
    [EVENT_NODE] = FIELD(TEXT, node),
    [EVENT_DURATION_MS] = FIELD(NUMBER, duration_ms),
    [EVENT_CLIENT] = FIELD(TEXT, client),
    [EVENT_USER] = FIELD(TEXT, user),
    [EVENT_GROUPS] = FIELD(NAMES, groups),
    [EVENT_METHOD] = FIELD(TEXT, method),
    [EVENT_URL] = FIELD(TEXT, url),
    [EVENT_SCHEME] = FIELD(TEXT, scheme),
    [EVENT_HOST] = FIELD(TEXT, host),
    [EVENT_PORT] = FIELD(NUMBER, port),
    [EVENT_STATUS] = FIELD(NUMBER, status),
    [EVENT_BYTES_IN] = FIELD(NUMBER, bytes_in),
    [EVENT_BYTES_OUT] = FIELD(NUMBER, bytes_out),
    [EVENT_CONTENT_TYPE] = FIELD(TEXT, content_type),
    [EVENT_VERDICT] = FIELD(VERDICT, verdict),
    [EVENT_RULE] = FIELD(TEXT, rule),
    [EVENT_RULE_NAME] = FIELD(TEXT, rule_name),
    [EVENT_POLICY_VERSION] = FIELD(NUMBER, policy_version),
    [EVENT_CATEGORIES] = FIELD(NAMES, categories),
    [EVENT_SHADOW] = FIELD(NAMES, shadow),
    [EVENT_CACHE] = FIELD(CACHE, cache),
    [EVENT_TLS] = FIELD(TLS, tls),
    [EVENT_UPSTREAM] = FIELD(TEXT, upstream),
    [EVENT_UPSTREAM_MS] = FIELD(NUMBER, upstream_ms),
    [EVENT_USER_AGENT] = FIELD(TEXT, user_agent),
    [EVENT_REFERER] = FIELD(TEXT, referer),
    [EVENT_ERROR] = FIELD(TEXT, error),
    [EVENT_LISTENER] = FIELD(TEXT, listener),
    [EVENT_GROUP_PATHS] = FIELD(NAMES, group_paths),
    [EVENT_EFFECT] = FIELD(TEXT, effect),
    [EVENT_NOTE] = FIELD(TEXT, note),
};

void event_filter_init(struct event_filter *f)
{
    *f = (struct event_filter){.from_ms = 0, .to_ms = INT64_MAX};
    arena_init(&f->arena, 1024, (size_t)256 << 10);
}

void event_filter_fini(struct event_filter *f)
{
    arena_fini(&f->arena);
    f->n_terms = 0;
}

static bool find_field(struct str name, enum event_field *out)
{
    for (int i = 0; i < EVENT_FIELDS; i++) {
        if (str_eq(name, str_of(fields[i].name))) {
            *out = (enum event_field)i;
            return true;
        }
    }
    return false;
}

bool event_filter_has(struct str name)
{
    enum event_field unused;
    return str_eq(name, STR("from")) || str_eq(name, STR("to")) || find_field(name, &unused);
}

bool event_filter_is_number(enum event_field field)
{
    return fields[field].kind != TEXT && fields[field].kind != NAMES;
}

/* --- time --- */

static int64_t unit_ms(char c)
{
    switch (c) {
    case 's': return 1000;
    case 'm': return 60000;
    case 'h': return 3600000;
    case 'd': return 86400000;
    case 'w': return 604800000;
    default: /* any other byte */ return 0;
    }
}

static enum err relative_time(struct str text, int64_t now_ms, int64_t *out)
{
    uint64_t n;
    struct str rest = str_sub(text, 3, text.n); /* behind "now" */
    if (rest.n == 0) {
        *out = now_ms;
        return OK;
    }
    if (rest.n < 3 || (rest.p[0] != '-' && rest.p[0] != '+') || !unit_ms(rest.p[rest.n - 1]) ||
        str_to_u64(str_sub(rest, 1, rest.n - 1), 1000000, &n) != OK)
        return ERR_INVALID;
    int64_t delta = (int64_t)n * unit_ms(rest.p[rest.n - 1]);
    *out = rest.p[0] == '-' ? now_ms - delta : now_ms + delta;
    return OK;
}

/* A run of digits with bounds, at a place of the text. */
static bool digits(struct str s, size_t at, size_t n, int *out)
{
    uint64_t v;
    if (at + n > s.n || str_to_u64(str_sub(s, at, at + n), 9999, &v) != OK)
        return false;
    *out = (int)v;
    return true;
}

static bool take_fraction(struct str *rest, int64_t *ms)
{
    if (rest->n == 0 || rest->p[0] != '.')
        return true;
    int64_t scale = 100;
    size_t i = 1;
    for (; i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9'; i++, scale /= 10)
        *ms += scale * (rest->p[i] - '0');
    *rest = str_sub(*rest, i, rest->n);
    return i > 1;
}

static bool take_zone(struct str rest, int64_t *offset_ms)
{
    int h, m;
    if (rest.n == 1 && (rest.p[0] == 'Z' || rest.p[0] == 'z')) {
        *offset_ms = 0;
        return true;
    }
    /* A '+' of a URL that nobody encoded arrives as a space. */
    if (rest.n != 6 || (rest.p[0] != '+' && rest.p[0] != '-' && rest.p[0] != ' ') ||
        rest.p[3] != ':' || !digits(rest, 1, 2, &h) || !digits(rest, 4, 2, &m) || h > 23 || m > 59)
        return false;
    *offset_ms = (int64_t)(h * 60 + m) * 60000 * (rest.p[0] == '-' ? -1 : 1);
    return true;
}

static enum err rfc3339_time(struct str s, int64_t *out)
{
    struct tm tm = {0};
    int year, month;
    int64_t ms = 0, offset = 0;
    if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[13] != ':' || s.p[16] != ':' ||
        (s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ') || !digits(s, 0, 4, &year) ||
        !digits(s, 5, 2, &month) || !digits(s, 8, 2, &tm.tm_mday) ||
        !digits(s, 11, 2, &tm.tm_hour) || !digits(s, 14, 2, &tm.tm_min) ||
        !digits(s, 17, 2, &tm.tm_sec))
        return ERR_INVALID;
    if (month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60 || year < 1970)
        return ERR_INVALID;
    struct str rest = str_sub(s, 19, s.n);
    if (!take_fraction(&rest, &ms) || !take_zone(rest, &offset))
        return ERR_INVALID;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *out = (int64_t)timegm(&tm) * 1000 + ms - offset;
    return OK;
}

enum err event_filter_time(struct str text, int64_t now_ms, int64_t *out)
{
    uint64_t ms;
    if (str_starts(text, STR("now")))
        return relative_time(text, now_ms, out);
    if (text.n > 8 && str_to_u64(text, UINT64_C(253402300799000), &ms) == OK) {
        *out = (int64_t)ms;
        return OK;
    }
    return rfc3339_time(text, out);
}

/* --- terms --- */

static bool has_range(struct str s, size_t *at)
{
    *at = str_find_str(s, STR(".."));
    return *at != STR_NPOS;
}

static enum err number_term(struct str value, struct event_term *t, const char **why)
{
    size_t dots;
    struct str low = value, high = value;
    *why = "expected a number, or a range such as 400..499";
    if (has_range(value, &dots)) {
        low = str_sub(value, 0, dots);
        high = str_sub(value, dots + 2, value.n);
        if (low.n == 0 && high.n == 0)
            return ERR_INVALID;
    }
    t->low = 0;
    t->high = UINT64_MAX;
    if (low.n && str_to_u64(low, INT64_MAX, &t->low) != OK)
        return ERR_INVALID;
    if (high.n && str_to_u64(high, INT64_MAX, &t->high) != OK)
        return ERR_INVALID;
    return value.n && t->low <= t->high ? OK : ERR_INVALID;
}

static enum err word_term(enum value_kind kind, struct str value, struct event_term *t,
                          const char **why)
{
    static const struct {
        enum value_kind kind;
        const char *word;
        uint64_t number;
    } words[] = {{VERDICT, "allowed", RECORD_ALLOWED},
                 {VERDICT, "blocked", RECORD_BLOCKED},
                 {VERDICT, "warned", RECORD_WARNED},
                 {VERDICT, "denied_auth", RECORD_DENIED_AUTH},
                 {VERDICT, "refused", RECORD_REFUSED},
                 {VERDICT, "error", RECORD_ERROR},
                 {TLS, "none", RECORD_TLS_NONE},
                 {TLS, "tunnel", RECORD_TLS_TUNNEL},
                 {TLS, "inspected", RECORD_TLS_INSPECTED},
                 {CACHE, "none", RECORD_CACHE_NONE},
                 {CACHE, "miss", RECORD_CACHE_MISS},
                 {CACHE, "hit", RECORD_CACHE_HIT},
                 {CACHE, "revalidated", RECORD_CACHE_REVALIDATED}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].kind == kind && str_eq_nocase(value, str_of(words[i].word))) {
            t->low = t->high = words[i].number;
            return OK;
        }
    }
    *why = kind == VERDICT ? "expected allowed, blocked, warned, denied_auth, refused or error"
           : kind == TLS   ? "expected none, tunnel or inspected"
                           : "expected none, miss, hit or revalidated";
    return ERR_INVALID;
}

static enum err text_term(struct event_filter *f, struct str value, struct event_term *t)
{
    t->is_glob = str_find(value, '*') != STR_NPOS;
    t->text = arena_str(&f->arena, value);
    return t->text.p ? OK : ERR_NOMEM;
}

static enum err add_term(struct event_filter *f, enum event_field field, struct str value,
                         const char **why)
{
    struct event_term t = {.field = field, .text = {"", 0}};
    if (f->n_terms == EVENT_FILTER_TERMS || value.n > VALUE_MAX) {
        *why = "too many filters, or one that is too long";
        return ERR_LIMIT;
    }
    if (value.n && value.p[0] == '!') {
        t.exclude = true;
        value = str_sub(value, 1, value.n);
    }
    enum value_kind kind = fields[field].kind;
    enum err e = kind == NUMBER                  ? number_term(value, &t, why)
                 : kind == TEXT || kind == NAMES ? text_term(f, value, &t)
                                                 : word_term(kind, value, &t, why);
    if (e == OK)
        f->terms[f->n_terms++] = t;
    return e;
}

enum err event_filter_add(struct event_filter *f, struct str name, struct str value, int64_t now_ms,
                          const char **why)
{
    enum event_field field;
    bool is_from = str_eq(name, STR("from"));
    if (is_from || str_eq(name, STR("to"))) {
        *why = "expected a time such as 2026-01-31T08:00:00Z or now-24h";
        return event_filter_time(value, now_ms, is_from ? &f->from_ms : &f->to_ms);
    }
    if (!find_field(name, &field)) {
        *why = "there is no such field";
        return ERR_NOT_FOUND;
    }
    return add_term(f, field, value, why);
}

/* --- matching --- */

/* '*' is any run of bytes; letters without case. One place to go back to: linear in practice. */
static bool glob_fits(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = STR_NPOS, mark = 0;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.n && str_lower(pattern.p[p]) == str_lower(s.p[i])) {
            p++;
            i++;
        } else if (star != STR_NPOS) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool one_fits(const struct event_term *t, struct str value)
{
    return t->is_glob ? glob_fits(t->text, value) : str_eq_nocase(t->text, value);
}

bool event_filter_text_fits(const struct event_term *t, struct str value)
{
    struct str one;
    if (fields[t->field].kind != NAMES || value.n == 0)
        return one_fits(t, value);
    while (str_split(&value, '\n', &one)) {
        if (one_fits(t, one))
            return true;
    }
    return false;
}

static uint64_t number_of(const struct record *r, enum event_field field)
{
    const char *p = (const char *)r + fields[field].at;
    uint64_t v = 0;
    memcpy(&v, p, fields[field].bytes); /* little-endian: the low bytes come first */
    return v;
}

static struct str text_of(const struct record *r, enum event_field field)
{
    struct str s;
    memcpy(&s, (const char *)r + fields[field].at, sizeof s);
    return s;
}

static bool client_fits(const struct event_term *t, const struct record *r)
{
    struct buf b;
    buf_init(&b, 64);
    ip_format(&r->client, &b);
    bool fits = one_fits(t, buf_str(&b));
    buf_fini(&b);
    return fits;
}

static bool term_fits(const struct event_term *t, const struct record *r)
{
    if (event_filter_is_number(t->field)) {
        uint64_t v = number_of(r, t->field);
        return v >= t->low && v <= t->high;
    }
    return t->field == EVENT_CLIENT ? client_fits(t, r)
                                    : event_filter_text_fits(t, text_of(r, t->field));
}

bool event_filter_combine(const struct event_filter *f,
                          bool (*fits)(void *ctx, const struct event_term *t, size_t at), void *ctx)
{
    uint32_t wanted = 0, met = 0; /* bits by field */
    for (size_t i = 0; i < f->n_terms; i++) {
        uint32_t bit = UINT32_C(1) << f->terms[i].field;
        if (f->terms[i].exclude) {
            if (fits(ctx, &f->terms[i], i))
                return false;
            continue;
        }
        wanted |= bit;
        if (!(met & bit) && fits(ctx, &f->terms[i], i))
            met |= bit;
    }
    return wanted == met;
}

static bool fits_record(void *ctx, const struct event_term *t, size_t at)
{
    (void)at;
    return term_fits(t, ctx);
}

bool event_filter_fits(const struct event_filter *f, const struct record *r)
{
    struct record copy = *r;
    return r->time_ms >= f->from_ms && r->time_ms < f->to_ms &&
           event_filter_combine(f, fits_record, &copy);
}
