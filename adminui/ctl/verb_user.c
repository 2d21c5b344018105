/* verb_user: local users. A password is never an argument: it is asked for on the terminal, or is
 * the first line of stdin or of --password-file. */
#include "adminui/ctl/verb_user.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "adminui/ctl/verbs.h"
#include "base/secret.h"

int verb_user_list(struct ctl *c)
{
    static const struct show_column columns[] = {{"NAME", "username"},   {"ENABLED", "enabled"},
                                                 {"GROUPS", "groups"},   {"CHANGED", "updated_at"},
                                                 {"COMMENT", "comment"}, {NULL, NULL}};
    return verbs_list(c, "/users?limit=1000", columns);
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

/* The exit code says it to people. */
static void print_nothing(const json_t *user)
{
    (void)user;
}

int verb_user_add(struct ctl *c)
{
    char password[1100];
    const struct options *o = &c->options;
    if (!read_password(c, password, sizeof password))
        return 1;
    json_t *body = json_pack("{s:s,s:s,s:b}", "username", c->words[0], "password", password,
                             "enabled", (int)!o->disabled);
    secret_wipe(password, sizeof password);
    if (o->groups)
        json_object_set_new(body, "groups", verbs_names(o->groups));
    verbs_set(body, "comment", o->comment);
    return verbs_post(c, "/users", body, print_nothing);
}

static const char *user_path(struct ctl *c)
{
    verbs_path(c, "/users/");
    return verbs_word(c, c->words[0], "");
}

int verb_user_passwd(struct ctl *c)
{
    char password[1100];
    if (!read_password(c, password, sizeof password))
        return 1;
    json_t *body = json_pack("{s:s}", "password", password);
    secret_wipe(password, sizeof password);
    struct client_ask ask = {.method = "PUT", .path = user_path(c), .json = body};
    int code = verbs_change(c, &ask, print_nothing);
    json_decref(body);
    return code;
}

int verb_user_delete(struct ctl *c)
{
    return verbs_change(c, &(struct client_ask){.method = "DELETE", .path = user_path(c)}, NULL);
}

/* Also people of the directory: proxyd asks for them anew. */
int verb_user_forget(struct ctl *c)
{
    json_t *body = json_object();
    verbs_set(body, "username", c->words[0]);
    return verbs_post(c, "/directory:forget", body, NULL);
}
