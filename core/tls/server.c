// server.c - certificates by SNI, and connections that show them.

#include "tls/server.h"

#include "base/mem.h"
#include "base/table.h"
#include "tls/fault.h"
#include "tls/filter.h"
#include "tls/pem.h"

#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SNI_MAX = 255, TICKET_KEYS = 80, CLIENT_CHAIN_MAX = 64 * 1024 };

// Mozilla's intermediate list for TLS 1.2; TLS 1.3 has OpenSSL's default.
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

// One context for each certificate, sharing nothing but the ticket keys: its session context is its
// certificate's digest, so that a ticket made under one certificate is of no use under another.
struct shown {
    const struct credential *credential;    // compared while the server is built, not read later
    SSL_CTX *ctx;
};

struct entry {
    struct str name;        // lower case, owned
    SSL_CTX *ctx;           // of a `shown`
};

struct tls_server {
    unsigned refs;          // owners and connections; one thread, so not atomic
    SSL_CTX *start;         // every connection begins in it, until its name is known
    SSL_CTX *fallback;      // of a `shown`; NULL: unknown names are refused
    struct table names;     // struct entry by name
    struct table shown;     // struct shown by credential
};

struct server_state {
    struct filter filter;   // first
    struct tls_server *server;
    struct conn *conn;
    bool (*ask)(struct conn *c);
    bool asking;
    char sni[SNI_MAX + 1];
    size_t sni_len;
};

static const struct filter_hooks hooks;

static unsigned char ticket_keys[TICKET_KEYS];
static bool has_ticket_keys;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_ticket_keys(void)
{
    has_ticket_keys = RAND_priv_bytes(ticket_keys, sizeof(ticket_keys)) == 1;
}

static bool same_name(const void *value, const void *key)
{
    return str_eq(((const struct entry *)value)->name, *(const struct str *)key);
}

static SSL_CTX *find(const struct tls_server *s, struct str name)
{
    const struct entry *e = table_get(&s->names, table_hash(name.p, name.n), same_name, &name);
    return e ? e->ctx : NULL;
}

// Kong's order: the name itself, "*" for its first label, "*" for its last label, the fallback.
static SSL_CTX *choose(const struct tls_server *s, struct str sni)
{
    SSL_CTX *ctx = sni.n > 0 ? find(s, sni) : NULL;
    char pattern[SNI_MAX + 2];
    const size_t first = str_find(sni, '.', 0);
    if (!ctx && first < sni.n) {
        const int n = snprintf(pattern, sizeof(pattern), "*%.*s",
                               STR_ARG(str_sub(sni, first, sni.n)));
        ctx = find(s, (struct str){ pattern, (size_t)n });
    }
    if (!ctx && first < sni.n) {
        size_t last = sni.n;
        while (sni.p[last - 1] != '.')
            last--;
        const int n = snprintf(pattern, sizeof(pattern), "%.*s*", STR_ARG(str_sub(sni, 0, last)));
        ctx = find(s, (struct str){ pattern, (size_t)n });
    }
    return ctx ? ctx : s->fallback;
}

// The host name in the server_name extension (RFC 6066 §3): list length, type 0, length, name.
// Empty when there is none; false when it is malformed or no name that we could know.
static bool read_sni(SSL *ssl, struct server_state *s)
{
    const unsigned char *p;
    size_t n;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1)
        return true;
    if (n < 5 || (size_t)(p[0] << 8 | p[1]) != n - 2 || p[2] != TLSEXT_NAMETYPE_host_name)
        return false;
    const size_t len = (size_t)(p[3] << 8 | p[4]);
    if (len != n - 5 || len == 0 || len > SNI_MAX || memchr(p + 5, '\0', len))
        return false;
    for (size_t i = 0; i < len; i++)
        s->sni[i] = str_lower_char((char)p[5 + i]);
    s->sni_len = len - (s->sni[len - 1] == '.');
    s->sni[s->sni_len] = '\0';
    return true;
}

static bool accepts(struct server_state *s)
{
    if (!s->ask)
        return true;
    s->asking = true;
    const bool accepted = s->ask(s->conn);
    s->asking = false;
    return accepted;
}

