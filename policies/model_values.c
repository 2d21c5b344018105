/* model_values: one function a kind of entry, joined by a table. */
#include "policies/model_values.h"

#include <string.h>

#include "base/host.h"
#include "base/url.h"

#define VALUES_MAX 200000 /* of one key */
#define TEXT_MAX   8192   /* of one entry */

/* Each takes an entry as written and gives its normal form; false: a fault was reported. */
typedef bool entry_reader(struct reader *r, struct str in, struct str *out);

static bool any_text(struct reader *r, struct str in, struct str *out)
{
    if (in.n == 0) {
        reader_fault(r, "empty", "An entry may not be empty.");
        return false;
    }
    *out = reader_copy(r, in);
    return true;
}

static bool lower_text(struct reader *r, struct str in, struct str *out)
{
    if (!any_text(r, in, out))
        return false;
    char *p = (char *)(uintptr_t)out->p; /* our own copy */
    for (size_t i = 0; i < out->n; i++)
        p[i] = str_lower(p[i]);
    return true;
}

static bool network(struct reader *r, struct str in, struct str *out)
{
    struct cidr c;
    if (cidr_parse(in, &c) != OK) {
        reader_fault(r, "bad-network",
                     "\"%.*s\" is not a network such as 10.0.0.0/8 or 2001:db8::/32.",
                     STR_ARG(str_sub(in, 0, 80)));
        return false;
    }
    return any_text(r, in, out);
}

static bool host_entry(struct reader *r, struct str in, struct str *out)
{
    struct host h;
    struct str s = in;
    if (str_starts(s, STR("*.")))
        s = str_sub(s, 2, s.n);
    else if (str_starts(s, STR(".")))
        s = str_sub(s, 1, s.n);
    if (host_normalise(s, &h) != OK) {
        reader_fault(r, "bad-host", "\"%.*s\" is not a host name or address.",
                     STR_ARG(str_sub(in, 0, 80)));
        return false;
    }
    *out = reader_copy(r, host_str(&h));
    return true;
}

bool model_values_port(struct str s, uint16_t *from, uint16_t *to)
{
    uint64_t a, b;
    size_t dash = str_find(s, '-');
    struct str first = dash == STR_NPOS ? s : str_sub(s, 0, dash);
    struct str last = dash == STR_NPOS ? s : str_sub(s, dash + 1, s.n);
    if (str_to_u64(first, 65535, &a) != OK || str_to_u64(last, 65535, &b) != OK || a == 0 || b < a)
        return false;
    *from = (uint16_t)a;
    *to = (uint16_t)b;
    return true;
}

static bool port(struct reader *r, struct str in, struct str *out)
{
    uint16_t a, b;
    if (!model_values_port(in, &a, &b)) {
        reader_fault(r, "bad-port",
                     "\"%.*s\" is not a port (1 to 65535) or a range such as 8000-8999.",
                     STR_ARG(str_sub(in, 0, 40)));
        return false;
    }
    return any_text(r, in, out);
}

static bool method(struct reader *r, struct str in, struct str *out)
{
    if (!any_text(r, in, out))
        return false;
    char *p = (char *)(uintptr_t)out->p;
    for (size_t i = 0; i < out->n; i++) {
        if (p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - ('a' - 'A'));
        if ((p[i] < 'A' || p[i] > 'Z') && p[i] != '-' && p[i] != '_') {
            reader_fault(r, "bad-method", "\"%.*s\" is not a method.", STR_ARG(str_sub(in, 0, 40)));
            return false;
        }
    }
    return true;
}

static bool scheme(struct reader *r, struct str in, struct str *out)
{
    if (!str_eq(in, STR("http")) && !str_eq(in, STR("https")) && !str_eq(in, STR("connect"))) {
        reader_fault(r, "bad-scheme", "A scheme is http, https or connect.");
        return false;
    }
    return any_text(r, in, out);
}

static bool extension(struct reader *r, struct str in, struct str *out)
{
    return lower_text(r, str_starts(in, STR(".")) ? str_sub(in, 1, in.n) : in, out);
}

static bool bytes(struct reader *r, struct str in, struct str *out)
{
    uint64_t v;
    if (str_to_u64(in, INT64_MAX, &v) != OK) {
        reader_fault(r, "bad-number", "A size is a number of bytes.");
        return false;
    }
    return any_text(r, in, out);
}

