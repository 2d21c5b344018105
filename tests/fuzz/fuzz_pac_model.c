/* fuzz_pac_model: any bytes as the PAC settings document. What is accepted must be emitted, decided
 * and written as snippets without a fault of ours, in pure ASCII. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pac/deploy.h"
#include "pac/pac_decide.h"
#include "pac/pac_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(const struct pac_model *m, size_t profile, struct str noise)
{
    struct pac_input in = {m, profile, 1, {STR("192.0.2.1"), 3128}};
    struct pac_query q = {noise, str_sub(noise, noise.n / 2, noise.n), NULL};
    struct pac_answer a;
    struct buf b;
    buf_init(&b, 4 << 20);
    if (pac_emit(&in, &b) == OK) {
        for (size_t i = 0; i < b.n; i++) {
            if (b.p[i] != '\n' && (b.p[i] < 0x20 || b.p[i] > 0x7e))
                abort();
        }
    }
    buf_clear(&b);
    if (pac_decide(&in, &q, &b, &a) == OK && a.route >= m->profiles[profile].n_routes)
        abort();
    struct deploy_input d = {&in, m->url, str_sub(noise, 0, noise.n / 3), STR("")};
    for (size_t i = 0; deploy_at(i); i++) {
        buf_clear(&b);
        if (deploy_write(deploy_at(i), &d, &b) != OK && m->url.n == 0)
            break;
    }
    buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct report r;
    struct pac_model *m = NULL;
    if (n > 65536)
        return 0;
    struct str document = str_make(data, n);
    if (pac_parse(document, &r, &m) == OK) {
        for (size_t i = 0; i < m->n_profiles; i++)
            use(m, i, document);
        pac_model_unref(m);
    }
    report_fini(&r);
    return 0;
}
