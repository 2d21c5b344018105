/* proxy_link: asking proxyd over control.sock. adminui works without it: every call says what came
 * of it in words a person can read. Blocks up to the time limit: workers and jobs only. */
#ifndef ADMINUI_PROXY_LINK_H
#define ADMINUI_PROXY_LINK_H

#include <jansson.h>

#include "adminui/app.h"

#define PROXY_LINK_WHY 300

struct proxy_reload {
    bool is_applied;
    uint64_t policy_version;  /* what proxyd runs, when it answered */
    uint64_t trial_version;   /* beside it, for some; 0: none */
    char why[PROXY_LINK_WHY]; /* empty when applied */
};

/* Tells proxyd to read the store anew and waits until all its workers run it. */
void proxy_link_reload(const struct app *app, struct proxy_reload *out);

/* One question; OK and *answer (the caller's) when proxyd answered anything at all. */
enum err proxy_link_ask(const struct app *app, json_t *take_question, int timeout_ms,
                        json_t **answer) MUST_CHECK;

/* In words: "proxyd is not running", ... */
const char *proxy_link_why(enum err e);

#endif
