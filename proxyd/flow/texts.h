/* texts: the sentences of our pages in the languages there are. Pure data. */
#ifndef PROXYD_FLOW_TEXTS_H
#define PROXYD_FLOW_TEXTS_H

#include "base/str.h"

enum texts_language { TEXTS_EN, TEXTS_DE, TEXTS_FR, TEXTS_ES, TEXTS_N_LANGUAGES };
extern const char *const texts_language_tags[TEXTS_N_LANGUAGES];

enum texts_subject {
    TEXTS_BLOCKED,
    TEXTS_WARNED,
    TEXTS_OVERRIDE,
    TEXTS_LOGIN,
    TEXTS_BAD_REQUEST,
    TEXTS_NOT_HERE,
    TEXTS_FORBIDDEN_ADDRESS,
    TEXTS_NO_NAME,
    TEXTS_UNREACHABLE,
    TEXTS_LATE,
    TEXTS_BAD_ANSWER,
    TEXTS_BUSY,
    TEXTS_NO_POLICY,
    TEXTS_NO_DIRECTORY,
    TEXTS_LOOP,
    TEXTS_LINK,
    TEXTS_N_SUBJECTS,
};

enum texts_label {
    TEXTS_ADDRESS,
    TEXTS_RULE,
    TEXTS_REASON,
    TEXTS_CATEGORIES,
    TEXTS_USER,
    TEXTS_ERROR,
    TEXTS_CONTACT,
    TEXTS_RECORD,
    TEXTS_NODE,
    TEXTS_CONTINUE,
    TEXTS_WHY,
    TEXTS_N_LABELS,
};

struct text {
    const char *title, *sentence; /* plain UTF-8 without < > & */
};

const struct text *texts_of(enum texts_language l, enum texts_subject s);
const char *texts_label(enum texts_language l, enum texts_label label);

#endif
