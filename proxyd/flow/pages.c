/* pages: one layout, three formats. */
#include "proxyd/flow/pages.h"

#include <string.h>

/* Bytes of the UTF-8 character at p, 0 when there is none that is well formed. */
static size_t utf8_n(const unsigned char *p, size_t n)
{
    size_t k = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    if (k == 0 || k > n)
        return 0;
    for (size_t i = 1; i < k; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return k;
}

/* U+200E, 200F, 202A..202E, 2066..2069: they would let text pretend to be other text. */
static bool is_direction_mark(const unsigned char *p, size_t k)
{
    if (k != 3 || p[0] != 0xe2)
        return false;
    return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae))) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

static const char *html_entity(unsigned char c)
{
    switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

static const char *json_entity(unsigned char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    default: return NULL;
    }
}

static const char *no_entity(unsigned char c)
{
    (void)c;
    return NULL;
}

static void add_safe(struct buf *out, struct str s, const char *(*entity)(unsigned char c))
{
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.n;) {
        size_t k = utf8_n(p + i, s.n - i);
        const char *e = k == 1 ? entity(p[i]) : NULL;
        if (k == 0 || (k == 1 && (p[i] < 0x20 || p[i] == 0x7f)) ||
            (k == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0))
            buf_add(out, STR("\xef\xbf\xbd"));
        else if (e)
            buf_add_z(out, e);
        else if (!is_direction_mark(p + i, k))
            buf_add(out, str_make(s.p + i, k));
        i += k ? k : 1;
    }
}

void pages_escape(struct buf *out, struct str s)
{
    add_safe(out, s, html_entity);
}

/* --- choosing
 * ------------------------------------------------------------------------------------*/

static bool takes(struct str accept, struct str type)
{
    struct str part;
    while (str_split(&accept, ',', &part)) {
        struct str name = str_trim(str_sub(part, 0, str_find(part, ';')));
        if (str_eq_nocase(name, type))
            return true;
    }
    return false;
}

enum pages_format pages_format_of(struct str accept)
{
    if (takes(accept, STR("text/html")) || takes(accept, STR("application/xhtml+xml")))
        return PAGES_HTML;
    return takes(accept, STR("application/json")) ? PAGES_JSON : PAGES_TEXT;
}

/* Thousandths of the q parameter of a list element; 1000 when there is none. */
static unsigned quality(struct str part)
{
    size_t at = str_find_str(part, STR("q="));
    if (at == STR_NPOS)
        return 1000;
    struct str q = str_trim(str_sub(part, at + 2, part.n));
    unsigned v = 0;
    if (q.n == 0 || (q.p[0] != '0' && q.p[0] != '1'))
        return 0;
    v = (unsigned)(q.p[0] - '0') * 1000;
    unsigned weight = 100;
    for (size_t i = 2; i < q.n && i < 5 && q.p[i] >= '0' && q.p[i] <= '9'; i++, weight /= 10)
        v += (unsigned)(q.p[i] - '0') * weight;
    return v > 1000 ? 1000 : v;
}

enum texts_language pages_language_of(struct str list)
{
    enum texts_language best = TEXTS_EN;
    unsigned best_q = 0;
    struct str part;
    for (int i = 0; i < 32 && str_split(&list, ',', &part); i++) {
        struct str tag = str_trim(str_sub(part, 0, str_find(part, ';')));
        struct str primary = str_sub(tag, 0, str_find(tag, '-'));
        unsigned q = quality(part);
        for (unsigned l = 0; l < TEXTS_N_LANGUAGES; l++) {
            if (q > best_q && str_eq_nocase(primary, str_of(texts_language_tags[l]))) {
                best = (enum texts_language)l;
                best_q = q;
            }
        }
    }
    return best;
}

/* --- what is told: the same facts in every format
 * ------------------------------------------------*/

#define FACTS_MAX 16

/* In the order people read them: what and why, what besides, whom to ask. */
static size_t facts_of(const struct page *p, struct buf *categories, struct buf *id,
                       struct pages_fact out[FACTS_MAX])
{
    for (size_t i = 0; i < p->n_categories; i++) {
        if (i)
            buf_add(categories, STR(", "));
        buf_add(categories, p->categories[i]);
    }
    if (p->id)
        buf_add_u64(id, p->id);
    const struct pages_fact all[] = {
        {TEXTS_ADDRESS, "url", p->url},
        {TEXTS_RULE, "rule_name", p->rule_name.n ? p->rule_name : p->rule},
        {TEXTS_REASON, "reason", p->message},
        {TEXTS_CATEGORIES, "categories", buf_str(categories)},
        {TEXTS_USER, "user", p->user},
        {TEXTS_ERROR, "error", p->token},
        {TEXTS_CONTACT, "contact", p->contact},
        {TEXTS_RECORD, "record", buf_str(id)},
        {TEXTS_NODE, "node", p->node},
        {TEXTS_MORE, "why", p->more},
    };
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].label == TEXTS_USER) /* behind what was asked for, before who asked */
            for (size_t k = 0; k < p->n_facts && n < FACTS_MAX - 6; k++)
                out[n++] = p->facts[k];
        if (all[i].value.n)
            out[n++] = all[i];
    }
    return n;
}

