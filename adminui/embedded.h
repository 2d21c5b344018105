/* embedded: openapi.json and catalogue.json, put into the program by the build. */
#ifndef ADMINUI_EMBEDDED_H
#define ADMINUI_EMBEDDED_H

#include "base/str.h"

struct str embedded_openapi(void); /* static storage */
/* Well-known public lists, {"items": [...]}; static storage. */
struct str embedded_catalogue(void);

#endif
