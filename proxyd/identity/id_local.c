/* id_local: see id_local.h. */
#include "proxyd/identity/id_local.h"

#include <stdlib.h>

#include "base/password.h"

static int compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        int d = (unsigned char)str_lower(a.p[i]) - (unsigned char)str_lower(b.p[i]);
        if (d)
            return d;
    }
    return (a.n > b.n) - (a.n < b.n);
}

static int by_name(const void *a, const void *b)
{
    const struct identity_local_user *x = a, *y = b;
    return compare(x->name, y->name);
}

void id_local_sort(struct identity_local_user *users, size_t n)
{
    if (n > 0)
        qsort(users, n, sizeof *users, by_name);
}

const struct identity_local_user *id_local_find(const struct identity_local_user *users, size_t n,
                                                struct str name)
{
    for (size_t a = 0, b = n; a < b;) {
        size_t m = (a + b) / 2;
        int c = compare(name, users[m].name);
        if (c == 0)
            return &users[m];
        if (c < 0)
            b = m;
        else
            a = m + 1;
    }
    return NULL;
}

enum err id_local_check(const struct identity_local_user *u, struct str password)
{
    if (!u->is_enabled || u->hash.n == 0)
        return password_check_nobody(password);
    return password_check(u->hash, password) == OK ? OK : ERR_DENIED;
}
