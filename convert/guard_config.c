/* guard_config: one pass over the lines; a stack of one block (two inside the acl) says where a
 * line stands. */
#include "convert/guard_config.h"

#include <stdlib.h>
#include <string.h>

#include "convert/nets.h"

enum block { AT_TOP, IN_TIME, IN_SOURCE, IN_DEST, IN_ACL, IN_PASS, IN_OTHER };

struct parse {
    struct guard_config *g;
    const struct upload *upload;
    struct outcome *o;
    enum block block;
    struct outcome_row row; /* of the line being read */
};

static void *new_one(void **array, size_t *n, size_t size)
{
    if (!*array)
        *array = calloc(GUARD_MAX, size);
    if (!*array || *n == GUARD_MAX)
        return NULL;
    return (char *)*array + size * (*n)++;
}

struct guard_time *guard_config_time(const struct guard_config *g, struct str name)
{
    for (size_t i = 0; i < g->n_times; i++) {
        if (str_eq(g->times[i].name, name))
            return &g->times[i];
    }
    return NULL;
}

struct guard_source *guard_config_source(const struct guard_config *g, struct str name)
{
    for (size_t i = 0; i < g->n_sources; i++) {
        if (str_eq(g->sources[i].name, name))
            return &g->sources[i];
    }
    return NULL;
}

struct guard_dest *guard_config_dest(const struct guard_config *g, struct str name)
{
    for (size_t i = 0; i < g->n_dests; i++) {
        if (str_eq(g->dests[i].name, name))
            return &g->dests[i];
    }
    return NULL;
}

void guard_config_fini(struct guard_config *g)
{
    for (size_t i = 0; i < g->n_times; i++)
        json_decref(g->times[i].windows);
    for (size_t i = 0; i < g->n_sources; i++) {
        json_decref(g->sources[i].networks);
        json_decref(g->sources[i].users);
        json_decref(g->sources[i].groups);
    }
    free(g->times);
    free(g->sources);
    free(g->dests);
    free(g->passes);
    *g = (struct guard_config){0};
}

static void say(struct parse *p, enum outcome_kind kind, const char *note)
{
    p->row.kind = kind;
    outcome_report(p->o, &p->row, "%s", note);
}

/* --- time { weekly mtwhf 08:00 - 16:30 } --------------------------------------------------------
 */

