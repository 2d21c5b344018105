/* id_memo: one pair, one person, one second. */
#include "proxyd/identity/id_memo.h"

struct identity_person *id_memo_recall(const struct identity_memo *m, const struct id_key *k,
                                       uint64_t generation, int64_t now_ms)
{
    if (!m || !m->person || m->digest[0] != k->digest[0] || m->digest[1] != k->digest[1] ||
        m->generation != generation || now_ms >= m->until_ms)
        return NULL;
    return identity_person_ref(m->person);
}

void id_memo_keep(struct identity_memo *m, const struct id_key *k, uint64_t generation,
                  int64_t now_ms, struct identity_person *person)
{
    if (!m)
        return;
    identity_memo_drop(m);
    m->digest[0] = k->digest[0];
    m->digest[1] = k->digest[1];
    m->generation = generation;
    m->until_ms = now_ms + ID_MEMO_MS;
    m->person = identity_person_ref(person);
}

void identity_memo_drop(struct identity_memo *m)
{
    identity_person_unref(m->person);
    *m = (struct identity_memo){0};
}
