/* pac_entry: one proxy as it stands in an answer, and its score for sharing load by host. The
 * arithmetic is that of 32-bit unsigned numbers, so that JavaScript gives the same bits.
 * Pure. Threads: safe anywhere. */
#ifndef PAC_PAC_ENTRY_H
#define PAC_PAC_ENTRY_H

#include "base/buf.h"
#include "pac/pac_model.h"

/* What a proxy entry without a host stands for: where the client reached us. */
struct pac_self {
    struct str host; /* normal form of a name or address, no brackets */
    uint16_t port;   /* of the proxy */
};

/* Appends "PROXY p1.example.com:3128". ERR_INVALID when the entry needs self and that is no host.
 */
enum err pac_entry_write(const struct pac_proxy *p, const struct pac_self *self,
                         struct buf *out) MUST_CHECK;

/* FNV-1a over the bytes. */
uint32_t pac_entry_hash(struct str s);

/* The constant that stands for the n-th share of an entry (n below its weight) in the file. */
uint32_t pac_entry_seed(struct str entry, unsigned n);

/* Rendezvous hashing: the entry with the highest score over its seeds comes first. An entry of
 * weight w has w seeds and so wins w times as many hosts; taking one entry away moves only the
 * hosts it had. */
uint32_t pac_entry_score(uint32_t host_hash, uint32_t seed);

#endif
