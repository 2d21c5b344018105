/* fuzz_client_hello: a prefix may only answer "more", or what the whole answers. */
#include "base/must.h"
#include "proxyd/wire/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    struct client_hello h = {0}, part;
    struct str s = str_make(data + 1, n - 1);
    size_t cut = (size_t)data[0] * s.n / 255;
    enum err e = client_hello_parse(s, &h);
    enum err f = client_hello_parse(str_sub(s, 0, cut), &part);
    must(f == ERR_AGAIN || f == e);
    if (e != OK)
        return 0;
    must(!h.has_sni || (h.sni.n > 0 && !h.sni.is_ip));
    must(h.n_alpn <= CLIENT_HELLO_ALPN);
    return 0;
}
