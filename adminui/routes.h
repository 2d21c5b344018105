/* routes: every call there is: method, path, permission, body, handler, sentence. The one place
 * where a new call is added; openapi.json says the same for people. */
#ifndef ADMINUI_ROUTES_H
#define ADMINUI_ROUTES_H

#include "adminui/router.h"

extern const struct route routes_table[]; /* ends with a NULL method */

#endif
