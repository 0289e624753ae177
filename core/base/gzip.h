// gzip (RFC 1952) both ways, piece by piece: whoever takes the pieces bounds how much they are.
//
// Owner: whoever made it. Threads: one at a time.

#pragma once

#include "base/str.h"

struct gzip;

enum gzip_way { GZIP_DEFLATE, GZIP_INFLATE };

// What gzip_take() came to: there may be more; that was all; the input is none, or is cut.
enum gzip_state { GZIP_MORE, GZIP_END, GZIP_BROKEN };

// `input` is not copied: it stays until gzip_free(). Inflating also takes what has zlib's frame
// (RFC 1950), and several members after one another. NULL when zlib is not the one that weir was
// built for.
struct gzip *gzip_new(enum gzip_way way, struct str input);
void gzip_free(struct gzip *g);

// Writes the next bytes, at most `len` (not 0); *n gets how many. After GZIP_END and GZIP_BROKEN
// there are no more.
enum gzip_state gzip_take(struct gzip *g, char *out, size_t len, size_t *n);

// What is wrong after GZIP_BROKEN; a static text.
const char *gzip_problem(const struct gzip *g);

// The version of zlib that is loaded, for `weir version`; a static text.
const char *gzip_version(void);
