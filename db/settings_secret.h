/* settings_secret: which members of a stored JSON document are secrets, how they are left out of
 * what is shown or taken away, and how null in their place keeps the one that is stored. Pure.
 * Called by adminui (settings) and db/backup. Threads: safe anywhere. */
#ifndef DB_SETTINGS_SECRET_H
#define DB_SETTINGS_SECRET_H

#include <jansson.h>
#include <stdbool.h>

bool settings_secret_is(const char *member);
/* Every secret in the tree becomes null. Returns how many there were. */
unsigned settings_secret_hide(json_t *j);
/* null in a secret's place takes the value of the same place in old. Elements of an array are the
 * same when their "name" is, else by their place. Returns how many stay null. */
unsigned settings_secret_keep(json_t *j, const json_t *old);

/* What is still null becomes text. */
void settings_secret_fill(json_t *j, const char *text);

#endif
