// How the proxy enters plugins without knowing Lua: a table of functions that the worker fills in.
//
// Owner: vm/ defines the table, the worker hands it to its requests. Threads: the worker's.

#pragma once

#include "base/str.h"
#include "tls/verdict.h"

struct client;
struct shown;
struct request;

enum phase {
    PHASE_REWRITE, PHASE_ACCESS, PHASE_HEADER_FILTER, PHASE_BODY_FILTER, PHASE_LOG,
    PHASE_UPSTREAM_VERIFY,  // in a handshake with the upstream, whatever the request waits for
    PHASE_BALANCER,         // at each try
    PHASE_RESPONSE,         // the whole response of the upstream is there, nothing of it went out
    PHASE_CERTIFICATE,      // in the TLS handshake with a client; there is no request yet
    PHASE_COUNT
};

enum hook_result {
    HOOK_DONE,      // go on
    HOOK_WAIT,      // rewrite, access, response: request_resume() will come
    HOOK_EXIT,      // a plugin made the answer: request->exit
    HOOK_ERROR,     // a plugin failed; logged; before the head went out: answer 500
};

struct request_hooks {
    // Runs the phase's handlers of the request's plan. Only called when the plan's bit for the
    // phase is set.
    enum hook_result (*run)(void *state, struct request *r, enum phase phase);
    // Continues a phase that waited (the body is there now, or failed).
    enum hook_result (*resume)(void *state, struct request *r);
    // Asks the plugin that wants to be asked before a retry, in the balancer phase. HOOK_ERROR: it
    // does not agree, or failed; logged. Only called when request->retry_asks is set.
    enum hook_result (*retry)(void *state, struct request *r);
    // Asks the plan's plugins about the certificates of the upstream that the request waits for.
    // False: one refuses, could not be asked, or failed; `said` is its name and the reason.
    bool (*judge)(void *state, struct request *r, const struct shown *p,
                  char said[VERDICT_SAID]);
    // Tells global plugins that a client shakes hands. False: one failed, and the client is to be
    // refused. Only called when the bit is set for requests without a route.
    bool (*certificate)(void *state, struct client *c);
    // The request ends: drops its coroutine and ctx tables.
    void (*release)(void *state, struct request *r);
};
