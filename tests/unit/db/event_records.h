/* event_records: access records for the tests of db/, made from their number. */
#ifndef TESTS_DB_EVENT_RECORDS_H
#define TESTS_DB_EVENT_RECORDS_H

#include <stdio.h>
#include <string.h>

#include "base/record.h"

struct made { /* the texts of one record */
    char user[32], host[64], url[128], agent[64];
};

static inline struct record make_record(uint64_t id, int64_t time_ms, struct made *m)
{
    struct record r = {.id = id,
                       .time_ms = time_ms,
                       .duration_ms = (uint32_t)(id % 50),
                       .port = 80,
                       .status = id % 10 == 0 ? 403 : 200,
                       .verdict = id % 10 == 0 ? RECORD_BLOCKED : RECORD_ALLOWED,
                       .bytes_in = 300,
                       .bytes_out = 1000 + id % 7,
                       .upstream_ms = 3,
                       .policy_version = 1 + id / 1000000,
                       .node = STR("n1"),
                       .groups = id % 2 ? STR("staff\nsales") : STR("staff"),
                       .method = STR("GET"),
                       .scheme = STR("http"),
                       .content_type = STR("text/html"),
                       .rule = id % 10 == 0 ? STR("r1") : STR(""),
                       .rule_name = id % 10 == 0 ? STR("No gambling") : STR(""),
                       .categories = id % 10 == 0 ? STR("gambling\nads") : STR(""),
                       .upstream = STR("192.0.2.1:80")};
    memcpy(r.client.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0", 15);
    r.client.b[15] = (uint8_t)(id % 200);
    snprintf(m->user, sizeof m->user, "user%llu", (unsigned long long)(id % 97));
    snprintf(m->host, sizeof m->host, "host%llu.example.com", (unsigned long long)(id % 1009));
    snprintf(m->url, sizeof m->url, "http://%s/path/%llu?q=1", m->host, (unsigned long long)id);
    snprintf(m->agent, sizeof m->agent, "Mozilla/5.0 (test %llu)", (unsigned long long)(id % 5));
    r.user = str_of(m->user);
    r.host = str_of(m->host);
    r.url = str_of(m->url);
    r.user_agent = str_of(m->agent);
    return r;
}

#endif
