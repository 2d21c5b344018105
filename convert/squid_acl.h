/* squid_acl: the ACLs of a squid.conf, each as one condition of ours.
 * Owner: squid_acl_set_fini. Borrows: names point into the upload. */
#ifndef CONVERT_SQUID_ACL_H
#define CONVERT_SQUID_ACL_H

#include "convert/squid_config.h"

enum squid_acl_is {
    SQUID_ACL_VALUES, /* the key has one of the values */
    SQUID_ACL_ALWAYS, /* fits every request */
    SQUID_ACL_NEVER,  /* fits no request that reaches a rule here */
    SQUID_ACL_CANNOT, /* cannot be said in our document: why */
};

struct squid_acl {
    struct str name;
    enum squid_acl_is is;
    const char *key; /* of `when`: "networks", "hosts", ... */
    json_t *values;
    const char *why; /* of NEVER and CANNOT: a sentence */
    bool is_partly;  /* some of its values were left out or mean a little more here */
    bool is_placed;  /* its values stand in a list or category by now */
};

struct squid_acl_set {
    struct squid_acl *v;
    size_t n;
    struct map helpers; /* name of an external_acl_type -> itself, when it asks for groups */
};

/* Those that Squid itself defines (all, localhost, CONNECT, manager, ...). ERR_NOMEM. */
enum err squid_acl_set_init(struct squid_acl_set *s) MUST_CHECK;
void squid_acl_set_fini(struct squid_acl_set *s);

/* One `acl` or `external_acl_type` line; reports it. ERR_NOMEM. */
enum err squid_acl_add(struct squid_acl_set *s, const struct squid_directive *d,
                       const struct upload *u, struct outcome *o) MUST_CHECK;
enum err squid_acl_helper(struct squid_acl_set *s, const struct squid_directive *d,
                          struct outcome *o) MUST_CHECK;

struct squid_acl *squid_acl_find(const struct squid_acl_set *s, struct str name); /* or NULL */

/* Puts it into one side of a rule. False: it cannot be said together with what is there. Many
 * values become a list or a category of the document on first use. */
bool squid_acl_apply(struct squid_acl *x, json_t *rule, const char *side, struct outcome *o);

#endif
