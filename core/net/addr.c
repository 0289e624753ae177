// addr.c - literals in, text out; hashing and comparing by meaning rather than by the bytes of the
// struct.

#include "net/addr.h"

#include "base/table.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

static bool parse_v6(struct str ip, struct in6_addr *out)
{
    char text[INET6_ADDRSTRLEN];
    if (ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']')
        ip = str_sub(ip, 1, ip.n - 1);
    if (ip.n >= sizeof text || memchr(ip.p, '\0', ip.n))
        return false;
    memcpy(text, ip.p, ip.n);
    text[ip.n] = '\0';
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool parse_v4(struct str ip, struct in_addr *out)
{
    char text[INET_ADDRSTRLEN];
    if (ip.n >= sizeof text || memchr(ip.p, '\0', ip.n))
        return false;
    memcpy(text, ip.p, ip.n);
    text[ip.n] = '\0';
    return inet_pton(AF_INET, text, out) == 1;
}

err_t addr_parse(struct str ip, uint16_t port, struct addr *out)
{
    *out = (struct addr){ 0 };
    if (ip.n == 0)
        return &err_address;
    if (parse_v4(ip, &out->sa.v4.sin_addr)) {
        out->sa.v4.sin_family = AF_INET;
        out->len = sizeof out->sa.v4;
    } else if (parse_v6(ip, &out->sa.v6.sin6_addr)) {
        out->sa.v6.sin6_family = AF_INET6;
        out->len = sizeof out->sa.v6;
    } else {
        return &err_address;
    }
    addr_set_port(out, port);
    return NULL;
}

bool addr_is_ip(struct str s)
{
    struct addr a;
    return addr_parse(s, 0, &a) == NULL;
}

void addr_set_port(struct addr *a, uint16_t port)
{
    if (a->sa.any.sa_family == AF_INET)
        a->sa.v4.sin_port = htons(port);
    else if (a->sa.any.sa_family == AF_INET6)
        a->sa.v6.sin6_port = htons(port);
}

uint16_t addr_port(const struct addr *a)
{
    if (a->sa.any.sa_family == AF_INET)
        return ntohs(a->sa.v4.sin_port);
    return a->sa.any.sa_family == AF_INET6 ? ntohs(a->sa.v6.sin6_port) : 0;
}

// What makes two addresses one, without padding and flow labels.
struct identity {
    uint8_t ip[16];
    uint32_t scope;
    uint16_t family;
    uint16_t port;
};

static struct identity identity(const struct addr *a)
{
    struct identity id = { .family = a->sa.any.sa_family, .port = addr_port(a) };
    if (id.family == AF_INET) {
        memcpy(id.ip, &a->sa.v4.sin_addr, sizeof a->sa.v4.sin_addr);
    } else if (id.family == AF_INET6) {
        memcpy(id.ip, &a->sa.v6.sin6_addr, sizeof id.ip);
        id.scope = a->sa.v6.sin6_scope_id;
    }
    return id;
}

static_assert(sizeof(struct identity) == 24, "an identity is hashed by its bytes: no padding");

bool addr_eq(const struct addr *a, const struct addr *b)
{
    const struct identity x = identity(a), y = identity(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

uint64_t addr_hash(const struct addr *a)
{
    const struct identity id = identity(a);
    return table_hash(&id, sizeof id);
}

size_t addr_format_ip(const struct addr *a, char out[ADDR_TEXT])
{
    out[0] = '\0';
    if (a->sa.any.sa_family == AF_INET)
        inet_ntop(AF_INET, &a->sa.v4.sin_addr, out, ADDR_TEXT);
    else if (a->sa.any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &a->sa.v6.sin6_addr, out, ADDR_TEXT);
    return strlen(out);
}

size_t addr_format(const struct addr *a, char out[ADDR_TEXT])
{
    char ip[ADDR_TEXT];
    out[0] = '\0';
    if (addr_format_ip(a, ip) == 0)
        return 0;
    const char *format = a->sa.any.sa_family == AF_INET6 ? "[%.45s]:%u" : "%.45s:%u";
    return (size_t)snprintf(out, ADDR_TEXT, format, ip, (unsigned)addr_port(a));
}
