// probe.c - a connection that is only made to look at it.

#include "tls/probe.h"

#include "net/dial.h"
#include "tls/client.h"
#include "tls/pem.h"

#include <stdio.h>
#include <stdlib.h>

struct probe {
    struct loop *loop;
    struct tls_client *client;
    struct session_cache sessions;
    const struct policy *policy;
    const struct peer_name *name;
    uint64_t timeout_ms;
    struct conn *conn;
    struct verdict *verdict;
    char *chain;
    size_t cap;
    char *why;
    err_t err;
    bool done;
};

static void keep_chain(struct probe *p, const struct tls_presented *presented)
{
    const struct str text = pem_write(presented->certs, p->cap - 1);
    if (text.n > 0)
        memcpy(p->chain, text.p, text.n + 1);
    free((char *)(uintptr_t)text.p);
}

static void finish(struct probe *p, err_t err)
{
    if (p->done)
        return;
    p->done = true;
    p->err = err;
    const struct tls_presented *presented = p->conn ? tls_client_presented(p->conn) : NULL;
    if (presented && p->cap > 0)
        keep_chain(p, presented);
    const struct verdict *v = p->conn ? tls_client_describe(p->conn) : NULL;
    if (v)
        *p->verdict = *v;
    if (err == &err_tls_verify)
        p->err = NULL;
    else if (err)
        snprintf(p->why, TRUST_WHY, "%s%s%s", err->text,
                 p->conn && tls_client_reason(p->conn)[0] ? ": " : "",
                 p->conn ? tls_client_reason(p->conn) : "");
    if (p->conn)
        conn_close(p->conn);
    p->conn = NULL;
}

// A refusal that comes after a handshake of TLS 1.3 (a certificate that is asked for and missing)
// is not waited for.
static void ready(struct conn *c)
{
    finish(c->owner, NULL);
}

static size_t ignore_data(struct conn *c, const char *data, size_t n)
{
    (void)c, (void)data;
    return n;
}

static void ended(struct conn *c)
{
    finish(c->owner, &err_closed);
}

static void ignore_drained(struct conn *c)
{
    (void)c;
}

static void failed(struct conn *c, err_t why)
{
    finish(c->owner, why);
}

static const struct conn_user user = {
    .data = ignore_data, .eof = ended, .drained = ignore_drained, .failed = failed,
};

static void dialled(void *arg, struct conn *c, err_t err)
{
    struct probe *p = arg;
    if (err) {
        finish(p, err);
        return;
    }
    struct peer_name sni;
    policy_sni_of(p->policy, p->name, (struct str){ p->name->text, p->name->len }, &sni);
    p->conn = c;
    conn_set_user(c, &user, p);
    conn_set_timeout(c, p->timeout_ms, false);
    static const struct tls_client_user shaker = { .ready = ready };
    err = tls_client_start(p->client, c, p->name, &sni, &p->sessions, &shaker);
    if (err)
        finish(p, err);
}

static void stop_when_done(void *arg)
{
    struct probe *p = arg;
    if (p->done && p->loop->conns == 0)
        loop_stop(p->loop);
}

err_t probe_run(const struct addr *to, struct policy *policy, const struct peer_name *name,
                uint64_t timeout_ms, struct verdict *out, char *chain, size_t cap,
                char why[TRUST_WHY])
{
    struct tls_client_stats stats = { 0 };
    struct probe p = {
        .policy = policy, .name = name, .timeout_ms = timeout_ms, .verdict = out, .chain = chain,
        .cap = cap, .why = why,
    };
    verdict_begin(out, policy);
    if (cap > 0)
        chain[0] = '\0';
    why[0] = '\0';
    err_t err = tls_client_new(policy, &stats, &p.client, why);
    if (err)
        return err;
    p.loop = loop_new();
    p.loop->before_wait = stop_when_done;
    p.loop->before_wait_arg = &p;
    dial_start(p.loop, to, timeout_ms, dialled, &p);
    loop_run(p.loop);
    loop_free(p.loop);
    session_clear(&p.sessions);
    tls_client_free(p.client);
    return p.err;
}
