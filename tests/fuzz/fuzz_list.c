/* fuzz_list: a list upload. The first byte chooses the format and the size of the pieces; what is
 * heard must not depend on the pieces, and every entry must be in normal form. */
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "base/must.h"
#include "db/list_entry.h"
#include "db/list_formats.h"
#include "db/list_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct heard {
    uint64_t n_entries, n_rejects, sum;
};

static void on_entry(void *ctx, enum list_kind kind, struct str text)
{
    struct heard *h = ctx;
    struct host host;
    must(text.n > 0 && !memchr(text.p, '\n', text.n) && !memchr(text.p, '\0', text.n));
    if (kind == LIST_DOMAINS || kind == LIST_EXCEPTIONS) {
        must(host_normalise(text, &host) == OK && !host.is_ip);
        must(str_eq(host_str(&host), text));
    }
    if (kind == LIST_URLS)
        must(str_find(text, '/') != STR_NPOS);
    h->n_entries++;
    for (size_t i = 0; i < text.n; i++)
        h->sum = h->sum * 31 + (unsigned char)text.p[i];
}

static void on_reject(void *ctx, uint64_t line, struct str text, const char *reason)
{
    struct heard *h = ctx;
    must(line > 0 && text.n <= 200 && strlen(reason) > 0);
    h->n_rejects++;
}

static struct heard read_in_pieces(enum list_format f, struct str text, size_t piece)
{
    struct heard h = {0};
    struct list_sink sink = {on_entry, on_reject, &h};
    struct list_reader *r;
    if (list_formats_new(f, &sink, &r) != OK)
        return h;
    for (size_t at = 0; at < text.n; at += piece)
        list_formats_feed(r, str_sub(text, at, at + piece));
    list_formats_end(r);
    list_formats_free(r);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    enum list_format f = (enum list_format)(data[0] % LIST_FORMAT_SQUIDGUARD);
    struct str text = str_make(data + 1, n - 1);
    struct heard whole = read_in_pieces(f, text, text.n + 1);
    struct heard pieces = read_in_pieces(f, text, (size_t)(data[0] / 16) + 1);
    must(whole.n_entries == pieces.n_entries && whole.n_rejects == pieces.n_rejects &&
         whole.sum == pieces.sum);
    char why[STORE_WHY_BYTES];
    struct list_import *im;
    struct list_import_options o = {
        .category = data[0] & 1 ? STR("x") : STR(""), .format = f, .max_bytes = 1 << 20};
    if (list_import_read(&o, text, why, &im) == OK)
        list_import_free(im);
    return 0;
}
