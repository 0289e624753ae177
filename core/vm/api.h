// What the functions of the ABI have in common: refusing with a text, and asking for the current
// request.
//
// Threads: any; the text and the turn are the thread's.

#pragma once

#include "base/str.h"
#include "net/addr.h"
#include "tls/x509.h"
#include "vm/abi.h"
#include "vm/state.h"

// Keeps the text for weir_error() and returns WEIR_ERR_BAD.
int api_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The current request, NULL outside of phases or in a phase that is not one of `phases` (1 <<
// PHASE_…).
struct request *api_request(unsigned phases);

enum {
    API_EVERY = (1 << PHASE_COUNT) - 1,
    // While an upstream is judged the request is none of the plugins' business: the verdict counts
    // for all that will use the connection.
    API_ANY = API_EVERY & ~(1 << PHASE_UPSTREAM_VERIFY | 1 << PHASE_CERTIFICATE),
    API_BEFORE = 1 << PHASE_REWRITE | 1 << PHASE_ACCESS,        // nothing went upstream yet
    API_ACCESS = 1 << PHASE_ACCESS,                             // and the route is known
    API_BALANCER = 1 << PHASE_BALANCER,
    API_TARGET = API_ACCESS | API_BALANCER,                     // where it goes can be chosen
    API_UNSENT = API_BEFORE | API_BALANCER,                     // what goes there can be changed
    API_ENDING = API_UNSENT | 1 << PHASE_RESPONSE,              // an answer ends the phase
    API_WAITING = API_BEFORE | 1 << PHASE_RESPONSE,             // there is time to wait
    API_HEAD = API_ENDING | 1 << PHASE_HEADER_FILTER,           // the answer's head can be changed
    API_ANSWERED = 1 << PHASE_RESPONSE | 1 << PHASE_HEADER_FILTER | 1 << PHASE_BODY_FILTER |
                   1 << PHASE_LOG                               // the service has answered
};

// Copies a description of a certificate.
void api_give_detail(struct weir_x509_detail *out, const struct x509_detail *d);

// The request's body: 1 with *out when it is complete, 0 when it has to be waited for, WEIR_ERR_BAD
// when it does not fit into memory.
int api_body(struct request *r, struct str *out);

// The text of an IP address, in the request's arena.
struct str api_ip(struct request *r, const struct addr *addr);

static inline struct str api_str(const char *p, size_t n)
{
    return (struct str){ p, n };
}

// A text that is an argument of a function of Lua.
static inline struct str api_check_str(lua_State *L, int index)
{
    size_t n;
    const char *p = luaL_checklstring(L, index, &n);
    return (struct str){ p, n };
}

static inline void api_give(struct weir_str *out, struct str s)
{
    out->p = s.p ? s.p : "";
    out->n = s.n;
}
