/* api_backup: a backup is made in the spool folder and sent from an open descriptor, its name gone
 * already. A restore is a job. */
#include "adminui/api_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adminui/changes.h"
#include "adminui/desk.h"
#include "adminui/job_start.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "adminui/transact.h"
#include "base/diag.h"
#include "db/backup.h"

/* A word out of two; false, and the problem is answered, for any other. */
static bool query_is(struct call *c, const char *name, const char *const words[2], bool *is_second)
{
    char pointer[40], text[120];
    struct str value = call_query(c, name, str_of(words[0]));
    *is_second = str_eq(value, str_of(words[1]));
    if (*is_second || str_eq(value, str_of(words[0])))
        return true;
    snprintf(pointer, sizeof pointer, "/%s", name);
    snprintf(text, sizeof text, "%s is %s or %s.", name, words[0], words[1]);
    problem_reply_fault(c, pointer, "bad-value", text);
    return false;
}

static const char *const no_yes[2] = {"false", "true"};

/* Makes it and opens it; the name is gone afterwards. */
static enum err make(struct call *c, bool with_secrets, int *fd, uint64_t *n_bytes)
{
    char path[600], why[STORE_WHY_BYTES] = "";
    struct stat st;
    snprintf(path, sizeof path, "%s/upload-backup-%s", c->app->spool_dir, c->request_id);
    struct backup_order o = {
        .path = path, .with_secrets = with_secrets, .at_ms = clock_wall_ms(&c->app->clock)};
    enum err e = backup_write(c->desk->store, &o, why);
    if (e != OK) {
        diag(DIAG_ERROR, "backup", "no backup was made", "why", why, NULL);
        return e;
    }
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0 || fstat(opened, &st) != 0)
        e = err_from_errno(errno);
    unlink(path);
    if (e != OK) {
        if (opened >= 0)
            close(opened);
        return e;
    }
    *fd = opened;
    *n_bytes = (uint64_t)st.st_size;
    return OK;
}

static void name_file(struct call *c)
{
    char name[80];
    struct tm tm;
    time_t now = (time_t)(clock_wall_ms(&c->app->clock) / 1000);
    gmtime_r(&now, &tm);
    strftime(name, sizeof name, "proxyd-%Y%m%dT%H%M%SZ.backup", &tm);
    reply_file_name(c, name);
}

void api_backup_get(struct call *c)
{
    int fd;
    uint64_t n;
    bool with_secrets;
    if (!query_is(c, "secrets", no_yes, &with_secrets))
        return;
    enum err e = make(c, with_secrets, &fd, &n);
    if (e != OK) {
        problem_reply_err(c, e, "backup");
        return;
    }
    reply_file(c, "application/vnd.sqlite3", fd, n);
    name_file(c);
    call_audit(c, with_secrets ? STR("with secrets") : STR("without secrets"), NULL, NULL);
    e = transact_note(c);
    if (e != OK)
        problem_reply_err(c, e, "audit trail");
}

/* A backup brings a policy and settings of its own: where a second person has to agree to those,
 * only who owns the machine may restore. */
static bool may_restore(struct call *c)
{
    struct settings_publishing p;
    enum err e = changes_settings(c->desk, &c->arena, &p);
    if (e != OK) {
        problem_reply_err(c, e, "settings");
        return false;
    }
    if (!p.needs_approval || c->caller.via == VIA_SOCKET)
        return true;
    problem_reply(c, PROBLEM_FORBIDDEN,
                  "The policy needs a second person: restore with proxyctl on the machine itself.");
    return false;
}

void api_backup_restore(struct call *c)
{
    static const char *const accounts[2] = {"restore", "keep"};
    bool is_dry, keeps;
    if (!query_is(c, "dry_run", no_yes, &is_dry) || !query_is(c, "accounts", accounts, &keeps) ||
        (!is_dry && !may_restore(c)))
        return;
    struct job_order order = {.kind = JOB_RESTORE,
                              .dry_run = is_dry,
                              .take_ask = json_pack("{s:b}", "keep_accounts", (int)keeps),
                              .take_upload = c->upload};
    call_audit(
        c, is_dry ? STR("looked at") : STR("asked for"), NULL,
        json_pack("{s:I,s:s}", "bytes", (json_int_t)c->upload_bytes, "accounts", accounts[keeps]));
    job_start(c, &order);
}
