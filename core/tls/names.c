// names.c - wanted names, checked once; and the comparison with what a certificate says.

#include "tls/names.h"

#include "base/mem.h"
#include "tls/fault.h"

#include <arpa/inet.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define SPIFFE "spiffe://"

// -- what the configuration says ------------------------------------------------------------------

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0;
}

static void keep(struct name *out, const char *p, size_t n)
{
    out->text = (struct str){ xmemdup0(p, n), n };
}

static const char *parse_host(struct str value, bool ip, struct name *out)
{
    struct peer_name host;
    if (peer_name_parse(value, &host) != NULL)
        return ip ? "not an IP address" : "not a host name";
    if (host.ip != ip)
        return ip ? "not an IP address" : "an IP address is no DNS name";
    if (!ip && str_find(value, ':', 0) < value.n)
        return "a DNS name has no port";
    if (ip && value.p[0] != '[' && !memchr(host.text, ':', host.len)
        && str_find(value, ':', 0) < value.n)
        return "an IP address has no port";
    keep(out, host.text, host.len);
    memcpy(out->ip_bytes, host.ip_bytes, sizeof(out->ip_bytes));
    out->ip_len = host.ip_len;
    return NULL;
}

static bool has_scheme(struct str s)
{
    const size_t colon = str_find(s, ':', 0);
    return colon > 0 && colon + 1 < s.n;
}

// Scheme and trust domain in lower case; the path is left alone.
static const char *normalise_spiffe(struct name *out)
{
    char *p = (char *)(uintptr_t)out->text.p;
    const size_t host = sizeof(SPIFFE) - 1;
    const size_t end = str_find(out->text, '/', host);
    for (size_t i = 0; i < end; i++)
        p[i] = str_lower_char(p[i]);
    if (end == host)
        return "a SPIFFE ID needs a trust domain";
    out->domain = str_eq(str_sub(out->text, end, out->text.n), STR("/*"));
    if (out->domain)
        p[--out->text.n] = '\0';
    return str_find(out->text, '*', 0) < out->text.n ? "\"*\" stands for a whole path only" : NULL;
}

static const char *parse_uri(struct str value, struct name *out)
{
    if (value.n > NAME_TEXT || !is_visible(value) || !has_scheme(value))
        return "not a URI";
    keep(out, value.p, value.n);
    const size_t scheme = sizeof(SPIFFE) - 1;
    if (value.n >= scheme && str_eq_nocase(str_sub(value, 0, scheme), STR(SPIFFE)))
        return normalise_spiffe(out);
    return NULL;
}

static const char *parse_email(struct str value, struct name *out)
{
    const size_t at = str_find(value, '@', 0);
    if (value.n > NAME_TEXT || !is_visible(value) || at == 0 || at + 1 >= value.n)
        return "not an e-mail address";
    keep(out, value.p, value.n);
    return NULL;
}

err_t name_parse(int kind, struct str value, struct name *out, char why[NAME_WHY])
{
    *out = (struct name){ .kind = (enum name_kind)kind };
    const bool ip = kind == NAME_IP;
    const char *wrong = kind == NAME_DNS || ip ? parse_host(value, ip, out)
        : kind == NAME_URI ? parse_uri(value, out)
        : kind == NAME_EMAIL ? parse_email(value, out) : "no such kind of name";
    if (!wrong)
        return NULL;
    snprintf(why, NAME_WHY, "name \"%.*s\": %s", (int)(value.n < 100 ? value.n : 100),
             value.p ? value.p : "", wrong);
    name_free(out);
    return &err_tls_setup;
}

void name_free(struct name *n)
{
    free((char *)(uintptr_t)n->text.p);
    *n = (struct name){ 0 };
}

struct name name_of_peer(const struct peer_name *from)
{
    struct name n = {
        .kind = from->ip ? NAME_IP : NAME_DNS,
        .text = { from->text, from->len },
        .ip_len = from->ip_len,
    };
    memcpy(n.ip_bytes, from->ip_bytes, sizeof(n.ip_bytes));
    return n;
}

// -- what the certificate says --------------------------------------------------------------------

static struct str text_of(const ASN1_STRING *s)
{
    return (struct str){ (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s) };
}

static bool is_uri(struct str seen, const struct name *n)
{
    if (!n->domain)
        return str_eq(seen, n->text);
    return seen.n > n->text.n && str_starts(seen, n->text) && is_visible(seen);
}

