/* squid_words: what a directive of squid.conf that is no policy is about, and where that lives in
 * proxyd. Pure. */
#ifndef CONVERT_SQUID_WORDS_H
#define CONVERT_SQUID_WORDS_H

#include "convert/outcome.h"

/* The sentence for the report, and its kind. Always answers. */
const char *squid_words_about(struct str directive, enum outcome_kind *kind);

#endif
