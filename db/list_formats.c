/* list_formats: bytes in pieces to lines, and the format by looking at the first of them. */
#include "db/list_formats.h"

#include <stdlib.h>
#include <string.h>

#include "db/list_line.h"
#include "db/list_utf16.h"

#define LOOK_BYTES ((size_t)32 << 10) /* held back while the format is not known */

static const struct {
    const char *name;
    enum list_format format;
} names[] = {
    {"auto", LIST_AUTO},
    {"plain", LIST_FORMAT_PLAIN},
    {"hosts", LIST_FORMAT_HOSTS},
    {"adblock", LIST_FORMAT_ADBLOCK},
    {"dnsmasq", LIST_FORMAT_DNSMASQ},
    {"rpz", LIST_FORMAT_RPZ},
    {"unbound", LIST_FORMAT_UNBOUND},
    {"bind", LIST_FORMAT_BIND},
    {"csv", LIST_FORMAT_CSV},
    {"v2fly", LIST_FORMAT_V2FLY},
    {"expressions", LIST_FORMAT_EXPRESSIONS},
    {"squidguard", LIST_FORMAT_SQUIDGUARD},
    {"domains", LIST_FORMAT_PLAIN}, /* other words for plain: taken, never given */
    {"urls", LIST_FORMAT_PLAIN},
    {"ips", LIST_FORMAT_PLAIN},
};

const char *list_format_name(enum list_format f)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].format == f)
            return names[i].name;
    }
    return "auto";
}

bool list_format_from_name(struct str s, enum list_format *out)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(s, str_of(names[i].name))) {
            *out = names[i].format;
            return true;
        }
    }
    return false;
}

struct list_reader {
    char mark[2]; /* the first bytes */
    unsigned n_mark;
    bool is_marked, is_utf16; /* is_marked: the first bytes have been looked at */
    struct list_utf16 utf16;
    struct list_sink sink;
    struct list_line line;
    enum list_format format; /* LIST_AUTO while looking */
    struct buf held;         /* first bytes while looking; later the beginning of a cut line */
    bool is_too_long;        /* inside a line that was refused already */
    bool has_begun;          /* the place of a byte order mark is behind us */
};

enum err list_formats_new(enum list_format f, const struct list_sink *sink,
                          struct list_reader **out)
{
    if (f == LIST_FORMAT_SQUIDGUARD)
        return ERR_UNSUPPORTED;
    struct list_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    r->sink = *sink;
    r->line.sink = &r->sink;
    r->format = f;
    buf_init(&r->held, LIST_LINE_MAX);
    *out = r;
    return OK;
}

void list_formats_free(struct list_reader *r)
{
    if (!r)
        return;
    buf_fini(&r->held);
    free(r);
}

enum list_format list_formats_seen(const struct list_reader *r)
{
    return r->format;
}

uint64_t list_formats_lines(const struct list_reader *r)
{
    return r->line.number;
}

static void one_line(struct list_reader *r, struct str line)
{
    r->line.number++;
    if (r->is_too_long)
        r->is_too_long = false; /* its end: it was counted and refused at its beginning */
    else
        list_line_read(&r->line, r->format, line);
}

static void refuse_long(struct list_reader *r, struct str begin)
{
    r->sink.reject(r->sink.ctx, r->line.number + 1, str_sub(begin, 0, 80),
                   "the line is longer than 65,536 bytes");
    r->is_too_long = true;
    buf_clear(&r->held);
}

/* A piece without a newline: kept for the next feed. */
static void hold(struct list_reader *r, struct str piece)
{
    if (r->is_too_long)
        return;
    if (r->held.n + piece.n > LIST_LINE_MAX) {
        refuse_long(r, r->held.n ? buf_str(&r->held) : piece);
        return;
    }
    buf_add(&r->held, piece);
    if (r->held.failed)
        refuse_long(r, piece);
}

