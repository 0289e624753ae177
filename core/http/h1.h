// HTTP/1.1 on llhttp, one parser for each direction of a connection, with one strict reading of
// framing.
//
// Owner: the session (requests) or the exchange (responses) that embeds it. Threads: the worker's.
//
// A head is gathered whole, line by line, then parsed in one call: its slices point into one piece
// of the arena, and how the bytes were cut on the way makes no difference. llhttp reads heads and
// chunks; bodies of known length are counted here.
//
// What is ambiguous is refused, not repaired (RFC 9112 §6.3, §11.2): Transfer-Encoding together
// with Content-Length, either of them twice, codings other than a single "chunked",
// Transfer-Encoding in HTTP/1.0, signs or lists in Content-Length, bare CR or LF, folded lines,
// white space before the colon, a Host that is missing, double or invalid.
//
// Sequence of events of a message: head, body*, end. h1_feed() stops after `end` (a pipelined
// message stays with the caller) and where an event called h1_pause().

#pragma once

#include "http/head.h"

#include <llhttp.h>

enum {
    H1_MAX_TARGET = 8 * 1024,       // 414 above; nginx's large_client_header_buffers
    H1_MAX_HEAD = 32 * 1024,        // 494 above
    H1_MAX_HEADERS = 500,           // 494 above
    H1_MAX_CHUNK_EXTENSIONS = 4096, // 400 above: bytes of chunk extensions in one body
};

struct h1;

struct h1_events {
    void (*head)(struct h1 *h);                    // h->head is complete
    void (*body)(struct h1 *h, struct str piece);  // decoded; valid during the call
    void (*end)(struct h1 *h);                     // all has come; trailers are dropped
};

enum h1_state { H1_HEAD, H1_LENGTH, H1_CLOSE, H1_CHUNKS, H1_TRAILERS, H1_LAST };

struct h1 {
    llhttp_t parser;
    const struct h1_events *events;
    void *owner;
    struct head *head;          // filled; the caller provides it for each message
    struct str name, value;     // field that the parser is in
    struct str piece;           // body bytes that it has just decoded
    char *raw;                  // the head or the trailers as far as they came, in head->arena
    size_t raw_len, raw_cap, line;      // bytes, room, where the current line begins
    uint64_t left;              // H1_LENGTH: body bytes to come
    uint64_t chunk_count;       // chunks begun
    uint64_t chunk_overhead;    // bytes of the chunked coding that were not body
    err_t err;
    size_t head_bytes;          // of the current message, with interim responses and trailers
    enum method to;
    enum h1_state state;
    bool response;
    bool no_body;               // to HEAD, or 304: the head describes a body that is not sent
    bool paused, ended, head_done;
    bool blank;                 // an empty line before the request line was skipped
};

// For a new message; pipelined bytes go to the next h1_init_request(). `head` was head_init()ed.
// For responses, `to` is the method of the request they answer.
void h1_init_request(struct h1 *h, const struct h1_events *events, void *owner, struct head *head);
void h1_init_response(struct h1 *h, const struct h1_events *events, void *owner, struct head *head,
                      enum method to);

// Parses; returns how many bytes were consumed. Interim responses (1xx but 101) pass without an
// event. *err is NULL or why the message is refused (err_bad_request, err_trace_method,
// err_uri_too_long, err_head_too_large, err_unsupported_coding, err_http_version, err_expectation;
// for responses err_bad_response, err_response_head_too_large).
size_t h1_feed(struct h1 *h, const char *p, size_t n, err_t *err);

// The connection ended: NULL when that is a proper end of the message (FRAMING_CLOSE, or nothing
// had begun), else err_closed or err_response_truncated. Calls `end` for FRAMING_CLOSE.
err_t h1_eof(struct h1 *h);

// From within an event: h1_feed() returns before the next one. Continue by feeding the rest, even
// when nothing is left.
void h1_pause(struct h1 *h);

static inline bool h1_idle(const struct h1 *h)      // no byte of a message has been seen
{
    return h->head_bytes == 0 && !h->head_done;
}

// Chunked coding for the way out: the size line that goes before a piece of n > 0 bytes, into
// `out`; after the piece goes CRLF, after the last one H1_LAST_CHUNK.
enum { H1_CHUNK_LINE = 20 };
struct str h1_chunk_line(size_t n, char out[H1_CHUNK_LINE]);
#define H1_LAST_CHUNK STR("0\r\n\r\n")
