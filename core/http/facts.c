// The strict reading of a head (RFC 9112 §3, §6, §9.3). What two readers could understand
// differently is refused here, however harmless it looks: the next reader of the forwarded message
// is not ours.

#include "http/facts.h"

enum { VERSION_LEN = sizeof "HTTP/1.1" - 1 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Reads "HTTP/D.D"; false when it is something else (RTSP/1.0 and ICE/1.0 are llhttp's, not ours).
static bool version(struct str s, unsigned *major, unsigned *minor)
{
    if (s.n != VERSION_LEN || !str_starts(s, STR("HTTP/")) || !is_digit(s.p[5]) || s.p[6] != '.'
        || !is_digit(s.p[7]))
        return false;
    *major = (unsigned)(s.p[5] - '0');
    *minor = (unsigned)(s.p[7] - '0');
    return true;
}

// Letters, digits and marks of RFC 3986's reg-name. Left out are the comma, in which a list could
// hide, and percent, with which one name has many spellings.
static bool is_host_char(unsigned char c)
{
    static const bool allowed[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
        ['.'] = true, ['_'] = true, ['~'] = true, ['!'] = true, ['$'] = true, ['&'] = true,
        ['\''] = true, ['('] = true, [')'] = true, ['*'] = true, ['+'] = true, [';'] = true,
        ['='] = true,
    };
    return allowed[c];
}

static bool is_address_char(unsigned char c)
{
    return is_digit((char)c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':'
        || c == '.';
}

// How many bytes of `s` are its host: "[IPv6]" or a name; 0 when it is neither.
static size_t host_len(struct str s)
{
    size_t n = 0;
    if (s.n > 0 && s.p[0] == '[') {
        for (n = 1; n < s.n && is_address_char((unsigned char)s.p[n]); n++)
            ;
        return n > 1 && n < s.n && s.p[n] == ']' ? n + 1 : 0;
    }
    while (n < s.n && is_host_char((unsigned char)s.p[n]))
        n++;
    return n;
}

// host [":" port]
static bool authority_valid(struct str s)
{
    size_t n = host_len(s);
    if (n == 0)
        return false;
    if (n == s.n)
        return true;
    if (s.p[n] != ':' || s.n - n > sizeof ":65535" - 1)
        return false;
    unsigned port = 0;
    for (size_t i = n + 1; i < s.n; i++) {
        if (!is_digit(s.p[i]))
            return false;
        port = port * 10 + (unsigned)(s.p[i] - '0');
    }
    return port <= UINT16_MAX;
}

static bool target_printable(struct str target)
{
    for (size_t i = 0; i < target.n; i++)
        if (target.p[i] <= ' ' || target.p[i] > '~' || target.p[i] == '#')
            return false;
    return target.n > 0;
}

// Takes "http://authority" off an absolute-form target; what is left may lack the "/" of an empty
// path.
static err_t absolute_target(struct head *h)
{
    static const struct str schemes[] = { STR("http://"), STR("https://") };
    struct str rest = h->target;
    size_t skip = 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (rest.n > schemes[i].n && str_eq_nocase(str_sub(rest, 0, schemes[i].n), schemes[i]))
            skip = schemes[i].n;
    if (skip == 0)
        return &err_bad_request;
    rest = str_sub(rest, skip, rest.n);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    h->authority = str_sub(rest, 0, end);
    if (!authority_valid(h->authority))
        return &err_bad_request;
    h->target = str_sub(rest, end, rest.n);
    if (h->target.n == 0 || h->target.p[0] != '/')
        h->target = arena_append(h->arena, arena_dup(h->arena, STR("/")), h->target);
    return NULL;
}

static err_t request_target(struct head *h)
{
    if (!target_printable(h->target) || h->method_id == METHOD_CONNECT)
        return &err_bad_request;
    bool asterisk = str_eq(h->target, STR("*"));
    if (asterisk && h->method_id != METHOD_OPTIONS)
        return &err_bad_request;
    if (!asterisk && h->target.p[0] != '/') {
        err_t err = absolute_target(h);
        if (err)
            return err;
    }
    size_t mark = str_find(h->target, '?', 0);
    h->path = str_sub(h->target, 0, mark);
    h->has_query = mark < h->target.n;
    h->query = h->has_query ? str_sub(h->target, mark + 1, h->target.n) : STR_NONE;
    return NULL;
}

// An absolute-form target's authority replaces the Host field (RFC 9112 §3.2.2), so that nobody
// reads the other one.
static err_t request_host(struct head *h)
{
    const struct header *host = head_get(h, HEADER_HOST);
    if (!host && h->minor > 0)
        return &err_bad_request;
    if (host && !authority_valid(host->value))
        return &err_bad_request;
    if (h->authority.n > 0)
        head_set_id(h, HEADER_HOST, h->authority);
    else if (host)
        h->authority = host->value;
    return NULL;
}

// 1*DIGIT that fits 63 bits, so that sums of lengths do not overflow anywhere.
static bool length(struct str s, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i]) || n > (uint64_t)INT64_MAX / 10 - 1)
            return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = n;
    return s.n > 0;
}

// Whether the coding list is "chunked" alone; `final` tells whether it at least ends with it.
static bool chunked_only(struct str list, bool *final)
{
    struct str coding;
    unsigned codings = 0, chunked = 0;
    *final = false;
    while (head_next_token(&list, &coding)) {
        codings++;
        *final = str_eq_nocase(coding, STR("chunked"));
        chunked += *final;
    }
    if (chunked > 1)
        *final = false;
    return codings == 1 && *final;
}

