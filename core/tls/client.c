// client.c - a policy made into an SSL_CTX, and connections that speak it.

#include "tls/client.h"

#include "base/counter.h"
#include "base/mem.h"
#include "tls/fault.h"
#include "tls/filter.h"
#include "tls/libctx.h"
#include "tls/suites.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

// "http/1.1" as ALPN writes it.
static const unsigned char protocols[] = "\x08http/1.1";

struct tls_client {
    unsigned refs;                  // the owner's and one per connection; one thread, so not atomic
    SSL_CTX *ctx;
    struct policy *policy;
    struct tls_client_stats *stats;
    struct verdict_cache verdicts;
};

struct client_state {
    struct filter filter;           // first
    struct tls_client *client;
    struct peer_name name, sni;
    struct session_cache *sessions; // NULL: the peer is gone, or keeps none
    struct verdict_good origin;     // what the connection and the sessions that it gets go back to
    struct tls_presented presented; // no `certs`: nothing yet
    STACK_OF(X509) *path;           // of a chain that passed, for who judges after it; or NULL
    bool offered;                   // a session
    bool judged;                    // `verdict` is filled
    bool asked;                     // those who judge beside the policy
    bool described;                 // with all that is known of the leaf
    struct verdict verdict;
    const struct tls_client_user *user;
};

static const struct filter_hooks hooks;

static struct client_state *state_of(const struct conn *c)
{
    return container_of(filter_of(c, &hooks), struct client_state, filter);
}

static struct client_state *state_of_ssl(const SSL *ssl)
{
    return container_of((struct filter *)SSL_get_app_data(ssl), struct client_state, filter);
}

static void unref(struct tls_client *t)
{
    if (--t->refs > 0)
        return;
    SSL_CTX_free(t->ctx);
    verdict_cache_done(&t->verdicts);
    policy_unref(t->policy);
    free(t);
}

static void count_verdict(struct tls_client_stats *stats, const struct verdict *v)
{
    counter_add(&stats->verdict_hits, v->cached);
    counter_add(&stats->reported, verdict_is_reported(v));
    if (v->has_next) {
        const bool good = v->next == VERDICT_OK;
        counter_add(&stats->next_good, good);
        counter_add(&stats->next_bad, !good);
    }
}

static void count_end(struct tls_client_stats *stats, const struct verdict *v)
{
    counter_add(&stats->verdicts[v->mode - POLICY_VERIFY][v->code], 1);
}

// Keeps what is judged. False: there is no memory for it.
static bool keep_presented(struct client_state *s, STACK_OF(X509) *sent, int64_t now)
{
    struct tls_presented *p = &s->presented;
    if (!verify_digest(sent, p->sha256))
        return false;
    p->certs = X509_chain_up_ref(sent);
    p->at = now;
    return p->certs != NULL;
}

static bool is_stapled(const struct policy_desc *d)
{
    return d->ocsp != POLICY_OCSP_OFF && d->verify != POLICY_NO_VERIFY;
}

// Whether nothing speaks against the peer but what the plugins may have to say.
static bool is_to_ask(const struct client_state *s)
{
    return s->client->policy->desc.judges.n > 0
        && (verdict_is_good(&s->verdict) || s->verdict.code == VERDICT_UNVERIFIED);
}

// Shows the chain to those who judge beside the policy: the path that was verified, else what was
// sent. With nobody to ask or nothing to show it is refused.
static bool ask(struct client_state *s, struct verify *v, STACK_OF(X509) *sent)
{
    const bool verified = verdict_is_good(&s->verdict);
    const struct shown chain = { .stack = verified ? s->path : sent, .verified = verified };
    char said[VERDICT_SAID] = "no plugin answers for the policy";
    s->asked = true;
    if (s->user->judge && shown_count(&chain) > 0
        && s->user->judge(s->filter.window.conn, &chain, said))
        return true;
    return verify_refuse(v, sk_X509_value(sent, 0), said);
}

