/* id_ldap: servers in order with a breaker each; one search connection and one bind connection a
 * thread. The bind connection is used for nothing but binds as users (search+bind), because a bind
 * changes who a connection speaks for. */
#include "proxyd/identity/id_ldap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proxyd/identity/ldap_link.h"
#include "proxyd/identity/ldap_login.h"
#include "proxyd/identity/ldap_test.h"
#include "proxyd/identity/ldap_text.h"

#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS  30000
#define STICK_MS       60000 /* how long a later server is kept before the first is tried again */

struct id_ldap {
    _Atomic unsigned refs;
    struct arena arena; /* holds the settings' texts */
    struct ldap_settings s;
    const struct clock *clock;
    pthread_mutex_t lock; /* over servers */
    struct id_ldap_server servers[LDAP_SERVERS_MAX];
};

struct id_ldap_link {
    struct id_ldap *of; /* counted; the directory these connections belong to */
    size_t server;
    LDAP *search, *bind; /* NULL: not open */
    int64_t opened_ms;
};

/* --- the directory --------------------------------------------------------------------------- */

static bool copy_text(struct arena *a, const char **text)
{
    struct str s = arena_str(a, str_of(*text));
    *text = s.p;
    return s.p != NULL;
}

static bool copy_settings(struct id_ldap *d, const struct ldap_settings *s)
{
    d->s = *s;
    bool is_good = true;
    for (size_t i = 0; i < s->n_urls; i++)
        is_good = is_good && copy_text(&d->arena, &d->s.urls[i]);
    const char **texts[] = {
        &d->s.ca_file,      &d->s.bind_dn,          &d->s.bind_password,       &d->s.base_dn,
        &d->s.user_filter,  &d->s.login_attribute,  &d->s.dn_template,         &d->s.group_base,
        &d->s.group_filter, &d->s.member_attribute, &d->s.group_name_attribute};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        is_good = is_good && copy_text(&d->arena, texts[i]);
    return is_good;
}

static bool is_usable(const struct ldap_settings *s)
{
    if (s->n_urls == 0 || s->n_urls > LDAP_SERVERS_MAX)
        return false;
    for (size_t i = 0; i < s->n_urls; i++)
        if (!ldap_is_ldap_url(s->urls[i]))
            return false;
    return s->mode != LDAP_BIND_DIRECT || (s->dn_template && strstr(s->dn_template, "{user}"));
}

enum err id_ldap_new(const struct ldap_settings *s, const struct clock *clock, struct id_ldap **out)
{
    if (!is_usable(s))
        return ERR_INVALID;
    struct id_ldap *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    arena_init(&d->arena, 4096, 1 << 20);
    atomic_init(&d->refs, 1);
    d->clock = clock;
    if (pthread_mutex_init(&d->lock, NULL) != 0 || !copy_settings(d, s)) {
        arena_fini(&d->arena);
        free(d);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < s->n_urls; i++)
        d->servers[i] = (struct id_ldap_server){.url = d->s.urls[i], .detail = ""};
    ldap_link_prepare();
    *out = d;
    return OK;
}

struct id_ldap *id_ldap_ref(struct id_ldap *d)
{
    atomic_fetch_add(&d->refs, 1);
    return d;
}

void id_ldap_unref(struct id_ldap *d)
{
    if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&d->lock);
    arena_fini(&d->arena);
    free(d);
}

/* --- which server ---------------------------------------------------------------------------- */

/* The first server that is not left alone; one that comes out of its rest is tried by one thread.
 */
static bool choose(struct id_ldap *d, size_t from, size_t *server)
{
    int64_t now = clock_wall_ms(d->clock);
    bool is_found = false;
    pthread_mutex_lock(&d->lock);
    for (size_t i = from; i < d->s.n_urls && !is_found; i++) {
        struct id_ldap_server *v = &d->servers[i];
        if (v->state == ID_LDAP_DOWN && now < v->retry_at_ms)
            continue;
        if (v->state == ID_LDAP_DOWN)
            v->retry_at_ms = now + RETRY_FIRST_MS;
        *server = i;
        is_found = true;
    }
    pthread_mutex_unlock(&d->lock);
    return is_found;
}

static void mark_up(struct id_ldap *d, size_t server)
{
    pthread_mutex_lock(&d->lock);
    struct id_ldap_server *v = &d->servers[server];
    v->state = ID_LDAP_UP;
    v->failures = 0;
    v->last_ok_ms = clock_wall_ms(d->clock);
    pthread_mutex_unlock(&d->lock);
}

static void mark_down(struct id_ldap *d, size_t server, const char *detail)
{
    pthread_mutex_lock(&d->lock);
    struct id_ldap_server *v = &d->servers[server];
    int64_t rest = RETRY_FIRST_MS;
    for (unsigned i = 0; i < v->failures && rest < RETRY_MOST_MS; i++)
        rest *= 2;
    v->state = ID_LDAP_DOWN;
    v->detail = detail;
    v->failures++;
    v->last_failure_ms = clock_wall_ms(d->clock);
    v->retry_at_ms = v->last_failure_ms + (rest < RETRY_MOST_MS ? rest : RETRY_MOST_MS);
    pthread_mutex_unlock(&d->lock);
}

