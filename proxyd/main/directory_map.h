/* directory_map: the stored settings document of the directory as the identity room wants it, which
 * may not see db. Borrows: texts and addresses of `out` live as long as `in`. Threads: safe
 * anywhere. */
#ifndef PROXYD_MAIN_DIRECTORY_MAP_H
#define PROXYD_MAIN_DIRECTORY_MAP_H

#include "db/settings_directory.h"
#include "proxyd/identity/ldap_settings.h"

void directory_map(const struct settings_directory *in, struct ldap_settings *out);

#endif
