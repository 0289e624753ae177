// Request paths: the normal form that routes are matched against.
//
// Threads: any; results live in the caller's arena.

#pragma once

#include "base/arena.h"
#include "base/error.h"

// Kong's normalisation (RFC 3986 §6.2.2): percent-encoded unreserved characters are decoded, other
// escapes get upper-case digits, what a URI may not hold unescaped is escaped, dot segments are
// removed, slashes merged. Returns `path` itself when nothing changes (the common case, no copy).
// Fails with err_bad_request for a path that does not begin with "/" or whose escapes are broken or
// encode NUL.
err_t path_normalise(struct arena *arena, struct str path, struct str *out);
