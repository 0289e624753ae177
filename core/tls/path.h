// Searching for another path where OpenSSL's single one led nowhere: cross-signed intermediates,
// expired copies of a root, several issuers of one name.
//
// Private to tls/. Threads: any; nothing is kept.

#pragma once

#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdint.h>

// A search ends after this many signature checks (those of judging complete paths included), looks
// at a certificate's issuers, or microseconds, whatever a hostile peer sends. The time is the
// thread's own on the CPU, looked at before each signature check: on a machine that is busy with
// something else, a good chain has as long as on an idle one. Keys that nobody uses and that
// are slow to check with (RSA beyond 8192 bits or with an exponent beyond 64, curves beyond 521
// bits) are no issuers' here.
enum { PATH_CHECKS = 64, PATH_STEPS = 512, PATH_US = 50 * 1000 };

// What ended a search before all paths were tried.
enum path_limit { PATH_NO_LIMIT, PATH_LIMIT_CHECKS, PATH_LIMIT_STEPS, PATH_LIMIT_TIME };

struct path_search {
    X509_STORE_CTX *store;      // set up on the bundle: where its certificates are looked up
    STACK_OF(X509) *sent;       // the leaf first
    int64_t now;
    int depth;                  // intermediates allowed
    bool partial_chain;         // any certificate of the bundle is an anchor

    // Judges one complete path: `below` is the leaf and the intermediates. True ends the search.
    bool (*judge)(void *arg, STACK_OF(X509) *below, X509 *anchor);
    void *arg;

    int64_t (*clock)(void);     // microseconds; path_clock()

    unsigned checks, steps;     // filled: what it took
    enum path_limit limit;      // filled: of a search that found nothing
};

// CPU time of this thread in microseconds.
int64_t path_clock(void);

// Whether a path was found that `judge` accepts. Paths never hold a certificate twice, and only
// certificates that are valid now.
bool path_search(struct path_search *s);
