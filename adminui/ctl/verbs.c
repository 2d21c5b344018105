/* verbs: the table and what all verbs share. */
#include "adminui/ctl/verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adminui/ctl/verb_backup.h"
#include "adminui/ctl/verb_category.h"
#include "adminui/ctl/verb_change.h"
#include "adminui/ctl/verb_convert.h"
#include "adminui/ctl/verb_log.h"
#include "adminui/ctl/verb_policy.h"
#include "adminui/ctl/verb_replay.h"
#include "adminui/ctl/verb_subscription.h"
#include "adminui/ctl/verb_system.h"
#include "adminui/ctl/verb_user.h"

const struct verb verbs_table[] = {
    {"status", NULL, 0, 0, verb_system_status, "", "how both programs are"},
    {"policy", "show", 0, 1, verb_policy_show, "[live|draft|N]", "print a policy document"},
    {"policy", "check", 1, 1, verb_policy_check, "FILE", "report every fault of a document"},
    {"policy", "lint", 0, 0, verb_policy_lint, "[--days N]",
     "rules of the draft that are dead, doubled, against each other or not used"},
    {"policy", "publish", 1, 1, verb_policy_publish,
     "FILE --comment TEXT [--at TIME] [--canary \"groups=A,B users=C networks=N\" [--minutes N]]"
     " [--force|--emergency --reason TEXT] [--unwatched]",
     "make a document live: at once, at a time, or for a part first"},
    {"policy", "pending", 0, 1, verb_change_list, "[ID] [--all]",
     "changes that wait or are on trial"},
    {"policy", "approve", 1, 1, verb_change_approve, "ID [--comment TEXT]",
     "agree to somebody else's change"},
    {"policy", "reject", 1, 1, verb_change_reject, "ID --comment TEXT",
     "refuse somebody else's change"},
    {"policy", "promote", 1, 1, verb_change_promote, "ID",
     "make what is on trial live for everybody, or publish what waits now"},
    {"policy", "abort", 1, 1, verb_change_abort, "ID", "end a trial"},
    {"policy", "cancel", 1, 1, verb_change_cancel, "ID", "drop a change that waits"},
    {"policy", "watch", 0, 0, verb_change_watch, "", "how the last publication fares"},
    {"policy", "except", 1, 1, verb_change_except,
     "RECORD|HOST|URL|category:NAME --reason TEXT (--minutes N | --at TIME)"
     " [--user A,B | --groups A,B | --client NETWORK] [--publish] [--dry-run]",
     "allow something for somebody (else everybody) for a time, before the rule that blocks it"},
    {"policy", "exceptions", 0, 0, verb_change_exceptions, "", "rules that lapse, and their use"},
    {"policy", "usage", 0, 0, verb_change_usage, "[--days N]",
     "how often each rule decided, and when last"},
    {"policy", "versions", 0, 0, verb_policy_versions, "[--limit N]", "list what was published"},
    {"policy", "diff", 0, 2, verb_policy_diff, "[A [B]]", "what changed (default: live draft)"},
    {"policy", "patterns", 0, 0, verb_policy_patterns, "[--limit N]",
     "what each URL pattern costs on live traffic, the dearest first"},
    {"policy", "rollback", 1, 1, verb_policy_rollback,
     "N [--comment TEXT] [--emergency --reason TEXT]", "publish a copy of an old version"},
    {"policy", "test", 1, 1, verb_policy_test,
     "URL [--user U] [--groups A,B] [--client IP] [--time T] [--method M] [--policy live|draft|N]",
     "judge one URL, rule by rule"},
    {"policy", "replay", 1, 1, verb_replay, "FILE|draft|live|N [--from T] [--to T]",
     "what it would have done with past traffic (default: the last day)"},
    {"policy", "convert", 1, 1, verb_convert,
     "FILE [--from squid|squidguard|e2guardian] [--store-categories]",
     "an old configuration (a file, or a tar or zip of it) as a document"},
    {"category", "list", 0, 0, verb_category_list, "", "categories and their sizes"},
    {"category", "import", 2, 2, verb_category_import,
     "NAME FILE [--format F] [--merge] [--dry-run] [--force]", "read a list into a category"},
    {"category", "import-tree", 1, 1, verb_category_tree, "FILE [--merge] [--dry-run] [--force]",
     "read an archive, each folder a category"},
    {"category", "lookup", 1, 1, verb_category_lookup, "HOST|URL", "categories of a name"},
    {"category", "subscribe", 1, 1, verb_subscription_add,
     "URL [--name TEXT] [--category NAME] [--format F] [--allow-private]",
     "fetch a list every day; without a category each folder of an archive is one"},
    {"category", "subscriptions", 0, 0, verb_subscription_list, "", "lists that are fetched"},
    {"category", "fetch", 1, 1, verb_subscription_fetch, "NAME|ID", "fetch a list now"},
    {"category", "approve", 1, 1, verb_subscription_approve, "NAME|ID",
     "take a list that waits because it shrank or grew beyond its bounds"},
    {"category", "reject", 1, 1, verb_subscription_reject, "NAME|ID", "throw away what waits"},
    {"category", "unsubscribe", 1, 1, verb_subscription_remove, "NAME|ID",
     "end a subscription and remove what it brought"},
    {"category", "delete", 1, 1, verb_category_delete, "NAME", "remove a category"},
    {"log", "search", 0, 64, verb_log_search,
     "[FIELD=VALUE...] [--from T] [--to T] [--limit N] [--follow]", "access records"},
    {"user", "list", 0, 0, verb_user_list, "", "local users"},
    {"user", "add", 1, 1, verb_user_add, "NAME [--groups A,B] [--comment TEXT] [--disabled]",
     "add a local user; the password is asked for, or the first line of stdin"},
    {"user", "passwd", 1, 1, verb_user_passwd, "NAME", "set a local user's password"},
    {"user", "delete", 1, 1, verb_user_delete, "NAME", "remove a local user"},
    {"user", "forget", 1, 1, verb_user_forget, "NAME",
     "ask local users and the directory anew for this person"},
    {"pac", "show", 0, 0, verb_system_pac_show, "[--client IP]",
     "the PAC file as a client gets it"},
    {"pac", "test", 1, 1, verb_system_pac_test, "URL [--client IP]", "what the PAC file answers"},
    {"privacy", "show", 0, 0, verb_system_privacy_show, "",
     "what requests of each listener tell of the client and the proxy"},
    {"privacy", "test", 0, 0, verb_system_privacy_test, "[--listener ADDRESS:PORT]",
     "send a telling request through a listener and show what a server sees; exit 2: it leaks"},
    {"upstream", "list", 0, 0, verb_system_upstreams, "",
     "parent proxies and which of them are up"},
    {"limits", "show", 0, 0, verb_system_limits, "[--limit N]",
     "clients and users nearest to their bounds now"},
    {"report", NULL, 1, 1, verb_system_report,
     "overview|users|hosts|categories|rules|bandwidth [--from T] [--to T] [--limit N] [--sort S]",
     "figures over time"},
    {"backup", NULL, 1, 1, verb_backup, "FILE [--with-secrets]",
     "the whole configuration into one file; secrets stay here unless asked for"},
    {"restore", NULL, 1, 1, verb_restore, "FILE [--dry-run] [--keep-accounts]",
     "bring a backup back; what is here now is put aside first"},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};

