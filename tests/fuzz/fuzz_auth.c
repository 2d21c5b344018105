/* fuzz_auth: authentication heads and Basic credentials. */
#include "base/must.h"
#include "proxyd/wire/auth_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct auth_head a;
    struct auth_basic b;
    struct str s = str_make(data, n);
    if (auth_basic_decode(s, &b) == OK) {
        must(b.user.n > 0 && b.user.n + 1 + b.password.n <= AUTH_BASIC_MAX);
        must(str_find(b.user, ':') == STR_NPOS && str_find(b.user, '\0') == STR_NPOS);
        auth_basic_wipe(&b);
    }
    if (auth_head_parse(s, &a) != OK)
        return 0;
    must(a.scheme_text.n > 0 && a.token.p + a.token.n <= s.p + s.n);
    if (a.scheme == AUTH_BASIC && auth_basic_decode(a.token, &b) == OK)
        must(b.user.n > 0);
    return 0;
}
