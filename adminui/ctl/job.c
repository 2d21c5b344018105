/* job: polling; a job is kept by the daemon for its whole run, so nothing is lost between polls. */
#include "adminui/ctl/job.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 150

static void wait_a_bit(void)
{
    struct timespec t = {.tv_nsec = POLL_MS * 1000000L};
    nanosleep(&t, NULL);
}

static bool has_ended(const json_t *job)
{
    const char *state = json_string_value(json_object_get(job, "state"));
    return !state || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
}

static void print_progress(const json_t *job)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%3.0f %%  ", 100 * json_number_value(json_object_get(job, "progress")));
    show_value(stderr, json_object_get(job, "message"));
    fputs("        ", stderr);
}

/* Polls the job of a 202 until it has ended. */
static int wait_for_job(struct ctl *c, const char *location, struct client_answer *job)
{
    struct str path = str_of(location);
    if (str_starts(path, STR("/api/v1")))
        location += 7;
    for (;;) {
        struct client_ask ask = {.method = "GET", .path = location};
        int code = verbs_call(c, &ask, job);
        if (code)
            return code;
        if (has_ended(job->json))
            break;
        print_progress(job->json);
        client_answer_fini(job);
        wait_a_bit();
    }
    if (isatty(STDERR_FILENO))
        fputs("\r", stderr);
    return 0;
}

int job_run(struct ctl *c, const struct client_ask *ask, struct client_answer *job)
{
    struct client_answer accepted;
    int code = verbs_call(c, ask, &accepted);
    *job = (struct client_answer){0};
    if (!code)
        code = wait_for_job(c, accepted.location, job);
    client_answer_fini(&accepted);
    return code;
}

const json_t *job_result(const struct client_answer *job)
{
    const char *state = json_string_value(json_object_get(job->json, "state"));
    if (state && strcmp(state, "done") == 0)
        return json_object_get(job->json, "result");
    fputs("error: proxyctl: ", stderr);
    show_value(stderr, json_object_get(job->json, "message"));
    fputc('\n', stderr);
    return NULL;
}

int job_show(struct ctl *c, const struct client_ask *ask, void (*print)(const json_t *result))
{
    struct client_answer job;
    int code = job_run(c, ask, &job);
    const json_t *result = code ? NULL : job_result(&job);
    if (!code && c->options.json)
        verbs_print_json(&job);
    else if (result)
        print(result);
    client_answer_fini(&job);
    return code ? code : result ? 0 : 1;
}
