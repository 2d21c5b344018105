/* err: names of errors and their mapping from errno. */
#include "base/err.h"

#include <errno.h>

const char *err_name(enum err e)
{
    switch (e) {
    case OK: return "ok";
    case ERR_NOMEM: return "out of memory";
    case ERR_INVALID: return "invalid";
    case ERR_LIMIT: return "over a limit";
    case ERR_AGAIN: return "not ready";
    case ERR_EOF: return "end of stream";
    case ERR_CLOSED: return "connection closed";
    case ERR_TIMEOUT: return "timed out";
    case ERR_REFUSED: return "refused";
    case ERR_UNREACHABLE: return "unreachable";
    case ERR_DENIED: return "denied";
    case ERR_NOT_FOUND: return "not found";
    case ERR_EXISTS: return "already exists";
    case ERR_CONFLICT: return "changed meanwhile";
    case ERR_BUSY: return "busy";
    case ERR_FULL: return "full";
    case ERR_IO: return "input/output error";
    case ERR_CORRUPT: return "damaged data";
    case ERR_UNSUPPORTED: return "not supported";
    }
    return "unknown error";
}

static const struct {
    int errnum;
    enum err e;
} errno_map[] = {
    {ENOMEM, ERR_NOMEM},
    {EAGAIN, ERR_AGAIN},
    {EINTR, ERR_AGAIN},
    {ECONNRESET, ERR_CLOSED},
    {EPIPE, ERR_CLOSED},
    {ECONNABORTED, ERR_CLOSED},
    {ETIMEDOUT, ERR_TIMEOUT},
    {ECONNREFUSED, ERR_REFUSED},
    {ENETUNREACH, ERR_UNREACHABLE},
    {EHOSTUNREACH, ERR_UNREACHABLE},
    {EADDRNOTAVAIL, ERR_UNREACHABLE},
    {EACCES, ERR_DENIED},
    {EPERM, ERR_DENIED},
    {ENOENT, ERR_NOT_FOUND},
    {EEXIST, ERR_EXISTS},
    {EADDRINUSE, ERR_EXISTS},
    {ENOSPC, ERR_FULL},
    {EDQUOT, ERR_FULL},
    {EMFILE, ERR_FULL},
    {ENFILE, ERR_FULL},
    {EINVAL, ERR_INVALID},
    {EBUSY, ERR_BUSY},
};

enum err err_from_errno(int errnum)
{
    for (unsigned i = 0; i < sizeof errno_map / sizeof errno_map[0]; i++)
        if (errno_map[i].errnum == errnum)
            return errno_map[i].e;
    return ERR_IO;
}
