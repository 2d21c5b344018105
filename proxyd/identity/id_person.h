/* id_person: making an identity_person, one block of memory with its texts. Its reference counting
 * is declared in identity.h. */
#ifndef PROXYD_IDENTITY_ID_PERSON_H
#define PROXYD_IDENTITY_ID_PERSON_H

#include "proxyd/identity/identity.h"

/* Copies the texts of `like`. One reference for the caller; NULL: out of memory. */
struct identity_person *id_person_new(const struct identity_person *like);

#endif
