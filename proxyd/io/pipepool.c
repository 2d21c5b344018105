/* pipepool: one free list. */
#include "proxyd/io/pipepool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/must.h"
#include "proxyd/io/fd.h"

#define KEEP       8      /* free ones kept */
#define PIPE_BYTES 262144 /* in whole pages; what a file gives takes a page for each 4 KiB */

void pipepool_init(struct pipepool *p, unsigned n_most)
{
    *p = (struct pipepool){.n_most = n_most};
}

static void destroy(struct iopipe *pipe)
{
    fd_close(&pipe->from);
    fd_close(&pipe->to);
    free(pipe);
}

void pipepool_fini(struct pipepool *p)
{
    must(p->n_out == 0);
    while (p->free) {
        struct iopipe *next = p->free->next;
        destroy(p->free);
        p->free = next;
    }
    p->n_free = 0;
}

static struct iopipe *make(void)
{
    int ends[2];
    struct iopipe *pipe = malloc(sizeof *pipe);
    if (!pipe || pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
        free(pipe);
        return NULL;
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ,
                PIPE_BYTES); /* beyond the user's share of pages: a small one */
    *pipe = (struct iopipe){.from = ends[0], .to = ends[1]};
    return pipe;
}

struct iopipe *pipepool_take(struct pipepool *p)
{
    if (p->n_out >= p->n_most)
        return NULL;
    struct iopipe *pipe = p->free;
    if (pipe) {
        p->free = pipe->next;
        p->n_free--;
    } else {
        pipe = make();
        if (!pipe)
            return NULL;
    }
    p->n_out++;
    p->n_taken++;
    return pipe;
}

void pipepool_give(struct pipepool *p, struct iopipe **at)
{
    struct iopipe *pipe = *at;
    if (!pipe)
        return;
    *at = NULL;
    p->n_out--;
    if (pipe->n > 0 || p->n_free >= KEEP) {
        destroy(pipe);
        return;
    }
    pipe->next = p->free;
    p->free = pipe;
    p->n_free++;
}
