/* fuzz_proxy_line: a prefix may only answer "more", or what the whole answers; what is written back
 * is read the same. */
#include "base/must.h"
#include "proxyd/wire/proxy_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1)
        return 0;
    struct proxy_line line, part, again;
    struct str s = str_make(data + 1, n - 1);
    size_t cut = (size_t)data[0] * s.n / 255;
    enum err e = proxy_line_parse(s, &line);
    enum err f = proxy_line_parse(str_sub(s, 0, cut), &part);
    must(f == ERR_AGAIN || f == e);
    if (e != OK)
        return 0;
    must(line.n_bytes <= s.n);
    if (line.is_local)
        return 0;
    char text[PROXY_LINE_V1_MAX];
    size_t written = proxy_line_write(&line.src, &line.dst, text);
    must(proxy_line_parse(str_make(text, written), &again) == OK);
    must(again.is_local || (ip_eq(&again.src.ip, &line.src.ip) && again.src.port == line.src.port));
    return 0;
}
