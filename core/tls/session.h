// The TLS sessions of one peer: newest first, few, short-lived.
//
// OpenSSL does not verify again when it resumes, so a session is worth what the handshake was worth
// that made it. It is therefore stored in the peer (one policy, one address, one name) whose
// handshake made it and can be found only from there. Each session carries what that full handshake
// found out, and holds no longer than it, nor than SESSION_MAX_AGE after it. Sessions that come
// from a resumed handshake inherit both.
//
// Owner: struct peer embeds it. Threads: the worker's.

#pragma once

#include "tls/verdict.h"

enum { SESSION_KEEP = 4, SESSION_MAX_AGE = 3600 };

struct session_cache {
    struct {
        void *session;      // SSL_SESSION *
        int64_t made;       // unix seconds, when it was put
        int64_t expires;    // at most made + the lifetime that the peer gave it
        struct verdict_good origin;     // of the full handshake that it goes back to
    } slot[SESSION_KEEP];
    unsigned count;
};

// Takes the reference. A session that is over, or that cannot be resumed, is freed at once. The
// origin's bound is INT64_MAX when nothing was verified.
void session_put(struct session_cache *s, void *session, const struct verdict_good *origin,
                 int64_t now);

// A session to offer (the caller gets a reference) and its origin, or NULL. TLS 1.3 tickets are
// taken out as long as there is another one (RFC 8446 appendix C.4 advises to use each once, so
// that observers cannot link connections). The last one stays, like TLS 1.2 sessions: a burst of
// connections to one upstream would else pay for full handshakes, and who it is that connects is no
// secret of a gateway. Sessions from the future are dropped: the clock went backwards.
void *session_take(struct session_cache *s, int64_t now, struct verdict_good *origin);

void session_clear(struct session_cache *s);
