/* fuzz_host: names and addresses; the normal form is a fixed point of clean bytes. */
#include "base/host.h"
#include "base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_texts(struct str s)
{
    struct cidr c;
    struct ip_port a;
    char room[200];
    struct buf b = {.p = room, .cap = sizeof room, .ceiling_bytes = sizeof room};
    if (cidr_parse(s, &c) == OK) {
        struct cidr again;
        cidr_format(&c, &b);
        must(!b.failed && cidr_parse(buf_str(&b), &again) == OK);
        must(ip_eq(&c.ip, &again.ip) && c.bits == again.bits && cidr_has(&c, &c.ip));
    }
    b.n = 0;
    if (ip_port_parse(s, &a) == OK) {
        struct ip_port again;
        ip_port_format(&a, &b);
        must(!b.failed && ip_port_parse(buf_str(&b), &again) == OK);
        must(ip_eq(&a.ip, &again.ip) && a.port == again.port);
        must(ip_classify(&a.ip) <= IP_RESERVED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str s = str_make(data, n);
    struct host h, again;
    check_texts(s);
    if (host_normalise(s, &h) != OK)
        return 0;
    must(h.n > 0 && h.text[h.n] == '\0');
    for (size_t i = 0; i < h.n; i++) {
        char c = h.text[i];
        bool is_clean = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                        c == '_' || (c == ':' && h.is_ip);
        must(is_clean);
    }
    must(host_normalise(host_str(&h), &again) == OK);
    must(str_eq(host_str(&h), host_str(&again)) && h.is_ip == again.is_ip);
    return 0;
}
