/* identity: the core around the directory: cache, single flight, mailbox, cancel, outage, limits.
 * The directory here is a stand-in that the test steers; the real one has its own end-to-end tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/password.h"
#include "proxyd/identity/id_cache.h"
#include "proxyd/identity/id_memo.h"
#include "proxyd/identity/id_person.h"
#include "proxyd/identity/identity.h"

/* --- the stand-in: passwords are "pw-" and the name
 * ------------------------------------------------ */

struct id_ldap {
    atomic_uint refs, n_logins;
    atomic_bool is_down, is_slow;
};
struct id_ldap_link {
    int unused;
};

static struct id_ldap *fake_new(void)
{
    struct id_ldap *d = calloc(1, sizeof *d);
    assert_non_null(d);
    d->refs = 1;
    return d;
}

struct id_ldap *id_ldap_ref(struct id_ldap *d)
{
    d->refs++;
    return d;
}

void id_ldap_unref(struct id_ldap *d)
{
    if (d && --d->refs == 0)
        free(d);
}

struct id_ldap_link *id_ldap_link_new(void)
{
    return calloc(1, sizeof(struct id_ldap_link));
}

void id_ldap_link_free(struct id_ldap_link *l)
{
    free(l);
}

enum err id_ldap_login(struct id_ldap *d, struct id_ldap_link *l, const struct id_ldap_ask *ask,
                       struct id_ldap_answer *answer)
{
    (void)l;
    d->n_logins++;
    while (d->is_slow)
        sched_yield();
    answer->detail = "";
    if (d->is_down)
        return ERR_UNREACHABLE;
    if (ask->password.n != ask->user.n + 3 || !str_starts(ask->password, STR("pw-")) ||
        !str_ends(ask->password, ask->user))
        return ERR_DENIED;
    answer->user = arena_str(ask->arena, ask->user);
    answer->groups = arena_alloc(ask->arena, 2 * sizeof *answer->groups);
    answer->groups[0] = STR("everyone");
    answer->groups[1] = STR("staff");
    answer->n_groups = 2;
    return OK;
}

size_t id_ldap_status(const struct id_ldap *d, struct id_ldap_server out[LDAP_SERVERS_MAX])
{
    out[0] = (struct id_ldap_server){.url = "ldap://stand-in",
                                     .state = d->is_down ? ID_LDAP_DOWN : ID_LDAP_UP};
    return 1;
}

/* --- one worker
 * ------------------------------------------------------------------------------------ */

struct fixture {
    struct clock clock, real;
    struct loop loop;
    struct wake wake;
    struct identity *id;
    struct id_ldap *ldap;
    int n_done;
};

static void on_done(struct identity_ask *a, void *owner)
{
    (void)a;
    ((struct fixture *)owner)->n_done++;
}

static void use_config(struct fixture *f, uint64_t stamp)
{
    static char hash[PASSWORD_HASH_BYTES];
    static const struct str groups[] = {{"admins", 6}};
    struct identity_config *c = identity_config_new();
    assert_non_null(c);
    if (!hash[0])
        assert_int_equal(password_hash(STR("secret"), hash), OK);
    c->users = arena_alloc(&c->arena, 3 * sizeof *c->users);
    c->users[0] = (struct identity_local_user){STR("zoe"), str_of(hash), NULL, 0, false};
    c->users[1] = (struct identity_local_user){STR("Bob"), str_of(hash), groups, 1, true};
    c->users[2] = (struct identity_local_user){STR("anna"), STR(""), NULL, 0, true};
    c->n_users = 3;
    c->ldap = id_ldap_ref(f->ldap);
    c->good_ms = 1000;
    c->bad_ms = 500;
    c->stale_ms = 20000;
    c->stamp = stamp;
    assert_int_equal(identity_configure(f->id, c), OK);
}

static void start(struct fixture *f, unsigned threads, unsigned queue)
{
    memset(f, 0, sizeof *f);
    clock_init_fake(&f->clock, 1000000, 0);
    clock_init_real(&f->real);
    assert_int_equal(loop_open(&f->loop, &f->real), OK);
    assert_int_equal(wake_open(&f->wake, &f->loop, f), OK);
    f->ldap = fake_new();
    struct identity_options o = {&f->clock, threads, queue};
    assert_int_equal(identity_new(&o, &f->id), OK);
}