static const struct {
    const char *name;
    entry_reader *read;
    bool takes_number; /* a JSON integer is taken as its digits */
    bool is_single;    /* one value, not a list */
} keys[MODEL_N_KEYS] = {
    [KEY_USERS] = {"users", lower_text, false, false},
    [KEY_GROUPS] = {"groups", lower_text, false, false},
    [KEY_NETWORKS] = {"networks", network, false, false},
    [KEY_LISTENERS] = {"listeners", any_text, false, false},
    [KEY_SCHEDULES] = {"schedules", any_text, false, false},
    [KEY_SCHEMES] = {"schemes", scheme, false, false},
    [KEY_METHODS] = {"methods", method, false, false},
    [KEY_PORTS] = {"ports", port, true, false},
    [KEY_HOSTS] = {"hosts", host_entry, false, false},
    [KEY_URL_PATTERNS] = {"url_patterns", any_text, false, false},
    [KEY_CATEGORIES] = {"categories", any_text, false, false},
    [KEY_LISTS] = {"lists", any_text, false, false},
    [KEY_CONTENT_TYPES] = {"content_types", lower_text, false, false},
    [KEY_EXTENSIONS] = {"extensions", extension, false, false},
    [KEY_USER_AGENTS] = {"user_agents", lower_text, false, false},
    [KEY_MIN_BYTES] = {"min_bytes", bytes, true, true},
    [KEY_MAX_BYTES] = {"max_bytes", bytes, true, true},
    [KEY_SERVER_NETWORKS] = {"server_networks", network, false, false},
};

const char *model_key_name(enum model_key k)
{
    return keys[k].name;
}

static bool entry(struct reader *r, const json_t *v, int key, struct str *out)
{
    char digits[24];
    struct str in;
    if (json_is_string(v)) {
        in = str_make(json_string_value(v), json_string_length(v));
    } else if (json_is_integer(v) && keys[key].takes_number && json_integer_value(v) >= 0) {
        struct buf b;
        buf_init(&b, sizeof digits);
        buf_add_u64(&b, (uint64_t)json_integer_value(v));
        memcpy(digits, b.p, b.n);
        in = str_make(digits, b.n);
        buf_fini(&b);
    } else {
        reader_fault(r, "wrong-type", keys[key].takes_number ? "A number." : "A text.");
        return false;
    }
    if (in.n > TEXT_MAX) {
        reader_fault(r, "too-long", "An entry has at most %d bytes.", TEXT_MAX);
        return false;
    }
    return keys[key].read(r, in, out);
}

static void read_array(struct reader *r, const json_t *array, int key, struct str **v, size_t *n)
{
    size_t count = json_array_size(array), at = 0;
    if (count > VALUES_MAX) {
        reader_fault(r, "too-many", "At most %d entries; use a category for more.", VALUES_MAX);
        return;
    }
    struct str *out = reader_alloc(r, count, sizeof *out);
    for (size_t i = 0; out && i < count; i++) {
        size_t mark = reader_enter_at(r, i);
        if (entry(r, json_array_get(array, i), key, &out[at]))
            at++;
        reader_leave(r, mark);
    }
    *v = out;
    *n = out ? at : 0;
}

static void read_key(struct reader *r, const json_t *object, int key, struct model_values *out)
{
    const json_t *v = json_object_get(object, keys[key].name);
    if (!v || json_is_null(v))
        return;
    size_t mark = reader_enter(r, keys[key].name);
    if (keys[key].is_single) {
        out->v = reader_alloc(r, 1, sizeof *out->v);
        out->n = out->v && entry(r, v, key, out->v);
    } else if (!json_is_array(v)) {
        reader_fault(r, "wrong-type", "\"%s\" is a list.", keys[key].name);
    } else if (json_array_size(v) == 0) {
        reader_fault(r, "empty",
                     "\"%s\" has no entry: leave the key out, or name what it should fit.",
                     keys[key].name);
    } else {
        read_array(r, v, key, &out->v, &out->n);
    }
    reader_leave(r, mark);
}

void model_values_read(struct reader *r, const json_t *conditions,
                       struct model_values out[MODEL_N_KEYS])
{
    const char *names[MODEL_N_KEYS + 1];
    for (int k = 0; k < MODEL_N_KEYS; k++)
        names[k] = keys[k].name;
    names[MODEL_N_KEYS] = NULL;
    reader_only(r, conditions, names);
    for (int k = 0; k < MODEL_N_KEYS; k++)
        read_key(r, conditions, k, &out[k]);
}

void model_values_list(struct reader *r, const json_t *entries, struct model_list *out)
{
    static const int key_of[] = {KEY_HOSTS, KEY_URL_PATTERNS, KEY_NETWORKS};
    read_array(r, entries, key_of[out->kind], &out->v, &out->n);
}
