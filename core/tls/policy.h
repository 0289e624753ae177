// A policy says how an upstream is authenticated: which trust bundle, how deep a chain may be,
// whether it is verified at all, which certificate we show.
//
// Immutable and interned: two equal descriptions are the same pointer. Connections, sessions and
// cached verdicts hang off a realm of one policy (proxy/realm.h), so "may this be reused?" is a
// question nobody has to ask. The name of a connection is not part of it: it belongs to the peer
// (proxy/peer.h), since it may differ from request to request.
//
// Owner: reference counted; snapshots, realms and requests hold references. Threads: any.

#pragma once

#include "base/error.h"
#include "tls/credential.h"
#include "tls/crl.h"
#include "tls/names.h"
#include "tls/trust.h"

enum policy_verify {
    POLICY_VERIFY = 1,      // zero is no valid value: a forgotten field is an error
    POLICY_NO_VERIFY = 2,   // declared by the configuration (tls_verify off or unset) or a plugin
    POLICY_REPORT = 3,      // judged as if it were enforced, but the connection goes on
};

enum { POLICY_MODES = 3 };

// Which name the ClientHello carries. Addresses are never sent.
enum policy_sni {
    POLICY_SNI_NAME,        // the connection's: the Host that the upstream gets
    POLICY_SNI_NONE,
    POLICY_SNI_FIXED,       // `sni_name`
    POLICY_SNI_HOST,        // what the client asked for
};

// What becomes of an OCSP response that the peer staples, or does not. One that says "revoked" is
// heeded in both; SOFT goes on with none or a bad one, unless the leaf says that it must have one.
enum policy_ocsp { POLICY_OCSP_OFF, POLICY_OCSP_SOFT, POLICY_OCSP_HARD };

// What is offered by ALPN. HTTP/1.1 is all that is spoken, so there is nothing else to offer.
enum policy_alpn { POLICY_ALPN_HTTP_1_1, POLICY_ALPN_NONE };

enum pin_kind { PIN_CERTIFICATE = 1, PIN_KEY = 2 };

// SHA-256 of the leaf's DER, or of its SubjectPublicKeyInfo.
struct pin {
    enum pin_kind kind;
    unsigned char sha256[32];
};

// OpenSSL's default; Kong's fields end at 64.
enum { POLICY_DEPTH_DEFAULT = 100, POLICY_DEPTH_MAX = 100 };
enum { POLICY_LEVEL_DEFAULT = 2, POLICY_LEVEL_MAX = 5, POLICY_LIST_MAX = 256 };

struct policy_desc {
    enum policy_verify verify;
    int depth;                      // intermediates allowed between leaf and anchor
    struct trust *trust;            // never NULL: an empty bundle where there is none
    struct trust *next;             // judged beside it, without effect; NULL: none
    struct credential *credential;  // NULL: none
    struct crls *crls;              // NULL: none
    const struct name *names;       // wanted instead of the connection's name
    const struct pin *pins;         // the leaf must match one
    uint32_t name_count, pin_count;
    int min_version, max_version;   // 0x0303, 0x0304
    int security_level;             // OpenSSL's, of protocol and certificates
    enum policy_sni sni;
    enum policy_ocsp ocsp;
    enum policy_alpn alpn;
    struct str sni_name;            // normalised by peer_name_parse()
    struct str ciphers, ciphersuites, groups, sigalgs;      // n == 0: tls/suites.h's defaults
    struct str judges;              // who else judges (policy_judged_by()); n == 0: nobody
    bool resume;                    // whether sessions are kept
    bool verify_name;               // false: the chain only (declared)
    bool names_all;                 // all of `names`, else any
    bool crl_chain;                 // every certificate is looked up, else the leaf
    bool partial_chain;             // what is no root may be an anchor, too
    bool strict;                    // RFC 5280 to the letter
};

struct policy {
    unsigned refs;                  // atomic
    struct policy_desc desc;        // holds references, and copies of names, pins and texts
    unsigned char sha256[32];       // of the canonical bytes of desc
    char id[TRUST_ID + 1];
};

// A desc that verifies against nothing: the safe start for builders (verify on, empty bundle is the
// caller's).
struct policy_desc policy_desc_default(struct trust *trust);

// Makes who judges chains beside the policy a part of it: `judges` (borrowed) is equal for equal
// judges only. Whoever connects under it answers for them (struct tls_client_user), and every
// connection shows its chain to them, so that none is resumed.
void policy_judged_by(struct policy_desc *desc, struct str judges);

enum { POLICY_WHY = 256 };

// Whether every field has a valid value; else err_tls_setup with `why`.
err_t policy_check(const struct policy_desc *desc, char why[POLICY_WHY]);

// Fails with err_tls_setup when a field has no valid value. Takes its own references and copies.
err_t policy_intern(const struct policy_desc *desc, struct policy **out);

// The policy as a configuration puts it in force: with the process-wide choice about sessions
// (`resume`) and who judges beside it (policy_judged_by()). A new reference; fails as
// policy_intern() does.
err_t policy_in_force(const struct policy *p, bool resume, struct str judges, struct policy **out);

// "enforce", "off", "report": the values of the field `mode`.
const char *policy_mode_name(enum policy_verify mode);

struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p);
unsigned policy_interned(void);

// The name that a connection sends: `name` is the connection's, `host` what the client asked for
// in its own spelling. *out is empty where none is sent.
void policy_sni_of(const struct policy *p, const struct peer_name *name, struct str host,
                   struct peer_name *out);
