// The head of a request or response: start line, header fields in their order, and the facts that
// the parser drew from them (framing, keep-alive).
//
// Owner: the request or exchange whose arena it lives in; all slices point into that arena.
// Threads: the worker's. Names keep their case. Removing only flags a field; setting appends. A bit
// per known name says whether it is there, so "is there an Expect header?" is one AND.

#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum header_id {
    HEADER_OTHER = 0,   // a name the core does not know
#define HEADER(id, name, facts) HEADER_##id,
#include "http/names.def"
#undef HEADER
    HEADER_COUNT
};

enum { HEADER_FACT_HOP = 1, HEADER_FACT_ONCE = 2, HEADER_FACT_FRAME = 4 };

_Static_assert(HEADER_COUNT <= 64, "the presence mask has 64 bits");

struct header {
    struct str name, value;
    uint8_t id;         // enum header_id
    uint8_t removed;
};

enum method {
    METHOD_OTHER = 0, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_PATCH,
    METHOD_OPTIONS, METHOD_TRACE, METHOD_CONNECT
};

enum framing {
    FRAMING_NONE,       // no body
    FRAMING_LENGTH,     // content_length bytes
    FRAMING_CHUNKED,
    FRAMING_CLOSE,      // a response that ends with the connection
};

struct head {
    struct arena *arena;
    struct header *headers;
    unsigned count, cap;        // removed ones included
    uint64_t present;           // 1 << id for each known name that is there
    uint64_t others;            // a bit for each other name that may be there, by a hash of it

    struct str method;          // request: as sent
    enum method method_id;
    struct str target;          // request: as sent; of an absolute form, what follows its authority
    struct str path, query;     // its parts; query without "?"; has_query tells "" from none
    bool has_query;
    struct str authority;       // request: of an absolute-form target, else Host; may be ""

    uint16_t status;            // response
    struct str reason;

    uint8_t minor;              // HTTP/1.minor
    enum framing framing;
    uint64_t content_length;    // FRAMING_LENGTH
    bool keep_alive;            // what the sender wants
    bool expect_continue;       // request: Expect: 100-continue
    bool upgrade;               // Connection: upgrade together with an Upgrade header
};

void head_init(struct head *h, struct arena *arena);

// A copy with an array of its own, which has room for `room` fields more; the texts are shared.
void head_copy(struct head *to, const struct head *from, unsigned room);

// The id of a token in any case, HEADER_OTHER when it is unknown; facts and name of an id (0 and ""
// for HEADER_OTHER).
enum header_id header_id(struct str name);
unsigned header_facts(enum header_id id);
struct str header_name(enum header_id id);      // as sent by weir: "X-Kong-Request-Id"
enum method method_id(struct str name);

// The first field of a known name, or of any name; NULL when it is not there.
const struct header *head_get(const struct head *h, enum header_id id);
const struct header *head_find(const struct head *h, struct str name);
static inline bool head_has(const struct head *h, enum header_id id)
{
    return (h->present >> id & 1) != 0;
}

// `name` and `value` must live as long as the arena. set replaces all fields of the name by one, in
// the place of the first; add appends; remove drops all. Names and values were checked by
// header_valid(). append and replace are add and set for who knows header_id(name) already.
void head_add(struct head *h, struct str name, struct str value);
void head_append(struct head *h, enum header_id id, struct str name, struct str value);
void head_replace(struct head *h, enum header_id id, struct str name, struct str value);
void head_add_id(struct head *h, enum header_id id, struct str value);
void head_set(struct head *h, struct str name, struct str value);
void head_set_id(struct head *h, enum header_id id, struct str value);
void head_remove(struct head *h, struct str name);
void head_remove_id(struct head *h, enum header_id id);

// Whether body bytes follow the head.
static inline bool head_has_body(const struct head *h)
{
    return h->framing == FRAMING_CHUNKED || h->framing == FRAMING_CLOSE ||
           (h->framing == FRAMING_LENGTH && h->content_length > 0);
}

// Removes the fields that the Connection header names, and all hop-by-hop ones (RFC 9110 §7.6.1).
// Host and the framing fields stay, whatever it names. The second and third do one half each, for
// fields that are added in between.
void head_strip_hop_by_hop(struct head *h);
void head_remove_named(struct head *h);
void head_remove_hop_by_hop(struct head *h);

// Whether a name is a token and a value has no CR, LF or NUL (RFC 9110 §5.1, §5.5): nothing that
// fails is ever written.
bool header_valid(struct str name, struct str value);

// Takes the next element that is not empty from a comma-separated list, without white space around
// it.
bool head_next_token(struct str *list, struct str *token);

// Whether the comma-separated list in all fields of `id` holds `token` (any case).
bool head_has_token(const struct head *h, enum header_id id, struct str token);

// The head as bytes in `arena`, ending with the empty line. Fields with FRAME facts and Connection
// are left out and written from `framing`, `content_length` and `connection` (its value, "" for
// none). Request: "METHOD target HTTP/1.1"; response: "HTTP/1.1 status reason", the standard reason
// when there is none.
struct str head_write_request(const struct head *h, struct arena *arena, struct str connection);
struct str head_write_response(const struct head *h, struct arena *arena, struct str connection);

// The standard reason phrase, "Unknown" when there is none.
struct str status_reason(unsigned status);
