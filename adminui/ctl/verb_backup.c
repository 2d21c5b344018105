/* verb_backup: the file is written beside its name, synced, and renamed when it is whole; it is
 * readable by its owner alone. */
#include "adminui/ctl/verb_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adminui/ctl/job.h"

struct writing {
    int fd;
    uint64_t n;
    int errnum; /* of the first write that failed */
};

static void on_piece(void *ctx, struct str bytes)
{
    struct writing *w = ctx;
    while (bytes.n && !w->errnum) {
        ssize_t n = write(w->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            w->errnum = n < 0 ? errno : EIO;
            return;
        }
        w->n += (uint64_t)n;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
}

/* SQLite's header says how long the file is: page size at 16, pages at 28. */
static bool is_whole(int fd, uint64_t n)
{
    unsigned char h[32];
    if (pread(fd, h, sizeof h, 0) != (ssize_t)sizeof h || memcmp(h, "SQLite format 3", 16) != 0)
        return false;
    uint64_t page = ((uint64_t)h[16] << 8) | h[17];
    uint64_t pages =
        ((uint64_t)h[28] << 24) | ((uint64_t)h[29] << 16) | ((uint64_t)h[30] << 8) | h[31];
    return n == (page == 1 ? 65536 : page) * pages;
}

static int receive(struct ctl *c, const char *part, struct writing *w)
{
    struct client_answer a;
    struct client_ask ask = {.method = "GET",
                             .path = c->options.with_secrets ? "/backup?secrets=true" : "/backup",
                             .piece = on_piece,
                             .ctx = w};
    int code = verbs_call(c, &ask, &a);
    client_answer_fini(&a);
    if (code)
        return code;
    if (!w->errnum && fsync(w->fd) != 0)
        w->errnum = errno;
    if (w->errnum) {
        verbs_fail("%s: %s", part, strerror(w->errnum));
        return 2;
    }
    if (!is_whole(w->fd, w->n)) {
        verbs_fail("the backup broke off after %llu bytes", (unsigned long long)w->n);
        return 2;
    }
    return 0;
}

int verb_backup(struct ctl *c)
{
    char part[4096];
    const char *path = c->words[0];
    struct writing w = {0};
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return verbs_fail("%s: the name is too long", path);
    w.fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w.fd < 0)
        return verbs_fail("%s: %s", part, strerror(errno));
    int code = receive(c, part, &w);
    close(w.fd);
    if (!code && rename(part, path) != 0) {
        verbs_fail("%s: %s", path, strerror(errno));
        code = 2;
    }
    if (code) {
        unlink(part);
        return code;
    }
    if (c->options.json)
        printf("{\"file\": \"%s\", \"bytes\": %llu}\n",
               strrchr(path, '/') ? strrchr(path, '/') + 1 : path, (unsigned long long)w.n);
    else
        printf("%s: %llu bytes%s\n", path, (unsigned long long)w.n,
               c->options.with_secrets ? ", with secrets in clear" : "; secrets stay here");
    return 0;
}

static void print_restored(const json_t *r)
{
    static const struct show_column backup[] = {{"made", "backup/made_at"},
                                                {"live version", "backup/live_version"},
                                                {"versions", "backup/versions"},
                                                {"categories", "backup/categories"},
                                                {"users", "backup/users"},
                                                {"administrators", "backup/accounts"},
                                                {"tokens", "backup/tokens"},
                                                {"settings", "backup/settings"},
                                                {"with secrets", "backup/has_secrets"},
                                                {NULL, NULL}};
    static const struct show_column done[] = {{"live now", "version"},
                                              {"versions added", "versions_added"},
                                              {"versions that differ", "versions_apart"},
                                              {"secrets missing", "secrets_missing"},
                                              {"put aside", "put_aside"},
                                              {"proxyd", "message"},
                                              {NULL, NULL}};
    show_object(r, backup);
    if (json_is_true(json_object_get(r, "dry_run")))
        puts("only looked at; nothing was changed");
    else
        show_object(r, done);
}

int verb_restore(struct ctl *c)
{
    verbs_path(c, "/restore");
    verbs_query(c, "dry_run", c->options.dry_run ? "true" : NULL);
    struct client_ask ask = {
        .method = "POST",
        .path = verbs_query(c, "accounts", c->options.keep_accounts ? "keep" : NULL),
        .file = c->words[0]};
    return job_show(c, &ask, print_restored);
}
