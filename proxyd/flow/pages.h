/* pages: what people (and programs) read when we answer ourselves: blocked, warned, login, errors.
 * HTML that follows the reader's dark or light choice, JSON or plain text for clients whose Accept
 * does not name HTML; in the reader's language where there is a text. Pure.
 * Everything variable goes through one escaping function per format. Threads: safe anywhere. */
#ifndef PROXYD_FLOW_PAGES_H
#define PROXYD_FLOW_PAGES_H

#include "base/buf.h"
#include "proxyd/flow/texts.h"

enum pages_format { PAGES_TEXT, PAGES_HTML, PAGES_JSON };

struct page {
    enum pages_format format;
    enum texts_language language;
    enum texts_subject subject;
    uint16_t status;
    uint64_t id;      /* of the record */
    struct str token; /* short token of the error; may be empty */
    struct str url, host, user, client;
    struct str rule, rule_name, message; /* may be empty */
    const struct str *categories;
    size_t n_categories;
    struct str contact, note, node;
    struct str link; /* of "continue", an absolute path with query; empty: no link */
    bool is_asking;  /* the link wants a justification */
};

/* From the values of Accept and Accept-Language; empty when the request has none. */
enum pages_format pages_format_of(struct str accept);
enum texts_language pages_language_of(struct str accept_language);

/* Appends the page; out->failed tells. */
void pages_write(const struct page *p, struct buf *out);
struct str pages_type(enum pages_format f); /* Content-Type */

/* Text as it may stand in HTML, in an attribute in double quotes too; control bytes and bytes that
 * are no UTF-8 become U+FFFD, marks that turn the direction of writing are left out. */
void pages_escape(struct buf *out, struct str s);

#endif
