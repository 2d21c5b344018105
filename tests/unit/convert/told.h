/* told: a conversion as text, for tables of {files, what comes out}. */
#ifndef TESTS_UNIT_CONVERT_TOLD_H
#define TESTS_UNIT_CONVERT_TOLD_H

#include <stdlib.h>
#include <string.h>

#include "convert/convert.h"

struct told_file {
    const char *name, *text;
};

#define TOLD_FILES 6

static inline enum err told_run(const struct told_file *files, enum convert_kind *kind,
                                struct outcome *o)
{
    struct upload_file v[TOLD_FILES];
    struct upload u = {v, 0};
    for (; u.n < TOLD_FILES && files[u.n].name; u.n++)
        v[u.n] = (struct upload_file){str_of(files[u.n].name), str_of(files[u.n].text)};
    outcome_init(o);
    *kind = CONVERT_AUTO;
    return convert_run(&u, kind, o);
}

static inline void told_side(const json_t *rule, const char *side, struct buf *b)
{
    const json_t *c = json_object_get(rule, side);
    if (!json_object_size(c))
        return;
    char *text = json_dumps(c, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    buf_addf(b, " %s%s", side, text);
    free(text);
}

/* "id action[ off] when{...} unless{...}\n" of each rule, then "default action". */
static inline char *told_rules(const struct outcome *o)
{
    struct buf b;
    size_t i;
    const json_t *r;
    buf_init(&b, 1 << 20);
    json_array_foreach(o->rules, i, r)
    {
        buf_addf(&b, "%s %s%s", outcome_rule_id(r), json_string_value(json_object_get(r, "action")),
                 json_is_true(json_object_get(r, "enabled")) ? "" : " off");
        told_side(r, "when", &b);
        told_side(r, "unless", &b);
        if (json_object_get(r, "upstream"))
            buf_addf(&b, " to %s", json_string_value(json_object_get(r, "upstream")));
        buf_add_c(&b, '\n');
    }
    buf_addf(&b, "default %s\n",
             json_string_value(json_object_get(json_object_get(o->document, "default"), "action")));
    return buf_take(&b);
}

/* "line outcome[: note]\n" of each row that is not plainly translated. */
static inline char *told_report(const struct outcome *o)
{
    struct buf b;
    size_t i;
    const json_t *r;
    buf_init(&b, 1 << 20);
    json_array_foreach(o->report, i, r)
    {
        const char *kind = json_string_value(json_object_get(r, "outcome"));
        if (strcmp(kind, "translated") != 0)
            buf_addf(&b, "%d %s: %s\n", (int)json_integer_value(json_object_get(r, "line")), kind,
                     json_string_value(json_object_get(r, "note")));
    }
    return b.n ? buf_take(&b) : strdup("");
}

#endif
