/* bootstrap: inih splits the lines, the table below says what each key takes. inih as Debian builds
 * it tells the handler no line number, so the lines are handed to it one by one and counted here;
 * that also catches lines it would only report as "the first error". */
#include "db/bootstrap.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (256u << 10)
#define ARENA_BYTES    (512u << 10)

struct parser {
    struct str rest; /* lines not yet handed to inih */
    int line;
    bool is_pending; /* the line handed over last needs a key = value and the handler was not called
                      */
    struct bootstrap *b;
    struct bootstrap_report *report;
    bool nomem;
    int seen[16]; /* line of a key that may stand once, by its row in the table */
};

static void fault_at(struct parser *p, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault_at(struct parser *p, int line, const char *format, ...)
{
    struct bootstrap_report *r = p->report;
    struct bootstrap_fault *grown = realloc(r->faults, (r->n_faults + 1) * sizeof *grown);
    char *message = NULL;
    va_list ap;
    va_start(ap, format);
    if (vasprintf(&message, format, ap) < 0)
        message = NULL;
    va_end(ap);
    if (grown)
        r->faults = grown;
    if (!grown || !message) {
        free(message);
        p->nomem = true;
        return;
    }
    r->faults[r->n_faults++] = (struct bootstrap_fault){.line = line, .message = message};
}

void bootstrap_report_fini(struct bootstrap_report *r)
{
    for (size_t i = 0; i < r->n_faults; i++)
        free(r->faults[i].message);
    free(r->faults);
    *r = (struct bootstrap_report){0};
}

static struct str keep(struct parser *p, struct str s)
{
    struct str copy = arena_str(&p->b->arena, s);
    if (!copy.p)
        p->nomem = true;
    return copy;
}

static bool room_for(struct parser *p, size_t n, const char *what)
{
    if (n < BOOTSTRAP_MAX)
        return true;
    fault_at(p, p->line, "more than %d values of %s", BOOTSTRAP_MAX, what);
    return false;
}

static bool parse_address(struct parser *p, struct str s, struct ip_port *out)
{
    if (ip_port_parse(s, out) == OK)
        return true;
    fault_at(p, p->line, "\"%.*s\" is not address:port (such as 127.0.0.1:3128 or [::]:3128)",
             STR_ARG(s));
    return false;
}

/* --- values ------------------------------------------------------------------------------------
 */

static void set_dir(struct parser *p, struct str v)
{
    p->b->state_dir = keep(p, v);
}

static bool parse_mode(struct str s, enum bootstrap_mode *out)
{
    static const char *const names[] = {"forward", "transparent", "reverse", "socks"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_eq(s, str_of(names[i]))) {
            *out = (enum bootstrap_mode)i;
            return true;
        }
    }
    return false;
}

static bool parse_switch(struct str s, bool *out)
{
    bool on = str_eq(s, STR("on"));
    if (!on && !str_eq(s, STR("off")))
        return false;
    *out = on;
    return true;
}

static void add_trust(struct parser *p, struct str list, struct privacy *out)
{
    struct str network;
    while (str_split(&list, ',', &network)) {
        enum err e = privacy_add_trust(out, str_trim(network));
        if (e == ERR_LIMIT)
            fault_at(p, p->line, "trust-forwarded takes at most %d networks", PRIVACY_TRUST_MAX);
        else if (e != OK)
            fault_at(p, p->line,
                     "trust-forwarded takes networks such as 10.0.0.0/8, separated by commas, not "
                     "\"%.*s\"",
                     STR_ARG(network));
    }
}

/* What requests tell. False: another option. */
static bool privacy_option(struct parser *p, struct str name, struct str value, struct privacy *out)
{
    if (str_eq(name, STR("privacy"))) {
        out->has_mode = true;
        if (privacy_mode_parse(value, &out->mode) != OK)
            fault_at(p, p->line, "privacy is via, named, anonymous or high-anonymity, not \"%.*s\"",
                     STR_ARG(value));
    } else if (str_eq(name, STR("referer"))) {
        out->has_referer = true;
        if (privacy_referer_parse(value, &out->referer) != OK)
            fault_at(p, p->line, "referer is keep, same-host or none, not \"%.*s\"",
                     STR_ARG(value));
    } else if (str_eq(name, STR("trust-forwarded")) && value.n) {
        add_trust(p, value, out);
    } else {
        return false;
    }
    return true;
}