// Chosen at the very start of the ClientHello: OpenSSL looks at tickets before it looks at names,
// and would resume a session in the context in which the connection began.
static int client_hello(SSL *ssl, int *alert, void *arg)
{
    const struct tls_server *server = arg;
    struct filter *f = SSL_get_app_data(ssl);
    struct server_state *s = container_of(f, struct server_state, filter);
    if (!read_sni(ssl, s)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_CTX *ctx = choose(server, (struct str){ s->sni, s->sni_len });
    if (!ctx) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (SSL_set_SSL_CTX(ssl, ctx) != ctx || !accepts(s)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

// The name was dealt with in client_hello(); this only lets OpenSSL acknowledge it.
static int acknowledge_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl, (void)alert, (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

// Whoever asked for a client's certificate judges it. That nobody has done so stays with the
// connection.
static int leave_unverified(X509_STORE_CTX *ctx, void *arg)
{
    (void)arg;
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_UNTRUSTED);
    return 1;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)arg;
    unsigned char *selected;
    if (SSL_select_next_proto(&selected, out_len, ours, sizeof(ours) - 1, in, in_len)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

// What all contexts have in common.
static SSL_CTX *new_ctx(struct tls_server *s)
{
    pthread_once(&once, make_ticket_keys);
    SSL_CTX *ctx = has_ticket_keys ? SSL_CTX_new(TLS_server_method()) : NULL;
    if (!ctx)
        return NULL;
    SSL_CTX_clear_options(ctx, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_client_hello_cb(ctx, client_hello, s);
    SSL_CTX_set_tlsext_servername_callback(ctx, acknowledge_name);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, leave_unverified, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1
        && SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1
        && SSL_CTX_set_cipher_list(ctx, ciphers) == 1
        && SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1
        && SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_keys, sizeof(ticket_keys)) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static bool same_credential(const void *value, const void *key)
{
    return ((const struct shown *)value)->credential == key;
}

// The context that shows this certificate, made when it is first asked for. NULL when it cannot be
// made.
static SSL_CTX *ctx_for(struct tls_server *s, const struct credential *c)
{
    const uint64_t hash = table_hash(c->sha256, sizeof(c->sha256));
    struct shown *known = table_get(&s->shown, hash, same_credential, c);
    if (known)
        return known->ctx;
    SSL_CTX *ctx = new_ctx(s);
    if (!ctx || SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) != 1
        || SSL_CTX_set_session_id_context(ctx, c->sha256, sizeof(c->sha256)) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    struct shown *made = xmalloc(sizeof(*made));
    *made = (struct shown){ c, ctx };
    table_put(&s->shown, hash, made);
    return ctx;
}

static err_t add_name(struct tls_server *s, const struct tls_server_name *n, char why[TRUST_WHY])
{
    char lower[SNI_MAX + 1];
    if (n->name.n == 0 || n->name.n > SNI_MAX) {
        snprintf(why, TRUST_WHY, "a server name must have 1 to %d characters", SNI_MAX);
        return &err_tls_setup;
    }
    for (size_t i = 0; i < n->name.n; i++)
        lower[i] = str_lower_char(n->name.p[i]);
    if (find(s, (struct str){ lower, n->name.n })) {
        snprintf(why, TRUST_WHY, "two certificates for \"%.*s\"", STR_ARG(n->name));
        return &err_tls_setup;
    }
    fault_clear();
    SSL_CTX *ctx = ctx_for(s, n->credential);
    if (!ctx) {
        fault_explain(why, TRUST_WHY, "certificate of \"%.*s\" cannot be used", STR_ARG(n->name));
        return &err_tls_setup;
    }
    struct entry *e = xmalloc(sizeof(*e));
    e->name = (struct str){ xmemdup0(lower, n->name.n), n->name.n };
    e->ctx = ctx;
    table_put(&s->names, table_hash(e->name.p, e->name.n), e);
    return NULL;
}

static void destroy(struct tls_server *s)
{
    size_t at = 0;
    for (struct entry *e; (e = table_next(&s->names, &at));) {
        free((char *)e->name.p);
        free(e);
    }
    at = 0;
    for (struct shown *c; (c = table_next(&s->shown, &at));) {
        SSL_CTX_free(c->ctx);
        free(c);
    }
    table_done(&s->names);
    table_done(&s->shown);
    SSL_CTX_free(s->start);
    free(s);
}

// The name "*" is Kong's way to say which certificate is the default; one that is given here comes
// after it.
static err_t build(struct tls_server *s, const struct tls_server_name *names, unsigned count,
                   const struct credential *fallback, char why[TRUST_WHY])
{
    fault_clear();
    s->start = new_ctx(s);
    if (!s->start) {
        fault_explain(why, TRUST_WHY, "no TLS context");
        return &err_tls_setup;
    }
    for (unsigned i = 0; i < count; i++) {
        err_t err = add_name(s, &names[i], why);
        if (err)
            return err;
    }
    s->fallback = find(s, STR("*"));
    if (s->fallback || !fallback)
        return NULL;
    fault_clear();
    s->fallback = ctx_for(s, fallback);
    if (!s->fallback) {
        fault_explain(why, TRUST_WHY, "default certificate cannot be used");
        return &err_tls_setup;
    }
    return NULL;
}

err_t tls_server_new(const struct tls_server_name *names, unsigned count,
                     struct credential *fallback, struct tls_server **out, char why[TRUST_WHY])
{
    *out = NULL;
    why[0] = '\0';
    struct tls_server *s = xcalloc(1, sizeof(*s));
    s->refs = 1;
    err_t err = build(s, names, count, fallback, why);
    if (err)
        destroy(s);
    else
        *out = s;
    return err;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
    s->refs++;
    return s;
}

void tls_server_unref(struct tls_server *s)
{
    if (s && --s->refs == 0)
        destroy(s);
}

static void state_free(void *state)
{
    struct server_state *s = state;
    tls_server_unref(s->server);
    free(s);
}

err_t tls_server_start(struct tls_server *s, struct conn *c, bool (*ask)(struct conn *c))
{
    struct server_state *state = xcalloc(1, sizeof(*state));
    err_t err = filter_init(&state->filter, s->start, &hooks, c);
    if (err) {
        free(state);
        return err;
    }
    state->server = tls_server_ref(s);
    state->conn = c;
    state->ask = ask;
    SSL_set_accept_state(state->filter.ssl);
    filter_install(c, &state->filter);
    return NULL;
}

static err_t finished(struct conn *c)
{
    (void)c;
    return NULL;
}

static err_t refused(struct conn *c)
{
    (void)c;
    return &err_tls_handshake;
}

static const struct filter_hooks hooks = {
    .finished = finished,
    .refused = refused,
    .free = state_free,
};

static struct server_state *state_of(const struct conn *c)
{
    struct filter *f = filter_of(c, &hooks);
    return f ? container_of(f, struct server_state, filter) : NULL;
}

bool tls_server_forbid_sessions(struct conn *c)
{
    struct server_state *s = state_of(c);
    if (!s || !s->asking)
        return false;
    SSL_set_options(s->filter.ssl, SSL_OP_NO_TICKET);
    return SSL_set_num_tickets(s->filter.ssl, 0) == 1;
}

// Appends the names of a bundle's CAs. False: there is no memory.
static bool add_names(STACK_OF(X509_NAME) *names, const struct trust *t)
{
    const STACK_OF(X509_OBJECT) *members = X509_STORE_get0_objects(t->store);
    for (int i = 0; i < sk_X509_OBJECT_num(members); i++) {
        const X509 *ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(members, i));
        X509_NAME *name = ca ? X509_NAME_dup(X509_get_subject_name(ca)) : NULL;
        if (!name || sk_X509_NAME_push(names, name) <= 0) {
            X509_NAME_free(name);
            return false;
        }
    }
    return true;
}

static bool send_names(SSL *ssl, const struct trust *t)
{
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    if (!names || !add_names(names, t)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_set0_CA_list(ssl, names);
    return true;
}

bool tls_server_request_certificate(struct conn *c, const struct trust *hint)
{
    if (!tls_server_forbid_sessions(c))
        return false;
    SSL *ssl = state_of(c)->filter.ssl;
    if (hint && !send_names(ssl, hint))
        return false;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return true;
}

// OpenSSL keeps the leaf of a client apart from the rest of its chain.
struct str tls_server_client_chain(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    X509 *leaf = f ? SSL_get0_peer_certificate(f->ssl) : NULL;
    STACK_OF(X509) *chain = leaf ? sk_X509_new_null() : NULL;
    bool whole = chain && sk_X509_push(chain, leaf) > 0;
    STACK_OF(X509) *rest = whole ? SSL_get_peer_cert_chain(f->ssl) : NULL;
    for (int i = 0; whole && i < sk_X509_num(rest); i++)
        whole = sk_X509_push(chain, sk_X509_value(rest, i)) > 0;
    const struct str text = whole ? pem_write(chain, CLIENT_CHAIN_MAX) : STR_NONE;
    sk_X509_free(chain);
    return text;
}

struct str tls_server_sni(const struct conn *c)
{
    const struct server_state *s = state_of(c);
    return s ? (struct str){ s->sni, s->sni_len } : STR("");
}

const char *tls_server_version(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? SSL_get_version(f->ssl) : "";
}

const char *tls_server_cipher(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? SSL_get_cipher_name(f->ssl) : "";
}

const char *tls_server_reason(const struct conn *c)
{
    const struct filter *f = filter_of(c, &hooks);
    return f ? f->reason : "";
}