// A SPIFFE ID in a certificate may be in any case up to its path.
static bool is_spiffe_id(struct str seen, const struct name *n)
{
    struct name copy = { 0 };
    char why[NAME_WHY];
    if (name_parse(NAME_URI, seen, &copy, why) != NULL)
        return false;
    const bool same = !copy.domain && is_uri(copy.text, n);
    name_free(&copy);
    return same;
}

static bool has_uri(X509 *x, const struct name *n)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    const bool identity = str_starts(n->text, STR(SPIFFE));
    unsigned uris = 0;
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type != GEN_URI)
            continue;
        uris++;
        const struct str seen = text_of(g->d.uniformResourceIdentifier);
        found = found || (identity ? is_spiffe_id(seen, n) : is_uri(seen, n));
    }
    GENERAL_NAMES_free(all);
    return found && (!identity || uris == 1);
}

bool name_matches(void *x509, const struct name *n)
{
    const unsigned flags =
        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    if (n->text.n == 0)     // which OpenSSL would take for "compare with nothing"
        return false;
    switch (n->kind) {
    case NAME_DNS:
        return X509_check_host(x509, n->text.p, n->text.n, flags, NULL) == 1;
    case NAME_IP:
        return X509_check_ip(x509, n->ip_bytes, n->ip_len, flags) == 1;
    case NAME_URI:
        return has_uri(x509, n);
    case NAME_EMAIL:
        return X509_check_email(x509, n->text.p, n->text.n, flags) == 1;
    }
    return false;
}

static int mismatch_of(const struct name *n)
{
    return n->kind == NAME_IP ? X509_V_ERR_IP_ADDRESS_MISMATCH
        : n->kind == NAME_EMAIL ? X509_V_ERR_EMAIL_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH;
}

int name_check(void *x509, const struct name *names, unsigned count, bool all)
{
    int error = X509_V_ERR_HOSTNAME_MISMATCH;
    for (unsigned i = 0; i < count; i++) {
        const bool has = name_matches(x509, &names[i]);
        if (has != all)
            return has ? X509_V_OK : mismatch_of(&names[i]);
        error = has ? X509_V_OK : mismatch_of(&names[i]);
    }
    return error;
}

// -- for people -----------------------------------------------------------------------------------

struct writer {
    char *out;
    size_t n;
};

// Control characters and what is not ASCII become "?": the text goes into log lines.
static void put(struct writer *w, const char *kind, struct str text)
{
    if (w->n > 0 && w->n + 2 < NAME_LIST)
        w->n += (size_t)snprintf(w->out + w->n, NAME_LIST - w->n, ", ");
    for (const char *p = kind; *p && w->n + 1 < NAME_LIST; p++)
        w->out[w->n++] = *p;
    for (size_t i = 0; i < text.n && w->n + 1 < NAME_LIST; i++)
        w->out[w->n++] = text.p[i] < ' ' || text.p[i] > '~' || text.p[i] == '"' ? '?' : text.p[i];
    w->out[w->n] = '\0';
}

static void put_ip(struct writer *w, struct str bytes)
{
    char text[INET6_ADDRSTRLEN] = "?";
    if (bytes.n == 4 || bytes.n == 16)
        inet_ntop(bytes.n == 4 ? AF_INET : AF_INET6, bytes.p, text, sizeof(text));
    put(w, "IP:", str_from(text));
}

void names_seen(void *x509, char out[NAME_LIST])
{
    struct writer w = { out, 0 };
    out[0] = '\0';
    GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
        if (g->type == GEN_DNS)
            put(&w, "DNS:", text_of(g->d.dNSName));
        else if (g->type == GEN_URI)
            put(&w, "URI:", text_of(g->d.uniformResourceIdentifier));
        else if (g->type == GEN_EMAIL)
            put(&w, "email:", text_of(g->d.rfc822Name));
        else if (g->type == GEN_IPADD)
            put_ip(&w, text_of(g->d.iPAddress));
    }
    GENERAL_NAMES_free(all);
    fault_clear();
}

void names_wanted(const struct name *names, unsigned count, char out[NAME_LIST])
{
    static const char *const kinds[] = { "", "DNS:", "IP:", "URI:", "email:" };
    struct writer w = { out, 0 };
    out[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        put(&w, kinds[names[i].kind], names[i].text);
        if (names[i].domain && w.n + 1 < NAME_LIST)
            snprintf(out + w.n++, 2, "*");
    }
}
