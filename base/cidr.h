/* cidr: IP addresses and networks, as values. IPv4 lives in its mapped form (::ffff:a.b.c.d), so
 * one comparison serves both families and a mapped address is never a different thing from its IPv4
 * self. Threads: values only. See: RFC 4291, RFC 4632, RFC 5952 (text), RFC 6890 (special ranges).
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include "base/buf.h"
#include "base/str.h"

struct ip {
    uint8_t b[16];
};

struct cidr {
    struct ip ip; /* host bits zero */
    uint8_t bits; /* 0..128, counted in the mapped form: 10.0.0.0/8 has 104 */
};

struct ip_port {
    struct ip ip;
    uint16_t port;
};

enum ip_class { /* what kind of address; the first that fits */
                IP_PUBLIC,
                IP_UNSPECIFIED, /* 0.0.0.0/8, :: */
                IP_LOOPBACK,    /* 127/8, ::1 */
                IP_LINK_LOCAL,  /* 169.254/16 (cloud metadata lives here), fe80::/10 */
                IP_METADATA,    /* well-known metadata addresses outside link-local: fd00:ec2::254,
                                   100.100.100.200, 168.63.129.16, 192.0.0.192 */
                IP_PRIVATE,     /* 10/8, 172.16/12, 192.168/16, 100.64/10, fc00::/7, fec0::/10 */
                IP_MULTICAST,   /* 224/4, ff00::/8 */
                IP_RESERVED,    /* 240/4, broadcast, documentation, benchmarking, NAT64/6to4/Teredo
                                   wrapping a non-public IPv4 */
};

bool ip_is_v4(const struct ip *ip);
bool ip_eq(const struct ip *a, const struct ip *b);
enum ip_class ip_classify(const struct ip *ip);
/* The IPv4 address that a NAT64 (64:ff9b::/96, RFC 6052) or 6to4 address stands for. */
bool ip_inner_v4(const struct ip *ip, struct ip *out);

/* Strict text: dotted quad without leading zeros, or RFC 4291 IPv6 without brackets or zone. */
enum err ip_parse(struct str s, struct ip *out) MUST_CHECK;
/* "192.0.2.1" or RFC 5952 lower-case IPv6, no brackets. */
void ip_format(const struct ip *ip, struct buf *out);

/* "10.0.0.0/8", "2001:db8::/32", or a bare address (its full length). Host bits set: ERR_INVALID.
 */
enum err cidr_parse(struct str s, struct cidr *out) MUST_CHECK;
void cidr_format(const struct cidr *c, struct buf *out);
bool cidr_has(const struct cidr *c, const struct ip *ip);
/* The network of `bits` (0..128) that the address is in. */
struct cidr cidr_of(const struct ip *ip, uint8_t bits);

/* "1.2.3.4:80", "[::1]:80"; the port is required and not 0. */
enum err ip_port_parse(struct str s, struct ip_port *out) MUST_CHECK;
void ip_port_format(const struct ip_port *a, struct buf *out); /* IPv6 in brackets */

struct sockaddr;
struct sockaddr_storage;
/* Returns the length of the address written. IPv4 becomes AF_INET. */
unsigned ip_port_to_sockaddr(const struct ip_port *a, struct sockaddr_storage *out);
enum err ip_port_from_sockaddr(const struct sockaddr *sa, struct ip_port *out) MUST_CHECK;

#endif
