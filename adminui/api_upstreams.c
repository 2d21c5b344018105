/* api_upstreams: a question handed on to proxyd. */
#include "adminui/api_upstreams.h"

#include <string.h>

#include "adminui/hand_on.h"
#include "adminui/proxy_link.h"

#define ASK_MS 2000

void api_upstreams_list(struct call *c)
{
    hand_on(c, json_pack("{s:s}", "do", "upstreams"), "their states");
}

static const char *text_of(const json_t *item, const char *key)
{
    const char *s = json_string_value(json_object_get(item, key));
    return s ? s : "";
}

static double number_of(const json_t *item, const char *key)
{
    return strcmp(key, "up") == 0 ? strcmp(text_of(item, "state"), "up") == 0
                                  : json_number_value(json_object_get(item, key));
}

void api_upstreams_metrics(struct call *c, struct buf *out)
{
    static const char *const keys[] = {"up", "requests", "failures"};
    json_t *answer = NULL;
    size_t i;
    const json_t *x;
    if (proxy_link_ask(c->app, json_pack("{s:s}", "do", "upstreams"), ASK_MS, &answer) != OK)
        return;
    const json_t *items = json_object_get(answer, "items");
    for (size_t k = 0; k < 3 && json_array_size(items); k++) {
        buf_addf(out, "# TYPE proxyd_upstream_%s %s\n", keys[k], k ? "counter" : "gauge");
        json_array_foreach(items, i, x)
        {
            buf_addf(out, "proxyd_upstream_%s{group=\"%s\",member=\"%s\"} %.17g\n", keys[k],
                     text_of(x, "group"), text_of(x, "address"), number_of(x, keys[k]));
        }
    }
    json_decref(answer);
}