static bool add_letters(struct str letters, json_t *days)
{
    static const char week[] = "smtwhfa";
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    static const char *const words[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
    for (int d = 0; d < 7; d++) {
        struct str word = str_of(words[d]);
        bool is_word = str_starts_nocase(letters, str_sub(word, 0, 3)) && letters.n >= 3 &&
                       str_starts_nocase(word, str_sub(letters, 0, word.n - 1));
        if (is_word) {
            json_array_append_new(days, json_string(names[d]));
            return true;
        }
    }
    for (size_t i = 0; i < letters.n; i++) {
        const char *at = strchr(week, letters.p[i]);
        if (letters.p[i] == '*')
            return add_letters(STR("smtwhfa"), days);
        if (!at || !*at)
            return false;
        json_array_append_new(days, json_string(names[at - week]));
    }
    return true;
}

/* "8:00" and "08:00" both. */
static bool clock_time(struct str s, char out[6])
{
    uint64_t h, m;
    size_t colon = str_find(s, ':');
    if (colon == STR_NPOS || str_to_u64(str_sub(s, 0, colon), 24, &h) != OK ||
        str_to_u64(str_sub(s, colon + 1, s.n), 59, &m) != OK || (h == 24 && m))
        return false;
    const char digits[6] = {(char)('0' + h / 10), (char)('0' + h % 10), ':',
                            (char)('0' + m / 10), (char)('0' + m % 10), 0};
    memcpy(out, digits, 6);
    return true;
}

static bool add_window(struct str rest, json_t *windows)
{
    json_t *days = json_array();
    struct str word;
    bool is_good = true, has_time = false;
    while (is_good && upload_word(&rest, &word)) {
        char from[6], to[6];
        size_t dash = str_find(word, '-');
        struct str first = str_sub(word, 0, dash), last = (struct str){0};
        if (word.p[0] < '0' || word.p[0] > '9') {
            is_good = add_letters(word, days);
            continue;
        }
        if (dash == STR_NPOS) { /* "08:00 - 16:30" */
            first = word;
            if (!upload_word(&rest, &last) ||
                (str_eq(last, STR("-")) && !upload_word(&rest, &last)))
                last = (struct str){0};
        } else {
            last = str_sub(word, dash + 1, word.n);
        }
        is_good = clock_time(first, from) && clock_time(last, to);
        has_time = true;
        if (is_good)
            json_array_append_new(windows,
                                  json_pack("{s:O,s:s,s:s}", "days", days, "from", from, "to", to));
    }
    if (is_good && !has_time)
        json_array_append_new(
            windows, json_pack("{s:O,s:s,s:s}", "days", days, "from", "00:00", "to", "24:00"));
    is_good = is_good && json_array_size(days);
    json_decref(days);
    return is_good;
}

static void time_line(struct parse *p, struct str word, struct str rest)
{
    struct guard_time *t = &p->g->times[p->g->n_times - 1];
    if (!str_eq(word, STR("weekly"))) {
        say(p, OUTCOME_DROPPED, "Windows by date are not known here; schedules repeat weekly.");
    } else if (!add_window(rest, t->windows)) {
        say(p, OUTCOME_DROPPED, "The days or hours cannot be read.");
    } else {
        say(p, OUTCOME_PARTLY,
            "squidGuard uses the machine's time zone; the schedule says UTC: set its zone.");
    }
}

/* --- src ---------------------------------------------------------------------------------------
 */

static void add_nets(struct parse *p, struct str rest, json_t *out)
{
    struct str word;
    unsigned bad = 0;
    while (upload_word(&rest, &word))
        bad += nets_add(word, out) != OK;
    say(p, bad ? OUTCOME_PARTLY : OUTCOME_TRANSLATED,
        bad ? "Some addresses of it cannot be read." : "");
}

static void add_words(struct str rest, json_t *out)
{
    struct str word;
    while (upload_word(&rest, &word))
        json_array_append_new(out, outcome_text(word));
}

/* A file with one address or user a line ("alice" or "alice:x"). */
static void add_file(struct parse *p, struct str path, json_t *out, bool is_nets)
{
    const struct upload_file *f = upload_find(p->upload, path);
    struct guard_source *s = &p->g->sources[p->g->n_sources - 1];
    if (!f) {
        s->cannot = "A file it names is not in the upload.";
        say(p, OUTCOME_DROPPED, "The file is not in the upload: add it and try again.");
        return;
    }
    struct upload_cursor at = {f->bytes, 0};
    struct str line;
    while (upload_line(&at, &line)) {
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        if (is_nets && nets_add(line, out) != OK)
            s->cannot = "A file of addresses holds something else.";
        else if (!is_nets)
            json_array_append_new(out, outcome_text(str_sub(line, 0, str_find(line, ':'))));
    }
    say(p, OUTCOME_TRANSLATED, "");
}

static void source_line(struct parse *p, struct str word, struct str rest)
{
    struct guard_source *s = &p->g->sources[p->g->n_sources - 1];
    if (str_eq(word, STR("ip"))) {
        add_nets(p, rest, s->networks);
    } else if (str_eq(word, STR("iplist"))) {
        add_file(p, rest, s->networks, true);
    } else if (str_eq(word, STR("user"))) {
        add_words(rest, s->users);
        say(p, OUTCOME_TRANSLATED, "");
    } else if (str_eq(word, STR("userlist"))) {
        add_file(p, rest, s->users, false);
    } else if (str_eq(word, STR("within")) || str_eq(word, STR("outside"))) {
        s->when = str_eq(word, STR("within")) ? GUARD_WITHIN : GUARD_OUTSIDE;
        upload_word(&rest, &s->time);
        say(p, OUTCOME_TRANSLATED, "");
    } else if (str_eq(word, STR("log")) || str_eq(word, STR("logfile"))) {
        say(p, OUTCOME_NOT_NEEDED, "Every request has a record.");
    } else {
        s->cannot = "It asks for something that is no condition here.";
        say(p, OUTCOME_DROPPED,
            str_starts(word, STR("ldap")) || str_starts(word, STR("userquery"))
                ? "Groups come from the directory: put the group into the rule's `groups`."
                : "No condition of ours says this; use networks, users or groups.");
    }
}

/* --- dest --------------------------------------------------------------------------------------
 */

static void dest_file(struct parse *p, struct str path, bool is_expression)
{
    struct guard_dest *d = &p->g->dests[p->g->n_dests - 1];
    const struct upload_file *f = upload_find(p->upload, path);
    if (!f) {
        say(p, OUTCOME_PARTLY,
            "The file is not in the upload: import the list under Categories, by this name.");
        return;
    }
    struct outcome_category *c = outcome_category(p->o, d->name);
    struct upload_cursor at = {f->bytes, 0};
    struct str line;
    while (c && upload_line(&at, &line)) {
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        outcome_category_add(c, line, is_expression);
        d->n_entries++;
    }
    say(p, OUTCOME_TRANSLATED, "Its entries become a category.");
}

static void dest_line(struct parse *p, struct str word, struct str rest)
{
    if (str_eq(word, STR("domainlist")) || str_eq(word, STR("urllist")))
        dest_file(p, rest, false);
    else if (str_eq(word, STR("expressionlist")))
        dest_file(p, rest, true);
    else if (str_eq(word, STR("redirect")))
        say(p, OUTCOME_NOT_NEEDED,
            "The block page is proxyd's own; put a text into the rule's message.");
    else if (str_eq(word, STR("log")) || str_eq(word, STR("logfile")))
        say(p, OUTCOME_NOT_NEEDED, "Every request has a record.");
    else
        say(p, OUTCOME_DROPPED, "Not known for a destination.");
}

/* --- acl ---------------------------------------------------------------------------------------
 */

static void when_of(struct str rest, enum guard_when *when, struct str *time)
{
    struct str word;
    *when = GUARD_ANYTIME;
    while (upload_word(&rest, &word)) {
        if (str_eq(word, STR("within")) || str_eq(word, STR("outside"))) {
            *when = str_eq(word, STR("within")) ? GUARD_WITHIN : GUARD_OUTSIDE;
            upload_word(&rest, time);
        }
    }
}

static void pass_line(struct parse *p, struct str word, struct str rest)
{
    struct guard_pass *x = &p->g->passes[p->g->n_passes - 1];
    if (str_eq(word, STR("pass"))) {
        x->items = rest;
        x->line = p->row.line;
        x->text = p->row.text;
    } else if (str_eq(word, STR("redirect"))) {
        say(p, OUTCOME_NOT_NEEDED,
            "The block page is proxyd's own; put a text into the rule's message.");
    } else if (str_eq(word, STR("rewrite")) || str_eq(word, STR("rew"))) {
        say(p, OUTCOME_DROPPED,
            "URLs are not rewritten; for search engines use `safe_search` on a rule.");
    } else {
        say(p, OUTCOME_NOT_NEEDED, "Every request has a record.");
    }
}

/* "} else {": the same source at the other times. */
static void else_block(struct parse *p)
{
    struct guard_pass *was = p->g->n_passes ? &p->g->passes[p->g->n_passes - 1] : NULL;
    struct guard_pass *x = new_one((void **)&p->g->passes, &p->g->n_passes, sizeof *x);
    if (!was || !x) {
        p->block = IN_OTHER;
        return;
    }
    *x = (struct guard_pass){.source = was->source};
    p->block = IN_PASS;
}

static void open_pass(struct parse *p, struct str name, struct str rest)
{
    struct guard_pass *x = new_one((void **)&p->g->passes, &p->g->n_passes, sizeof *x);
    p->block = x ? IN_PASS : IN_OTHER;
    if (x) {
        x->source = name;
        when_of(rest, &x->when, &x->time);
    }
}

/* --- blocks ------------------------------------------------------------------------------------
 */

static void open_source(struct parse *p, struct str name, struct str rest)
{
    struct guard_source *s = new_one((void **)&p->g->sources, &p->g->n_sources, sizeof *s);
    p->block = s ? IN_SOURCE : IN_OTHER;
    if (!s)
        return;
    *s = (struct guard_source){
        .name = name, .networks = json_array(), .users = json_array(), .groups = json_array()};
    when_of(rest, &s->when, &s->time);
}

static void top_line(struct parse *p, struct str word, struct str rest)
{
    struct str name = {0};
    bool is_block = str_ends(p->row.text, STR("{"));
    upload_word(&rest, &name);
    if (str_eq(word, STR("time")) && is_block) {
        struct guard_time *t = new_one((void **)&p->g->times, &p->g->n_times, sizeof *t);
        p->block = t ? IN_TIME : IN_OTHER;
        if (t)
            *t = (struct guard_time){name, json_array(), NULL};
    } else if ((str_eq(word, STR("src")) || str_eq(word, STR("source"))) && is_block) {
        open_source(p, name, rest);
    } else if ((str_eq(word, STR("dest")) || str_eq(word, STR("destination"))) && is_block) {
        struct guard_dest *d = new_one((void **)&p->g->dests, &p->g->n_dests, sizeof *d);
        p->block = d ? IN_DEST : IN_OTHER;
        if (d)
            *d = (struct guard_dest){.name = name};
    } else if (str_eq(word, STR("acl")) && is_block) {
        p->block = IN_ACL;
    } else if (is_block) {
        p->block = IN_OTHER;
        say(p, OUTCOME_DROPPED,
            "URLs are not rewritten; for search engines use `safe_search` on a rule.");
    } else if (str_eq(word, STR("dbhome")) || str_eq(word, STR("logdir"))) {
        say(p, OUTCOME_NOT_NEEDED, "");
    } else {
        say(p, OUTCOME_DROPPED, "A setting of squidGuard that has no counterpart in a policy.");
    }
}

static void close_block(struct parse *p)
{
    p->block = p->block == IN_PASS ? IN_ACL : AT_TOP;
    if (str_find_str(p->row.text, STR("else")) != STR_NPOS && str_ends(p->row.text, STR("{")))
        else_block(p);
}

static void one_line(struct parse *p, struct str text)
{
    struct str word, rest = text;
    size_t hash = str_find(rest, '#');
    rest = str_trim(hash == STR_NPOS ? rest : str_sub(rest, 0, hash));
    p->row.text = rest;
    if (!rest.n)
        return;
    if (rest.p[0] == '}') {
        close_block(p);
        return;
    }
    upload_word(&rest, &word);
    switch (p->block) {
    case AT_TOP: top_line(p, word, rest); break;
    case IN_TIME: time_line(p, word, rest); break;
    case IN_SOURCE: source_line(p, word, rest); break;
    case IN_DEST: dest_line(p, word, rest); break;
    case IN_ACL: open_pass(p, word, rest); break;
    case IN_PASS: pass_line(p, word, rest); break;
    case IN_OTHER: break;
    }
}

enum err guard_config_read(const struct upload *u, const struct upload_file *main,
                           struct outcome *o, struct guard_config *out)
{
    struct parse p = {.g = out, .upload = u, .o = o, .row = {.file = main->name}};
    struct upload_cursor at = {main->bytes, 0};
    struct str line;
    out->file = main->name;
    while (upload_line(&at, &line)) {
        p.row.line = at.line;
        one_line(&p, line);
    }
    if (p.block != AT_TOP)
        say(&p, OUTCOME_PARTLY, "The file ends inside a block.");
    return o->failed ? ERR_NOMEM : OK;
}
