/* squid_privacy: the last line of a kind holds, as in Squid. A mode is only taken when it tells
 * servers nothing that Squid did not; where it tells less, the note says what. */
#include "convert/squid_privacy.h"

enum told { TOLD_ON, TOLD_OFF, TOLD_TRANSPARENT, TOLD_DELETE, TOLD_TRUNCATE };

struct words {
    bool has_via_or_client, is_without_via, is_without_referer, is_without_from;
    enum told client;
};

struct mode {
    const char *name, *note; /* name NULL: none fits */
    enum outcome_kind kind;
};

bool squid_privacy_add(struct squid_privacy *p, const struct squid_directive *d)
{
    struct str name = d->words[0].text;
    if ((!str_eq(name, STR("via")) && !str_eq(name, STR("forwarded_for")) &&
         !str_eq(name, STR("request_header_access"))) ||
        p->n == SQUID_PRIVACY_LINES)
        return false;
    p->lines[p->n++] = d;
    return true;
}

/* "request_header_access NAME deny all" */
static bool is_denied(const struct squid_directive *d, const char *name)
{
    return d->n == 4 && str_eq(d->words[0].text, STR("request_header_access")) &&
           str_eq_nocase(d->words[1].text, str_of(name)) && str_eq(d->words[2].text, STR("deny")) &&
           str_eq(d->words[3].text, STR("all"));
}

static enum told told_of(struct str w)
{
    static const char *const names[] = {"on", "off", "transparent", "delete", "truncate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq_nocase(w, str_of(names[i])))
            return (enum told)i;
    }
    return TOLD_ON;
}

static struct words read_lines(const struct squid_privacy *p)
{
    struct words w = {.client = TOLD_ON};
    bool denies_via = false, denies_client = false;
    for (size_t i = 0; i < p->n; i++) {
        const struct squid_directive *d = p->lines[i];
        struct str name = d->words[0].text;
        struct str value = d->n > 1 ? d->words[1].text : (struct str){0};
        if (str_eq(name, STR("via")))
            w.is_without_via = str_eq(value, STR("off"));
        else if (str_eq(name, STR("forwarded_for")))
            w.client = told_of(value);
        denies_via = denies_via || is_denied(d, "Via");
        denies_client = denies_client || is_denied(d, "X-Forwarded-For");
        w.is_without_referer = w.is_without_referer || is_denied(d, "Referer");
        w.is_without_from = w.is_without_from || is_denied(d, "From");
        w.has_via_or_client = w.has_via_or_client || denies_via || denies_client ||
                              !str_eq(name, STR("request_header_access"));
    }
    w.is_without_via = w.is_without_via || denies_via;
    w.client = denies_client ? TOLD_DELETE : w.client;
    return w;
}

static struct mode mode_of(const struct words *w)
{
    if (w->is_without_via && w->client == TOLD_DELETE)
        return (struct mode){"high-anonymity",
                             "Every other field that tells of a proxy or the client is left out "
                             "as well.",
                             OUTCOME_PARTLY};
    if (w->is_without_via)
        return (struct mode){NULL,
                             "There is no mode that hides the proxy and tells its client; "
                             "high-anonymity hides both.",
                             OUTCOME_DROPPED};
    switch (w->client) {
    case TOLD_TRANSPARENT: return (struct mode){"via", "", OUTCOME_TRANSLATED};
    case TOLD_DELETE:
        return (struct mode){"anonymous",
                             "Every other field that tells of the client is left out as well.",
                             OUTCOME_PARTLY};
    case TOLD_OFF:
        return (struct mode){"anonymous", "The field is left out, where Squid wrote \"unknown\".",
                             OUTCOME_PARTLY};
    case TOLD_ON:
        return (struct mode){"named",
                             "Forwarded is written as well; what a client claims is only kept of "
                             "those in trust-forwarded.",
                             OUTCOME_PARTLY};
    case TOLD_TRUNCATE:
        return (struct mode){"named", "Forwarded is written as well.", OUTCOME_PARTLY};
    }
    return (struct mode){NULL, "", OUTCOME_DROPPED};
}

static bool hides_client(const struct mode *m)
{
    return m->name && (m->name[0] == 'a' || m->name[0] == 'h');
}

static void report_line(const struct squid_directive *d, const struct mode *m, struct outcome *o)
{
    struct outcome_row row = {d->file, d->line, d->text, m->kind, NULL};
    bool is_of_mode = !str_eq(d->words[0].text, STR("request_header_access")) ||
                      is_denied(d, "Via") || is_denied(d, "X-Forwarded-For") ||
                      (is_denied(d, "From") && hides_client(m));
    if (is_denied(d, "Referer")) {
        row.kind = OUTCOME_TRANSLATED;
        outcome_report(o, &row, "Of a listener: referer=none.");
    } else if (!is_of_mode) {
        row.kind = OUTCOME_DROPPED;
        outcome_report(o, &row,
                       "A privacy mode holds for all requests of a listener and leaves out what "
                       "tells of client or proxy; for other fields use `set_headers` on rules.");
    } else if (!m->name) {
        outcome_report(o, &row, "%s", m->note);
    } else {
        outcome_report(o, &row, "Of a listener: privacy=%s. %s", m->name, m->note);
    }
}

void squid_privacy_finish(const struct squid_privacy *p, struct outcome *o)
{
    struct words w = read_lines(p);
    struct mode m = mode_of(&w);
    if (!w.has_via_or_client)
        m = (struct mode){NULL, "", OUTCOME_DROPPED};
    for (size_t i = 0; i < p->n; i++)
        report_line(p->lines[i], &m, o);
    if (!m.name && !w.is_without_referer)
        return;
    o->privacy = json_object();
    if (m.name)
        json_object_set_new(o->privacy, "privacy", json_string(m.name));
    if (w.is_without_referer)
        json_object_set_new(o->privacy, "referer", json_string("none"));
    o->failed = o->failed || !o->privacy;
}
