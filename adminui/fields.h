/* fields: checks the members of a JSON body against a table, all faults at once: unknown members
 * and wrong types are a bad request, lengths and ranges invalid content. Pure but for the answer.
 * Threads: as the call. */
#ifndef ADMINUI_FIELDS_H
#define ADMINUI_FIELDS_H

#include "adminui/call.h"

enum field_kind {
    FIELD_STR,
    FIELD_BOOL,
    FIELD_INT,
    FIELD_NAMES /* array of strings */,
    FIELD_OBJECT
};

struct field {
    const char *name;
    enum field_kind kind;
    bool is_required, may_be_null;
    int64_t min, max; /* bytes of a string, value of a number, entries of an array; max 0: 4096 */
};

/* False: the problem is answered. */
bool fields_check(struct call *c, const struct field *fields, size_t n);

/* A member that names something: a whole number becomes its digits. Before fields_check. */
void fields_number_as_text(json_t *object, const char *name);

/* Values of checked members; `otherwise` when absent or null. Borrowed from the tree. */
struct str fields_str(const json_t *object, const char *name, struct str otherwise);
bool fields_bool(const json_t *object, const char *name, bool otherwise);
int64_t fields_int(const json_t *object, const char *name, int64_t otherwise);
bool fields_has(const json_t *object, const char *name); /* there and not null */
/* Names of an array joined by '\n' into the arena; ERR_INVALID when one is empty or holds '\n'. */
enum err fields_names(struct call *c, const char *name, struct str *out) MUST_CHECK;
/* The other way: a JSON array from names joined by '\n'. */
json_t *fields_names_json(struct str joined);

#endif
