/* paths: looked for beside the program first (a source tree: build/release/adminui), then where
 * `make install` puts them (PREFIX/bin or sbin and PREFIX/share/proxyd). */
#include "adminui/paths.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The folder of the program, without a slash at the end. */
static bool program_dir(char out[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0)
        return false;
    out[n] = 0;
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    *slash = 0;
    return true;
}

/* The first of the places that is there; NULL when none is. */
static char *look_for(const char *const *places, size_t n)
{
    char dir[PATH_MAX];
    struct stat st;
    if (!program_dir(dir))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        char *path = join(dir, places[i]);
        if (path && stat(path, &st) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static char *join_program(const char *name)
{
    char dir[PATH_MAX];
    return join(program_dir(dir) ? dir : ".", name);
}

enum err paths_init(struct app *app, const char *web)
{
    static const char *const places[] = {"web", "../../web/dist", "../share/proxyd/web"};
    const char *dir = app->boot->state_dir.p;
    app->store_path = join(dir, "policy.db");
    app->index_path = join(dir, "categories.idx");
    app->events_dir = join(dir, "events");
    app->control_path = join(dir, "control.sock");
    app->socket_path = join(dir, "admin.sock");
    app->spool_dir = join(dir, "uploads");
    app->web_dir = web ? strdup(web) : look_for(places, sizeof places / sizeof *places);
    if (!app->web_dir) /* it may be built later */
        app->web_dir = join_program("../../web/dist");
    if (gethostname(app->node, sizeof app->node - 1) != 0)
        app->node[0] = 0;
    bool good = app->store_path && app->index_path && app->events_dir && app->control_path &&
                app->socket_path && app->spool_dir && app->web_dir;
    return good ? OK : ERR_NOMEM;
}

/* What a killed process left behind is of no use to anybody. */
static void empty_spool(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL)
        if (strncmp(entry->d_name, "upload-", 7) == 0)
            unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        closedir(d);
}

enum err paths_prepare(struct app *app)
{
    if (mkdir(app->spool_dir, 0700) != 0 && errno != EEXIST) {
        enum err e = err_from_errno(errno);
        diag(DIAG_ERROR, "main", "the folder for uploads cannot be made", "dir", app->spool_dir,
             "why", err_name(e), NULL);
        return e;
    }
    empty_spool(app->spool_dir);
    return OK;
}

void paths_fini(struct app *app)
{
    free(app->store_path);
    free(app->index_path);
    free(app->events_dir);
    free(app->control_path);
    free(app->socket_path);
    free(app->spool_dir);
    free(app->web_dir);
}
