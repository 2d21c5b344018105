/* settings_map: the stored settings document of the proxy as the flow wants it. The flow may not
 * see db, so this room translates. Borrows: texts of `in` live as long as `in`. Threads: safe
 * anywhere. */
#ifndef PROXYD_MAIN_SETTINGS_MAP_H
#define PROXYD_MAIN_SETTINGS_MAP_H

#include "db/settings_proxy.h"
#include "proxyd/flow/settings.h"

void settings_map(const struct settings_proxy *in, struct flow_settings *out);

#endif
