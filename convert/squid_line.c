/* squid_line: "!name" goes to the side "unless" of a rule, all else to "when". */
#include "convert/squid_line.h"

static struct str acl_name(struct str word, bool *is_not)
{
    *is_not = str_starts(word, STR("!"));
    return *is_not ? str_sub(word, 1, word.n) : word;
}

struct squid_judged squid_line_judge(const struct squid_acl_set *acls,
                                     const struct squid_directive *d)
{
    struct squid_judged j = {.is = SQUID_LINE_ALL};
    for (size_t i = 2; i < d->n; i++) {
        bool is_not;
        struct str name = acl_name(d->words[i].text, &is_not);
        const struct squid_acl *a = squid_acl_find(acls, name);
        enum squid_acl_is is = a ? a->is : SQUID_ACL_CANNOT;
        if (is == SQUID_ACL_VALUES && !json_array_size(a->values))
            is = a->is_partly ? SQUID_ACL_CANNOT : SQUID_ACL_NEVER; /* an empty one fits nothing */
        bool never = is_not ? is == SQUID_ACL_ALWAYS : is == SQUID_ACL_NEVER;
        bool always = is_not ? is == SQUID_ACL_NEVER : is == SQUID_ACL_ALWAYS;
        if (never)
            return (struct squid_judged){SQUID_LINE_NEVER, a->why, name, false};
        if (always)
            continue;
        j.is_partly = j.is_partly || (a && a->is_partly);
        if (is == SQUID_ACL_CANNOT && j.is != SQUID_LINE_CANNOT)
            j = (struct squid_judged){SQUID_LINE_CANNOT,
                                      a && a->why ? a->why : "There is no such ACL.", name, true};
        else if (j.is == SQUID_LINE_ALL)
            j.is = SQUID_LINE_RULE;
    }
    return j;
}

bool squid_line_apply(const struct squid_acl_set *acls, const struct squid_directive *d,
                      json_t *rule, struct outcome *o)
{
    bool fits = true;
    for (size_t i = 2; i < d->n; i++) {
        bool is_not;
        struct squid_acl *a = squid_acl_find(acls, acl_name(d->words[i].text, &is_not));
        if (a && a->is == SQUID_ACL_VALUES && json_array_size(a->values))
            fits &= squid_acl_apply(a, rule, is_not ? "unless" : "when", o);
    }
    return fits;
}

struct str squid_line_name(const struct squid_directive *d, const char *first, struct outcome *o)
{
    struct buf b;
    buf_init(&b, 300);
    buf_add_z(&b, first);
    for (size_t i = 2; i < d->n; i++) {
        bool is_not;
        struct str name = acl_name(d->words[i].text, &is_not);
        buf_add_z(&b, is_not ? " unless " : " ");
        buf_add(&b, name);
    }
    struct str s = arena_str(&o->arena, buf_str(&b));
    buf_fini(&b);
    return s;
}
