/* id_cache: which pairs of name and password were found right or wrong lately. No password is kept:
 * a pair is a 128-bit keyed digest (SipHash-2-4, a fresh key a process), so what is in memory can
 * neither be turned back nor aimed at. Fixed size, oldest and least useful entries give way.
 * Owner: heap. Threads: anywhere; one short lock of 16. No allocation after id_cache_new. */
#ifndef PROXYD_IDENTITY_ID_CACHE_H
#define PROXYD_IDENTITY_ID_CACHE_H

#include "proxyd/identity/identity.h"

#define ID_CACHE_ENTRIES 32768

struct id_cache;

struct id_key {
    uint64_t digest[2]; /* of name and password */
    uint32_t name;      /* of the name as typed, case aside */
};

enum id_cache_hit {
    ID_CACHE_MISS,
    ID_CACHE_GOOD,
    ID_CACHE_AGING, /* good, and it is time to ask again: told to one finder only */
    ID_CACHE_BAD,
    ID_CACHE_STALE
};

struct id_cache *id_cache_new(void); /* NULL: out of memory, or no random bytes */
void id_cache_free(struct id_cache *c);

/* user and password within the limits of identity.h. */
void id_cache_key(const struct id_cache *c, struct str user, struct str password,
                  struct id_key *out);

/* GOOD, AGING and STALE give a reference in *person; STALE: its time is over, to be used in an
 * outage. */
enum id_cache_hit id_cache_find(struct id_cache *c, const struct id_key *k, int64_t now_ms,
                                struct identity_person **person);

struct id_cache_until {
    int64_t good_ms, stale_ms; /* stale_ms not before good_ms */
    int64_t fresh_ms;          /* AGING from here on; 0: never */
};
/* A reference to person is taken. */
void id_cache_put_good(struct id_cache *c, const struct id_key *k, struct identity_person *person,
                       struct id_cache_until until);
void id_cache_put_bad(struct id_cache *c, const struct id_key *k, int64_t until_ms);

void id_cache_forget(struct id_cache *c, struct str user); /* empty: everybody */
void id_cache_count(struct id_cache *c, int64_t now_ms, size_t *n_good, size_t *n_bad);

/* SipHash-2-4 with 128 bits of output; here to be tested. */
void id_cache_siphash(const uint64_t key[2], struct str bytes, uint64_t out[2]);

#endif
