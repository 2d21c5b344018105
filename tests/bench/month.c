/* month: fills a folder of day files with a month of records as proxyd would have written them, for
 * the replay bench: real URLs, invented people, every decision made by the engine itself.
 *   month EVENTS-DIR POLICY.json VERSION N-RECORDS < urls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/url.h"
#include "db/event_rows.h"
#include "policies/compile.h"
#include "policies/decide.h"

#define PEOPLE   2000
#define BATCH    8192
#define DAYS     30
#define DAY_MS   INT64_C(86400000)
#define URLS_MAX 400000

struct target {
    struct str url, host;
    uint16_t port;
    bool is_tunnel;
};

static struct target *targets;
static size_t n_targets;
static struct arena arena;
static uint64_t seed = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void add_target(struct str line)
{
    struct url u;
    struct str normal;
    if (n_targets == URLS_MAX || url_parse(line, &u) != OK)
        return;
    bool is_tunnel = str_starts(line, STR("https://"));
    enum err e = is_tunnel ? url_normal_authority(&u.host, u.port, &arena, &normal)
                           : url_normal(&u, &arena, &normal);
    if (e != OK)
        return;
    targets[n_targets++] =
        (struct target){normal, arena_str(&arena, host_str(&u.host)), u.port, is_tunnel};
}

static void read_targets(void)
{
    char line[8192];
    targets = calloc(URLS_MAX, sizeof *targets);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\r\n")] = 0;
        add_target(str_of(line));
    }
}

static struct str file_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        exit(1);
    static char text[32 << 20];
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    return str_make(text, n);
}

struct person {
    char name[24], groups[64];
    struct str group[2];
};

static struct person people[PEOPLE];

static void make_people(void)
{
    for (int i = 0; i < PEOPLE; i++) {
        struct person *p = &people[i];
        snprintf(p->name, sizeof p->name, "user%04d", i);
        snprintf(p->groups, sizeof p->groups, "group%02d\nstaff", i % 40);
        p->group[0] = str_make(p->groups, strcspn(p->groups, "\n"));
        p->group[1] = STR("staff");
    }
}

/* As the live path: facts are learnt only when the verdict asks for them. */
static void decide(const struct snapshot *s, struct record *r, const struct person *who,
                   bool is_tunnel)
{
    static struct verdict v; /* of the last record of a batch; views point into the snapshot */
    struct facts f = {.known =
                          FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET) | FACTS_BIT(FACTS_URL),
                      .listener = r->listener,
                      .client = r->client,
                      .now_ms = r->time_ms,
                      .method = r->method,
                      .host = r->host,
                      .port = r->port,
                      .url = r->url,
                      .user_agent = r->user_agent,
                      .content_type = STR(""),
                      .size_bytes = UINT64_MAX,
                      .scheme = is_tunnel ? FACTS_TUNNEL : FACTS_HTTP};
    f.host_is_ip = ip_parse(r->host, &f.host_ip) == OK;
    if (f.host_is_ip) {
        f.server = f.host_ip;
        f.known |= FACTS_BIT(FACTS_ADDRESS);
    }
    if (is_tunnel)
        f.known |= FACTS_BIT(FACTS_ANSWER) | FACTS_BIT(FACTS_CONTENT);
    for (int i = 0; i <= FACTS_N_STAGES; i++) {
        policy_decide(s, &f, &v);
        if (v.is_final)
            break;
        if (v.needs == FACTS_IDENTITY) {
            r->user = f.user = str_of(who->name);
            f.groups = who->group;
            f.n_groups = 2;
            r->groups = str_of(who->groups);
        }
        f.known |= FACTS_BIT(v.needs);
    }
    r->policy_version = v.policy_version;
    r->rule = v.rule_id;
    r->rule_name = v.rule_name;
    r->verdict = v.action == VERDICT_ALLOW   ? RECORD_ALLOWED
                 : v.action == VERDICT_BLOCK ? RECORD_BLOCKED
                                             : RECORD_WARNED;
    r->status = v.action == VERDICT_ALLOW ? 200 : 403;
    if (v.action == VERDICT_ALLOW)
        r->upstream = STR("192.0.2.10:80");
}

int main(int argc, char **argv)
{
    struct report report;
    struct snapshot *s = NULL;
    struct event_writer *w = NULL;
    static struct record batch[BATCH];
    const struct str agents[] = {STR("Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"),
                                 STR("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36"),
                                 STR("curl/8.10")};
    if (argc != 5)
        return 1;
    uint64_t n = strtoull(argv[4], NULL, 10);
    struct compile_input in = {.document = file_text(argv[2]),
                               .version = strtoull(argv[3], NULL, 10)};
    arena_init(&arena, 1u << 20, (size_t)1 << 30);
    report_init(&report);
    read_targets();
    make_people();
    if (!n_targets || policy_compile(&in, &report, &s) != OK ||
        event_rows_open(argv[1], &w) != OK) {
        fprintf(stderr, "month: no URLs, a bad policy, or no folder\n");
        return 1;
    }
    int64_t now = (int64_t)time(NULL) * 1000, begin = now - DAYS * DAY_MS;
    uint64_t id = 0;
    while (id < n) {
        size_t k = 0;
        for (; k < BATCH && id < n; k++) {
            const struct target *t = &targets[draw(n_targets)];
            const struct person *who = &people[draw(PEOPLE)];
            struct record *r = &batch[k];
            *r = (struct record){.id = ++id,
                                 .time_ms =
                                     begin + (int64_t)(id * (uint64_t)(DAYS * DAY_MS - 60000) / n),
                                 .duration_ms = (uint32_t)draw(300),
                                 .client_port = 40000,
                                 .port = t->port,
                                 .tls = t->is_tunnel ? RECORD_TLS_TUNNEL : RECORD_TLS_NONE,
                                 .bytes_in = 500,
                                 .bytes_out = 900 + draw(40000),
                                 .node = STR("bench"),
                                 .method = t->is_tunnel ? STR("CONNECT") : STR("GET"),
                                 .url = t->url,
                                 .scheme = t->is_tunnel ? STR("connect") : STR("http"),
                                 .host = t->host,
                                 .user_agent = agents[draw(3)],
                                 .listener = STR("0.0.0.0:3128"),
                                 .answer_bytes = RECORD_NOT_TOLD};
            char address[32];
            snprintf(address, sizeof address, "10.%d.%d.%d", (int)draw(4), (int)draw(8),
                     1 + (int)draw(250));
            if (ip_parse(str_of(address), &r->client) != OK)
                return 1;
            decide(s, r, who, t->is_tunnel);
        }
        struct event_batch b = {batch, k, NULL, 0};
        if (event_rows_write(w, &b) != OK) {
            fprintf(stderr, "month: %s\n", event_rows_why(w));
            return 1;
        }
    }
    event_rows_close(w);
    snapshot_unref(s);
    printf("%llu records over %d days\n", (unsigned long long)n, DAYS);
    return 0;
}
