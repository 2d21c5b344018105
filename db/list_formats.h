/* list_formats: lists of names as people have them, read as a stream of bytes in pieces of any
 * size; out come entries in normal form and refused lines with their reason. Never stops on a bad
 * line. Pure: no file, no store. list_import drives it. Threads: one at a time per reader. Limit: a
 * line of LIST_LINE_MAX bytes (a longer one is one reject); one reader is about 70 KiB. Rules for
 * all formats: BOM, CR and blanks off, host by host_normalise (IDN to A-labels, lower case,
 * trailing dot off), leading "*." and "." off, address to the ips kind, host/path to the urls kind.
 */
#ifndef DB_LIST_FORMATS_H
#define DB_LIST_FORMATS_H

#include "db/list_rows.h"

#define LIST_LINE_MAX 65536

enum list_format {
    LIST_AUTO,               /* look at the first lines */
    LIST_FORMAT_PLAIN,       /* one name, address or URL a line, # comments */
    LIST_FORMAT_HOSTS,       /* address and names */
    LIST_FORMAT_ADBLOCK,     /* ||host^, ||host/path, @@||host^ as exception */
    LIST_FORMAT_DNSMASQ,     /* address=/host/..., server=/host/..., local=/host/ */
    LIST_FORMAT_RPZ,         /* host CNAME . */
    LIST_FORMAT_UNBOUND,     /* local-zone: "host" ..., local-data */
    LIST_FORMAT_BIND,        /* zone "host" {...} */
    LIST_FORMAT_CSV,         /* rank,host or a column that looks like a host */
    LIST_FORMAT_V2FLY,       /* full:, domain:, regexp:, keyword: */
    LIST_FORMAT_EXPRESSIONS, /* one pattern a line */
    LIST_FORMAT_SQUIDGUARD,  /* a tree of folders: only as an archive, see list_import.h */
};

const char *list_format_name(enum list_format f); /* "auto", "plain", ... */
/* Also takes "domains", "urls" and "ips" for plain. */
bool list_format_from_name(struct str s, enum list_format *out);

struct list_sink {
    void (*entry)(void *ctx, enum list_kind kind, struct str text);
    /* reason: lives for the call. */
    void (*reject)(void *ctx, uint64_t line, struct str text, const char *reason);
    void *ctx;
};

struct list_reader;

/* ERR_NOMEM; ERR_UNSUPPORTED for LIST_FORMAT_SQUIDGUARD. */
enum err list_formats_new(enum list_format f, const struct list_sink *sink,
                          struct list_reader **out) MUST_CHECK;
void list_formats_feed(struct list_reader *r, struct str bytes);
void list_formats_end(struct list_reader *r); /* the last line, when it has no newline */
/* What it was read as; LIST_AUTO until known. */
enum list_format list_formats_seen(const struct list_reader *r);
uint64_t list_formats_lines(const struct list_reader *r);
void list_formats_free(struct list_reader *r); /* NULL is fine */

#endif