static void split(struct list_reader *r, struct str bytes)
{
    while (bytes.n) {
        size_t at = str_find(bytes, '\n');
        if (at == STR_NPOS) {
            hold(r, bytes);
            return;
        }
        struct str line = str_sub(bytes, 0, at);
        if (r->held.n && !r->is_too_long) {
            hold(r, line);
            line = buf_str(&r->held);
        } else if (line.n > LIST_LINE_MAX && !r->is_too_long) {
            refuse_long(r, line);
        }
        one_line(r, line);
        buf_clear(&r->held);
        bytes = str_sub(bytes, at + 1, bytes.n);
    }
}

/* --- looking --- */

/* Lines of some formats cannot be mistaken, but stand between bare names, which these formats take
 * as well, or between lines of their own blocks: a few of them decide. */
static size_t weight_of(int f)
{
    switch (f) {
    case LIST_FORMAT_PLAIN:
    case LIST_FORMAT_HOSTS:
    case LIST_FORMAT_CSV:
    case LIST_FORMAT_EXPRESSIONS: return 1;
    case LIST_FORMAT_V2FLY: return 1000;
    default: /* an int: the distinctive ones */ return 8;
    }
}

static enum list_format decide(struct str head)
{
    size_t count[LIST_FORMAT_SQUIDGUARD + 1] = {0};
    struct str line;
    while (str_split(&head, '\n', &line))
        count[list_line_guess(line)]++;
    int best = LIST_FORMAT_PLAIN;
    for (int f = LIST_FORMAT_HOSTS; f < LIST_FORMAT_SQUIDGUARD; f++) {
        if (count[f] * weight_of(f) > count[best] * weight_of(best))
            best = f;
    }
    return (enum list_format)best;
}

static void begin(struct list_reader *r)
{
    struct buf head = r->held; /* its bytes go through the splitter, which uses held itself */
    struct str bytes = buf_str(&head);
    buf_init(&r->held, LIST_LINE_MAX);
    if (r->format == LIST_AUTO)
        r->format = decide(bytes);
    r->has_begun = true;
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        bytes = str_sub(bytes, 3, bytes.n);
    split(r, bytes);
    buf_fini(&head);
}

static void feed_utf8(struct list_reader *r, struct str bytes)
{
    if (!r->has_begun) {
        size_t want = LOOK_BYTES - r->held.n;
        size_t take = bytes.n < want ? bytes.n : want;
        buf_add(&r->held, str_sub(bytes, 0, take));
        bytes = str_sub(bytes, take, bytes.n);
        if (r->held.n < LOOK_BYTES)
            return;
        begin(r);
    }
    split(r, bytes);
}

/* UTF-16 is told by the two bytes of its mark, which are left off. */
static void feed_marked(struct list_reader *r, struct str bytes)
{
    struct buf text;
    if (!r->is_utf16) {
        feed_utf8(r, bytes);
        return;
    }
    buf_init(&text, bytes.n * 2 + 16); /* a unit of two bytes is at most three, four of two units */
    list_utf16_feed(&r->utf16, bytes, &text);
    feed_utf8(r, buf_str(&text));
    buf_fini(&text);
}

static void see_mark(struct list_reader *r)
{
    struct str mark = str_make(r->mark, r->n_mark);
    r->is_marked = true;
    r->utf16.is_big = str_eq(mark, STR("\xfe\xff"));
    r->is_utf16 = r->utf16.is_big || str_eq(mark, STR("\xff\xfe"));
    if (!r->is_utf16)
        feed_utf8(r, mark);
}

void list_formats_feed(struct list_reader *r, struct str bytes)
{
    for (; !r->is_marked && bytes.n; bytes = str_sub(bytes, 1, bytes.n)) {
        r->mark[r->n_mark++] = bytes.p[0];
        if (r->n_mark == sizeof r->mark)
            see_mark(r);
    }
    if (bytes.n)
        feed_marked(r, bytes);
}

void list_formats_end(struct list_reader *r)
{
    if (!r->is_marked)
        see_mark(r);
    if (!r->has_begun)
        begin(r);
    if (r->held.n || r->is_too_long)
        one_line(r, buf_str(&r->held));
    buf_clear(&r->held);
}