// How the body is delimited; http/h1 saw to it that there is at most one of each field. Ambiguity
// fails with `bad`; a body whose end is clear but whose codings weir does not have, with `other`.
static err_t framing(struct head *h, err_t bad, err_t other)
{
    const struct header *coding = head_get(h, HEADER_TRANSFER_ENCODING);
    const struct header *size = head_get(h, HEADER_CONTENT_LENGTH);
    h->framing = FRAMING_NONE;
    if (coding) {
        bool final;
        if (size || h->minor == 0)
            return bad;
        if (!chunked_only(coding->value, &final))
            return final ? other : bad;
        h->framing = FRAMING_CHUNKED;
    } else if (size) {
        if (!length(size->value, &h->content_length))
            return bad;
        h->framing = FRAMING_LENGTH;
    }
    return NULL;
}

// What the Connection field says; false when it names too many options.
static bool connection(struct head *h)
{
    unsigned count = 0;
    bool close = false, keep = false, upgrade = false;
    for (unsigned i = 0; head_has(h, HEADER_CONNECTION) && i < h->count; i++) {
        if (h->headers[i].id != HEADER_CONNECTION)
            continue;
        struct str list = h->headers[i].value, option;
        while (head_next_token(&list, &option)) {
            close |= str_eq_nocase(option, STR("close"));
            keep |= str_eq_nocase(option, STR("keep-alive"));
            upgrade |= str_eq_nocase(option, STR("upgrade"));
            count++;
        }
    }
    h->keep_alive = !close && (h->minor > 0 || keep);
    h->upgrade = upgrade && head_has(h, HEADER_UPGRADE);
    return count <= FACTS_MAX_CONNECTION_OPTIONS;
}

// HTTP/1.0 has no expectations; one in it is ignored (RFC 9110 §10.1.1).
static err_t expectation(struct head *h)
{
    const struct header *expect = head_get(h, HEADER_EXPECT);
    if (!expect || h->minor == 0)
        return NULL;
    if (!str_eq_nocase(expect->value, STR("100-continue")))
        return &err_expectation;
    h->expect_continue = true;
    return NULL;
}

// Method SP target SP version: single spaces, nothing else between.
err_t facts_request_line(struct head *h, struct str line, size_t max_target)
{
    unsigned major, minor;
    size_t first = str_find(line, ' ', 0);
    if (line.n < first + 1 + 1 + 1 + VERSION_LEN || line.p[line.n - VERSION_LEN - 1] != ' ')
        return &err_bad_request;
    if (!version(str_sub(line, line.n - VERSION_LEN, line.n), &major, &minor))
        return &err_bad_request;
    if (major != 1 || minor > 1)
        return &err_http_version;
    h->minor = (uint8_t)minor;
    h->method = str_sub(line, 0, first);
    h->method_id = method_id(h->method);
    h->target = str_sub(line, first + 1, line.n - VERSION_LEN - 1);
    if (h->target.n > max_target)
        return &err_uri_too_long;
    return request_target(h);
}

// A TRACE would be answered with all that the client and the proxies on the way have sent, among it
// what is not for the client's own scripts.
err_t facts_request(struct head *h)
{
    if (h->method_id == METHOD_TRACE)
        return &err_trace_method;
    err_t err = request_host(h);
    if (!err)
        err = framing(h, &err_bad_request, &err_unsupported_coding);
    if (!err && !connection(h))
        err = &err_bad_request;
    return err ? err : expectation(h);
}

// Version SP 3DIGIT [SP reason]
err_t facts_status_line(struct head *h, struct str line)
{
    unsigned major, minor, status = 0;
    enum { CODE = VERSION_LEN + 1, AFTER = CODE + 3 };
    if (line.n < AFTER || !version(str_sub(line, 0, VERSION_LEN), &major, &minor) || major != 1
        || minor > 1 || line.p[VERSION_LEN] != ' ' || (line.n > AFTER && line.p[AFTER] != ' '))
        return &err_bad_response;
    for (size_t i = CODE; i < AFTER; i++) {
        if (!is_digit(line.p[i]))
            return &err_bad_response;
        status = status * 10 + (unsigned)(line.p[i] - '0');
    }
    if (status < 100 || status == 101)
        return &err_bad_response;
    h->minor = (uint8_t)minor;
    h->status = (uint16_t)status;
    h->reason = line.n > AFTER ? str_sub(line, AFTER + 1, line.n) : STR_NONE;
    return NULL;
}

err_t facts_response(struct head *h, enum method to, bool *no_body)
{
    *no_body = false;
    if (h->status < 200)
        return NULL;
    err_t err = framing(h, &err_bad_response, &err_bad_response);
    if (err)
        return err;
    *no_body = to == METHOD_HEAD || h->status == 304;
    if (h->status == 204)   // cannot have one, whatever its fields say (RFC 9112 §6.3)
        h->framing = FRAMING_NONE;
    else if (h->framing == FRAMING_NONE && !*no_body)
        h->framing = FRAMING_CLOSE;
    if (!connection(h))
        return &err_bad_response;
    if (h->framing == FRAMING_CLOSE)
        h->keep_alive = false;
    return NULL;
}
