// Whether a try that failed is followed by another, and which targets that one does without.
//
// Owner: none, this is about struct request. Threads: the worker's.

#pragma once

#include "base/error.h"

#include <stdbool.h>

struct request;

// Whether the try failed since a connection that was idle had been closed under our hands, so that
// another is made at once: it counts as no try, and says nothing about the target.
bool retry_is_free(const struct request *r, err_t err);

// The try has failed; its exchange is still there. True: another one is to be made, which is then
// taken from those that are left.
bool retry_after(struct request *r, err_t err);

// The same where only another target helps, for good or for this round: nothing went to this one.
bool retry_elsewhere(struct request *r, bool for_good);
