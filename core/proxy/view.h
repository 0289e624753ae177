// A worker's realisation of a snapshot: balancers, realms and certificates on the snapshot's
// indices.
//
// Owner: the worker; requests pin the view they began with, so that a reload never changes one
// under way.
// Threads: the worker's.

#pragma once

#include "conf/snapshot.h"
#include "proxy/balance.h"
#include "tls/server.h"

struct proxy;
struct realm;

struct view {
    struct snapshot *snapshot;
    unsigned pins;                  // requests, plus one while it is the newest
    struct balancer *balancers;     // on snapshot->upstreams
    struct tls_server *tls; // for listeners that terminate TLS; NULL when there is no certificate
    void *plugins;  // what runs those of its requests: the state for proxy->hooks
    void (*gone)(struct view *v);   // called before it is freed (the VM drops its chains)
};

// Makes the view of a snapshot (whose reference it takes) and puts it in force: new requests use
// it, realms that it does not name are retired. Fails with err_tls_setup and `why`, and then
// nothing changed. A snapshot may be adopted again, for other `plugins`.
err_t view_adopt(struct proxy *p, struct snapshot *s, void *plugins, void (*gone)(struct view *),
                 char why[TRUST_WHY]);

static inline struct view *view_pin(struct view *v)
{
    v->pins++;
    return v;
}
void view_unpin(struct view *v);
