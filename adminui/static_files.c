/* static_files: one openat below the folder; nothing is followed out of it. */
#include "adminui/static_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
    {".map", "application/json"},
};

static const char not_built[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>proxyd</title>"
    "<h1>The dashboard is not built</h1>"
    "<p>proxyd and its JSON API work. To have the pages, install Node.js (Debian: <code>apt-get "
    "install nodejs npm</code>) and run <code>make web</code> in the source folder; then load this "
    "page again.</p><p>Without it: <code>proxyctl --help</code>, or the API at "
    "<a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></html>";

static const char *type_of(struct str path)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_ends(path, str_of(types[i].suffix)))
            return types[i].type;
    return "application/octet-stream";
}

static bool is_plain(struct str path)
{
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] == '%' || path.p[i] == '\\')
            return false;
    return str_find_str(path, STR("..")) == STR_NPOS;
}

/* True when a regular file was opened; suffix is ".gz" or empty. */
static bool open_at(int dir, struct str path, const char *suffix, struct static_file *f)
{
    char name[512];
    struct stat st;
    if (!path.n || path.n + strlen(suffix) >= sizeof name || !is_plain(path))
        return false;
    snprintf(name, sizeof name, "%.*s%s", STR_ARG(path), suffix);
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return false;
    }
    f->fd = fd;
    f->n_bytes = (uint64_t)st.st_size;
    snprintf(f->etag, sizeof f->etag, "\"%llx-%llx%s\"", (unsigned long long)st.st_mtim.tv_sec,
             (unsigned long long)st.st_size, suffix);
    return true;
}

static bool open_file(int dir, struct str path, bool may_gzip, struct static_file *f)
{
    f->encoding = "";
    if (may_gzip && open_at(dir, path, ".gz", f))
        f->encoding = "gzip";
    else if (!open_at(dir, path, "", f))
        return false;
    f->status = 200;
    f->type = type_of(path);
    f->cache =
        str_starts(path, STR("assets/")) ? "public, max-age=31536000, immutable" : "no-cache";
    return true;
}

void static_files_open(const char *dir, struct str path, struct str accept_encoding,
                       struct static_file *out)
{
    *out = (struct static_file){.status = 200,
                                .fd = -1,
                                .text = str_make(not_built, sizeof not_built - 1),
                                .type = types[0].type,
                                .cache = "no-cache",
                                .encoding = ""};
    bool may_gzip = str_find_str(accept_encoding, STR("gzip")) != STR_NPOS;
    struct str below = str_sub(path, 1, path.n), name = below;
    size_t slash = str_rfind(below, '/');
    if (slash != STR_NPOS)
        name = str_sub(below, slash + 1, below.n);
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    bool is_there = open_file(fd, below, may_gzip, out);
    bool is_page = str_find(name, '.') == STR_NPOS && !str_starts(below, STR("assets/"));
    if (!is_there && is_page) {
        (void)open_file(fd, STR("index.html"), may_gzip, out); /* else: the page that helps */
    } else if (!is_there) {
        out->status = 404;
        out->type = "text/plain; charset=utf-8";
        out->text = STR("not found\n");
    }
    close(fd);
}