int verbs_fail(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fputs("error: proxyctl: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    return 1;
}

static int explain(const struct client_answer *a)
{
    const char *detail = json_string_value(json_object_get(a->json, "detail"));
    size_t i;
    const json_t *fault;
    fputs("error: proxyctl: ", stderr);
    if (detail)
        show_text(stderr, detail);
    else
        fprintf(stderr, "the API answered %ld", a->status);
    fputc('\n', stderr);
    json_array_foreach(json_object_get(a->json, "errors"), i, fault)
    {
        fputs("  ", stderr);
        show_value(stderr, json_object_get(fault, "pointer"));
        fputs(": ", stderr);
        show_value(stderr, json_object_get(fault, "message"));
        fputc('\n', stderr);
    }
    return a->status >= 500 || a->status == 429 ? 2 : 1;
}

int verbs_call(struct ctl *c, const struct client_ask *ask, struct client_answer *out)
{
    *out = (struct client_answer){0};
    if (c->path.failed)
        return verbs_fail("an argument is too long");
    enum err e = client_call(&c->client, ask, out);
    if (e != OK) {
        verbs_fail("%s", c->client.why);
        return e == ERR_NOT_FOUND ? 1 : 2;
    }
    if (out->status < 400)
        return 0;
    if (c->options.json)
        verbs_print_json(out);
    return explain(out);
}

void verbs_print_json(const struct client_answer *a)
{
    if (a->json)
        json_dumpf(a->json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    else
        fwrite(a->body.p ? a->body.p : "", 1, a->body.n, stdout);
    fputc('\n', stdout);
}

int verbs_show(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *answer))
{
    struct client_answer a;
    int code = verbs_call(c, ask, &a);
    if (!code && print && c->options.json)
        verbs_print_json(&a);
    else if (!code && print)
        print(a.json);
    client_answer_fini(&a);
    return code;
}

int verbs_get(struct ctl *c, const char *path, void (*print)(const json_t *answer))
{
    return verbs_show(c, &(struct client_ask){.method = "GET", .path = path}, print);
}

int verbs_post(struct ctl *c, const char *path, json_t *take_body,
               void (*print)(const json_t *answer))
{
    struct client_ask ask = {.method = "POST", .path = path, .json = take_body};
    int code = verbs_show(c, &ask, print);
    json_decref(take_body);
    return code;
}

int verbs_list(struct ctl *c, const char *path, const struct show_column *columns)
{
    struct client_answer a;
    int code = verbs_call(c, &(struct client_ask){.method = "GET", .path = path}, &a);
    if (!code && c->options.json)
        verbs_print_json(&a);
    else if (!code)
        show_table(json_object_get(a.json, "items"), columns);
    client_answer_fini(&a);
    return code;
}

int verbs_change(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *answer))
{
    struct client_answer now;
    struct client_ask tagged = *ask;
    int code = verbs_call(c, &(struct client_ask){.method = "GET", .path = ask->path}, &now);
    tagged.if_match = now.etag;
    if (!code)
        code = verbs_show(c, &tagged, print);
    client_answer_fini(&now);
    return code;
}

