// suites.c - protocol parameters of a policy.

#include "tls/suites.h"

#include "base/mem.h"
#include "tls/fault.h"
#include "tls/libctx.h"

#include <stdlib.h>

enum { TOKEN_MAX = 80 };

static const char never[] = ":!aNULL:!eNULL:!PSK:!SRP";

static size_t next_token(struct str list, size_t at, struct str *token)
{
    size_t end = at;
    while (end < list.n && !strchr(":, ;", list.p[end]))
        end++;
    *token = str_sub(list, at, end);
    return end;
}

// OpenSSL passes over words that it does not know as long as there is one that it knows. Words that
// take suites away may name what this OpenSSL has not.
static bool knows_all(SSL_CTX *ctx, struct str list)
{
    for (size_t at = 0; at < list.n; at++) {
        struct str token;
        at = next_token(list, at, &token);
        if (token.n == 0 || token.p[0] == '!' || token.p[0] == '-')
            continue;
        if (token.p[0] == '+')
            token = str_sub(token, 1, token.n);
        char word[TOKEN_MAX];
        if (token.n == 0 || token.n >= sizeof(word))
            return false;
        memcpy(word, token.p, token.n);
        word[token.n] = '\0';
        if (SSL_CTX_set_cipher_list(ctx, word) != 1)
            return false;
    }
    return true;
}

static bool set_ciphers(SSL_CTX *ctx, struct str list)
{
    if (list.n == 0)
        return SSL_CTX_set_cipher_list(ctx, "DEFAULT:!aNULL:!eNULL:!PSK:!SRP") == 1;
    // "@SECLEVEL=0" would change what `security_level` says.
    if (memchr(list.p, '@', list.n) || memchr(list.p, '\0', list.n) || !knows_all(ctx, list))
        return false;
    char *text = xmalloc(list.n + sizeof(never));
    memcpy(text, list.p, list.n);
    memcpy(text + list.n, never, sizeof(never));
    const bool ok = SSL_CTX_set_cipher_list(ctx, text) == 1;
    free(text);
    return ok;
}

static bool is_of_1_3(const SSL_CIPHER *c)
{
    return SSL_CIPHER_get_bits(c, NULL) > 0 && strcmp(SSL_CIPHER_get_version(c), "TLSv1.3") == 0;
}

static int suites_of_1_3(const SSL_CTX *ctx)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    int count = 0;
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
        count += is_of_1_3(sk_SSL_CIPHER_value(all, i));
    return count;
}

// Whether the context's suites of TLS 1.3 are those that OpenSSL itself comes with, in that order.
static bool has_stock_suites(const SSL_CTX *ctx)
{
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    const char *at = OSSL_default_ciphersuites();
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
        if (!is_of_1_3(c))
            continue;
        const size_t n = strcspn(at, ":");
        if (strlen(SSL_CIPHER_get_name(c)) != n || memcmp(SSL_CIPHER_get_name(c), at, n) != 0)
            return false;
        at += at[n] == ':' ? n + 1 : n;
    }
    return *at == '\0';
}

// OpenSSL's order begins with AES-256. AES-128 is what RFC 8446 §9.1 asks of everybody and what
// browsers begin with; its handshakes hash with SHA-256, for which processors have instructions, in
// place of SHA-384. A machine whose openssl.cnf names suites has chosen for itself.
static bool set_own_order(SSL_CTX *ctx)
{
    static const char order[] =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    return !has_stock_suites(ctx) || SSL_CTX_set_ciphersuites(ctx, order) == 1;
}

static bool set_ciphersuites(SSL_CTX *ctx, struct str list)
{
    if (list.n == 0)
        return set_own_order(ctx);
    int wanted = 1;
    for (size_t i = 0; i < list.n; i++)
        wanted += list.p[i] == ':';
    char *text = xmemdup0(list.p, list.n);
    const bool ok = strlen(text) == list.n && SSL_CTX_set_ciphersuites(ctx, text) == 1
        && suites_of_1_3(ctx) == wanted;
    free(text);
    return ok;
}

static bool set_list(SSL_CTX *ctx, struct str list, int command)
{
    if (list.n == 0)
        return true;
    char *text = xmemdup0(list.p, list.n);
    const bool ok = strlen(text) == list.n && SSL_CTX_ctrl(ctx, command, 0, text) == 1;
    free(text);
    return ok;
}

const char *suites_apply(SSL_CTX *ctx, const struct policy_desc *d)
{
    SSL_CTX_set_security_level(ctx, d->security_level);
    return !set_ciphers(ctx, d->ciphers) ? "ciphers: an unknown word, or none is left"
        : !set_ciphersuites(ctx, d->ciphersuites) ? "ciphersuites: an unknown or unfit suite"
        : !set_list(ctx, d->groups, SSL_CTRL_SET_GROUPS_LIST) ? "groups: an unknown group"
        : !set_list(ctx, d->sigalgs, SSL_CTRL_SET_SIGALGS_LIST) ? "sigalgs: an unknown algorithm"
        : SSL_CTX_set_min_proto_version(ctx, d->min_version) != 1
            || SSL_CTX_set_max_proto_version(ctx, d->max_version) != 1 ? "protocol versions"
        : SSL_CTX_get_security_level(ctx) != d->security_level ? "security level" : NULL;
}

// Without a list there is nothing that could be misspelt, and making a context costs as much as
// judging a chain.
const char *suites_check(const struct policy_desc *d)
{
    if (d->ciphers.n + d->ciphersuites.n + d->groups.n + d->sigalgs.n == 0)
        return NULL;
    fault_clear();
    SSL_CTX *ctx = SSL_CTX_new_ex(libctx_client(), NULL, TLS_client_method());
    const char *wrong = ctx ? suites_apply(ctx, d) : "no TLS context";
    SSL_CTX_free(ctx);
    fault_clear();
    return wrong;
}
