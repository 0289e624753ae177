// A policy says how an upstream is authenticated: which trust bundle, how deep a chain may be,
// whether it is verified at all, which certificate we show.
//
// Immutable and interned: two equal descriptions are the same pointer. Connections, sessions and
// cached verdicts hang off a realm of one policy (proxy/realm.h), so "may this be reused?" is a
// question nobody has to ask. The name to be found in the certificate is not part of it: it belongs
// to the peer (proxy/peer.h), since it may differ from request to request.
//
// Owner: reference counted; snapshots, realms and requests hold references. Threads: any.

#pragma once

#include "base/error.h"
#include "tls/credential.h"
#include "tls/trust.h"

enum policy_verify {
    POLICY_VERIFY = 1,      // zero is no valid value: a forgotten field is an error
    POLICY_NO_VERIFY = 2,   // declared by the configuration (tls_verify off or unset) or a plugin
};

// OpenSSL's default; Kong's fields end at 64.
enum { POLICY_DEPTH_DEFAULT = 100, POLICY_DEPTH_MAX = 100 };

struct policy_desc {
    enum policy_verify verify;
    int depth;                      // intermediates allowed between leaf and anchor
    struct trust *trust;            // never NULL: an empty bundle where there is none
    struct credential *credential;  // NULL: none
    int min_version, max_version;   // 0x0303, 0x0304
    bool resume;                    // whether sessions are kept
};

struct policy {
    unsigned refs;                  // atomic
    struct policy_desc desc;        // holds references
    unsigned char sha256[32];       // of the canonical bytes of desc
    char id[TRUST_ID + 1];
};

// A desc that verifies against nothing: the safe start for builders (verify on, empty bundle is the
// caller's).
struct policy_desc policy_desc_default(struct trust *trust);

// Fails with err_tls_setup when a field has no valid value. Takes its own references.
err_t policy_intern(const struct policy_desc *desc, struct policy **out);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p);
unsigned policy_interned(void);
