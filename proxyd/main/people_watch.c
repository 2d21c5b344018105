/* people_watch: what was told of each place in the list, and what is so now. */
#include "proxyd/main/people_watch.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"

/* Another server stands in this place since the settings changed: nothing was told of it. */
static void take_place(struct people_watch *w, size_t i, const char *url)
{
    if (strcmp(w->server[i].url, url) == 0)
        return;
    snprintf(w->server[i].url, sizeof w->server[i].url, "%s", url);
    w->server[i].is_down = false;
}

void people_watch_look(struct people_watch *w, struct identity *id)
{
    struct arena a;
    struct identity_status s;
    arena_init(&a, 4096, 65536);
    identity_status(id, &a, &s);
    for (size_t i = 0; i < s.n_servers; i++) {
        const struct id_ldap_server *v = &s.servers[i];
        bool is_down = v->state == ID_LDAP_DOWN;
        take_place(w, i, v->url);
        if (is_down && !w->server[i].is_down)
            diag(DIAG_WARN, "main", "a directory server does not answer", "server", v->url, "why",
                 v->detail ? v->detail : "", NULL);
        if (!is_down && w->server[i].is_down)
            diag(DIAG_INFO, "main", "the directory server answers again", "server", v->url, NULL);
        w->server[i].is_down = is_down;
    }
    arena_fini(&a);
}
