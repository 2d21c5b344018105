/* http_head: the scanner. Each phase either starts its short piece anew when more bytes have come
 * (method, version, field name: all bounded by a few hundred bytes) or goes on where it stopped
 * (target, value), so the answer never depends on how the bytes were cut and no byte pattern makes
 * it quadratic. Long runs are skipped 16 bytes at a time. */
#include "proxyd/wire/http_head.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "proxyd/wire/head_check.h"

#define METHOD_MAX 32
#define NAME_MAX   256

enum phase {
    PHASE_BLANK,
    PHASE_METHOD,
    PHASE_TARGET,
    PHASE_VERSION,
    PHASE_STATUS,
    PHASE_REASON,
    PHASE_NAME,
    PHASE_VALUE,
    PHASE_END,
    PHASE_REFUSED
};

const struct http_limits http_limits_default = {
    .head_bytes = 128 * 1024,
    .line_bytes = 32 * 1024,
    .field_bytes = 64 * 1024 + 256,
    .n_fields = 128,
};

/* The bytes that may be looked at, and what it means when they are used up. */
struct scan {
    const char *p;
    uint32_t n;
    bool is_full; /* more bytes would be over head_bytes */
    struct http_refusal *why;
};

/* The field table is not cleared: `n` and `seen` say what of it is filled. */
static void init(struct http_head *h, const struct http_limits *limits)
{
    h->h.base = NULL;
    h->h.seen = h->h.twice = 0;
    h->h.n = 0;
    memset((char *)h + offsetof(struct http_head, n_bytes), 0,
           sizeof *h - offsetof(struct http_head, n_bytes));
    h->limits = limits ? limits : &http_limits_default;
}

void http_head_init_request(struct http_head *h, const struct http_limits *limits)
{
    init(h, limits);
    h->phase = PHASE_BLANK;
}

void http_head_init_response(struct http_head *h, const struct http_limits *limits)
{
    init(h, limits);
    h->is_response = true;
    h->phase = PHASE_STATUS;
}

static enum err refuse(const struct scan *s, uint16_t status, const char *reason)
{
    *s->why = (struct http_refusal){status, reason};
    return ERR_INVALID;
}

static enum err more(const struct scan *s, uint16_t status)
{
    return s->is_full ? refuse(s, status, "head-too-large") : ERR_AGAIN;
}

/* --- runs of bytes --------------------------------------------------------------------------- */

/* First byte from i on that may not stand in a field value: control bytes but for the tab. */
static uint32_t skip_value(const char *p, uint32_t i, uint32_t n)
{
#ifdef __SSE2__
    const __m128i low = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    for (; n - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i bad = _mm_cmpeq_epi8(_mm_min_epu8(x, low), x);
        bad = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(x, tab), bad), _mm_cmpeq_epi8(x, del));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask)
            return i + (unsigned)__builtin_ctz(mask);
    }
#endif
    while (i < n && (((unsigned char)p[i] > 0x1f && p[i] != 0x7f) || p[i] == '\t'))
        i++;
    return i;
}

/* First byte from i on that may not stand in a request target: visible ASCII but for '#'. */
static uint32_t skip_target(const char *p, uint32_t i, uint32_t n)
{
#ifdef __SSE2__
    const __m128i low = _mm_set1_epi8(0x21), hash = _mm_set1_epi8('#'), del = _mm_set1_epi8(0x7f);
    for (; n - i >= 16; i += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i bad = _mm_cmplt_epi8(x, low); /* signed: bytes above 0x7f as well */
        bad = _mm_or_si128(bad, _mm_or_si128(_mm_cmpeq_epi8(x, hash), _mm_cmpeq_epi8(x, del)));
        unsigned mask = (unsigned)_mm_movemask_epi8(bad);
        if (mask)
            return i + (unsigned)__builtin_ctz(mask);
    }
#endif
    while (i < n && p[i] > 0x20 && p[i] != 0x7f && p[i] != '#')
        i++;
    return i;
}

static enum err refuse_byte(const struct scan *s, char c)
{
    if (c == '\n')
        return refuse(s, 400, "bare-lf");
    if (c == '\r')
        return refuse(s, 400, "bare-cr");
    return refuse(s, 400, c == '\0' ? "nul" : "control-byte");
}

/* --- request line ---------------------------------------------------------------------------- */

