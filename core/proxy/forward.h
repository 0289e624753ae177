// What goes to the upstream: path, Host, the forwarding headers, and who the client is.
//
// Threads: the worker's; results live in the request's arena.

#pragma once

#include "proxy/request.h"

// The client as the configuration sees it: its address, or the one that a trusted proxy in front of
// us names (trusted_ips, real_ip_header).
struct forwarded {
    struct str ip;
    uint16_t port;
    bool trusted;       // the peer is a trusted proxy: its X-Forwarded-* are believed
};
struct forwarded forward_client(struct request *r);

// The path that the upstream gets (Kong: path_handling v0), and that with the query.
struct str forward_path(struct request *r);
struct str forward_target(struct request *r);

// The Host header for a target, and with it the name that is sent as SNI and looked for in the
// certificate: the client's with preserve_host, else the upstream's host_header, else the target's
// own; a plugin's before all.
struct str forward_host(struct request *r, struct str target_host, uint16_t target_port);

// The method that the upstream gets.
enum method forward_method(const struct request *r);

// The serialised head; *chunked says how the body has to go out.
struct str forward_head(struct request *r, struct str host, bool *chunked);
