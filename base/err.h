/* err: the one error type of the project. Every function that can fail returns it; out-parameters
 * come last and are written only on OK. Library rooms return errors and never log them.
 * Threads: values only, safe anywhere. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
    OK = 0,
    ERR_NOMEM,       /* an allocation failed */
    ERR_INVALID,     /* bytes or arguments do not follow their grammar */
    ERR_LIMIT,       /* well formed, but over a stated bound */
    ERR_AGAIN,       /* not now: would block, or needs more input */
    ERR_EOF,         /* the other side ended the stream in order */
    ERR_CLOSED,      /* reset, broken pipe, or used after close */
    ERR_TIMEOUT,     /* a time limit passed */
    ERR_REFUSED,     /* the peer is there and says no (connection refused, bind refused) */
    ERR_UNREACHABLE, /* no route, name not found, server not reachable */
    ERR_DENIED,      /* policy, permission or wrong credentials */
    ERR_NOT_FOUND,   /* no such thing */
    ERR_EXISTS,      /* already there */
    ERR_CONFLICT,    /* changed meanwhile (stale version) */
    ERR_BUSY,        /* bounded resource is in use, try later */
    ERR_FULL,        /* disk, table or ring is full */
    ERR_IO,          /* the system said no; errno of the call is the detail */
    ERR_CORRUPT,     /* stored data is damaged */
    ERR_UNSUPPORTED, /* known, but not done here */
};

/* Short lower-case English name of the error, static storage; never NULL. */
const char *err_name(enum err e);

/* Maps an errno value of a system call onto the list above. */
enum err err_from_errno(int errnum);

#endif
