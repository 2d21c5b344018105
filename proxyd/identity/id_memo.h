/* id_memo: a connection's short memory of one pair and its person (struct identity_memo in
 * identity.h, where the dropping is declared). Called by identity alone. Threads: the connection's
 * worker. */
#ifndef PROXYD_IDENTITY_ID_MEMO_H
#define PROXYD_IDENTITY_ID_MEMO_H

#include "proxyd/identity/id_cache.h"

#define ID_MEMO_MS 1000

/* A reference to the person, when the memo (may be NULL) is of this pair and generation; else NULL.
 */
struct identity_person *id_memo_recall(const struct identity_memo *m, const struct id_key *k,
                                       uint64_t generation, int64_t now_ms);
/* generation: read before the answer was sought. */
void id_memo_keep(struct identity_memo *m, const struct id_key *k, uint64_t generation,
                  int64_t now_ms, struct identity_person *person);

#endif