size_t id_ldap_status(const struct id_ldap *d, struct id_ldap_server out[LDAP_SERVERS_MAX])
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&d->lock;
    pthread_mutex_lock(lock);
    memcpy(out, d->servers, sizeof d->servers);
    pthread_mutex_unlock(lock);
    return d->s.n_urls;
}

/* --- a thread's connections ------------------------------------------------------------------ */

struct id_ldap_link *id_ldap_link_new(void)
{
    return calloc(1, sizeof(struct id_ldap_link));
}

static void close_link(struct id_ldap_link *l)
{
    ldap_link_close(l->search);
    ldap_link_close(l->bind);
    l->search = l->bind = NULL;
}

void id_ldap_link_free(struct id_ldap_link *l)
{
    if (!l)
        return;
    close_link(l);
    id_ldap_unref(l->of);
    free(l);
}

static void use_directory(struct id_ldap_link *l, struct id_ldap *d)
{
    if (l->of != d) {
        close_link(l);
        id_ldap_unref(l->of);
        l->of = id_ldap_ref(d);
    }
    bool is_tired = l->server > 0 && clock_mono_ms(d->clock) - l->opened_ms > STICK_MS;
    if (is_tired)
        close_link(l);
}

static enum err open_search(struct id_ldap_link *l, const char **detail)
{
    const struct ldap_settings *s = &l->of->s;
    enum err e = ldap_link_open(s, s->urls[l->server], &l->search, detail, NULL);
    if (e == OK)
        e = ldap_link_bind_service(l->search, s, detail);
    l->opened_ms = clock_mono_ms(l->of->clock);
    return e;
}

/* --- the whole ------------------------------------------------------------------------------- */

/* Opens what this login needs and is not open yet. */
static enum err make_ready(struct id_ldap_link *l, struct ldap_login *g)
{
    const struct ldap_settings *s = &l->of->s;
    bool needs_search = s->mode == LDAP_BIND_SEARCH || *s->bind_dn;
    enum err e = OK;
    if (needs_search && !l->search)
        e = open_search(l, &g->answer->detail);
    if (e == OK && !l->bind) {
        e = ldap_link_open(s, s->urls[l->server], &l->bind, &g->answer->detail, NULL);
        l->opened_ms = clock_mono_ms(l->of->clock);
    }
    g->search = needs_search ? l->search : l->bind;
    g->bind = l->bind;
    return e;
}

static bool is_trouble(enum err e)
{
    return e != OK && e != ERR_DENIED && e != ERR_NOMEM && e != ERR_LIMIT;
}

static enum err login_once(struct id_ldap_link *l, const struct id_ldap_ask *ask,
                           struct id_ldap_answer *answer)
{
    struct ldap_login g = {
        .s = &l->of->s, .ask = ask, .answer = answer, .now_ms = clock_wall_ms(l->of->clock)};
    enum err e = make_ready(l, &g);
    if (e == OK)
        e = ldap_login_run(&g);
    if (is_trouble(e))
        close_link(l);
    return e;
}

/* A connection kept from before may have been ended by the server meanwhile: asked once more on a
 * new one before the server is blamed. */
static enum err login_on(struct id_ldap_link *l, size_t server, const struct id_ldap_ask *ask,
                         struct id_ldap_answer *answer)
{
    if (l->server != server)
        close_link(l);
    l->server = server;
    bool was_open = l->search || l->bind;
    enum err e = login_once(l, ask, answer);
    if (was_open && e == ERR_UNREACHABLE)
        e = login_once(l, ask, answer);
    if (is_trouble(e))
        mark_down(l->of, server, answer->detail);
    else
        mark_up(l->of, server);
    return e;
}

enum err id_ldap_login(struct id_ldap *d, struct id_ldap_link *l, const struct id_ldap_ask *ask,
                       struct id_ldap_answer *answer)
{
    *answer = (struct id_ldap_answer){.detail = "empty password"};
    if (ask->password.n == 0)
        return ERR_DENIED;
    if (!ldap_text_is_login(ask->user)) {
        answer->detail = ldap_refusal_sentence(LDAP_REFUSAL_NO_USER);
        return ERR_DENIED;
    }
    use_directory(l, d);
    size_t server = 0, from = 0;
    if (l->search || l->bind)
        from = l->server;
    enum err e = ERR_UNREACHABLE;
    answer->detail = "no server of the directory answers";
    for (bool is_again = from > 0;; is_again = false) {
        while (choose(d, from, &server)) {
            e = login_on(l, server, ask, answer);
            if (!is_trouble(e))
                return e;
            from = server + 1;
        }
        if (!is_again)
            return e;
        from = 0; /* began at a later server: those before it have their turn now */
    }
}

size_t id_ldap_test(const struct ldap_settings *s, const struct id_ldap_ask *ask,
                    struct id_ldap_step steps[ID_LDAP_STEPS_MAX])
{
    struct clock clock;
    struct id_ldap *d;
    clock_init_real(&clock);
    enum err e = id_ldap_new(s, &clock, &d);
    if (e != OK) {
        steps[0] = (struct id_ldap_step){
            .step = "settings",
            .detail = STR("no usable server address, or no {user} in the name")};
        return 1;
    }
    size_t n = ldap_test_run(&d->s, ask, steps);
    id_ldap_unref(d);
    return n;
}