static void end(struct fixture *f)
{
    identity_stop(f->id);
    wake_close(&f->wake);
    loop_close(&f->loop);
    identity_free(f->id);
    id_ldap_unref(f->ldap);
}

static void ask_init(struct fixture *f, struct identity_ask *a)
{
    *a = (struct identity_ask){.wake = &f->wake, .done = on_done};
}

static void turn_until(struct fixture *f, int n_done)
{
    for (int i = 0; i < 4000 && f->n_done < n_done; i++)
        assert_int_equal(loop_turn(&f->loop, 5), OK);
    assert_int_equal(f->n_done, n_done);
}

/* The final result, whether at once or later. The person, if any, is let go. */
static enum identity_result ask(struct fixture *f, const char *user, const char *password)
{
    struct identity_ask a;
    int before = f->n_done;
    ask_init(f, &a);
    if (identity_ask(f->id, &a, str_of(user), str_of(password)) == IDENTITY_PENDING)
        turn_until(f, before + 1);
    assert_true((a.person != NULL) == (a.result == IDENTITY_OK));
    identity_person_unref(a.person);
    return a.result;
}

static void test_before_configured(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1, 0);
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_UNAVAILABLE);
    assert_int_equal(ask(&f, "alice", ""), IDENTITY_DENIED);
    end(&f);
}

static void test_results(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password;
        enum identity_result want;
        unsigned logins;
    } cases[] = {
        {"alice", "pw-alice", IDENTITY_OK, 1},
        {"alice", "wrong", IDENTITY_DENIED, 1},
        {"bob", "secret", IDENTITY_OK, 0}, /* local, case aside */
        {"BOB", "secret", IDENTITY_OK, 0},
        {"bob", "pw-bob", IDENTITY_DENIED, 0},  /* a local name is not asked of the directory */
        {"zoe", "secret", IDENTITY_DENIED, 0},  /* disabled */
        {"anna", "secret", IDENTITY_DENIED, 0}, /* no password set */
        {"", "x", IDENTITY_DENIED, 0},
        {"alice", "", IDENTITY_DENIED, 0},
    };
    struct fixture f;
    start(&f, 2, 0);
    use_config(&f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned before = f.ldap->n_logins;
        assert_int_equal(ask(&f, cases[i].user, cases[i].password), cases[i].want);
        assert_int_equal(f.ldap->n_logins - before, cases[i].logins);
    }
    char *large = calloc(1, 5000);
    memset(large, 'a', 4000);
    assert_int_equal(ask(&f, large, "x"), IDENTITY_DENIED);
    assert_int_equal(ask(&f, "alice", large), IDENTITY_DENIED);
    free(large);
    struct identity_ask a;
    ask_init(&f, &a);
    assert_int_equal(identity_ask(f.id, &a, STR("alice"), STR("pw-alice\0x")), IDENTITY_DENIED);
    end(&f);
}

static void test_person(void **state)
{
    (void)state;
    struct fixture f;
    struct identity_ask a;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask_init(&f, &a);
    assert_int_equal(identity_ask(f.id, &a, STR("alice"), STR("pw-alice")), IDENTITY_PENDING);
    turn_until(&f, 1);
    assert_true(str_eq(a.person->name, STR("alice")));
    assert_int_equal(a.person->n_groups, 2);
    assert_true(str_eq(a.person->groups[1], STR("staff")));
    assert_int_equal(a.person->source, IDENTITY_LDAP);
    identity_person_unref(a.person);
    ask_init(&f, &a);
    assert_int_equal(identity_ask(f.id, &a, STR("BOB"), STR("secret")), IDENTITY_PENDING);
    turn_until(&f, 2);
    assert_true(str_eq(a.person->name, STR("Bob")));
    assert_true(str_eq(a.person->groups[0], STR("admins")));
    identity_person_unref(a.person);
    end(&f);
}

/* Right and wrong pairs are answered from memory for their times, and not a moment longer. */
static void test_cache_times(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    ask(&f, "alice", "wrong");
    assert_int_equal(f.ldap->n_logins, 2);
    f.clock.fake_mono_ms += 499;
    assert_int_equal(ask(&f, "alice", "wrong"), IDENTITY_DENIED);
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    assert_int_equal(f.ldap->n_logins, 2);
    f.clock.fake_mono_ms += 2;
    assert_int_equal(ask(&f, "alice", "wrong"), IDENTITY_DENIED);
    assert_int_equal(f.ldap->n_logins, 3);
    f.clock.fake_mono_ms += 500;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    assert_int_equal(f.ldap->n_logins, 4);
    end(&f);
}

