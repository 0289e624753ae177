// Where a try goes (which target, at which address, under which policy), and what follows one that
// failed.
//
// Owner: none, this is about struct request. Threads: the worker's.
//
//   pick_begin() -> target -> its name resolves -> balancer phase -> policy -> exchange
//        ^                                                                        |
//        '-------------- retry.c allows another -------- pick_try_failed() <------'

#pragma once

#include "base/error.h"

#include <stdbool.h>

struct request;

// The state REQUEST_PICK (request.c): begins a try. False: the exchange, or an answer of ours,
// takes it from here, maybe after a name has been waited for. True: this one comes to nothing, and
// another is to be begun.
bool pick_begin(struct request *r);

// The exchange has failed, while it was doing what `doing` says: makes another try, or ends the
// request.
void pick_try_failed(struct request *r, err_t err, const char *doing);
