/* effects: names. */
#include "policies/effects.h"

const struct effects effects_none = {.min_length = EFFECTS_MIN_LENGTH};

const char *effects_override_name(enum effects_override o)
{
    static const char *const names[] = {"justification", "password"};
    return names[o];
}

const char *effects_per_name(enum effects_per p)
{
    static const char *const names[] = {"user", "category"};
    return names[p];
}

const char *effects_safe_name(enum effects_safe s)
{
    static const char *const names[] = {"off", "strict", "moderate"};
    return names[s];
}
