/* fd: small things done to descriptors. */
#include "proxyd/io/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

enum err fd_error(int fd)
{
    int code = 0;
    socklen_t n = sizeof code;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &n) != 0)
        return err_from_errno(errno);
    return code ? err_from_errno(code) : OK;
}

void fd_no_delay(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void fd_abort_on_close(int fd)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

enum err fd_local(int fd, struct ip_port *out)
{
    struct sockaddr_storage ss;
    socklen_t n = sizeof ss;
    if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
        return err_from_errno(errno);
    return ip_port_from_sockaddr((const struct sockaddr *)&ss, out);
}
