/* policy_db: a fresh policy.db for each test. Include it after cmocka.h, once a program. */
#ifndef TESTS_UNIT_DB_POLICY_DB_H
#define TESTS_UNIT_DB_POLICY_DB_H

#include "db/policy_store.h"

static char dir[64], path[96], why[STORE_WHY_BYTES];
static struct store *s;
static struct arena a;

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/policy-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/policy.db", dir);
    arena_init(&a, 4096, 1 << 22);
    enum err e = policy_store_open(path, STORE_WRITE, why, &s);
    if (e != OK)
        print_message("%s\n", why);
    return e == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(s);
    arena_fini(&a);
    unlink(path);
    return rmdir(dir);
}

#endif
