// What one worker's requests share: its loop, the configuration in force, realms, plugins' entry,
// counters.
//
// Owner: the worker. Threads: the worker's; others read the counters (base/counter.h).

#pragma once

#include "base/log.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "proxy/hooks.h"
#include "proxy/realm.h"

struct request;
struct view;

struct proxy_counters {
    uint64_t accepted, active;      // client connections
    uint64_t reading, writing;      // of these: a head comes; its request is under way
    uint64_t requests;
    uint64_t lua_phases;
};

struct proxy {
    struct loop *loop;
    struct resolver *resolver;
    struct view *view;              // the newest; requests pin the one they began with
    struct realms realms;
    const struct request_hooks *hooks;
    struct log_buffer access_log;
    struct proxy_counters counters;
    struct list clients;            // struct client, all that are open
    struct list spare_requests;     // struct request, for the next ones
    unsigned spare_count;
    bool draining;                  // connections close after the current response
};

void proxy_init(struct proxy *p, struct loop *loop, struct resolver *resolver,
                const struct request_hooks *hooks);
void proxy_done(struct proxy *p);

// Closes idle client connections, and the others after their current response.
void proxy_drain(struct proxy *p);

// A zeroed request with an empty arena, and back (proxy/request.c).
struct request *proxy_spare_request(struct proxy *p);
void proxy_recycle_request(struct request *r);