// OpenSSL's certificate verification callback: 1 lets the handshake go on, 0 sends the alert that
// fits the error of the store context.
static int judge(X509_STORE_CTX *ctx, void *arg)
{
    struct tls_client *t = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (!ssl) {
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    struct client_state *s = state_of_ssl(ssl);
    const struct policy_desc *d = &t->policy->desc;
    const int64_t now = (int64_t)time(NULL);
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
    const bool kept = keep_presented(s, sent, now);
    struct verify v = {
        .policy = t->policy, .name = &s->name, .cache = &t->verdicts, .verdict = &s->verdict,
        .presented = kept ? s->presented.sha256 : NULL,
        .path = is_stapled(d) || d->judges.n > 0 ? (void **)&s->path : NULL,
    };
    bool goes_on = verify_judge(&v, ctx, now);
    s->judged = true;
    if (is_to_ask(s) && !is_stapled(d)) {
        goes_on = ask(s, &v, sent);
        X509_STORE_CTX_set_error(ctx, s->verdict.openssl);
    }
    s->origin = verdict_good_of(&s->verdict, now, v.bound);
    count_verdict(t->stats, &s->verdict);
    return goes_on;
}

// OpenSSL's callback for stapled responses, called once certificate and signature of the peer are
// verified and before the client answers, whether a response came or not: 0 sends the alert. A
// resumed session is as good as the response that it was made with, which bounds it.
static int judge_staple(SSL *ssl, void *arg)
{
    struct tls_client *t = arg;
    struct client_state *s = state_of_ssl(ssl);
    if (SSL_session_reused(ssl) == 1 || (s->judged && !verdict_is_good(&s->verdict)))
        return 1;
    X509 *leaf = SSL_get0_peer_certificate(ssl);
    if (!s->judged || !leaf)
        return 0;
    const unsigned char *der = NULL;
    const long n = SSL_get_tlsext_status_ocsp_resp(ssl, &der);
    struct verify v = {
        .policy = t->policy, .name = &s->name, .verdict = &s->verdict,
        .bound = s->origin.bound,
    };
    bool goes_on = verify_staple(&v, leaf, verify_issuer(s->path), der, n > 0 ? (size_t)n : 0);
    if (is_to_ask(s))
        goes_on = ask(s, &v, s->path);
    s->origin = verdict_good_of(&s->verdict, s->origin.at, v.bound);
    counter_add(&t->stats->reported, verdict_is_reported(&s->verdict));
    counter_add(&t->stats->ocsp_soft, verdict_lacks_ocsp(&s->verdict));
    return goes_on;
}

// OpenSSL hands out sessions after the certificate was judged (TLS 1.2: with the last message of
// the handshake; TLS 1.3: in tickets later). 1 keeps the reference.
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct client_state *s = state_of_ssl(ssl);
    if (!s->sessions || s->filter.failed || !s->client->policy->desc.resume)
        return 0;
    session_put(s->sessions, session, &s->origin, (int64_t)time(NULL));
    return 1;
}

static bool set_protocol(SSL_CTX *ctx, const struct policy_desc *d)
{
    uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    options |= SSL_OP_NO_RX_CERTIFICATE_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION;
#endif
    SSL_CTX_clear_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT
                          | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_options(ctx, options);
    // Without NO_AUTO_CHAIN OpenSSL would complete our own chain from the certificates that we
    // trust in others.
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    return d->alpn == POLICY_ALPN_NONE
        || SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1) == 0;
}

static bool set_verification(SSL_CTX *ctx, struct tls_client *t)
{
    const struct policy_desc *d = &t->policy->desc;
    SSL_CTX_set1_cert_store(ctx, d->trust->store);
    SSL_CTX_set_cert_verify_callback(ctx, judge, t);
    // Without verification OpenSSL would not heed those who judge beside it.
    const bool heeds = d->verify != POLICY_NO_VERIFY || d->judges.n > 0;
    const int mode = heeds ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    SSL_CTX_set_verify(ctx, mode, NULL);
    return SSL_CTX_get_cert_store(ctx) == d->trust->store
        && SSL_CTX_get_verify_mode(ctx) == mode;
}

static bool set_staples(SSL_CTX *ctx, struct tls_client *t)
{
    if (!is_stapled(&t->policy->desc))
        return true;
    return SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp) == 1
        && SSL_CTX_set_tlsext_status_cb(ctx, judge_staple) == 1
        && SSL_CTX_set_tlsext_status_arg(ctx, t) == 1;
}

