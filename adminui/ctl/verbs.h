/* verbs: what proxyctl can be asked. A verb gets the words after its name and the options, calls
 * the API and prints; it returns the exit code. */
#ifndef ADMINUI_CTL_VERBS_H
#define ADMINUI_CTL_VERBS_H

#include "adminui/ctl/client.h"

struct options {
    bool json, follow, merge, dry_run, disabled, store_categories, allow_private, with_secrets,
        keep_accounts, force, emergency, unwatched, all, publish;
    const char *socket, *comment, *user, *client, *time, *method, *policy, *groups, *limit, *format,
        *from, *to, *sort, *password_file, *days, *at, *canary, *minutes, *reason, *name, *category,
        *listener;
};

struct ctl {
    struct client client;
    struct options options;
    char **words; /* after the verb's name */
    int n_words;
};

struct verb {
    const char *name, *sub; /* sub: NULL for verbs of one word */
    int min_words, max_words;
    int (*run)(struct ctl *c);
    const char *usage; /* what follows the name */
    const char *sentence;
};

extern const struct verb verbs_table[]; /* ends with a NULL name */

/* For the verbs' files: */

/* Calls; on a refusal or failure prints why and returns the exit code (1 or 2), else 0. The answer
 * is to be finished by the caller in every case. */
int verbs_call(struct ctl *c, const struct client_ask *ask, struct client_answer *out);
/* GET of a path, the body printed as JSON when --json was given. 0: look at out->json (or nothing
 * is left to do when *is_done). */
int verbs_get(struct ctl *c, const char *path, struct client_answer *out, bool *is_done);
void verbs_print_json(const struct client_answer *a);
/* Reads a JSON file ("-": stdin); NULL with the reason printed. */
json_t *verbs_read_json(const char *path);
/* Appends "&name=value" (or "?...") when value is not NULL. */
void verbs_query(struct ctl *c, struct buf *path, const char *name, const char *value);
int verbs_fail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* returns 1 */

#endif
