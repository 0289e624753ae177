// A worker's world under one policy: the TLS context made from it, the verdicts reached with it,
// the peers known by it, and through them every connection and session.
//
// Owner: the worker's table of realms (struct realms); one realm per policy, plus the one of no
// policy for plain HTTP.
// Threads: the worker's.
//
//   policy -> realm -> peer (address, name, SNI) -> idle connections, sessions
//
// A connection can only be taken from a peer, a peer only from a realm, a realm only from a policy.
// There is no function that looks for "a connection that matches".

#pragma once

#include "base/list.h"
#include "base/table.h"
#include "net/loop.h"
#include "proxy/waiters.h"
#include "tls/client.h"

struct snapshot;

struct realm {
    struct policy *policy;          // NULL: plain HTTP
    struct tls_client *tls;         // NULL for plain HTTP
    struct table peers;             // struct peer by (address, name, SNI)
    struct list node;               // in realms->all
    unsigned users;                 // exchanges under way
    bool derived;                   // made for a plugin's choice, not named by the configuration
    bool retired; // finishes what is under way, keeps nothing, can no longer be found
    uint64_t last_used;             // ms
};

struct realms {
    struct loop *loop;
    struct table table;             // struct realm by policy pointer
    struct list all;
    struct realm *plain;
    struct tls_client_stats tls;    // of all realms
    struct waiters waiters;         // for TLS handshakes of all realms
    uint64_t opened, reused;        // upstream connections
    uint64_t idle;                  // idle connections now
    int64_t serial;                 // of the snapshot in force
    uint32_t pool_size, idle_timeout, max_requests;     // its settings
    struct timer sweep;             // frees what nobody has used for a while
};

enum { REALM_SWEEP = 15 * 1000, REALM_UNUSED = 60 * 1000 };     // ms

void realms_init(struct realms *r, struct loop *loop);
void realms_done(struct realms *r);     // closes everything

// The realm of a policy (NULL: plain HTTP), made on first use. A request that began under an older
// configuration says so by its `serial`: when its policy is not in force any more, the realm it
// gets keeps nothing and nobody else finds it. `derived` says that a plugin chose the policy. Fails
// with err_tls_setup and `why`: there is then no way to connect.
err_t realm_enter(struct realms *r, struct policy *policy, int64_t serial, bool derived,
                  struct realm **out, char why[TRUST_WHY]);
// The exchange is over; a retired realm goes when its last user leaves.
void realm_leave(struct realms *r, struct realm *m);

// A new configuration is in force: realms whose policy it does not name are retired at once, with
// their idle connections and sessions; what did not change stays warm. Realms of plugins' choices
// stay, unless unused for REALM_UNUSED ms.
void realms_adopt(struct realms *r, const struct snapshot *s);
