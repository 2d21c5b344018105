/* fuzz_policy: any bytes as a policy document, compiled, and when that works, asked. */
#include <stdint.h>

#include "policies/compile.h"
#include "policies/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct report report;
    struct snapshot *s = NULL;
    struct compile_input in = {.document = str_make(data, n), .version = 1, .index = NULL};
    if (policy_compile(&in, &report, &s) == OK) {
        struct facts f = {.known = FACTS_BIT(FACTS_N_STAGES) - 1,
                          .method = STR("GET"),
                          .host = STR("www.example.com"),
                          .port = 80,
                          .user = STR("bob"),
                          .url = STR("http://www.example.com/a/b.exe?c=d"),
                          .user_agent = STR("curl/7.88"),
                          .content_type = STR("text/html"),
                          .now_ms = INT64_C(1795427000000)};
        struct verdict v;
        policy_decide(s, &f, &v);
        f.known = FACTS_BIT(FACTS_CONNECT) | FACTS_BIT(FACTS_TARGET);
        policy_decide(s, &f, &v);
        snapshot_unref(s);
    }
    report_fini(&report);
    return 0;
}
