/* settings_secret: walks over the tree. */
#include "db/settings_secret.h"

#include <string.h>

bool settings_secret_is(const char *member)
{
    static const char *const names[] = {"bind_password", "password", "secret"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(member, names[i]) == 0)
            return true;
    return false;
}

unsigned settings_secret_hide(json_t *j)
{
    const char *name;
    size_t i;
    void *next;
    json_t *v;
    unsigned n = 0;
    json_array_foreach(j, i, v)
    {
        n += settings_secret_hide(v);
    }
    json_object_foreach_safe(j, next, name, v)
    {
        if (settings_secret_is(name) && json_is_string(v)) {
            n += json_string_length(v) > 0;
            json_object_set_new(j, name, json_null());
        } else {
            n += settings_secret_hide(v);
        }
    }
    return n;
}

/* The element that v was: of the same name; what has an address keeps a secret for that alone. */
static json_t *same_element(const json_t *old, const json_t *v, size_t at)
{
    const char *key = json_object_get(v, "address") ? "address" : "name";
    const char *name = json_string_value(json_object_get(v, key));
    size_t i;
    json_t *each;
    json_array_foreach(old, i, each)
    {
        const char *its = json_string_value(json_object_get(each, key));
        if (name && *name && its && strcmp(its, name) == 0)
            return each;
    }
    return strcmp(key, "address") == 0 ? NULL : json_array_get(old, at);
}

unsigned settings_secret_keep(json_t *j, const json_t *old)
{
    const char *name;
    size_t i;
    void *next;
    json_t *v;
    unsigned n = 0;
    json_array_foreach(j, i, v)
    {
        n += settings_secret_keep(v, same_element(old, v, i));
    }
    json_object_foreach_safe(j, next, name, v)
    {
        json_t *was = json_object_get(old, name);
        if (!settings_secret_is(name))
            n += settings_secret_keep(v, was);
        else if (json_is_null(v) && json_is_string(was))
            json_object_set(j, name, was);
        else
            n += json_is_null(v);
    }
    return n;
}

void settings_secret_fill(json_t *j, const char *text)
{
    const char *name;
    size_t i;
    void *next;
    json_t *v;
    json_array_foreach(j, i, v)
    {
        settings_secret_fill(v, text);
    }
    json_object_foreach_safe(j, next, name, v)
    {
        if (settings_secret_is(name) && json_is_null(v))
            json_object_set_new(j, name, json_string(text));
        else
            settings_secret_fill(v, text);
    }
}
