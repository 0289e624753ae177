// Base64 (RFC 4648), the alphabet of section 4 and the one for URLs of section 5.
//
// Threads: any; nothing is kept.

#pragma once

#include "base/str.h"

enum base64 { BASE64_STANDARD, BASE64_URL };

// Writes at most 4 * ((n + 2) / 3) characters, with `=` at the end where `pad` says so; returns how
// many.
size_t base64_encode(struct str s, enum base64 alphabet, bool pad, char *out);

// Writes at most 3 * (n / 4) + 2 bytes; *n gets how many. The text ends at its first `=`. False
// when there is another character that is none of the alphabet's, or one is left over.
bool base64_decode(struct str s, enum base64 alphabet, unsigned char *out, size_t *n);