static const char style[] =
    ":root{color-scheme:light dark;--b:#f6f7f9;--c:#fff;--t:#1b1f24;--m:#5b6470;--l:#d9dee4;"
    "--a:#b3261e}@media(prefers-color-scheme:dark){:root{--b:#14171a;--c:#1d2125;--t:#e8eaed;"
    "--m:#a4adb8;--l:#343b43;--a:#ff8a80}}*{box-sizing:border-box}body{margin:0;min-height:100vh;"
    "display:grid;place-items:center;background:var(--b);color:var(--t);font:16px/1.5 system-ui,"
    "sans-serif;padding:16px}main{max-width:38rem;width:100%;background:var(--c);border:1px solid "
    "var(--l);border-top:4px solid var(--a);border-radius:8px;padding:24px 28px}h1{font-size:1.4rem"
    ";margin:0 0 8px}p{margin:0 0 16px}dl{display:grid;grid-template-columns:max-content 1fr;"
    "gap:6px 16px;margin:0 0 16px}dt{color:var(--m)}dd{margin:0;overflow-wrap:anywhere}a.go,"
    "button{display:inline-block;font:inherit;padding:8px 16px;border-radius:6px;border:1px solid "
    "var(--m);color:inherit;background:none;text-decoration:none;cursor:pointer}textarea{width:100%"
    ";font:inherit;background:var(--b);color:inherit;border:1px solid var(--m);border-radius:6px;"
    "padding:8px;margin:4px 0 12px}@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{"
    "margin-bottom:8px}}h2{font-size:1.1rem;margin:0 0 8px;overflow-wrap:anywhere}section{border-"
    "top:1px solid var(--l);padding-top:16px;margin-top:16px}input.in{width:100%;font:inherit;"
    "background:var(--b);color:inherit;border:1px solid var(--m);border-radius:6px;padding:8px;"
    "margin:4px 0 12px}.bad{color:var(--a);font-weight:600}a{color:inherit}:focus-visible{outline:"
    "3px solid var(--a);outline-offset:2px}";

static void add_hidden(struct str fields, struct buf *out)
{
    struct str pair;
    while (str_split(&fields, '&', &pair)) {
        size_t eq = str_find(pair, '=');
        buf_add(out, STR("<input type=\"hidden\" name=\""));
        pages_escape(out, str_sub(pair, 0, eq));
        buf_add(out, STR("\" value=\""));
        pages_escape(out, str_sub(pair, eq + 1, pair.n));
        buf_add(out, STR("\">"));
    }
}

static void add_form(enum texts_language l, const struct pages_form_of *f, struct buf *out)
{
    if (f->kind == PAGES_NO_FORM)
        return;
    buf_add(out, STR("<form method=\"post\" action=\""));
    pages_escape(out, f->action);
    buf_add(out, STR("\">"));
    add_hidden(f->fields, out);
    if (f->hint) {
        buf_add(out, STR("<p class=\"bad\" role=\"alert\">"));
        buf_add_z(out, texts_hint(l, f->hint));
        buf_add(out, STR("</p>"));
    }
    if (f->kind == PAGES_REASON)
        buf_addf(out,
                 "<label>%s<textarea name=\"reason\" rows=\"3\" minlength=\"%u\" "
                 "maxlength=\"500\" required></textarea></label>",
                 texts_label(l, TEXTS_WHY), f->min_length);
    if (f->kind == PAGES_PASSWORD)
        buf_addf(out,
                 "<label>%s<input class=\"in\" type=\"password\" name=\"password\" "
                 "maxlength=\"200\" autocomplete=\"off\" required></label>",
                 texts_label(l, TEXTS_SECRET));
    buf_add(out, STR("<button>"));
    buf_add_z(out, texts_label(l, TEXTS_CONTINUE));
    buf_add(out, STR("</button></form>"));
}

/* Addresses of ours and of where somebody goes on are links; what came from outside never is. */
static void add_value(const struct pages_fact *f, struct buf *out)
{
    if (f->label != TEXTS_MORE) {
        pages_escape(out, f->value);
        return;
    }
    buf_add(out, STR("<a href=\""));
    pages_escape(out, f->value);
    buf_add(out, STR("\">"));
    pages_escape(out, f->value);
    buf_add(out, STR("</a>"));
}

static void add_facts(enum texts_language l, const struct pages_fact *f, size_t n, struct buf *out)
{
    if (n == 0)
        return; /* an empty list says nothing to a screen reader */
    buf_add(out, STR("<dl>"));
    for (size_t i = 0; i < n; i++) {
        buf_add(out, STR("<dt>"));
        buf_add_z(out, texts_label(l, f[i].label));
        buf_add(out, STR("</dt><dd>"));
        add_value(&f[i], out);
        buf_add(out, STR("</dd>"));
    }
    buf_add(out, STR("</dl>"));
}

