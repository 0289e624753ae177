// What upstream peers presented last: their chains, with the verdict on each. Whoever plans a
// change of trust judges them by the new policies (`weir tls diff --against-last-seen`).
//
// Bounded: SEEN_PEERS_MAX peers, SEEN_BYTES_MAX of chains; who was seen longest ago makes room.
// Chains are interned, so a thousand peers with one certificate hold it once (the bound counts it
// for each). Requests do not pay for it: a full handshake costs one look-up, and only a chain that
// is new for its peer is copied.
//
// Owner: seen_process() lives as long as the process; specs make their own. Threads: any.

#pragma once

#include "base/list.h"
#include "base/table.h"
#include "net/addr.h"
#include "tls/client.h"

#include <pthread.h>

enum { SEEN_PEERS_MAX = 1024, SEEN_BYTES_MAX = 8 * 1024 * 1024 };
enum { SEEN_CHAIN_MAX = 160 * 1024 };   // as PEM; OpenSSL takes 100 KiB of DER from a peer
enum { SEEN_ID = 40, SEEN_NAME = 256 };

struct seen {
    pthread_mutex_t mutex;
    struct table peers;
    struct list by_number;          // in the order in which they were first seen
    struct list by_time;            // seen longest ago first
    uint64_t last_number;
    size_t bytes;                   // of all peers' chains
    unsigned peers_max;
    size_t bytes_max;
};

// Who presents something: a peer as a service knows it under one policy. Texts that are not known
// are empty; the route is the one that asked last, and a service has the name that it had then.
struct seen_peer {
    struct str service_id, service_name, route_id, route_name;
    const struct addr *addr;
    const struct peer_name *name, *sni;
    const char *policy;             // its id
};

struct seen_record {
    uint64_t number;                // of the peer: larger for those first seen later
    char service_id[SEEN_ID], service_name[SEEN_NAME];      // cut to size
    char route_id[SEEN_ID], route_name[SEEN_NAME];
    struct addr addr;
    struct peer_name name, sni;
    int64_t at;                     // unix seconds, of the last full handshake
    struct verdict verdict;
    size_t chain_size;              // of the PEM text
};

void seen_init(struct seen *s, unsigned peers_max, size_t bytes_max);
void seen_done(struct seen *s);
struct seen *seen_process(void);

// Whether the peer presented this very chain before, to the same verdict: then the time is noted
// and there is nothing to do.
bool seen_again(struct seen *s, const struct seen_peer *peer, const struct tls_presented *presented,
                enum verdict_code code);

// Keeps what the peer presented in place of what it did before. A chain that OpenSSL cannot write,
// or over SEEN_CHAIN_MAX, is not kept.
void seen_put(struct seen *s, const struct seen_peer *peer, const struct tls_presented *presented,
              const struct verdict *verdict);

// The peer with the smallest number above `number`; false: there is none. Its chain is written as
// PEM with a NUL, the leaf first; SEEN_CHAIN_MAX + 1 bytes are always enough.
bool seen_next(struct seen *s, uint64_t number, struct seen_record *out,
               char chain[SEEN_CHAIN_MAX + 1]);
