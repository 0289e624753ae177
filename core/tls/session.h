// The TLS sessions of one peer: newest first, few, short-lived.
//
// OpenSSL does not verify again when it resumes, so a session is worth what the handshake was worth
// that made it. It is therefore stored in the peer (one policy, one address, one name) whose
// handshake made it and can be found only from there. Each session has a bound: the end of the
// certificates that its full handshake verified, at most SESSION_MAX_AGE after it. Sessions that
// come from a resumed handshake inherit the bound.
//
// Owner: struct peer embeds it. Threads: the worker's.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SESSION_KEEP = 4, SESSION_MAX_AGE = 3600 };

struct session_cache {
    struct {
        void *session;      // SSL_SESSION *
        int64_t made;       // unix seconds, when it was put
        int64_t expires;    // min(made + the lifetime that the peer gave it, bound)
        int64_t bound;
    } slot[SESSION_KEEP];
    unsigned count;
};

// The bound of sessions from a full handshake at `now` whose verified chain ends at
// `chain_not_after` (INT64_MAX when nothing was verified).
int64_t session_bound(int64_t chain_not_after, int64_t now);

// Takes the reference. A session that is over, or that cannot be resumed, is freed at once.
void session_put(struct session_cache *s, void *session, int64_t bound, int64_t now);

// A session to offer (the caller gets a reference) and its bound, or NULL. TLS 1.3 tickets are
// taken out as long as there is another one (RFC 8446 appendix C.4 advises to use each once, so
// that observers cannot link connections). The last one stays, like TLS 1.2 sessions: a burst of
// connections to one upstream would else pay for full handshakes, and who it is that connects is no
// secret of a gateway. Sessions from the future are dropped: the clock went backwards.
void *session_take(struct session_cache *s, int64_t now, int64_t *bound);

void session_clear(struct session_cache *s);