static void listener_option(struct parser *p, struct str option, struct bootstrap_listener *l)
{
    struct str value = option, name = {0};
    bool has_value = str_find(option, '=') != STR_NPOS;
    str_split(&value, '=', &name);
    if (has_value && str_eq(name, STR("mode"))) {
        if (!parse_mode(value, &l->mode))
            fault_at(p, p->line, "mode is forward, transparent, reverse or socks, not \"%.*s\"",
                     STR_ARG(value));
    } else if (has_value && str_eq(name, STR("tls")) && value.n) {
        l->tls_cert = keep(p, value);
    } else if (has_value && str_eq(name, STR("proxy-protocol"))) {
        if (!parse_switch(value, &l->proxy_protocol))
            fault_at(p, p->line, "proxy-protocol is on or off, not \"%.*s\"", STR_ARG(value));
    } else if (!has_value || !privacy_option(p, name, value, &l->privacy)) {
        fault_at(p, p->line, "unknown option \"%.*s\" of listen", STR_ARG(option));
    }
}

static void add_listen(struct parser *p, struct str v)
{
    struct bootstrap *b = p->b;
    struct bootstrap_listener l = {.line = p->line};
    struct str address = {0}, option;
    str_split(&v, ' ', &address);
    if (!room_for(p, b->n_listen, "listen") || !parse_address(p, address, &l.at))
        return;
    for (size_t i = 0; i < b->n_listen; i++) {
        if (ip_eq(&b->listen[i].at.ip, &l.at.ip) && b->listen[i].at.port == l.at.port) {
            fault_at(p, p->line, "%.*s was given on line %d already", STR_ARG(address),
                     b->listen[i].line);
            return;
        }
    }
    l.text = keep(p, address);
    while (str_split(&v, ' ', &option))
        if (str_trim(option).n)
            listener_option(p, str_trim(option), &l);
    b->listen[b->n_listen++] = l;
}

static void set_watchdog(struct parser *p, struct str v)
{
    uint64_t n;
    if (str_to_u64(v, 3600, &n) == OK)
        p->b->watchdog_s = (unsigned)n;
    else
        fault_at(p, p->line, "watchdog is a number of seconds from 0 to 3600, not \"%.*s\"",
                 STR_ARG(v));
}

static void set_workers(struct parser *p, struct str v)
{
    uint64_t n;
    if (str_to_u64(v, 256, &n) == OK)
        p->b->workers = (unsigned)n;
    else
        fault_at(p, p->line, "workers is a number from 0 to 256, not \"%.*s\"", STR_ARG(v));
}

static void set_user(struct parser *p, struct str v)
{
    p->b->user = keep(p, v);
}

static void add_resolver(struct parser *p, struct str v)
{
    struct bootstrap *b = p->b;
    struct bootstrap_address a = {.line = p->line};
    if (!room_for(p, b->n_resolvers, "resolvers"))
        return;
    if (ip_parse(v, &a.at.ip) == OK) {
        a.at.port = 53;
    } else if (!parse_address(p, v, &a.at)) {
        return;
    }
    a.text = keep(p, v);
    b->resolvers[b->n_resolvers++] = a;
}

static void allow_net(struct parser *p, const char *net)
{
    struct bootstrap *b = p->b;
    if (!room_for(p, b->n_allow_private, "allow-private"))
        return;
    struct bootstrap_private x = {0};
    if (cidr_parse(str_of(net), &x.net) == OK)
        b->allow_private[b->n_allow_private++] = x;
}

/* "10.0.0.0/8", "127.0.0.1/32:8080", "[::1/128]:8080" or "::1/128". */
static bool parse_private(struct str v, struct bootstrap_private *out)
{
    struct bootstrap_private x = {0};
    size_t close = str_rfind(v, ']'), colon = str_rfind(v, ':');
    struct str net = v, port = {0};
    if (v.n && v.p[0] == '[' && close != STR_NPOS) {
        net = str_sub(v, 1, close);
        port = str_sub(v, close + 1, v.n);
        if (port.n && port.p[0] != ':')
            return false;
        port = str_sub(port, 1, port.n);
        if (close + 1 < v.n && !port.n)
            return false;
    } else if (colon != STR_NPOS && str_find(v, ':') == colon) {
        net = str_sub(v, 0, colon);
        port = str_sub(v, colon + 1, v.n);
        if (!port.n)
            return false;
    }
    uint64_t n = 0;
    if (cidr_parse(net, &x.net) != OK ||
        (port.n && (str_to_u64(port, UINT16_MAX, &n) != OK || n == 0)))
        return false;
    x.port = (uint16_t)n;
    *out = x;
    return true;
}

