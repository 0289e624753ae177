// What a matched route resolves to: everything the data path needs to know about route, service and
// plugins, decided when the configuration was compiled.
//
// Owner: struct snapshot, in its arena. Threads: constant once published. Workers keep what is
// theirs (realms, balancers, plugin chains) in arrays on the same indices (proxy/view.h).

#pragma once

#include "base/str.h"

struct policy;

// How one target is verified, where that is not what the plan's own policy says.
struct target_policy {
    struct str host;            // in peer_name_parse()'s spelling
    uint16_t port;              // 0: any
    struct policy *policy;      // NULL iff there is an error
    struct str error;           // why it cannot be made; no request goes there, the log gets this
};

enum {
    PLAN_NO_ROUTE = 0,
    PLAN_ADMIN = 1
}; // indices: no route matched (404, global plugins); the Admin API
enum { PLAN_PROTOCOL_HTTP = 1, PLAN_PROTOCOL_HTTPS = 2 };

struct plan {
    // Hot: read for each request.
    uint32_t index;
    int32_t upstream;           // index into snapshot->upstreams, -1: the route has no service
    struct policy *policy;      // set iff tls and no error
    uint32_t connect_timeout, write_timeout, read_timeout;      // ms
    uint16_t retries;           // further attempts after the first
    uint16_t phases;            // 1 << enum phase: where Lua is entered
    uint8_t protocols;          // PLAN_PROTOCOL_*
    bool chooses;               // which plugins run is known in access alone: `phases` are of all
    bool tls, strip_path, preserve_host;
    uint16_t https_redirect_status;
    struct str service_path;    // "" when the service has none
    struct str error;           // why it cannot proxy; requests get 502 and the log this text
    const struct target_policy **of_target;     // on the upstream's targets, NULL where `policy`
                                                // holds; NULL when it holds for all of them

    // What a plugin may send a request to is looked up here, by name.
    const struct target_policy *targets;
    uint32_t target_count;
    struct str judges;          // what plugins judge its upstream (policy_judged_by())

    // Cold: names for logs.
    struct str service_host;
    uint16_t service_port;
    struct str service_name, service_id, route_name, route_id;
};

// What differs for a target of any upstream or none: an entry for its host and port, else one for
// its host; NULL: nothing, the plan's policy holds.
const struct target_policy *plan_target(const struct plan *p, struct str host, uint16_t port);