json_t *verbs_read_json(const char *path)
{
    json_error_t error;
    json_t *j = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
                                       : json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (j)
        return j;
    if (error.line > 0)
        verbs_fail("%s: line %d, column %d: %s", path, error.line, error.column, error.text);
    else
        verbs_fail("%s: %s", path, error.text);
    return NULL;
}

/* The path, always with a zero byte behind it. */
static const char *path_so_far(struct ctl *c)
{
    buf_add_c(&c->path, 0);
    if (c->path.failed)
        return "";
    c->path.n--;
    return c->path.p;
}

const char *verbs_path(struct ctl *c, const char *begin)
{
    buf_clear(&c->path);
    buf_add_z(&c->path, begin);
    return path_so_far(c);
}

const char *verbs_word(struct ctl *c, const char *word, const char *rest)
{
    client_encode(&c->client, &c->path, word);
    buf_add_z(&c->path, rest);
    return path_so_far(c);
}

const char *verbs_query(struct ctl *c, const char *name, const char *value)
{
    if (value) {
        buf_add_c(&c->path, str_find(buf_str(&c->path), '?') == STR_NPOS ? '?' : '&');
        client_encode(&c->client, &c->path, name);
        buf_add_c(&c->path, '=');
        client_encode(&c->client, &c->path, value);
    }
    return path_so_far(c);
}

void verbs_set(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

json_t *verbs_names(const char *list)
{
    json_t *all = json_array();
    struct str rest = str_of(list), one;
    while (str_split(&rest, ',', &one))
        json_array_append_new(all, json_stringn(one.p, one.n));
    return all;
}
