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
    TEXTS_PASSWORD,
    TEXTS_SPENT,
    TEXTS_REFUSALS, /* /why */
    TEXTS_NO_REFUSALS,
    TEXTS_GRANTED,
    TEXTS_BALANCE, /* /quota */
    TEXTS_NO_BALANCE,
    TEXTS_TOO_LARGE,
    TEXTS_TOO_MANY,       /* from this computer */
    TEXTS_TOO_MANY_YOURS, /* under this name */
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
    TEXTS_SECRET, /* of an override */
    TEXTS_TIME_USED,
    TEXTS_BYTES_USED,
    TEXTS_RENEWED,
    TEXTS_LAST_TIME,
    TEXTS_TIMES,
    TEXTS_MORE, /* where the page about it is */
    TEXTS_RETRY,
    TEXTS_N_LABELS,
};

/* What was wrong with a form. */
enum texts_hint { TEXTS_NO_HINT, TEXTS_TOO_SHORT, TEXTS_WRONG, TEXTS_WAIT, TEXTS_N_HINTS };

struct text {
    const char *title, *sentence; /* plain UTF-8 without < > & */
};

const struct text *texts_of(enum texts_language l, enum texts_subject s);
const char *texts_label(enum texts_language l, enum texts_label label);
const char *texts_hint(enum texts_language l, enum texts_hint hint);

#endif
