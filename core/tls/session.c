// session.c - a handful of sessions, each with its end.

#include "tls/session.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// How long the peer said that it will know the session. In TLS 1.2 a hint of 0 says nothing (RFC
// 5077 §3.3); in TLS 1.3 it means that the ticket is not to be used.
static int64_t lifetime(const SSL_SESSION *session)
{
    const unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
    if (hint > 0 || SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION)
        return (int64_t)hint;
    return (int64_t)SSL_SESSION_get_timeout(session);
}

static void remove_slot(struct session_cache *s, unsigned i)
{
    s->count--;
    memmove(&s->slot[i], &s->slot[i + 1], (s->count - i) * sizeof(s->slot[0]));
    memset(&s->slot[s->count], 0, sizeof(s->slot[0]));
}

void session_put(struct session_cache *s, void *session, const struct verdict_good *origin,
                 int64_t now)
{
    const int64_t bound = min(origin->bound, origin->at + SESSION_MAX_AGE);
    const int64_t expires = min(now + lifetime(session), bound);
    if (expires <= now || SSL_SESSION_is_resumable(session) != 1) {
        SSL_SESSION_free(session);
        return;
    }
    if (s->count == SESSION_KEEP)
        SSL_SESSION_free(s->slot[--s->count].session);
    memmove(&s->slot[1], &s->slot[0], s->count * sizeof(s->slot[0]));
    s->slot[0].session = session;
    s->slot[0].made = now;
    s->slot[0].expires = expires;
    s->slot[0].origin = *origin;
    s->count++;
}

void *session_take(struct session_cache *s, int64_t now, struct verdict_good *origin)
{
    while (s->count > 0) {
        SSL_SESSION *session = s->slot[0].session;
        const bool good = s->slot[0].made <= now && now < s->slot[0].expires
            && SSL_SESSION_is_resumable(session) == 1;
        *origin = s->slot[0].origin;
        const bool once = SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION;
        if (good && (!once || s->count == 1))
            return SSL_SESSION_up_ref(session) == 1 ? session : NULL;
        remove_slot(s, 0);
        if (good)
            return session;
        SSL_SESSION_free(session);
    }
    return NULL;
}

void session_clear(struct session_cache *s)
{
    for (unsigned i = 0; i < s->count; i++)
        SSL_SESSION_free(s->slot[i].session);
    memset(s, 0, sizeof(*s));
}
