/* pages: what people (and programs) read when we answer ourselves: blocked, warned, login, errors.
 * HTML that follows the reader's dark or light choice, JSON or plain text for clients whose Accept
 * does not name HTML; in the reader's language where there is a text. Pure.
 * Everything variable goes through one escaping function per format. Threads: safe anywhere. */
#ifndef PROXYD_FLOW_PAGES_H
#define PROXYD_FLOW_PAGES_H

#include "base/buf.h"
#include "proxyd/flow/texts.h"

enum pages_format { PAGES_TEXT, PAGES_HTML, PAGES_JSON };

/* What a page asks for before somebody may go on. */
enum pages_form { PAGES_NO_FORM, PAGES_CONTINUE, PAGES_REASON, PAGES_PASSWORD };

struct pages_form_of {
    enum pages_form kind;
    struct str action; /* an absolute path */
    struct str fields; /* the token, "a=..&b=..", sent back as it is */
    enum texts_hint hint;
    unsigned min_length; /* of a reason, in characters */
};

struct pages_fact {
    enum texts_label label;
    const char *key; /* in JSON */
    struct str value;
};

#define PAGES_FACTS_MAX 6

struct pages_item { /* one of several things the page is about */
    struct str title;
    struct pages_fact facts[PAGES_FACTS_MAX];
    size_t n_facts;
    struct pages_form_of form;
};

struct page {
    enum pages_format format;
    enum texts_language language;
    enum texts_subject subject;
    uint16_t status;
    uint64_t id;      /* of the record; 0: not told */
    struct str token; /* short token of the error; may be empty */
    struct str url, host, user, client;
    struct str rule, rule_name, message; /* may be empty */
    const struct str *categories;
    size_t n_categories;
    struct str contact, note, node;
    struct str more; /* URL of the page about it; may be empty */
    struct str link; /* for programs: where "continue" is, with its token; empty: nowhere */
    struct pages_form_of form;
    const struct pages_fact *facts; /* besides those above */
    size_t n_facts;
    const struct pages_item *items;
    size_t n_items;
};

/* From the values of Accept and Accept-Language; empty when the request has none. */
enum pages_format pages_format_of(struct str accept);
enum texts_language pages_language_of(struct str accept_language);

/* Appends the page; out->failed tells. */
void pages_write(const struct page *p, struct buf *out);
struct str pages_type(enum pages_format f); /* Content-Type */

/* Lines for the head of every page of ours: nothing may be loaded or framed, nothing kept. */
#define PAGES_HEAD                                                                                 \
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; " \
    "base-uri 'none'; frame-ancestors 'none'\r\n"                                                  \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"

/* Text as it may stand in HTML, in an attribute in double quotes too; control bytes and bytes that
 * are no UTF-8 become U+FFFD, marks that turn the direction of writing are left out. */
void pages_escape(struct buf *out, struct str s);

#endif