static struct identity_status status_of(struct fixture *f)
{
    struct arena a;
    struct identity_status s;
    arena_init(&a, 1024, 65536);
    identity_status(f->id, &a, &s);
    arena_fini(&a); /* the texts are gone, the numbers stay */
    return s;
}

/* Waits for a job nobody waits for. */
static void let_work(struct fixture *f, unsigned n_logins)
{
    bool is_done = false;
    for (int i = 0; i < 1000000 && !is_done; i++) {
        sched_yield();
        is_done =
            f->ldap->n_logins >= n_logins && status_of(f).n_busy == 0 && status_of(f).n_queued == 0;
    }
    assert_true(is_done);
}

/* Near its end an answer is asked for again, once, while everybody goes on with the old one. */
static void test_refresh_ahead(void **state)
{
    (void)state;
    struct fixture f;
    struct identity_ask a;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    f.clock.fake_mono_ms += 799;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    assert_int_equal(status_of(&f).n_refreshed, 0);
    f.clock.fake_mono_ms += 1;
    f.ldap->is_slow = true;
    for (int i = 0; i < 5; i++) {
        ask_init(&f, &a);
        assert_int_equal(identity_ask(f.id, &a, STR("alice"), STR("pw-alice")), IDENTITY_OK);
        identity_person_unref(a.person);
    }
    f.ldap->is_slow = false;
    let_work(&f, 2);
    assert_int_equal(status_of(&f).n_refreshed, 1);
    f.clock.fake_mono_ms += 799; /* the first answer is over, the second is not */
    ask_init(&f, &a);
    assert_int_equal(identity_ask(f.id, &a, STR("alice"), STR("pw-alice")), IDENTITY_OK);
    identity_person_unref(a.person);
    assert_int_equal(f.ldap->n_logins, 2);
    end(&f);
}

/* Asked again in vain: the old answer holds, and not every request tries. */
static void test_refresh_in_an_outage(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    f.ldap->is_down = true;
    f.clock.fake_mono_ms += 850;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    let_work(&f, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    let_work(&f, 2);
    assert_int_equal(f.ldap->n_logins, 2);
    end(&f);
}

static void test_outage(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    ask(&f, "bob", "secret");
    f.ldap->is_down = true;
    f.clock.fake_mono_ms += 5000;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK); /* known: goes on */
    assert_int_equal(ask(&f, "alice", "other"), IDENTITY_UNAVAILABLE);
    assert_int_equal(ask(&f, "carol", "pw-carol"), IDENTITY_UNAVAILABLE);
    assert_int_equal(ask(&f, "bob", "secret"), IDENTITY_OK); /* local people need no directory */
    unsigned before = f.ldap->n_logins;
    f.clock.fake_mono_ms += 5000;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    assert_int_equal(f.ldap->n_logins, before); /* not asked again at each request */
    f.clock.fake_mono_ms += 11001;
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_UNAVAILABLE); /* the bound is kept */
    f.ldap->is_down = false;
    assert_int_equal(ask(&f, "carol", "pw-carol"), IDENTITY_OK);
    assert_int_equal(ask(&f, "alice", "pw-alice"), IDENTITY_OK);
    struct arena a;
    struct identity_status s;
    arena_init(&a, 1024, 65536);
    identity_status(f.id, &a, &s);
    assert_true(s.has_directory);
    assert_int_equal(s.n_servers, 1);
    assert_string_equal(s.servers[0].url, "ldap://stand-in");
    assert_int_equal(s.n_local_users, 3);
    assert_true(s.n_stale >= 1);
    arena_fini(&a);
    end(&f);
}

/* One pair asked many times at once is one login; all are answered; some gave up meanwhile. */
static void test_single_flight(void **state)
{
    (void)state;
    enum { N = 50 };
    struct fixture f;
    struct identity_ask a[N];
    start(&f, 4, 0);
    use_config(&f, 1);
    f.ldap->is_slow = true;
    for (int i = 0; i < N; i++) {
        ask_init(&f, &a[i]);
        assert_int_equal(identity_ask(f.id, &a[i], STR("alice"), STR("pw-alice")),
                         IDENTITY_PENDING);
    }
    for (int i = 0; i < N; i += 5)
        identity_cancel(&a[i]);
    identity_cancel(&a[0]); /* twice is fine */
    f.ldap->is_slow = false;
    turn_until(&f, N - N / 5);
    assert_int_equal(f.ldap->n_logins, 1);
    for (int i = 0; i < N; i++) {
        if (i % 5 == 0) {
            assert_int_equal(a[i].result, IDENTITY_PENDING);
        } else {
            assert_int_equal(a[i].result, IDENTITY_OK);
            identity_person_unref(a[i].person);
        }
    }
    end(&f);
}

