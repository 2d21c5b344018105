/* verbs: what proxyctl can be asked. A verb gets the words after its name and the options, calls
 * the API and prints; it returns the exit code. */
#ifndef ADMINUI_CTL_VERBS_H
#define ADMINUI_CTL_VERBS_H

#include "adminui/ctl/client.h"
#include "adminui/ctl/show.h"

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
    struct buf path; /* of verbs_path; main ends it */
    char **words;    /* after the verb's name */
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
/* As verbs_call; the answer is printed: as it is with --json, else by print (NULL: not at all). */
int verbs_show(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *answer));
int verbs_get(struct ctl *c, const char *path, void (*print)(const json_t *answer));
int verbs_post(struct ctl *c, const char *path, json_t *take_body,
               void (*print)(const json_t *answer));
/* GET of a path whose "items" are a table. */
int verbs_list(struct ctl *c, const char *path, const struct show_column *columns);
/* As verbs_show, with the ETag that a GET of the same path gives. */
int verbs_change(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *answer));
void verbs_print_json(const struct client_answer *a);
/* Reads a JSON file ("-": stdin); NULL with the reason printed. */
json_t *verbs_read_json(const char *path);
/* A path of pieces: verbs_path begins it, verbs_word appends a word percent-encoded, verbs_query
 * "?name=value" or "&name=value" unless value is NULL. Each gives the path so far, borrowed until
 * the next. */
const char *verbs_path(struct ctl *c, const char *begin);
const char *verbs_word(struct ctl *c, const char *word, const char *rest);
const char *verbs_query(struct ctl *c, const char *name, const char *value);
/* A member when text is not NULL. */
void verbs_set(json_t *object, const char *name, const char *text);
/* "a,b" as an array. */
json_t *verbs_names(const char *list);
int verbs_fail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* returns 1 */

#endif
