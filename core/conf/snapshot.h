// One configuration, compiled: immutable, shared by all threads, counted.
//
// Owner: reference counted (control thread, each worker's view). Threads: built by the control
// thread alone (snapshot_new .. snapshot_seal), then constant.

#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "conf/plan.h"
#include "conf/router.h"
#include "conf/settings.h"
#include "tls/credential.h"
#include "tls/policy.h"

struct target {
    struct str host;        // name or IP literal
    uint16_t port;
    uint32_t weight;        // 0: kept, not selected
    bool ip;                // `addr` is set
    struct addr addr;
};

// A Kong upstream, or the implicit one of a service whose host is no upstream (one target).
struct upstream_conf {
    struct str name;
    struct str host_header;     // "" when unset
    struct target *targets;
    uint32_t target_count, target_cap;
    bool implicit;
};

struct certificate_conf {
    struct str sni;             // "*": the default
    struct credential *credential;
};

struct snapshot {
    unsigned refs;              // atomic
    int64_t serial;             // 1, 2, … in the order of publishing
    struct arena arena;
    struct settings settings;
    struct plan **plans;
    uint32_t plan_count, plan_cap;
    struct upstream_conf *upstreams;
    uint32_t upstream_count, upstream_cap;
    struct route_desc *routes;
    uint32_t route_count, route_cap;
    struct certificate_conf *certificates;
    uint32_t certificate_count, certificate_cap;
    struct router *router;
    struct str blob;            // for lua/weir/worker.lua
    char *entities;             // for lua/weir/db/packed.lua
    size_t entities_size, entities_cap;
    struct str hash;            // configuration_hash
};

struct snapshot *snapshot_new(void);

// Builders: copy what they are given into the arena; the indices returned are dense from 0.
uint32_t snapshot_add_upstream(struct snapshot *s, struct str name, struct str host_header,
                               bool implicit);
void snapshot_add_target(struct snapshot *s, uint32_t upstream, struct str host, uint16_t port,
                         uint32_t weight);
uint32_t snapshot_add_plan(struct snapshot *s,
                           const struct plan *plan); // takes references to its policies
void snapshot_add_route(struct snapshot *s, const struct route_desc *route);
void snapshot_add_certificate(struct snapshot *s, struct str sni, struct credential *credential);
void snapshot_add_entities(struct snapshot *s, struct str piece); // behind those before it

// Compiles the router, puts the plans' policies of targets on the indices of these, and checks the
// invariants (a TLS plan has a policy or an error). Fails with err_internal and `why`; then only
// snapshot_unref() may follow.
err_t snapshot_seal(struct snapshot *s, char why[256]);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s);

// The index of an upstream by name, -1 when there is none (implicit ones are not found).
int32_t snapshot_find_upstream(const struct snapshot *s, struct str name);
