// shown.c - reading a peer's certificates for others.

#include "tls/shown.h"

#include "tls/cert.h"
#include "tls/fault.h"
#include "tls/names.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static X509 *at(const struct shown *p, unsigned i)
{
    return i < shown_count(p) ? sk_X509_value(p->stack, (int)i) : NULL;
}

unsigned shown_count(const struct shown *p)
{
    const int n = sk_X509_num(p->stack);
    return n > 0 ? (unsigned)n : 0;
}

bool shown_detail(const struct shown *p, unsigned i, struct x509_detail *out)
{
    X509 *x = at(p, i);
    const bool ok = x && x509_detail_of(x, out);
    fault_clear();
    return ok;
}

static bool write_text(BIO *bio, X509 *x, enum shown_text what)
{
    switch (what) {
    case SHOWN_PEM:
        return PEM_write_bio_X509(bio, x) == 1;
    case SHOWN_DER:
        return i2d_X509_bio(bio, x) == 1;
    case SHOWN_SUBJECT:
        return X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0;
    case SHOWN_ISSUER:
        return X509_NAME_print_ex(bio, X509_get_issuer_name(x), 0, XN_FLAG_RFC2253) >= 0;
    }
    return false;
}

struct str shown_text(const struct shown *p, unsigned i, enum shown_text what,
                          struct arena *a)
{
    X509 *x = at(p, i);
    BIO *bio = x ? BIO_new(BIO_s_mem()) : NULL;
    struct str text = STR_NONE;
    if (bio && write_text(bio, x, what)) {
        char *bytes = NULL;
        const long n = BIO_get_mem_data(bio, &bytes);
        text = arena_dup(a, (struct str){ bytes, n > 0 ? (size_t)n : 0 });
    }
    BIO_free(bio);
    fault_clear();
    return text;
}

static struct str bytes_of(const ASN1_STRING *s)
{
    return (struct str){ (const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s) };
}

// An address of a length that there is not has no text, and is no address.
static struct str address_of(struct str bytes, char text[INET6_ADDRSTRLEN])
{
    text[0] = '\0';
    if (bytes.n == 4 || bytes.n == 16)
        inet_ntop(bytes.n == 4 ? AF_INET : AF_INET6, bytes.p, text, INET6_ADDRSTRLEN);
    return str_from(text);
}

// 0: of a kind that nobody asks for.
static int read_name(const GENERAL_NAME *g, struct arena *a, struct str *text)
{
    char ip[INET6_ADDRSTRLEN];
    switch (g->type) {
    case GEN_DNS:
        *text = arena_dup(a, bytes_of(g->d.dNSName));
        return NAME_DNS;
    case GEN_IPADD:
        *text = arena_dup(a, address_of(bytes_of(g->d.iPAddress), ip));
        return text->n > 0 ? NAME_IP : 0;
    case GEN_URI:
        *text = arena_dup(a, bytes_of(g->d.uniformResourceIdentifier));
        return NAME_URI;
    case GEN_EMAIL:
        *text = arena_dup(a, bytes_of(g->d.rfc822Name));
        return NAME_EMAIL;
    default:
        return 0;
    }
}

unsigned shown_names(const struct shown *p, unsigned i, struct shown_name *out,
                         unsigned max, struct arena *a)
{
    X509 *x = at(p, i);
    GENERAL_NAMES *all = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
    unsigned count = 0;
    for (int n = 0; n < sk_GENERAL_NAME_num(all); n++) {
        struct shown_name name = { 0 };
        name.kind = read_name(sk_GENERAL_NAME_value(all, n), a, &name.text);
        if (name.kind == 0)
            continue;
        if (count < max)
            out[count] = name;
        count++;
    }
    GENERAL_NAMES_free(all);
    fault_clear();
    return count;
}
