/* verb_user: local users. A password is never an argument: it is asked for on the terminal, or is
 * the first line of stdin or of --password-file. */
#include "adminui/ctl/verb_user.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "adminui/ctl/show.h"
#include "adminui/ctl/verbs.h"
#include "base/secret.h"

int verb_user_list(struct ctl *c)
{
    static const struct show_column columns[] = {{"NAME", "username"},   {"ENABLED", "enabled"},
                                                 {"GROUPS", "groups"},   {"CHANGED", "updated_at"},
                                                 {"COMMENT", "comment"}, {NULL, NULL}};
    struct client_answer a;
    bool is_done;
    int code = verbs_get(c, "/users?limit=1000", &a, &is_done);
    if (!is_done)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

static bool read_line(FILE *f, char *out, int room)
{
    if (!fgets(out, room, f))
        return false;
    out[strcspn(out, "\r\n")] = 0;
    return out[0] != 0;
}

static bool read_password(struct ctl *c, char *out, int room)
{
    struct termios old, quiet;
    const char *path = c->options.password_file;
    bool good;
    if (path) {
        FILE *f = fopen(path, "re");
        good = f && read_line(f, out, room);
        if (f)
            fclose(f);
    } else if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0) {
        quiet = old;
        quiet.c_lflag &= (tcflag_t)~ECHO;
        fputs("password: ", stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        good = read_line(stdin, out, room);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputc('\n', stderr);
    } else {
        good = read_line(stdin, out, room);
    }
    if (!good)
        verbs_fail("no password was given");
    return good;
}

static json_t *names(const char *list)
{
    json_t *all = json_array();
    struct str rest = str_of(list), one;
    while (str_split(&rest, ',', &one))
        json_array_append_new(all, json_stringn(one.p, one.n));
    return all;
}

static int done(struct ctl *c, int code, const struct client_answer *a)
{
    if (!code && c->options.json && a->json)
        verbs_print_json(a);
    return code;
}

int verb_user_add(struct ctl *c)
{
    char password[1100];
    struct client_answer a;
    if (!read_password(c, password, sizeof password))
        return 1;
    json_t *body = json_pack("{s:s,s:s,s:b}", "username", c->words[0], "password", password,
                             "enabled", (int)!c->options.disabled);
    if (c->options.groups)
        json_object_set_new(body, "groups", names(c->options.groups));
    if (c->options.comment)
        json_object_set_new(body, "comment", json_string(c->options.comment));
    struct client_ask ask = {.method = "POST", .path = "/users", .json = body};
    int code = done(c, verbs_call(c, &ask, &a), &a);
    secret_wipe(password, sizeof password);
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

static void user_path(struct ctl *c, struct buf *path)
{
    buf_init(path, 4096);
    buf_add_z(path, "/users/");
    client_encode(&c->client, path, c->words[0]);
    buf_add_c(path, 0);
}

/* GET for the ETag, then the change. */
static int change(struct ctl *c, const char *method, const json_t *body)
{
    struct client_answer now, a = {0};
    struct buf path;
    user_path(c, &path);
    struct client_ask get = {.method = "GET", .path = path.p};
    int code = verbs_call(c, &get, &now);
    struct client_ask ask = {.method = method, .path = path.p, .json = body, .if_match = now.etag};
    if (!code)
        code = done(c, verbs_call(c, &ask, &a), &a);
    client_answer_fini(&now);
    client_answer_fini(&a);
    buf_fini(&path);
    return code;
}

int verb_user_passwd(struct ctl *c)
{
    char password[1100];
    if (!read_password(c, password, sizeof password))
        return 1;
    json_t *body = json_pack("{s:s}", "password", password);
    int code = change(c, "PUT", body);
    secret_wipe(password, sizeof password);
    json_decref(body);
    return code;
}

/* Also people of the directory: proxyd asks for them anew. */
int verb_user_forget(struct ctl *c)
{
    struct client_answer a;
    json_t *body = json_pack("{s:s}", "username", c->words[0]);
    struct client_ask ask = {.method = "POST", .path = "/directory:forget", .json = body};
    int code = verbs_call(c, &ask, &a);
    client_answer_fini(&a);
    json_decref(body);
    return code;
}

int verb_user_delete(struct ctl *c)
{
    return change(c, "DELETE", NULL);
}
