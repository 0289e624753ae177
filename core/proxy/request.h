// One request's life, from its head to its log line. The file to read first.
//
// Owner: the client connection it came on (proxy/client.h) until it is done. Threads: the worker's.
//
//   head -> route -> rewrite -> access -> pick -> dial, handshake -> relay -> done
//                       |          |        ^            |            |
//                       |          |        '-- retry ---'            | head: header_filter
//                       '----------'--> answer (our own) ------------>'  log
//
// Where plugins want the whole response, relay goes on to `response`, and what was held is the
// answer.
//
// Each state is one function of request.c, and `pick` is pick.c; states that wait are left from
// callbacks: request_resume() (a plugin waited), request_connected() and its neighbours
// (proxy/exchange.h), request_body() (proxy/client.h). A retry goes back to `pick`, and only while
// no byte of the response was sent and what was sent upstream can be sent again (retry.c). What
// goes upstream is put together in forward.c, what goes to the client in answer.c.

#pragma once

#include "http/h1.h"
#include "proxy/attempt.h"
#include "proxy/choice.h"
#include "proxy/hooks.h"
#include "proxy/proxy.h"
#include "proxy/tried.h"
#include "proxy/view.h"

struct client;
struct exchange;

enum request_state {
    REQUEST_REWRITE, REQUEST_ROUTE, REQUEST_ACCESS,
    REQUEST_PICK,           // choosing a target; may wait for a name to resolve
    REQUEST_CONNECT,        // dial and handshake (proxy/exchange.h)
    REQUEST_RELAY,          // bytes flow; the response may have begun
    REQUEST_RESPONSE,       // plugins look at the whole response (proxy/hold.h)
    REQUEST_DONE
};

// kong.response.get_source()
enum response_source { SOURCE_NONE, SOURCE_SERVICE, SOURCE_EXIT, SOURCE_ERROR };

struct request {
    struct proxy *proxy;
    struct client *client;
    struct view *view;
    const struct plan *plan;            // PLAN_NO_ROUTE before routing, and without a route
    struct arena arena;
    enum request_state state;
    enum phase phase;                   // the one running, for the ABI

    // What came from the client. Plugins change `head` in place (kong.service.request).
    struct head head;
    char id[33];                        // X-Kong-Request-Id: 32 hex digits
    struct str path;                    // normalised
    struct str host;                    // lower case, without port
    struct route_match match;
    uint64_t started;                   // loop ms
    int64_t started_epoch;              // ms
    struct buf body;                    // kept bytes of the body, while body_kept
    uint64_t body_bytes;                // received so far, decoded
    bool body_ended;
    bool body_kept;                     // `body` holds all of it so far: it can be sent again
    bool body_wanted;                   // a plugin waits for it
    bool body_refused;                  // it is larger than a plugin may have it
    bool body_replaced;                 // `body` is a plugin's, in place of the client's

    // What goes upstream.
    int32_t upstream;                   // index; -2: set_target()'s
    struct str target_host;             // set_target()
    uint16_t target_port;
    struct str out_method, out_path, out_query;     // p == NULL: unchanged
    struct str out_host;                // Host set by a plugin
    bool tls;                           // scheme to the upstream is https
    struct tls_choice choice;
    struct attempt_origin origin;
    bool retry_asks;                    // a plugin wants to be asked before each retry
    bool balanced;                      // plugins have had their say about this try
    err_t failure;                      // of the last try that has ended, NULL: there was none
    uint32_t connect_timeout, write_timeout, read_timeout;  // ms
    uint32_t tries_left, tries;
    uint64_t refused;                   // targets whose certificate is not accepted, bit by index
    uint64_t failed;                    // those that failed in this round, asked again in the next
    int target;                         // index of this try's target, -1: none
    struct str pick_host;               // its host and port
    uint16_t pick_port;
    struct str shown_host;              // the Host header that it gets
    struct exchange *exchange;
    struct tried_list tried;
    struct addr upstream_addr;          // of the last try
    struct resolve_query *query;

    // The answer.
    struct head service;                // as it came from upstream
    bool hold_asked;                    // a plugin wants the whole response
    bool holding;                       // nothing of the response goes out until it is whole
    struct buf held;                    // its body so far,
    struct str held_text;               // and in one piece; p == NULL: it is not whole
    struct head response;               // as it goes to the client; plugins change it
    enum response_source source;
    struct str answer;                  // body of our own answer, in the arena
    struct str answer_type; // its Content-Type, n == 0: as in the response head, or none
    bool answer_set;                    // a plugin made it (kong.response.exit, error)
    bool said;                          // a plugin is making it, piece by piece (ngx.say)
    bool head_sent;
    bool close_after;                   // the connection ends with this answer
    bool head_only;                     // HEAD, 204, 304: no body goes out
    bool chunked_out;                   // to the client
    bool aborted;                       // the client is gone
    uint64_t response_bytes;            // body bytes to the client
    size_t response_head_bytes;
    uint64_t sent_upstream, first_byte, ended;   // loop ms: request sent, response head, end
    struct str chunk;                   // body_filter's piece
    bool chunk_last;

    // The plugin runtime's (vm/).
    struct {
        void *scope;                    // what its Lua code lives in, NULL: none ran
    } vm;
    struct task release;
};

// The head in `r` is complete: goes as far as it can without waiting. May end the request before it
// returns.
struct request *request_new(struct client *client);
void request_begin(struct request *r);

// Body bytes from the client, when request_ready() says that they can be taken now; else the client
// holds them and offers them again after request_want_body() resumed it.
bool request_ready(const struct request *r);
void request_body(struct request *r, struct str piece);
void request_body_end(struct request *r);

// A plugin's wait is over, or its body is complete (or too large for it).
void request_resume(struct request *r);

// The client went away or broke the protocol. With an error that has a status the client gets an
// answer, if none began.
void request_abort(struct request *r, err_t err);

// The exchange with the upstream (proxy/exchange.h) reports.
void request_connected(struct request *r);                              // verified, ready to send
void request_response_head(struct request *r);                          // r->service is complete
void request_response_body(struct request *r, struct str piece);
void request_response_end(struct request *r);

// For pick.c. Goes on from r->state as far as it can without waiting. Runs a phase, and does what
// its result says: false when the request waits or has ended.
void request_advance(struct request *r);
bool request_run_phase(struct request *r, enum phase phase);
bool request_after_phase(struct request *r, enum hook_result result);

// Ends the request with an answer of ours: an error of the world, or what a plugin left in
// r->answer.
void request_fail(struct request *r, err_t err);
void request_answer(struct request *r, unsigned status, enum response_source source);

// The answer is complete, or the connection is gone: log phase, access log, then the request is
// freed at the end of the turn.
void request_done(struct request *r);

// Frees it at the end of the turn; the client calls it when the request's body has been read, too.
void request_release(struct request *r);
