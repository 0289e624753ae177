// The names that a policy wants in a certificate, and those that a certificate has.
//
// Names are compared with subjectAltName entries only; a common name is never consulted. Owner: the
// policy that holds the names, or the caller. Threads: any; names are values that do not change.

#pragma once

#include "tls/peer_name.h"

enum name_kind { NAME_DNS = 1, NAME_IP = 2, NAME_URI = 3, NAME_EMAIL = 4 };

enum { NAME_TEXT = 2048, NAME_WHY = 256, NAME_LIST = 512 };     // the longest URI (SPIFFE's limit)

struct name {
    enum name_kind kind;
    bool domain;                    // a URI "spiffe://domain/*": any identity of the trust domain
    struct str text;                // normalised, NUL-terminated; of a domain without the "*"
    unsigned char ip_bytes[16];
    uint8_t ip_len;
};

// Checks and normalises a configured name: DNS names in lower case without a trailing dot,
// addresses in one spelling, scheme and trust domain of a SPIFFE ID in lower case; other URIs are
// compared as they are. `out->text` is malloc'd; free it with name_free(). Fails with err_tls_setup
// and `why`.
err_t name_parse(int kind, struct str value, struct name *out, char why[NAME_WHY]);
void name_free(struct name *n);

// The same for the name of a connection; the text belongs to `from`. An empty name matches nothing.
struct name name_of_peer(const struct peer_name *from);

// Whether a certificate (X509 *) carries it. DNS wildcards stand for one whole leftmost label. A
// SPIFFE ID is only looked for in certificates with exactly one URI, as SPIFFE demands.
bool name_matches(void *x509, const struct name *n);

// X509_V_OK, or the error that a missing name is.
int name_check(void *x509, const struct name *names, unsigned count, bool all);

// "DNS:a.example, IP:::1", cut to size: of the certificate's SANs, and of wanted names.
void names_seen(void *x509, char out[NAME_LIST]);
void names_wanted(const struct name *names, unsigned count, char out[NAME_LIST]);
