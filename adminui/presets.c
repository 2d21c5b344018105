/* presets: listing of the starter policies. */
#include "adminui/presets.h"

#include "adminui/reply.h"

static json_t *document_of(const struct starter *s)
{
    return json_loadb(s->document.p, s->document.n, JSON_REJECT_DUPLICATES, NULL);
}

uint32_t presets_n_rules(const struct starter *s)
{
    json_t *document = document_of(s);
    size_t n = json_array_size(json_object_get(document, "rules"));
    json_decref(document);
    return (uint32_t)n;
}

void presets_list(struct call *c)
{
    json_t *items = json_array();
    struct starter s;
    for (size_t i = 0; starter_at(i, &s); i++)
        json_array_append_new(items,
                              json_pack("{s:s,s:s,s:s,s:o}", "name", s.name, "title", s.title,
                                        "description", s.description, "document", document_of(&s)));
    reply_json(c, 200, json_pack("{s:o}", "items", items));
}