static bool set_credential(SSL_CTX *ctx, const struct credential *c)
{
    return !c || SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) == 1;
}

// The policy's digest as session context makes OpenSSL itself refuse a session of another policy.
static bool set_sessions(SSL_CTX *ctx, const struct policy *p)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return SSL_CTX_set_session_id_context(ctx, p->sha256, sizeof(p->sha256)) == 1;
}

err_t tls_client_new(struct policy *policy, struct tls_client_stats *stats, struct tls_client **out,
                     char why[TRUST_WHY])
{
    *out = NULL;
    why[0] = '\0';
    struct tls_client *t = xcalloc(1, sizeof(*t));
    t->refs = 1;
    t->policy = policy_ref(policy);
    t->stats = stats;
    verdict_cache_init(&t->verdicts);
    fault_clear();
    t->ctx = SSL_CTX_new_ex(libctx_client(), NULL, TLS_client_method());
    const char *unset = t->ctx ? suites_apply(t->ctx, &policy->desc) : NULL;
    const char *failed = !t->ctx ? "the TLS context"
        : unset ? unset
        : !set_protocol(t->ctx, &policy->desc) ? "protocol"
        : !set_verification(t->ctx, t) ? "verification"
        : !set_staples(t->ctx, t) ? "OCSP"
        : !set_credential(t->ctx, policy->desc.credential) ? "client certificate"
        : !set_sessions(t->ctx, policy) ? "sessions" : NULL;
    if (failed) {
        fault_explain(why, TRUST_WHY, "%s cannot be set up", failed);
        unref(t);
        return &err_tls_setup;
    }
    fault_clear();
    *out = t;
    return NULL;
}

void tls_client_free(struct tls_client *t)
{
    if (t)
        unref(t);
}

static bool offer_session(struct client_state *s)
{
    if (!s->sessions || !s->client->policy->desc.resume)
        return true;
    SSL_SESSION *session = session_take(s->sessions, (int64_t)time(NULL), &s->origin);
    if (!session)
        return true;
    s->offered = true;
    const bool ok = SSL_set_session(s->filter.ssl, session) == 1;
    SSL_SESSION_free(session);
    return ok;
}

static bool set_name(const struct client_state *s)
{
    return s->sni.ip || s->sni.len == 0
        || SSL_set_tlsext_host_name(s->filter.ssl, s->sni.text) == 1;
}

static void state_free(void *state)
{
    struct client_state *s = state;
    unref(s->client);
    sk_X509_pop_free(s->presented.certs, X509_free);
    sk_X509_pop_free(s->path, X509_free);
    free(s);
}

err_t tls_client_start(struct tls_client *t, struct conn *c, const struct peer_name *name,
                       const struct peer_name *sni, struct session_cache *sessions,
                       const struct tls_client_user *user)
{
    struct client_state *s = xcalloc(1, sizeof(*s));
    s->client = t;
    s->name = *name;
    s->sni = *sni;
    s->sessions = sessions;
    s->user = user;
    err_t err = filter_init(&s->filter, t->ctx, &hooks, c);
    if (err) {
        free(s);
        return err;
    }
    t->refs++;
    fault_clear();
    if (!set_name(s) || !offer_session(s)) {
        fault_clear();
        filter_done(&s->filter);
        state_free(s);
        return &err_tls_setup;
    }
    SSL_set_connect_state(s->filter.ssl);
    filter_install(c, &s->filter);
    conn_start(c);
    filter_handshake(c);
    return NULL;
}

// A peer that resumed was verified when the session was made, under this policy and by this name:
// the session came out of this peer's cache and from nowhere else.
static void judge_resumed(struct client_state *s)
{
    verdict_begin(&s->verdict, s->client->policy);
    s->verdict.resumed = true;
    if (s->verdict.mode != POLICY_NO_VERIFY) {
        s->verdict.code = VERDICT_OK;
        s->verdict.text = "ok";
    }
    verdict_recall(&s->verdict, &s->origin);
    s->judged = true;
}

static void judge_missing(struct client_state *s, const char *text)
{
    verdict_begin(&s->verdict, s->client->policy);
    s->verdict.code = VERDICT_NO_CERTIFICATE;
    s->verdict.openssl = X509_V_ERR_UNSPECIFIED;
    s->verdict.text = text;
    s->judged = true;
}