/* RFC 9112 2.2: one empty line in front of a request line is passed over, not more. */
static enum err do_blank(struct http_head *h, const struct scan *s)
{
    if (s->n == 0)
        return more(s, 400);
    if (s->p[0] == '\r') {
        if (s->n < 2)
            return more(s, 400);
        if (s->p[1] != '\n')
            return refuse(s, 400, "bare-cr");
        h->start_at = 2;
    }
    h->line = h->at = h->start_at;
    h->phase = PHASE_METHOD;
    return OK;
}

static enum http_method method_of(struct str s)
{
    static const struct {
        struct str text;
        enum http_method method;
    } known[] = {
        {{"GET", 3}, HTTP_GET},         {{"POST", 4}, HTTP_POST},   {{"CONNECT", 7}, HTTP_CONNECT},
        {{"HEAD", 4}, HTTP_HEAD},       {{"PUT", 3}, HTTP_PUT},     {{"DELETE", 6}, HTTP_DELETE},
        {{"OPTIONS", 7}, HTTP_OPTIONS}, {{"PATCH", 5}, HTTP_PATCH}, {{"TRACE", 5}, HTTP_TRACE},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(s, known[i].text))
            return known[i].method;
    return HTTP_OTHER;
}

static bool has_lower_case(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'a' && s.p[i] <= 'z')
            return true;
    return false;
}

static enum err do_method(struct http_head *h, const struct scan *s)
{
    uint32_t i = h->line;
    while (i < s->n && i - h->line <= METHOD_MAX && header_tchar[(unsigned char)s->p[i]])
        i++;
    if (i - h->line > METHOD_MAX)
        return refuse(s, 501, "method");
    if (i == s->n)
        return more(s, 414);
    if (i == h->line && (s->p[i] == '\r' || s->p[i] == '\n'))
        return s->p[i] == '\n' ? refuse(s, 400, "bare-lf") : refuse(s, 400, "empty-line");
    if (s->p[i] != ' ' || i == h->line)
        return refuse(s, 400, "method");
    struct str text = str_make(s->p + h->line, i - h->line);
    /* Methods are case-sensitive; a servant behind us that thinks otherwise must not see these. */
    if (has_lower_case(text))
        return refuse(s, 501, "method-case");
    h->method = method_of(text);
    h->at = h->url_at = i + 1;
    h->phase = PHASE_TARGET;
    return OK;
}

static enum err do_target(struct http_head *h, const struct scan *s)
{
    uint32_t bound = h->line + h->limits->line_bytes;
    uint32_t end = s->n < bound ? s->n : bound;
    uint32_t i = h->at < end ? skip_target(s->p, h->at, end) : end;
    h->at = i;
    if (i == bound)
        return refuse(s, 414, "target-too-long");
    if (i == s->n)
        return more(s, 414);
    char c = s->p[i];
    if (c == '#')
        return refuse(s, 400, "fragment");
    if (c == '\r' || c == '\n')
        return refuse(s, 400, c == '\n' ? "bare-lf" : "no-version");
    if (c != ' ')
        return refuse(s, 400, c == '\0' ? "nul" : "target-byte");
    if (i == h->url_at)
        return refuse(s, 400, "empty-target");
    h->phase = PHASE_VERSION;
    return OK;
}

/* "HTTP/1.x" and nothing else at p; avail may be short of it. */
static enum err read_version(struct http_head *h, const struct scan *s, uint32_t from)
{
    static const char shape[] = "HTTP/d.d";
    for (uint32_t i = 0; i < 8; i++) {
        if (from + i >= s->n)
            return more(s, h->is_response ? 502 : 414);
        char c = s->p[from + i];
        bool fits = shape[i] == 'd' ? c >= '0' && c <= '9' : c == shape[i];
        if (!fits)
            return refuse(s, 400, "version");
    }
    if (s->p[from + 5] != '1' || s->p[from + 7] > '1')
        return refuse(s, 505, "version-unsupported");
    h->minor = (uint8_t)(s->p[from + 7] - '0');
    return OK;
}

static enum err end_of_line(const struct scan *s, uint32_t at, uint16_t status)
{
    if (at >= s->n)
        return more(s, status);
    if (s->p[at] != '\r')
        return s->p[at] == '\n' ? refuse(s, 400, "bare-lf") : refuse(s, 400, "version");
    if (at + 1 >= s->n)
        return more(s, status);
    return s->p[at + 1] == '\n' ? OK : refuse(s, 400, "bare-cr");
}

static enum err do_version(struct http_head *h, const struct scan *s)
{
    uint32_t from = h->at + 1;
    enum err e = read_version(h, s, from);
    if (e == OK)
        e = end_of_line(s, from + 8, 414);
    if (e != OK)
        return e;
    h->line_end = h->at;
    h->line = h->at = h->fields_at = from + 10;
    h->phase = PHASE_NAME;
    return OK;
}

