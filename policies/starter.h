/* starter: the policies a new installation can begin with. They are the JSON files of
 * policies/starter/, to be read and changed there; the build puts their bytes into the program.
 * Pure. Threads: safe anywhere. */
#ifndef POLICIES_STARTER_H
#define POLICIES_STARTER_H

#include "base/str.h"

struct starter {
    const char *name;        /* of the file, without .json */
    const char *title;       /* for people */
    const char *description; /* one or two sentences */
    struct str document;     /* static storage */
};

/* The first is what runs until somebody chooses. false behind the last one. */
bool starter_at(size_t i, struct starter *out);
bool starter_named(struct str name, struct starter *out); /* false: no such */

#endif
