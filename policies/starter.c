/* starter: the files of policies/starter/, included as bytes by the assembler. */
#include "policies/starter.h"

#define EMBED(name)                                                                                \
    __asm__(".section .rodata\n"                                                                   \
            ".global starter_" #name "_begin\n"                                                    \
            ".global starter_" #name "_end\n"                                                      \
            "starter_" #name "_begin:\n"                                                           \
            ".incbin \"policies/starter/" #name ".json\"\n"                                        \
            "starter_" #name "_end:\n"                                                             \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char starter_##name##_begin[], starter_##name##_end[]

EMBED(open);
EMBED(careful);
EMBED(named);
EMBED(locked);

#define N_STARTERS 4

static const struct {
    struct starter s;
    const char *begin, *end;
} table[N_STARTERS] = {
    {{"open",
      "Open",
      "Everything is allowed but the sites you put on a list. A good start to look around.",
      {NULL, 0}},
     starter_open_begin,
     starter_open_end},
    {{"careful",
      "Careful",
      "As open, and tunnels only to the usual ports; a rule for large downloads in working hours "
      "stands ready.",
      {NULL, 0}},
     starter_careful_begin,
     starter_careful_end},
    {{"named",
      "Everybody logs in",
      "As open, and every request of a person carries a name: reports by user from the first day. "
      "Updates and connectivity probes are not asked.",
      {NULL, 0}},
     starter_named_begin,
     starter_named_end},
    {{"locked",
      "Locked",
      "Only what is on the list of allowed sites: kiosks, production machines.",
      {NULL, 0}},
     starter_locked_begin,
     starter_locked_end},
};

bool starter_at(size_t i, struct starter *out)
{
    if (i >= N_STARTERS)
        return false;
    *out = table[i].s;
    out->document = str_make(table[i].begin, (size_t)(table[i].end - table[i].begin));
    return true;
}

bool starter_named(struct str name, struct starter *out)
{
    for (size_t i = 0; starter_at(i, out); i++)
        if (str_eq(name, str_of(out->name)))
            return true;
    return false;
}
