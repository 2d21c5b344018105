/* main: the proxyctl program: options may stand anywhere among the words. Exit codes: 0 fine, 1
 * usage or refused input, 2 runtime failure. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adminui/ctl/verbs.h"

#define DEFAULT_SOCKET "/var/lib/proxyd/admin.sock"
#define SOURCE_SOCKET  "./var/admin.sock" /* of `make run` */
#define PATH_BYTES     (256u << 10)

static void usage(FILE *to)
{
    fputs("usage: proxyctl [--socket PATH] [--json] VERB ...\n", to);
    for (const struct verb *v = verbs_table; v->name; v++)
        fprintf(to, "  %s%s%s %s\n      %s\n", v->name, v->sub ? " " : "", v->sub ? v->sub : "",
                v->usage, v->sentence);
    fputs("  --socket PATH  default " DEFAULT_SOCKET ", else " SOURCE_SOCKET "\n"
          "  --json         the API's answer instead of a table\n",
          to);
}

static const struct option longs[] = {{"socket", required_argument, NULL, 's'},
                                      {"json", no_argument, NULL, 'j'},
                                      {"comment", required_argument, NULL, 'c'},
                                      {"user", required_argument, NULL, 'u'},
                                      {"client", required_argument, NULL, 'i'},
                                      {"time", required_argument, NULL, 't'},
                                      {"method", required_argument, NULL, 'm'},
                                      {"policy", required_argument, NULL, 'p'},
                                      {"groups", required_argument, NULL, 'g'},
                                      {"limit", required_argument, NULL, 'n'},
                                      {"format", required_argument, NULL, 'f'},
                                      {"from", required_argument, NULL, 'F'},
                                      {"to", required_argument, NULL, 'T'},
                                      {"sort", required_argument, NULL, 'o'},
                                      {"days", required_argument, NULL, 'y'},
                                      {"follow", no_argument, NULL, 'w'},
                                      {"merge", no_argument, NULL, 'M'},
                                      {"dry-run", no_argument, NULL, 'd'},
                                      {"disabled", no_argument, NULL, 'D'},
                                      {"store-categories", no_argument, NULL, 'S'},
                                      {"with-secrets", no_argument, NULL, 'x'},
                                      {"keep-accounts", no_argument, NULL, 'k'},
                                      {"at", required_argument, NULL, 'A'},
                                      {"canary", required_argument, NULL, 'C'},
                                      {"minutes", required_argument, NULL, 'N'},
                                      {"reason", required_argument, NULL, 'R'},
                                      {"listener", required_argument, NULL, 'I'},
                                      {"force", no_argument, NULL, 'O'},
                                      {"emergency", no_argument, NULL, 'E'},
                                      {"unwatched", no_argument, NULL, 'U'},
                                      {"all", no_argument, NULL, 'L'},
                                      {"allow-private", no_argument, NULL, 'V'},
                                      {"name", required_argument, NULL, 'W'},
                                      {"category", required_argument, NULL, 'X'},
                                      {"publish", no_argument, NULL, 'B'},
                                      {"version", no_argument, NULL, 'v'},
                                      {"help", no_argument, NULL, 'h'},
                                      {"password-file", required_argument, NULL, 'P'},
                                      {NULL, 0, NULL, 0}};

static void set_option(struct options *o, int letter)
{
    switch (letter) {
    case 's': o->socket = optarg; break;
    case 'j': o->json = true; break;
    case 'c': o->comment = optarg; break;
    case 'u': o->user = optarg; break;
    case 'i': o->client = optarg; break;
    case 't': o->time = optarg; break;
    case 'm': o->method = optarg; break;
    case 'p': o->policy = optarg; break;
    case 'g': o->groups = optarg; break;
    case 'n': o->limit = optarg; break;
    case 'f': o->format = optarg; break;
    case 'F': o->from = optarg; break;
    case 'T': o->to = optarg; break;
    case 'o': o->sort = optarg; break;
    case 'y': o->days = optarg; break;
    case 'w': o->follow = true; break;
    case 'M': o->merge = true; break;
    case 'd': o->dry_run = true; break;
    case 'D': o->disabled = true; break;
    case 'S': o->store_categories = true; break;
    case 'V': o->allow_private = true; break;
    case 'W': o->name = optarg; break;
    case 'X': o->category = optarg; break;
    case 'x': o->with_secrets = true; break;
    case 'k': o->keep_accounts = true; break;
    case 'P': o->password_file = optarg; break;
    case 'A': o->at = optarg; break;
    case 'C': o->canary = optarg; break;
    case 'N': o->minutes = optarg; break;
    case 'R': o->reason = optarg; break;
    case 'I': o->listener = optarg; break;
    case 'O': o->force = true; break;
    case 'E': o->emergency = true; break;
    case 'U': o->unwatched = true; break;
    case 'L': o->all = true; break;
    case 'B': o->publish = true; break;
    default: break;
    }
}

static const struct verb *find_verb(int n, char **words)
{
    for (const struct verb *v = verbs_table; v->name; v++)
        if (n > 0 && strcmp(words[0], v->name) == 0 &&
            (!v->sub || (n > 1 && strcmp(words[1], v->sub) == 0)))
            return v;
    return NULL;
}

static int run(struct ctl *c, int n, char **words)
{
    const struct verb *v = find_verb(n, words);
    if (!v) {
        if (n)
            verbs_fail("unknown verb \"%s%s%s\"; see proxyctl --help", words[0], n > 1 ? " " : "",
                       n > 1 ? words[1] : "");
        else
            usage(stderr);
        return 1;
    }
    int own = v->sub ? 2 : 1;
    c->words = words + own;
    c->n_words = n - own;
    if (c->n_words < v->min_words || c->n_words > v->max_words)
        return verbs_fail("usage: proxyctl %s%s%s %s", v->name, v->sub ? " " : "",
                          v->sub ? v->sub : "", v->usage);
    const char *path = c->options.socket;
    if (!path)
        path = access(DEFAULT_SOCKET, F_OK) != 0 && access(SOURCE_SOCKET, F_OK) == 0
                   ? SOURCE_SOCKET
                   : DEFAULT_SOCKET;
    if (client_init(&c->client, path) != OK)
        return 2;
    buf_init(&c->path, PATH_BYTES);
    int code = v->run(c);
    buf_fini(&c->path);
    client_fini(&c->client);
    return code;
}

int main(int argc, char **argv)
{
    struct ctl c = {0};
    int letter;
    while ((letter = getopt_long(argc, argv, "hvj", longs, NULL)) != -1) {
        if (letter == '?')
            return 1;
        if (letter == 'h') {
            usage(stdout);
            return 0;
        }
        if (letter == 'v') {
            puts("proxyctl " PROXYD_VERSION);
            return 0;
        }
        set_option(&c.options, letter);
    }
    int code = run(&c, argc - optind, argv + optind);
    return fflush(stdout) == 0 ? code : 2;
}
