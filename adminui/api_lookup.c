/* api_lookup: the index answers sets of categories; which level of the name an entry stands at is
 * found by asking for each parent as well: the entry is where the category first appears. */
#include "adminui/api_lookup.h"

#include "adminui/app.h"
#include "adminui/problem.h"
#include "adminui/reply.h"
#include "base/mapfile.h"
#include "base/url.h"
#include "policies/set_domain.h"

static bool has(const struct set_domain_hits *h, uint16_t category)
{
    for (unsigned i = 0; i < h->n; i++)
        if (h->category[i] == category)
            return true;
    return false;
}

/* The shortest suffix of host that is in the category. */
static struct str entry_of(const struct set_domain *d, const struct host *host, uint16_t category)
{
    struct set_domain_hits h;
    struct str found = host_str(host);
    for (struct str s = host_str(host); s.n && !host->is_ip; s = host_parent(s)) {
        set_domain_host(d, s, false, &h);
        if (!has(&h, category))
            break;
        found = s;
    }
    return found;
}

static void add_hits(const struct set_domain *d, const struct url *u, bool has_path, json_t *out[2])
{
    struct set_domain_hits by_host, all;
    set_domain_host(d, host_str(&u->host), u->host.is_ip, &by_host);
    all = by_host;
    if (has_path)
        set_domain_url(d, host_str(&u->host), u->host.is_ip, u->path_query, &all);
    for (unsigned i = 0; i < all.n; i++) {
        struct str name = set_domain_category(d, all.category[i]);
        bool is_host = has(&by_host, all.category[i]);
        struct str entry = is_host ? entry_of(d, &u->host, all.category[i]) : u->path_query;
        json_array_append_new(out[0], reply_str(name));
        json_array_append_new(out[1], json_pack("{s:o,s:o,s:s}", "category", reply_str(name),
                                                "entry", reply_str(entry), "kind",
                                                !is_host        ? "url"
                                                : u->host.is_ip ? "ip"
                                                                : "domain"));
    }
}

static void answer(struct call *c, const struct url *u, bool has_path)
{
    struct mapfile m = {0};
    struct set_domain d;
    json_t *out[2] = {json_array(), json_array()};
    enum err e = mapfile_open(&m, c->app->index_path);
    if (e == OK)
        e = set_domain_open(str_make(m.p, m.n), &d);
    if (e == OK)
        add_hits(&d, u, has_path, out);
    mapfile_close(&m);
    if (e != OK && e != ERR_NOT_FOUND) {
        json_decref(out[0]);
        json_decref(out[1]);
        problem_reply_err(c, e, "category index");
        return;
    }
    reply_json(c, 200,
               json_pack("{s:o,s:o,s:o}", "host", reply_str(host_str(&u->host)), "categories",
                         out[0], "matches", out[1]));
}

void api_lookup_host(struct call *c)
{
    struct str url = call_query(c, "url", (struct str){0});
    struct str name = call_query(c, "host", (struct str){0});
    struct url u = {0};
    if (url.n && url_parse(url, &u) == OK) {
        answer(c, &u, true);
    } else if (!url.n && host_normalise(str_trim(name), &u.host) == OK) {
        answer(c, &u, false);
    } else {
        problem_reply_fault(c, url.n ? "/url" : "/host", "bad-host",
                            "Give host=NAME or ADDRESS, or url=URL.");
    }
}
