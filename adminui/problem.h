/* problem: error answers after RFC 9457. The slugs are part of the contract:
 * urn:proxyd:problem:SLUG with one status and one title each. Never holds a path of the file
 * system, SQL or a stack. */
#ifndef ADMINUI_PROBLEM_H
#define ADMINUI_PROBLEM_H

#include "adminui/call.h"

enum problem {
    PROBLEM_BAD_REQUEST,
    PROBLEM_BAD_JSON,
    PROBLEM_INVALID, /* 422: errors[] says where */
    PROBLEM_NOT_LOGGED_IN,
    PROBLEM_WRONG_LOGIN,
    PROBLEM_FORBIDDEN,
    PROBLEM_CSRF,
    PROBLEM_ONE_TIME_PASSWORD, /* to be changed first */
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD,
    PROBLEM_CONFLICT,
    PROBLEM_CHANGED,
    PROBLEM_TOO_LARGE,
    PROBLEM_MEDIA_TYPE,
    PROBLEM_MISDIRECTED,
    PROBLEM_IF_MATCH,
    PROBLEM_TOO_OFTEN,
    PROBLEM_INTERNAL,
    PROBLEM_BUSY,
    PROBLEM_PROXY_DOWN,
    PROBLEM_QUERY_TIMEOUT,
    PROBLEM_STORAGE,
};

const char *problem_slug(enum problem p);
unsigned problem_status(enum problem p);
/* The problem with this slug; PROBLEM_INTERNAL when there is none. */
enum problem problem_from_slug(const char *slug);

/* Replaces the answer. The detail is a printf format. */
void problem_reply(struct call *c, enum problem p, const char *detail, ...)
    __attribute__((format(printf, 3, 4)));
/* 422 (or 400 when is_syntax) with errors[] out of the report. */
void problem_reply_report(struct call *c, const struct report *r, bool is_syntax);
/* As they stand in errors[]. */
json_t *problem_faults_json(const struct report_entry *all, size_t n);
/* One fault of one place, 422. */
void problem_reply_fault(struct call *c, const char *pointer, const char *code,
                         const char *message);
/* What a failed call of the store means to a client. */
void problem_reply_err(struct call *c, enum err e, const char *what);

#endif
