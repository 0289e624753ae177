// What plugins chose about the verification of one request's upstream: single fields, over what the
// configuration says about the target of a try, or a whole policy instead of that.
//
// Owner: struct request. Threads: the worker's. Zero is a valid one: nothing was chosen.

#pragma once

#include "tls/policy.h"

struct request;

struct tls_choice {
    bool changed;                   // something was chosen
    bool failed;                    // could not be made: the request ends with 502
    struct policy *base;            // chosen as a whole, else NULL
    // Single fields, chosen after it.
    bool has_depth;
    int depth;
    enum policy_verify verify;      // 0: not chosen
    struct trust *trust;            // these NULL: not chosen
    struct credential *credential;
};

// Choose. References are taken; a whole policy replaces what was chosen before it.
void choice_take_policy(struct tls_choice *c, struct policy *p);
void choice_take_verify(struct tls_choice *c, enum policy_verify verify);
void choice_take_depth(struct tls_choice *c, int depth);
void choice_take_trust(struct tls_choice *c, struct trust *t);
void choice_take_credential(struct tls_choice *c, struct credential *credential);
// With references of its own.
struct tls_choice choice_copy(const struct tls_choice *c);
void choice_done(struct tls_choice *c);

// What the upstream of the try that is about to be made must present: what the configuration says
// about its target, with what plugins chose. A new reference, NULL for plain HTTP. Fails with
// err_tls_setup and `why`; never falls back.
err_t choice_policy(struct request *r, struct policy **out, char why[TRUST_WHY]);

// Whether that goes by what is said about just this target, so that another may fare otherwise.
bool choice_differs(const struct request *r);