static void add_private(struct parser *p, struct str v)
{
    static const char *const loopback[] = {"127.0.0.0/8", "::1/128"};
    static const char *const private[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                          "100.64.0.0/10", "fc00::/7"};
    struct bootstrap *b = p->b;
    struct bootstrap_private x;
    if (str_eq(v, STR("loopback"))) {
        for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++)
            allow_net(p, loopback[i]);
    } else if (str_eq(v, STR("private"))) {
        for (size_t i = 0; i < sizeof private / sizeof *private; i++)
            allow_net(p, private[i]);
    } else if (!parse_private(v, &x)) {
        fault_at(p, p->line,
                 "\"%.*s\" is not loopback, private, or a network with an optional port "
                 "(10.0.0.0/8, 127.0.0.1/32:8080, [::1/128]:8080)",
                 STR_ARG(v));
    } else if (room_for(p, b->n_allow_private, "allow-private")) {
        b->allow_private[b->n_allow_private++] = x;
    }
}

static void add_pac_listen(struct parser *p, struct str v)
{
    struct bootstrap *b = p->b;
    struct bootstrap_address a = {.line = p->line};
    if (!room_for(p, b->n_pac_listen, "listen") || !parse_address(p, v, &a.at))
        return;
    a.text = keep(p, v);
    b->pac_listen[b->n_pac_listen++] = a;
}

static void set_admin_listen(struct parser *p, struct str v)
{
    struct bootstrap_address a = {.line = p->line};
    if (!parse_address(p, v, &a.at))
        return;
    a.text = keep(p, v);
    p->b->admin_listen = a;
}

static void set_admin_tls(struct parser *p, struct str v)
{
    if (!parse_switch(v, &p->b->admin_tls))
        fault_at(p, p->line, "tls is on or off, not \"%.*s\"", STR_ARG(v));
}

static void add_admin_name(struct parser *p, struct str v)
{
    if (room_for(p, p->b->n_admin_names, "name"))
        p->b->admin_names[p->b->n_admin_names++] = keep(p, v);
}

static void set_certificate(struct parser *p, struct str v)
{
    p->b->admin_certificate = keep(p, v);
}

static void set_key(struct parser *p, struct str v)
{
    p->b->admin_key = keep(p, v);
}

/* --- lines -------------------------------------------------------------------------------------
 */

static const struct key {
    const char *section, *name;
    void (*set)(struct parser *p, struct str value);
    bool is_repeatable;
} keys[] = {
    {"state", "dir", set_dir, false},
    {"proxy", "listen", add_listen, true},
    {"proxy", "workers", set_workers, false},
    {"proxy", "watchdog", set_watchdog, false},
    {"proxy", "user", set_user, false},
    {"proxy", "resolvers", add_resolver, true},
    {"proxy", "allow-private", add_private, true},
    {"pac", "listen", add_pac_listen, true},
    {"admin", "listen", set_admin_listen, false},
    {"admin", "tls", set_admin_tls, false},
    {"admin", "name", add_admin_name, true},
    {"admin", "certificate", set_certificate, false},
    {"admin", "key", set_key, false},
};
#define N_KEYS (sizeof keys / sizeof *keys)

static bool is_section(struct str name)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (str_eq(name, str_of(keys[i].section)))
            return true;
    return false;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
    struct parser *p = user;
    p->is_pending = false;
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(section, keys[i].section) != 0 || strcmp(name, keys[i].name) != 0)
            continue;
        if (!keys[i].is_repeatable && p->seen[i]) {
            fault_at(p, p->line, "%s was given on line %d already", name, p->seen[i]);
            return 1;
        }
        p->seen[i] = p->line;
        if (*value) /* empty means the default everywhere */
            keys[i].set(p, str_of(value));
        return 1;
    }
    if (!*section)
        fault_at(p, p->line, "\"%s\" stands before the first [section]", name);
    else if (is_section(str_of(section)))
        fault_at(p, p->line, "unknown key \"%s\" in [%s]", name, section);
    return 1;
}

static void check_section(struct parser *p, struct str line)
{
    size_t end = str_find(line, ']');
    struct str name = str_trim(str_sub(line, 1, end == STR_NPOS ? line.n : end));
    if (end == STR_NPOS)
        fault_at(p, p->line, "no ] after [%.*s", STR_ARG(name));
    else if (!is_section(name))
        fault_at(p, p->line, "unknown section [%.*s]", STR_ARG(name));
}

static void end_line(struct parser *p)
{
    if (p->is_pending)
        fault_at(p, p->line, "neither key = value nor [section]");
    p->is_pending = false;
}

