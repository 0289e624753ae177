// The name that an upstream's certificate must carry.
//
// Normalised once, when the peer is made: lower case, no trailing dot, no port, no brackets around
// IPv6, IP literals in one spelling. Threads: a value.

#pragma once

#include "base/error.h"
#include "base/str.h"

enum { PEER_NAME_MAX = 255 };

struct peer_name {
    char text[PEER_NAME_MAX + 1];   // "" : no name is known; verification then fails as a mismatch
    uint8_t len;
    bool ip;                        // an address: matched against iPAddress SANs, not sent as SNI
    unsigned char ip_bytes[16];
    uint8_t ip_len;                 // 4 or 16
};

// From a Host header or a configured name ("Example.COM.:443", "[::1]:8443"). Fails with
// err_address for what can be no host name: empty or over 253 bytes, an empty label, a label over
// 63 bytes, anything but letters, digits, "-", "_" and dots, or a port that is none.
err_t peer_name_parse(struct str host, struct peer_name *out);