static void add_items(const struct page *p, struct buf *out)
{
    for (size_t i = 0; i < p->n_items; i++) {
        const struct pages_item *x = &p->items[i];
        buf_add(out, STR("<section><h2>"));
        pages_escape(out, x->title);
        buf_add(out, STR("</h2>"));
        add_facts(p->language, x->facts, x->n_facts, out);
        add_form(p->language, &x->form, out);
        buf_add(out, STR("</section>"));
    }
}

static void write_html(const struct page *p, const struct pages_fact *f, size_t n, struct buf *out)
{
    const struct text *t = texts_of(p->language, p->subject);
    buf_addf(out, "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\">",
             texts_language_tags[p->language]);
    buf_add(out, STR("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                     "<meta name=\"robots\" content=\"noindex\"><title>"));
    buf_add_z(out, t->title);
    buf_add(out, STR("</title><style>"));
    buf_add_z(out, style);
    buf_add(out, STR("</style></head><body><main><h1>"));
    buf_add_z(out, t->title);
    buf_add(out, STR("</h1><p>"));
    buf_add_z(out, t->sentence);
    buf_add(out, STR("</p>"));
    if (p->note.n) {
        buf_add(out, STR("<p>"));
        pages_escape(out, p->note);
        buf_add(out, STR("</p>"));
    }
    add_facts(p->language, f, n, out);
    add_form(p->language, &p->form, out);
    add_items(p, out);
    buf_add(out, STR("</main></body></html>\n"));
}

static void text_facts(enum texts_language l, const struct pages_fact *f, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, texts_label(l, f[i].label));
        buf_add(out, STR(": "));
        add_safe(out, f[i].value, no_entity);
        buf_add_c(out, '\n');
    }
}

static void write_text(const struct page *p, const struct pages_fact *f, size_t n, struct buf *out)
{
    const struct text *t = texts_of(p->language, p->subject);
    buf_add_z(out, t->title);
    buf_add_c(out, '\n');
    buf_add_z(out, t->sentence);
    buf_add_c(out, '\n');
    text_facts(p->language, f, n, out);
    for (size_t i = 0; i < p->n_items; i++) {
        buf_add(out, STR("\n* "));
        add_safe(out, p->items[i].title, no_entity);
        buf_add_c(out, '\n');
        text_facts(p->language, p->items[i].facts, p->items[i].n_facts, out);
    }
    if (p->note.n) {
        add_safe(out, p->note, no_entity);
        buf_add_c(out, '\n');
    }
    if (p->link.n) {
        buf_add_z(out, texts_label(p->language, TEXTS_CONTINUE));
        buf_add(out, STR(": "));
        add_safe(out, p->link, no_entity);
        buf_add_c(out, '\n');
    }
}

static void json_member(const char *key, struct str value, struct buf *out)
{
    buf_addf(out, ",\"%s\":\"", key);
    add_safe(out, value, json_entity);
    buf_add_c(out, '"');
}

static void json_items(const struct page *p, struct buf *out)
{
    if (p->n_items == 0)
        return;
    buf_add(out, STR(",\"items\":["));
    for (size_t i = 0; i < p->n_items; i++) {
        const struct pages_item *x = &p->items[i];
        buf_add(out, i ? STR(",{\"title\":\"") : STR("{\"title\":\""));
        add_safe(out, x->title, json_entity);
        buf_add_c(out, '"');
        for (size_t k = 0; k < x->n_facts; k++)
            json_member(x->facts[k].key, x->facts[k].value, out);
        buf_add_c(out, '}');
    }
    buf_add_c(out, ']');
}

static void write_json(const struct page *p, const struct pages_fact *f, size_t n, struct buf *out)
{
    const struct text *t = texts_of(p->language, p->subject);
    buf_addf(out, "{\"status\":%u,\"title\":\"", (unsigned)p->status);
    add_safe(out, str_of(t->title), json_entity);
    buf_add(out, STR("\",\"detail\":\""));
    add_safe(out, str_of(t->sentence), json_entity);
    buf_add_c(out, '"');
    for (size_t i = 0; i < n; i++)
        json_member(f[i].key, f[i].value, out);
    if (p->rule.n)
        json_member("rule", p->rule, out);
    if (p->link.n)
        json_member("continue", p->link, out);
    json_items(p, out);
    buf_add(out, STR("}\n"));
}

void pages_write(const struct page *p, struct buf *out)
{
    struct pages_fact f[FACTS_MAX];
    char id_text[24];
    struct buf categories,
        id = {.p = id_text, .cap = sizeof id_text, .ceiling_bytes = sizeof id_text};
    buf_init(&categories, 8192);
    size_t n = facts_of(p, &categories, &id, f);
    switch (p->format) {
    case PAGES_HTML: write_html(p, f, n, out); break;
    case PAGES_JSON: write_json(p, f, n, out); break;
    case PAGES_TEXT: write_text(p, f, n, out); break;
    }
    buf_fini(&categories);
}

struct str pages_type(enum pages_format f)
{
    switch (f) {
    case PAGES_HTML: return STR("text/html; charset=utf-8");
    case PAGES_JSON: return STR("application/json");
    case PAGES_TEXT: break;
    }
    return STR("text/plain; charset=utf-8");
}