static bool is_accepted(const struct client_state *s)
{
    const enum policy_verify mode = s->client->policy->desc.verify;
    return verdict_is_good(&s->verdict)
        || (s->verdict.code == VERDICT_UNVERIFIED && mode == POLICY_NO_VERIFY)
        || (s->verdict.code != VERDICT_NO_CERTIFICATE && mode == POLICY_REPORT);
}

// Not every OpenSSL compares what the peer selected with what was offered.
static bool is_protocol_ours(const struct client_state *s)
{
    const unsigned char *chosen;
    unsigned n;
    SSL_get0_alpn_selected(s->filter.ssl, &chosen, &n);
    if (n == 0 || (s->client->policy->desc.alpn == POLICY_ALPN_HTTP_1_1 && n == protocols[0]
                   && memcmp(chosen, protocols + 1, n) == 0))
        return true;
    ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_EXTENSION, "ALPN: not a protocol that was offered");
    return false;
}

// After a failure no session of the peer is worth anything: not the one that was offered, nor one
// that TLS 1.2 made in this very handshake.
static err_t refused(struct conn *c)
{
    struct client_state *s = state_of(c);
    counter_add(&s->client->stats->failed, 1);
    if (s->judged)
        count_end(s->client->stats, &s->verdict);
    if (s->sessions)
        session_clear(s->sessions);
    return s->judged && !is_accepted(s) ? &err_tls_verify : &err_tls_handshake;
}

static err_t finished(struct conn *c)
{
    struct client_state *s = state_of(c);
    const bool resumed = SSL_session_reused(s->filter.ssl) == 1;
    if (resumed && s->offered)
        judge_resumed(s);
    else if (!s->judged || resumed)
        judge_missing(s, "peer sent no certificate");
    if (is_to_ask(s) && !s->asked)
        judge_missing(s, "no certificate was shown to the plugins that judge it");
    if (!is_accepted(s) || !is_protocol_ours(s))
        return refused(c);
    if (resumed)
        counter_add(&s->client->stats->resumed, 1);
    else
        counter_add(&s->client->stats->full, 1);
    count_end(s->client->stats, &s->verdict);
    return NULL;
}

static void ready(struct conn *c)
{
    state_of(c)->user->ready(c);
}

static const struct filter_hooks hooks = {
    .finished = finished,
    .ready = ready,
    .refused = refused,
    .free = state_free,
};

void tls_client_forget(struct conn *c)
{
    struct filter *f = filter_of(c, &hooks);
    if (f)
        container_of(f, struct client_state, filter)->sessions = NULL;
}

const struct tls_presented *tls_client_presented(const struct conn *c)
{
    const struct client_state *s = filter_of(c, &hooks) ? state_of(c) : NULL;
    return s && s->presented.certs ? &s->presented : NULL;
}

const struct verdict *tls_client_verdict(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    const struct client_state *s = f ? container_of(f, struct client_state, filter) : NULL;
    return s && s->judged ? &s->verdict : NULL;
}

static void describe(struct client_state *s)
{
    X509 *leaf = SSL_get0_peer_certificate(s->filter.ssl);
    s->described = true;
    if (!leaf || s->verdict.depth >= 0)     // the certificate at fault is described already
        return;
    verify_describe(&s->verdict, leaf, s->client->policy, &s->name);
}

const struct verdict *tls_client_describe(struct conn *c)
{
    if (!tls_client_verdict(c))
        return NULL;
    struct client_state *s = state_of(c);
    if (!s->described)
        describe(s);
    return &s->verdict;
}

struct tls_span tls_client_span(const struct conn *c)
{
    const struct verdict *v = tls_client_verdict(c);
    if (!v || !verdict_is_good(v))
        return (struct tls_span){ 0, INT64_MAX };
    const struct verdict_good *origin = &state_of(c)->origin;
    return (struct tls_span){ origin->at, origin->bound };
}

const char *tls_client_reason(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? f->reason : "";
}

const char *tls_client_version(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? SSL_get_version(f->ssl) : "";
}

const char *tls_client_cipher(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? SSL_get_cipher_name(f->ssl) : "";
}
