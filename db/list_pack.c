/* list_pack: zstd, one frame. */
#include "db/list_pack.h"

#include <stdlib.h>
#include <zstd.h>

#define LEVEL 3

enum err list_pack(struct str bytes, char **out, size_t *n)
{
    size_t bound = ZSTD_compressBound(bytes.n);
    char *packed = malloc(bound);
    if (!packed)
        return ERR_NOMEM;
    size_t size = ZSTD_compress(packed, bound, bytes.p, bytes.n, LEVEL);
    if (ZSTD_isError(size)) {
        free(packed);
        return ERR_NOMEM;
    }
    *out = packed;
    *n = size;
    return OK;
}

enum err list_unpack(struct str packed, size_t n, char **out)
{
    if (n > LIST_PACK_MAX || ZSTD_getFrameContentSize(packed.p, packed.n) != n)
        return ERR_CORRUPT;
    char *bytes = malloc(n ? n : 1);
    if (!bytes)
        return ERR_NOMEM;
    size_t size = ZSTD_decompress(bytes, n, packed.p, packed.n);
    if (ZSTD_isError(size) || size != n) {
        free(bytes);
        return ERR_CORRUPT;
    }
    *out = bytes;
    return OK;
}
