/* last_good: save and load of the kept policy. */
#include "proxyd/main/last_good.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mapfile.h"

static enum err path_of(const char *state_dir, char *out, size_t n)
{
    int k = snprintf(out, n, "%s/policy.last-good", state_dir);
    return k > 0 && (size_t)k < n ? OK : ERR_LIMIT;
}

enum err last_good_save(const char *state_dir, uint64_t version, struct str document)
{
    char path[4096];
    enum err e = path_of(state_dir, path, sizeof path);
    if (e != OK)
        return e;
    struct buf b;
    buf_init(&b, document.n + 64);
    buf_add_u64(&b, version);
    buf_add_c(&b, '\n');
    buf_add(&b, document);
    e = b.failed ? ERR_NOMEM : mapfile_replace(path, buf_str(&b), 0600);
    buf_fini(&b);
    return e;
}

enum err last_good_load(const char *state_dir, struct arena *a, uint64_t *version,
                        struct str *document)
{
    char path[4096];
    struct mapfile m;
    enum err e = path_of(state_dir, path, sizeof path);
    if (e == OK)
        e = mapfile_open(&m, path);
    if (e != OK)
        return e;
    struct str rest = str_make(m.p, m.n), line;
    uint64_t v = 0;
    struct str copy = {0};
    e = ERR_CORRUPT;
    if (str_split(&rest, '\n', &line) && str_to_u64(line, UINT64_MAX, &v) == OK && rest.n) {
        copy = arena_str(a, rest);
        e = copy.p ? OK : ERR_NOMEM;
    }
    mapfile_close(&m);
    if (e == OK) {
        *version = v;
        *document = copy;
    }
    return e;
}
