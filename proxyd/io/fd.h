/* fd: small things done to descriptors. Threads: safe anywhere. */
#ifndef PROXYD_IO_FD_H
#define PROXYD_IO_FD_H

#include "base/cidr.h"

void fd_close(int *fd); /* and sets it to -1; harmless on -1 */
/* The pending error of a socket (SO_ERROR), as enum err; OK when there is none. */
enum err fd_error(int fd) MUST_CHECK;
void fd_no_delay(int fd); /* TCP_NODELAY; best effort */
/* The next close sends a reset, so that what was cut cannot look complete. */
void fd_abort_on_close(int fd);
enum err fd_local(int fd, struct ip_port *out) MUST_CHECK; /* getsockname */

#endif
