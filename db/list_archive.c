/* list_archive: libarchive, with bounds. */
#include "db/list_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#define WHY_BYTES 240
#define PIECE     ((size_t)128 << 10)

struct walk {
    struct archive *a;
    const struct list_archive_limits *limits;
    const struct list_archive_sink *sink;
    uint64_t n_bytes;
    unsigned n_members;
    char *why;
};

bool list_archive_is(struct str s)
{
    static const struct str magics[] = {{"\x1f\x8b", 2},
                                        {"\x28\xb5\x2f\xfd", 4},
                                        {"\xfd"
                                         "7zXZ",
                                         5},
                                        {"BZh", 3},
                                        {"PK\x03\x04", 4},
                                        {"PK\x05\x06", 4}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        if (str_starts(s, magics[i]))
            return true;
    }
    return s.n >= 512 && memcmp(s.p + 257, "ustar", 5) == 0;
}

static enum err damaged(struct walk *w)
{
    const char *said = archive_error_string(w->a);
    snprintf(w->why, WHY_BYTES, "the archive cannot be read: %s", said ? said : "damaged");
    return ERR_CORRUPT;
}

static enum err over(struct walk *w, const char *what)
{
    snprintf(w->why, WHY_BYTES, "the archive holds %s", what);
    return ERR_LIMIT;
}

/* Data is read even when nobody wants it: skipping would unpack it too, but without counting. */
static enum err read_data(struct walk *w, bool is_wanted)
{
    char piece[PIECE / 4];
    for (;;) {
        la_ssize_t n = archive_read_data(w->a, piece, sizeof piece);
        if (n == 0)
            break;
        if (n < 0)
            return damaged(w);
        w->n_bytes += (uint64_t)n;
        if (w->n_bytes > w->limits->max_bytes)
            return over(w, "more than is allowed when unpacked");
        enum err e = is_wanted ? w->sink->data(w->sink->ctx, str_make(piece, (size_t)n)) : OK;
        if (e != OK)
            return e;
    }
    return is_wanted ? w->sink->end(w->sink->ctx) : OK;
}

static struct str text_or_empty(const char *s)
{
    return str_of(s ? s : "");
}

static enum err read_member(struct walk *w, struct archive_entry *entry)
{
    struct str link = text_or_empty(archive_entry_symlink(entry));
    if (link.n == 0)
        link = text_or_empty(archive_entry_hardlink(entry));
    bool is_single = archive_format(w->a) == ARCHIVE_FORMAT_RAW;
    struct list_archive_member m = {
        .path = is_single ? str_make("", 0) : text_or_empty(archive_entry_pathname(entry)),
        .link = link,
        .is_file = link.n == 0 && archive_entry_filetype(entry) == AE_IFREG,
        .is_folder = link.n == 0 && archive_entry_filetype(entry) == AE_IFDIR,
        .bytes_read = (uint64_t)archive_filter_bytes(w->a, -1),
    };
    bool is_wanted = false;
    enum err e = w->sink->member(w->sink->ctx, &m, &is_wanted);
    if (e != OK || !m.is_file)
        return e;
    return read_data(w, is_wanted);
}

static enum err read_members(struct walk *w)
{
    struct archive_entry *entry;
    for (;;) {
        int rc = archive_read_next_header(w->a, &entry);
        if (rc == ARCHIVE_EOF)
            return OK;
        if (rc < ARCHIVE_WARN)
            return damaged(w);
        if (++w->n_members > w->limits->max_members)
            return over(w, "more files than is allowed");
        enum err e = read_member(w, entry);
        if (e != OK)
            return e;
    }
}

static struct archive *new_archive(void)
{
    struct archive *a = archive_read_new();
    if (!a)
        return NULL;
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    archive_read_support_format_raw(a);
    return a;
}

enum err list_archive_read(struct str bytes, const struct list_archive_limits *limits,
                           const struct list_archive_sink *sink, char why[240])
{
    struct walk w = {.a = new_archive(), .limits = limits, .sink = sink, .why = why};
    if (!w.a)
        return ERR_NOMEM;
    enum err e = archive_read_open_memory(w.a, bytes.p, bytes.n) == ARCHIVE_OK ? read_members(&w)
                                                                               : damaged(&w);
    archive_read_free(w.a);
    return e;
}
