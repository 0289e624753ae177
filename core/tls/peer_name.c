// peer_name.c - one spelling for each name and address.

#include "tls/peer_name.h"

#include <arpa/inet.h>

enum { NAME_LIMIT = 253, LABEL_LIMIT = 63, PORT_DIGITS = 5, PORT_MAX = 65535 };

static bool is_port(struct str s)
{
    unsigned value = 0;
    if (s.n > PORT_DIGITS)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        value = value * 10 + (unsigned)(s.p[i] - '0');
    }
    return value <= PORT_MAX;
}

// Takes ":port" off (the digits may be missing, RFC 3986 §3.2.3) and the brackets of "[IPv6]".
// Several colons without brackets are left alone: an IPv6 literal or nothing.
static bool split(struct str host, struct str *name, bool *bracketed)
{
    *bracketed = host.n > 0 && host.p[0] == '[';
    if (*bracketed) {
        const size_t end = str_find(host, ']', 1);
        if (end == host.n)
            return false;
        *name = str_sub(host, 1, end);
        struct str rest = str_sub(host, end + 1, host.n);
        return rest.n == 0 || (rest.p[0] == ':' && is_port(str_sub(rest, 1, rest.n)));
    }
    const size_t colon = str_find(host, ':', 0);
    *name = host;
    if (colon == host.n || str_find(host, ':', colon + 1) < host.n)
        return true;
    *name = str_sub(host, 0, colon);
    return is_port(str_sub(host, colon + 1, host.n));
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// `name` is lower case. A leading dot would be worse than wrong: OpenSSL takes it for "any name
// below".
static bool is_host_name(struct str name)
{
    size_t label = 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.') {
            if (label == 0)
                return false;
            label = 0;
        } else if (!is_name_char(name.p[i]) || ++label > LABEL_LIMIT) {
            return false;
        }
    }
    return label > 0;
}

// Rewrites the text in inet_ntop's spelling, so that one address is one peer.
static bool parse_ip(struct peer_name *n, bool bracketed)
{
    const bool v6 = memchr(n->text, ':', n->len) != NULL;
    if (bracketed && !v6)
        return false;
    const int family = v6 ? AF_INET6 : AF_INET;
    if (inet_pton(family, n->text, n->ip_bytes) != 1
        || !inet_ntop(family, n->ip_bytes, n->text, sizeof(n->text)))
        return false;
    n->ip = true;
    n->ip_len = v6 ? 16 : 4;
    n->len = (uint8_t)strlen(n->text);
    return true;
}

err_t peer_name_parse(struct str host, struct peer_name *out)
{
    struct str name;
    bool bracketed;
    *out = (struct peer_name){ 0 };
    if (!split(host, &name, &bracketed))
        return &err_address;
    if (name.n > 0 && name.p[name.n - 1] == '.' && str_find(name, ':', 0) == name.n)
        name.n--;
    if (name.n == 0 || name.n > NAME_LIMIT || memchr(name.p, '\0', name.n))
        return &err_address;
    for (size_t i = 0; i < name.n; i++)
        out->text[i] = str_lower_char(name.p[i]);
    out->len = (uint8_t)name.n;
    if (parse_ip(out, bracketed))
        return NULL;
    if (!bracketed && is_host_name((struct str){ out->text, out->len }))
        return NULL;
    *out = (struct peer_name){ 0 };
    return &err_address;
}
