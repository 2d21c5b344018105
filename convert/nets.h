/* nets: networks as old configurations write them. Pure. Threads: values. */
#ifndef CONVERT_NETS_H
#define CONVERT_NETS_H

#include <jansson.h>

#include "base/str.h"

/* "10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.5", "10.0.0.1-10.0.0.9[/24]", IPv6 the same; host
 * bits are cleared. Appends the networks as our document writes them. ERR_INVALID: not an address.
 */
enum err nets_add(struct str text, json_t *out) MUST_CHECK;

#endif