static void test_queue_bound(void **state)
{
    (void)state;
    enum { N = 10 };
    struct fixture f;
    struct identity_ask a[N];
    int n_pending = 0, n_busy = 0;
    start(&f, 1, 3);
    use_config(&f, 1);
    f.ldap->is_slow = true;
    for (int i = 0; i < N; i++) {
        char name[8] = {'u', (char)('0' + i), 0};
        ask_init(&f, &a[i]);
        enum identity_result r = identity_ask(f.id, &a[i], str_of(name), STR("x"));
        n_pending += r == IDENTITY_PENDING;
        n_busy += r == IDENTITY_BUSY;
    }
    assert_int_equal(n_pending + n_busy, N);
    assert_in_range(n_pending, 3, 4); /* one may be on the thread already */
    f.ldap->is_slow = false;
    turn_until(&f, n_pending);
    end(&f);
}

static void test_forget_and_configure(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    ask(&f, "carol", "pw-carol");
    ask(&f, "alice", "wrong");
    use_config(&f, 1); /* nothing changed: nothing is forgotten */
    ask(&f, "alice", "pw-alice");
    assert_int_equal(f.ldap->n_logins, 3);
    identity_forget(f.id, STR("ALICE"));
    ask(&f, "alice", "pw-alice");
    ask(&f, "alice", "wrong");
    ask(&f, "carol", "pw-carol");
    assert_int_equal(f.ldap->n_logins, 5);
    use_config(&f, 2);
    ask(&f, "alice", "pw-alice");
    ask(&f, "carol", "pw-carol");
    assert_int_equal(f.ldap->n_logins, 7);
    /* Forgotten while it was under way: the answer is given, and not remembered. */
    struct identity_ask a;
    ask_init(&f, &a);
    f.ldap->is_slow = true;
    assert_int_equal(identity_ask(f.id, &a, STR("dave"), STR("pw-dave")), IDENTITY_PENDING);
    identity_forget(f.id, STR("dave"));
    f.ldap->is_slow = false;
    turn_until(&f, f.n_done + 1);
    assert_int_equal(a.result, IDENTITY_OK);
    identity_person_unref(a.person);
    unsigned before = f.ldap->n_logins;
    ask(&f, "dave", "pw-dave");
    assert_int_equal(f.ldap->n_logins, before + 1);
    end(&f);
}

/* Puts somebody else into it. */
static void mark(struct identity_memo *m)
{
    struct identity_person marked = {.name = STR("marked")};
    identity_person_unref(m->person);
    m->person = id_person_new(&marked);
    assert_non_null(m->person);
}

/* A connection remembers who was on it for a second, and nothing of what was forgotten since. */
static void test_memo(void **state)
{
    (void)state;
    struct fixture f;
    struct identity_memo memo = {0};
    struct identity_ask a;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask(&f, "alice", "pw-alice");
    ask(&f, "bob", "secret");
#define ASK(user, password)                                                                        \
    (ask_init(&f, &a), a.memo = &memo, identity_ask(f.id, &a, STR(user), STR(password)))
    assert_int_equal(ASK("alice", "pw-alice"), IDENTITY_OK);
    assert_ptr_equal(memo.person, a.person);
    identity_person_unref(a.person);
    mark(&memo); /* only the memo can know this one now */
    assert_int_equal(ASK("alice", "pw-alice"), IDENTITY_OK);
    assert_true(str_eq(a.person->name, STR("marked")));
    identity_person_unref(a.person);
    assert_int_equal(ASK("bob", "secret"), IDENTITY_OK); /* another pair takes its place */
    assert_true(str_eq(a.person->name, STR("Bob")) && memo.person == a.person);
    identity_person_unref(a.person);
    mark(&memo);
    identity_forget(f.id, STR("nobody")); /* whoever is forgotten: the cache is asked again */
    assert_int_equal(ASK("bob", "secret"), IDENTITY_OK);
    assert_true(str_eq(a.person->name, STR("Bob")));
    identity_person_unref(a.person);
    mark(&memo);
    f.clock.fake_mono_ms += ID_MEMO_MS - 1;
    assert_int_equal(ASK("bob", "secret"), IDENTITY_OK);
    assert_true(str_eq(a.person->name, STR("marked")));
    identity_person_unref(a.person);
    f.clock.fake_mono_ms += 1;
    (void)ASK("bob", "secret");
    if (a.result == IDENTITY_PENDING)
        turn_until(&f, f.n_done + 1);
    assert_true(a.result == IDENTITY_OK && str_eq(a.person->name, STR("Bob")));
    identity_person_unref(a.person);
#undef ASK
    identity_memo_drop(&memo);
    identity_memo_drop(&memo);
    end(&f);
}

