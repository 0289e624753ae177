// Settings of the process as the data path needs them (kong.conf's names in comments); part of the
// snapshot.
//
// Owner: struct snapshot. Threads: constant once published.

#pragma once

#include "http/error_page.h"
#include "net/addr.h"

struct cidr {
    struct addr base;
    uint8_t bits;
};

struct settings {
    uint32_t keepalive_pool_size;           // upstream_keepalive_pool_size, per peer; 0 keeps none
    uint32_t keepalive_max_requests;        // upstream_keepalive_max_requests
    uint32_t keepalive_idle_timeout;        // upstream_keepalive_idle_timeout, here ms; 0: none
    uint32_t tls_handshakes_max;            // upstream_tls_handshakes_max, per worker; 0: no limit
    uint64_t client_max_body_size;          // nginx_http_client_max_body_size, bytes; 0: none
    uint64_t client_body_buffer_size;       // bytes a plugin may have in memory
    uint64_t response_buffer_size;          // bytes of a response that is held for plugins
    uint32_t client_header_timeout;         // ms, all of these
    uint32_t client_body_timeout;
    uint32_t client_idle_timeout;           // keep-alive connection between requests
    uint32_t send_timeout;
    bool session_reuse;                     // upstream_tls_session_reuse
    bool access_log;
    bool real_ip_recursive;
    enum page_type error_default_type;
    bool header_server, header_via;         // `headers`
    bool header_latency_upstream, header_latency_proxy, header_latency_response;
    bool header_upstream_status, header_request_id;
    bool header_upstream_request_id;        // `headers_upstream`
    struct str real_ip_header;              // in the snapshot's arena
    const struct cidr *trusted;             // trusted_ips
    uint32_t trusted_count;
};

// Whether an address lies in trusted_ips.
bool settings_trusts(const struct settings *s, const struct addr *a);

// "10.0.0.0/8", "::1": fails with err_address.
err_t cidr_parse(struct str text, struct cidr *out);
