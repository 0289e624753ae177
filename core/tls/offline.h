// Judging chains that no connection presented, through the code of a handshake: for commands.
//
// Threads: any; each keeps the certificates that it decoded last.

#pragma once

#include "tls/verify.h"

// Judges the certificates of `count` PEM texts, the leaf first, as of `now`, by the policy and, if
// it is not NULL, the name of a connection. Fails with err_tls_setup and `why` when the texts are
// no certificates; else the verdict is filled, whatever it is.
err_t offline_judge(const struct policy *policy, const struct str *pems, unsigned count,
                    const struct peer_name *name, int64_t now, struct verdict *out,
                    char why[TRUST_WHY]);
