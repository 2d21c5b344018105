/* sockets: the listening sockets of all workers, bound once by the keeper and inherited by every
 * process that serves, so that their queues outlive a crash and an upgrade: nobody is refused.
 * Owner: sockets_fini closes them. Threads: one. */
#ifndef PROXYD_MAIN_SOCKETS_H
#define PROXYD_MAIN_SOCKETS_H

#include "base/buf.h"
#include "db/bootstrap.h"

#define SOCKETS_WORKERS_MAX   64
#define SOCKETS_LISTENERS_MAX (2 * BOOTSTRAP_MAX)

struct sockets {
    unsigned n_workers;
    size_t n_listeners; /* the proxy's, then those for PAC alone, as the bootstrap file has them */
    int fd[SOCKETS_WORKERS_MAX][SOCKETS_LISTENERS_MAX];
};

/* One socket for each listener and worker. Tells the operator what cannot be bound.
 * ERR_UNSUPPORTED, ERR_REFUSED (in use), ERR_DENIED, ERR_IO. */
enum err sockets_bind(const struct bootstrap *b, struct sockets *out) MUST_CHECK;
void sockets_fini(struct sockets *s);

/* For the next image of the keeper: "workers listeners fd fd ..." and back. The descriptors are
 * looked at: each must listen on the address that the file names. ERR_INVALID: they do not belong
 * to this file (its listeners or workers have changed). */
void sockets_describe(const struct sockets *s, struct buf *out);
enum err sockets_inherit(struct str text, const struct bootstrap *b,
                         struct sockets *out) MUST_CHECK;
/* Lets them pass through an exec, or not. */
void sockets_keep_over_exec(const struct sockets *s, bool keep);

#endif
