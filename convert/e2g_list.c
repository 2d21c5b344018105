/* e2g_list: lines are entries, "#word:" lines say something of the list, ".Include<path>" reads
 * another file in its place. */
#include "convert/e2g_list.h"

#include <stdio.h>

struct reading {
    const struct upload *upload;
    struct outcome *o;
    struct e2g_list *out;
    unsigned depth, n_files;
    struct outcome_row row;
};

void e2g_list_fini(struct e2g_list *l)
{
    json_decref(l->entries);
    json_decref(l->windows);
    *l = (struct e2g_list){0};
}

static void read_file(struct reading *r, const struct upload_file *f);

/* What stands between two signs: .Include<path>, "name". */
static struct str between(struct str s, char open, char close)
{
    size_t from = str_find(s, open);
    struct str rest = from == STR_NPOS ? (struct str){0} : str_sub(s, from + 1, s.n);
    size_t to = str_find(rest, close);
    return to == STR_NPOS ? (struct str){0} : str_sub(rest, 0, to);
}

struct str e2g_list_included(struct str line)
{
    line = str_trim(line);
    return str_starts(line, STR(".Include<")) ? between(line, '<', '>') : (struct str){0};
}

static void include(struct reading *r, struct str line)
{
    struct str path = e2g_list_included(line);
    const struct upload_file *f = path.n ? upload_find(r->upload, path) : NULL;
    if (f && r->depth < E2G_INCLUDES_MAX && r->n_files < E2G_FILES_MAX) {
        read_file(r, f);
        return;
    }
    r->row.kind = OUTCOME_DROPPED;
    outcome_report(r->o, &r->row, "%s",
                   f ? "Too many files include one another."
                     : "The file is not in the upload: add it and try again.");
}

/* "#time: 9 0 17 0 01234": hours and minutes from, to, and days from Monday 0. */
static void window(struct reading *r, struct str rest)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct str word;
    uint64_t n[4];
    char from[8], to[8];
    bool is_good = true;
    for (int i = 0; i < 4 && is_good; i++)
        is_good = upload_word(&rest, &word) && str_to_u64(word, 59, &n[i]) == OK;
    is_good = is_good && n[0] < 24 && n[2] <= 24 && upload_word(&rest, &word);
    json_t *days = json_array();
    for (size_t i = 0; is_good && i < word.n; i++) {
        is_good = word.p[i] >= '0' && word.p[i] <= '6';
        if (is_good)
            json_array_append_new(days, json_string(names[word.p[i] - '0']));
    }
    r->row.kind = is_good ? OUTCOME_PARTLY : OUTCOME_DROPPED;
    outcome_report(r->o, &r->row, "%s",
                   is_good
                       ? "The machine's time zone was meant; the schedule says UTC: set its zone."
                       : "The window of time cannot be read.");
    if (is_good) {
        snprintf(from, sizeof from, "%02u:%02u", (unsigned)n[0], (unsigned)n[1]);
        snprintf(to, sizeof to, "%02u:%02u", (unsigned)n[2], n[2] == 24 ? 0 : (unsigned)n[3]);
        json_array_append_new(r->out->windows,
                              json_pack("{s:O,s:s,s:s}", "days", days, "from", from, "to", to));
    }
    json_decref(days);
}

static void entry(struct reading *r, struct str line)
{
    if (str_eq(line, STR("**")))
        r->out->has_all = true;
    else if (str_eq(line, STR("*ip")))
        r->out->has_addresses = true;
    else if (str_eq(line, STR("**s")) || str_eq(line, STR("*ips")))
        r->out->has_https = true;
    else if (json_array_append_new(r->out->entries, outcome_text(line)) != 0)
        r->o->failed = true;
}

static void one_line(struct reading *r, struct str line)
{
    r->row.text = line;
    if (str_starts(line, STR("#listcategory:"))) {
        struct str name = between(line, '"', '"');
        if (name.n)
            r->out->name = name;
    } else if (str_starts(line, STR("#time:"))) {
        window(r, str_sub(line, 6, line.n));
    } else if (str_starts(line, STR(".Include<"))) {
        include(r, line);
    } else if (line.n && line.p[0] != '#' && !str_starts(line, STR(".Define "))) {
        size_t comment = str_find_str(line, STR(" #"));
        entry(r, str_trim(comment == STR_NPOS ? line : str_sub(line, 0, comment)));
    }
}

static void read_file(struct reading *r, const struct upload_file *f)
{
    struct upload_cursor at = {f->bytes, 0};
    struct outcome_row was = r->row;
    struct str line;
    r->depth++;
    r->n_files++;
    r->row = (struct outcome_row){.file = f->name};
    while (upload_line(&at, &line)) {
        r->row.line = at.line;
        one_line(r, str_trim(line));
    }
    r->row = was;
    r->depth--;
}

enum err e2g_list_read(const struct upload *u, struct str path, struct outcome *o,
                       struct e2g_list *out)
{
    const struct upload_file *f = upload_find(u, path);
    if (!f)
        return ERR_NOT_FOUND;
    *out = (struct e2g_list){
        .name = upload_base(f->name), .entries = json_array(), .windows = json_array()};
    if (!out->entries || !out->windows)
        return ERR_NOMEM;
    struct reading r = {.upload = u, .o = o, .out = out};
    read_file(&r, f);
    return OK;
}
