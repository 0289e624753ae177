// The certificates of a peer, for those who judge them beside the policy: read one by one, and only
// as far as somebody asks.
//
// Owner: tls/client.c, for the time of one question. Threads: a worker's. Texts are copied into the
// caller's arena, whole: a decision may hang on them, so that none is cut to size.

#pragma once

#include "base/arena.h"
#include "tls/x509.h"

struct shown {
    void *stack;    // STACK_OF(X509) *, the leaf first
    bool verified;  // a path to an anchor, which is the last; else what the peer sent
};

unsigned shown_count(const struct shown *p);

// What has a size known beforehand; its texts are for people. False: it cannot be had.
bool shown_detail(const struct shown *p, unsigned i, struct x509_detail *out);

enum shown_text { SHOWN_PEM, SHOWN_DER, SHOWN_SUBJECT, SHOWN_ISSUER };

// STR_NONE where it cannot be had.
struct str shown_text(const struct shown *p, unsigned i, enum shown_text what,
                          struct arena *a);

// An entry of subjectAltName: `kind` is that of struct name. Addresses are written out, all else is
// as it stands in the certificate, byte for byte.
struct shown_name {
    int kind;
    struct str text;
};

// Fills at most `max` entries, returns how many there are.
unsigned shown_names(const struct shown *p, unsigned i, struct shown_name *out,
                         unsigned max, struct arena *a);
