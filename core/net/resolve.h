// Names to addresses with c-ares on the loop: hosts file, search domains, A and AAAA, TTLs; cached.
//
// Owner: one resolver per loop. Threads: the loop's. Answers live in the cache until their TTL ends
// (at least 1 s, at most RESOLVE_TTL_MAX; failures 1 s); after that the stale answer may serve
// while a new one is fetched, for RESOLVE_STALE s, as Kong's dns_stale_ttl. A server has 2 s to
// answer, and is asked once more with twice the time.

#pragma once

#include "net/addr.h"
#include "net/loop.h"

enum {
    RESOLVE_TTL_MAX = 3600, RESOLVE_STALE = 3600,   // s
    RESOLVE_MAX_ADDRS = 64,     // of one name; more are ignored
    RESOLVE_MAX_NAMES = 10000,  // kept; the one not asked for the longest goes first
};

struct resolver;

// Addresses of one name, IPv4 before IPv6. They belong to the cache: valid until the next turn
// unless copied.
struct resolved {
    const struct addr *addrs;   // port 0
    unsigned count;
};

// Fails with err_dns_failed when c-ares cannot start (an unreadable resolv.conf is not a failure).
err_t resolver_new(struct loop *l, struct resolver **out);
void resolver_free(struct resolver *r);   // pending callbacks are not called

// Asks these servers rather than those of resolv.conf: "127.0.0.1:5353,[::1]:53". Fails with
// err_address.
err_t resolver_set_servers(struct resolver *r, const char *servers);

// Answers at once when the cache can (then true, *out is filled and the callback is not called);
// else false, and done(arg, answer or NULL, error) comes later, never from within this call:
// err_dns_not_found, err_dns_timeout or err_dns_failed. An IP literal answers at once. *pending is
// for resolve_cancel() until done is called.
struct resolve_query;
bool resolve(struct resolver *r, struct str name, struct resolved *out,
             struct resolve_query **pending,
             void (*done)(void *arg, const struct resolved *answer, err_t err), void *arg);
void resolve_cancel(struct resolve_query *q);   // done is not called