/* --- status line ----------------------------------------------------------------------------- */

static enum err do_status(struct http_head *h, const struct scan *s)
{
    enum err e = read_version(h, s, 0);
    if (e != OK)
        return e;
    for (uint32_t i = 8; i < 12; i++) {
        if (i >= s->n)
            return more(s, 502);
        bool fits = i == 8 ? s->p[i] == ' ' : s->p[i] >= '0' && s->p[i] <= '9';
        if (!fits)
            return refuse(s, 502, "status");
    }
    if (s->n < 13)
        return more(s, 502);
    h->status = (uint16_t)((s->p[9] - '0') * 100 + (s->p[10] - '0') * 10 + (s->p[11] - '0'));
    if (h->status < 100 || h->status > 599)
        return refuse(s, 502, "status");
    if (s->p[12] != ' ' && s->p[12] != '\r')
        return refuse(s, 502, "status");
    h->url_at = h->at = s->p[12] == ' ' ? 13 : 12;
    h->phase = PHASE_REASON;
    return OK;
}

static enum err do_reason(struct http_head *h, const struct scan *s)
{
    uint32_t bound = h->limits->line_bytes;
    uint32_t end = s->n < bound ? s->n : bound;
    h->at = h->at < end ? skip_value(s->p, h->at, end) : end;
    if (h->at == bound)
        return refuse(s, 502, "status-line-too-long");
    if (h->at == s->n)
        return more(s, 502);
    if (s->p[h->at] != '\r')
        return refuse_byte(s, s->p[h->at]);
    enum err e = end_of_line(s, h->at, 502);
    if (e != OK)
        return e;
    h->line_end = h->at;
    h->line = h->fields_at = h->at + 2;
    h->at = h->line;
    h->phase = PHASE_NAME;
    return OK;
}

/* --- fields ---------------------------------------------------------------------------------- */

static enum err refuse_name(const struct scan *s, uint32_t i, bool is_empty)
{
    char c = s->p[i];
    if (is_empty && (c == ' ' || c == '\t'))
        return refuse(s, 400, "obs-fold");
    if (is_empty && c == ':')
        return refuse(s, 400, "empty-name");
    if (c == ' ' || c == '\t')
        return refuse(s, 400, "space-before-colon");
    if ((unsigned char)c >= 0x80)
        return refuse(s, 400, "high-byte-in-name");
    if (c == '\r')
        return refuse(s, 400, "no-colon");
    if ((unsigned char)c < 0x20 || c == 0x7f)
        return refuse_byte(s, c);
    return refuse(s, 400, "name-byte");
}

static enum err do_name(struct http_head *h, const struct scan *s)
{
    uint32_t line = h->line, i = line, n = s->n;
    const char *p = s->p;
    if (i < n && p[i] == '\r') {
        if (i + 1 == n)
            return more(s, 431);
        if (p[i + 1] != '\n')
            return refuse(s, 400, "bare-cr");
        h->h.end_at = i;
        h->n_bytes = i + 2;
        h->phase = PHASE_END;
        return OK;
    }
    uint32_t end = n - line > NAME_MAX ? line + NAME_MAX : n;
    while (i < end && header_tchar[(unsigned char)p[i]])
        i++;
    if (i == n)
        return more(s, 431);
    if (i - line == NAME_MAX)
        return refuse(s, 431, "name-too-long");
    if (p[i] != ':' || i == line)
        return refuse_name(s, i, i == line);
    if (h->h.n >= h->limits->n_fields || h->h.n >= HEADERS_MAX)
        return refuse(s, 431, "too-many-fields");
    struct header *f = &h->h.f[h->h.n];
    f->name_at = line;
    f->name_n = (uint16_t)(i - line);
    f->value_at = h->at = i + 1;
    h->phase = PHASE_VALUE;
    return OK;
}

static void add_field(struct http_head *h, const char *p, uint32_t end)
{
    struct headers *set = &h->h;
    struct header *f = &set->f[set->n];
    uint32_t from = f->value_at;
    while (from < end && (p[from] == ' ' || p[from] == '\t'))
        from++;
    while (end > from && (p[end - 1] == ' ' || p[end - 1] == '\t'))
        end--;
    f->value_at = from;
    f->value_end = end;
    f->id = (uint8_t)header_id_of(str_make(p + f->name_at, f->name_n));
    f->flags = 0;
    uint64_t bit = HEADER_BIT(f->id);
    if (set->seen & bit)
        set->twice |= bit;
    else
        set->first[f->id] = (uint8_t)set->n;
    set->seen |= bit;
    set->n++;
}

