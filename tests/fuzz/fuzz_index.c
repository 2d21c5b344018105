/* fuzz_index: any bytes as a category index. The checksum would turn nearly all of them away, so
 * the target writes the right ones before opening: what is tested is the checks behind them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policies/set_domain.h"
#include "policies/set_domain_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct set_domain_ask ask = {
        .host = STR("www.example.com"), .port = 81, .path = STR("/a/b?c")};
    struct set_domain d;
    uint16_t category;
    struct set_domain_hits h;
    if (set_domain_open(str_make(data, n), &d) == OK)
        set_domain_host(&d, STR("www.example.com"), false, &h);
    if (n < sizeof(struct layout_header))
        return 0;
    unsigned char *copy = malloc(n);
    if (!copy)
        return 0;
    memcpy(copy, data, n);
    struct layout_header head;
    memcpy(&head, copy, sizeof head);
    memcpy(head.magic, LAYOUT_MAGIC, sizeof head.magic);
    head.n_bytes = n;
    head.checksum = XXH3_64bits(copy + sizeof head, n - sizeof head);
    head.header_checksum = 0;
    head.header_checksum = XXH3_64bits(&head, sizeof head);
    memcpy(copy, &head, sizeof head);
    if (set_domain_open(str_make(copy, n), &d) == OK) {
        set_domain_host(&d, STR("www.example.com"), false, &h);
        set_domain_add_url(&d, &ask, &h);
        for (uint32_t c = 0; c < set_domain_n_categories(&d); c++)
            (void)set_domain_category(&d, c);
        for (uint32_t i = 0; i < set_domain_n_expressions(&d); i++)
            (void)set_domain_expression(&d, i, &category);
        set_domain_host(&d, STR("192.0.2.1"), true, &h);
    }
    free(copy);
    return 0;
}
