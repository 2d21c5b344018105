/* squid_line: a line "WORD allow|deny ACL ACL ...", whose ACLs must all fit: what it comes to, and
 * its conditions in a rule of ours. Pure. Borrows: texts of the ACLs and of the line. */
#ifndef CONVERT_SQUID_LINE_H
#define CONVERT_SQUID_LINE_H

#include "convert/squid_acl.h"

enum squid_line_is {
    SQUID_LINE_RULE,   /* some requests */
    SQUID_LINE_ALL,    /* every request */
    SQUID_LINE_NEVER,  /* none */
    SQUID_LINE_CANNOT, /* an ACL of it cannot be said: why */
};

struct squid_judged {
    enum squid_line_is is;
    const char *why;
    struct str acl; /* the one that decided */
    bool is_partly;
};

struct squid_judged squid_line_judge(const struct squid_acl_set *acls,
                                     const struct squid_directive *d);

/* Adds all its conditions to a rule. False: they cannot all have to fit at once. */
bool squid_line_apply(const struct squid_acl_set *acls, const struct squid_directive *d,
                      json_t *rule, struct outcome *o);

/* "Allow localnet unless kiosk": the ACLs as a person would say them, behind a first word. In the
 * arena. */
struct str squid_line_name(const struct squid_directive *d, const char *first, struct outcome *o);

#endif