static enum err do_value(struct http_head *h, const struct scan *s)
{
    uint64_t bound = (uint64_t)h->line + h->limits->field_bytes;
    uint32_t end = s->n < bound ? s->n : (uint32_t)bound;
    uint32_t i = h->at < end ? skip_value(s->p, h->at, end) : end;
    h->at = i;
    if (i == bound)
        return refuse(s, 431, "field-too-long");
    if (i == s->n)
        return more(s, 431);
    if (s->p[i] != '\r')
        return refuse_byte(s, s->p[i]);
    if (i + 1 == s->n)
        return more(s, 431);
    if (s->p[i + 1] != '\n')
        return refuse(s, 400, "bare-cr");
    add_field(h, s->p, i);
    h->line = h->at = i + 2;
    h->phase = PHASE_NAME;
    return OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err finish(struct http_head *h, const struct scan *s)
{
    h->h.base = s->p;
    if (h->is_response) {
        h->reason = str_make(s->p + h->url_at, h->line_end - h->url_at);
        return head_check_response(h, s->why);
    }
    h->method_text = str_make(s->p + h->start_at, h->url_at - 1 - h->start_at);
    h->target = str_make(s->p + h->url_at, h->line_end - h->url_at);
    if (h->method == HTTP_CONNECT)
        h->form = HTTP_FORM_AUTHORITY;
    else if (h->target.p[0] == '/')
        h->form = HTTP_FORM_ORIGIN;
    else if (str_eq(h->target, STR("*")))
        h->form = HTTP_FORM_ASTERISK;
    else
        h->form = HTTP_FORM_ABSOLUTE;
    if (h->form == HTTP_FORM_ASTERISK && h->method != HTTP_OPTIONS)
        return refuse(s, 400, "asterisk");
    return head_check_request(h, s->why);
}

static enum err step(struct http_head *h, const struct scan *s)
{
    switch ((enum phase)h->phase) {
    case PHASE_BLANK: return do_blank(h, s);
    case PHASE_METHOD: return do_method(h, s);
    case PHASE_TARGET: return do_target(h, s);
    case PHASE_VERSION: return do_version(h, s);
    case PHASE_STATUS: return do_status(h, s);
    case PHASE_REASON: return do_reason(h, s);
    case PHASE_NAME: return do_name(h, s);
    case PHASE_VALUE: return do_value(h, s);
    case PHASE_END: return finish(h, s);
    case PHASE_REFUSED: break;
    }
    return refuse(s, 400, "refused-before");
}

enum err http_head_parse(struct http_head *h, struct str bytes, struct http_refusal *why)
{
    uint32_t limit = h->limits->head_bytes;
    struct scan s = {.p = bytes.p, .n = bytes.n < limit ? (uint32_t)bytes.n : limit, .why = why};
    s.is_full = s.n == limit;
    enum err e = OK;
    bool is_done = false;
    while (e == OK && !is_done) {
        is_done = h->phase == PHASE_END;
        e = step(h, &s);
    }
    if (e == ERR_INVALID) {
        h->phase = PHASE_REFUSED;
        if (h->is_response) /* whatever is wrong with it, we are the bad gateway */
            why->status = 502;
    }
    return e;
}

/* --- questions ------------------------------------------------------------------------------- */

bool http_head_via_has(const struct http_head *h, struct str pseudonym)
{
    struct str value, item, part;
    for (size_t at = 0; headers_next(&h->h, HEADER_VIA, &at, &value);) {
        while (headers_list_next(&value, &item)) {
            /* received-protocol RWS received-by [ RWS comment ] */
            if (!str_split(&item, ' ', &part))
                continue;
            item = str_trim(item);
            if (str_split(&item, ' ', &part) && str_eq_nocase(part, pseudonym))
                return true;
        }
    }
    return false;
}

bool http_head_is_listed(const struct http_head *h, struct str name)
{
    return h->has_listed && header_id_of(name) == HEADER_OTHER &&
           headers_list_has(&h->h, HEADER_CONNECTION, name);
}

bool http_method_is_idempotent(enum http_method m)
{
    switch (m) {
    case HTTP_GET:
    case HTTP_HEAD:
    case HTTP_PUT:
    case HTTP_DELETE:
    case HTTP_OPTIONS:
    case HTTP_TRACE: return true;
    case HTTP_OTHER:
    case HTTP_POST:
    case HTTP_CONNECT:
    case HTTP_PATCH: break;
    }
    return false;
}