/* Stopping answers what is owed, so that no request waits for ever. */
static void test_stop(void **state)
{
    (void)state;
    struct fixture f;
    struct identity_ask a[3];
    start(&f, 1, 0);
    use_config(&f, 1);
    f.ldap->is_slow = true;
    for (int i = 0; i < 3; i++) {
        char name[8] = {'u', (char)('0' + i), 0};
        ask_init(&f, &a[i]);
        assert_int_equal(identity_ask(f.id, &a[i], str_of(name), STR("x")), IDENTITY_PENDING);
    }
    while (f.ldap->n_logins == 0)
        sched_yield();
    f.ldap->is_slow = false;
    identity_stop(f.id);
    turn_until(&f, 3);
    struct identity_ask late;
    ask_init(&f, &late);
    assert_int_equal(identity_ask(f.id, &late, STR("new"), STR("x")), IDENTITY_UNAVAILABLE);
    end(&f);
}

static void test_siphash(void **state)
{
    (void)state;
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint64_t out[2];
    id_cache_siphash(key, STR(""), out);
    assert_int_equal(out[0], 0xe6a825ba047f81a3u); /* a3817f04ba25a8e6 6df67214c7550293 */
    assert_int_equal(out[1], 0x930255c71472f66du);
}

static void test_cache_full(void **state)
{
    (void)state;
    struct id_cache *c = id_cache_new();
    struct id_key k, good;
    assert_non_null(c);
    struct fixture f;
    struct identity_ask a;
    struct identity_person *p = NULL;
    start(&f, 1, 0);
    use_config(&f, 1);
    ask_init(&f, &a);
    assert_int_equal(identity_ask(f.id, &a, STR("alice"), STR("pw-alice")), IDENTITY_PENDING);
    turn_until(&f, 1);
    id_cache_key(c, STR("alice"), STR("pw-alice"), &good);
    id_cache_put_good(c, &good, a.person, (struct id_cache_until){1000, 2000, 0});
    identity_person_unref(a.person);
    /* A flood of wrong passwords does not push a right one out. */
    for (uint32_t i = 0; i < 3 * ID_CACHE_ENTRIES; i++) {
        char text[16];
        memcpy(text, &i, sizeof i);
        id_cache_key(c, STR("alice"), str_make(text, sizeof i), &k);
        id_cache_put_bad(c, &k, 1500);
    }
    assert_int_equal(id_cache_find(c, &good, 10, &p), ID_CACHE_GOOD);
    identity_person_unref(p);
    assert_int_equal(id_cache_find(c, &good, 1000, &p), ID_CACHE_STALE);
    identity_person_unref(p);
    assert_int_equal(id_cache_find(c, &good, 2000, &p), ID_CACHE_MISS);
    assert_int_equal(id_cache_find(c, &k, 10, &p), ID_CACHE_BAD);
    /* ("ab", "c") and ("a", "bc") are two pairs. */
    struct id_key x, y;
    id_cache_key(c, STR("ab"), STR("c"), &x);
    id_cache_key(c, STR("a"), STR("bc"), &y);
    assert_true(x.digest[0] != y.digest[0]);
    id_cache_free(c);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_before_configured),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_cache_times),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_refresh_ahead),
        cmocka_unit_test(test_refresh_in_an_outage),
        cmocka_unit_test(test_single_flight),
        cmocka_unit_test(test_queue_bound),
        cmocka_unit_test(test_forget_and_configure),
        cmocka_unit_test(test_memo),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_cache_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
