// A socket address as a value: parse, format, compare, hash.
//
// Owner: whoever embeds it. Threads: a value.

#pragma once

#include "base/error.h"
#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct addr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
    socklen_t len;   // 0: no address
};

// An IPv4 or IPv6 literal (IPv6 with or without brackets, no zone) and a port. Fails with
// err_address.
err_t addr_parse(struct str ip, uint16_t port, struct addr *out);
bool addr_is_ip(struct str s);                       // whether addr_parse() would take it
void addr_set_port(struct addr *a, uint16_t port);
uint16_t addr_port(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);
uint64_t addr_hash(const struct addr *a);

// Textual forms, NUL-terminated: "127.0.0.1", "::1"; and "127.0.0.1:80", "[::1]:80".
enum { ADDR_TEXT = 64 };
size_t addr_format_ip(const struct addr *a, char out[ADDR_TEXT]);
size_t addr_format(const struct addr *a, char out[ADDR_TEXT]);
