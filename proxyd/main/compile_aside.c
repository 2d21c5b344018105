/* compile_aside: nice is of a thread on Linux, and cannot be taken back; so the thread ends with
 * the work. */
#include "proxyd/main/compile_aside.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 5 /* a quarter of a processor that a worker wants whole */

struct aside {
    const struct compile_input *in;
    struct report *report;
    struct snapshot **out;
    enum err e;
};

static void *run(void *arg)
{
    struct aside *a = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    a->e = policy_compile(a->in, a->report, a->out);
    return NULL;
}

enum err compile_aside(const struct compile_input *in, struct report *report, struct snapshot **out)
{
    struct aside a = {in, report, out, OK};
    pthread_t t;
    if (pthread_create(&t, NULL, run, &a) != 0)
        return policy_compile(in, report, out);
    pthread_join(t, NULL);
    return a.e;
}
