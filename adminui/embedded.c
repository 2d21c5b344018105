/* embedded: the file is included as bytes by the assembler. */
#include "adminui/embedded.h"

__asm__(".section .rodata\n"
        "embedded_openapi_begin:\n"
        ".incbin \"adminui/openapi.json\"\n"
        "embedded_openapi_end:\n"
        ".byte 0\n"
        "embedded_catalogue_begin:\n"
        ".incbin \"adminui/catalogue.json\"\n"
        "embedded_catalogue_end:\n"
        ".byte 0\n"
        ".previous\n");

extern const char embedded_openapi_begin[], embedded_openapi_end[];

extern const char embedded_catalogue_begin[], embedded_catalogue_end[];

struct str embedded_catalogue(void)
{
    return str_make(embedded_catalogue_begin,
                    (size_t)(embedded_catalogue_end - embedded_catalogue_begin));
}

struct str embedded_openapi(void)
{
    return str_make(embedded_openapi_begin,
                    (size_t)(embedded_openapi_end - embedded_openapi_begin));
}