/* inih's source of lines: one line a call, leading spaces off (they would mean "continued"). */
static char *next_line(char *out, int room, void *stream)
{
    struct parser *p = stream;
    struct str line;
    end_line(p);
    if (!str_split(&p->rest, '\n', &line))
        return NULL;
    p->line++;
    while (line.n && (line.p[line.n - 1] == '\r'))
        line.n--;
    line = str_trim(line);
    if (line.n && memchr(line.p, 0, line.n)) {
        fault_at(p, p->line, "a zero byte");
        line.n = 0;
    } else if (line.n + 2 > (size_t)room) {
        fault_at(p, p->line, "longer than %d bytes", room - 2);
        line.n = 0;
    }
    if (line.n && line.p[0] == '[')
        check_section(p, line);
    else
        p->is_pending = line.n && line.p[0] != ';' && line.p[0] != '#';
    memcpy(out, line.p ? line.p : "", line.n);
    out[line.n] = '\n';
    out[line.n + 1] = 0;
    return out;
}

static void set_defaults(struct bootstrap *b)
{
    b->state_dir = STR("/var/lib/proxyd");
    b->user = STR("proxyd");
    b->admin_tls = true;
    b->watchdog_s = BOOTSTRAP_WATCHDOG_S;
    b->admin_listen.text = STR("127.0.0.1:8443");
    if (ip_port_parse(b->admin_listen.text, &b->admin_listen.at) != OK)
        b->admin_listen.at.port = 0;
}

/* What can only be judged when all lines are read. */
static void check_whole(struct parser *p)
{
    struct bootstrap *b = p->b;
    if (!b->n_listen) {
        struct bootstrap_listener *l = &b->listen[0];
        l->text = STR("127.0.0.1:3128");
        if (ip_port_parse(l->text, &l->at) == OK)
            b->n_listen = 1;
    }
    if (!b->admin_tls && ip_classify(&b->admin_listen.at.ip) != IP_LOOPBACK)
        fault_at(p, b->admin_listen.line, "tls = off is possible on a loopback address only");
    if (!b->admin_certificate.n != !b->admin_key.n)
        fault_at(p, 0, "[admin] certificate and key come together");
    for (size_t i = 0; i < b->n_listen; i++)
        if (ip_eq(&b->listen[i].at.ip, &b->admin_listen.at.ip) &&
            b->listen[i].at.port == b->admin_listen.at.port)
            fault_at(p, b->admin_listen.line ? b->admin_listen.line : b->listen[i].line,
                     "proxy and admin cannot both listen on %.*s", STR_ARG(b->listen[i].text));
}

enum err bootstrap_parse(struct str text, struct bootstrap_report *report, struct bootstrap *out)
{
    *report = (struct bootstrap_report){0};
    struct bootstrap *b = calloc(1, sizeof *b);
    if (!b)
        return ERR_NOMEM;
    struct parser p = {.rest = text, .b = b, .report = report};
    if (str_starts(text, STR("\xef\xbb\xbf")))
        p.rest = str_sub(text, 3, text.n);
    arena_init(&b->arena, 4096, ARENA_BYTES);
    set_defaults(b);
    (void)ini_parse_stream(next_line, &p, on_value, &p); /* its faults are found by end_line */
    end_line(&p);
    check_whole(&p);
    enum err e = p.nomem ? ERR_NOMEM : report->n_faults ? ERR_INVALID : OK;
    if (e == OK)
        *out = *b;
    else
        arena_fini(&b->arena);
    free(b);
    return e;
}

static enum err read_file(const char *path, char **bytes, size_t *n)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_IO;
    char *p = malloc(FILE_MAX_BYTES + 1);
    size_t got = p ? fread(p, 1, FILE_MAX_BYTES + 1, f) : 0;
    enum err e = !p ? ERR_NOMEM : ferror(f) ? ERR_IO : got > FILE_MAX_BYTES ? ERR_LIMIT : OK;
    fclose(f);
    if (e != OK) {
        free(p);
        return e;
    }
    *bytes = p;
    *n = got;
    return OK;
}

enum err bootstrap_load(const char *path, struct bootstrap_report *report, struct bootstrap *out)
{
    *report = (struct bootstrap_report){0};
    char *bytes;
    size_t n;
    enum err e = read_file(path, &bytes, &n);
    if (e == ERR_NOMEM)
        return e;
    if (e != OK) {
        struct parser p = {.report = report};
        fault_at(&p, 0, "%s: %s", path, e == ERR_LIMIT ? "larger than 256 KiB" : strerror(errno));
        return p.nomem ? ERR_NOMEM : ERR_INVALID;
    }
    e = bootstrap_parse(str_make(bytes, n), report, out);
    free(bytes);
    return e;
}

void bootstrap_fini(struct bootstrap *b)
{
    arena_fini(&b->arena);
    *b = (struct bootstrap){0};
}
