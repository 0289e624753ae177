// Names of hosts as people write them, in the form that DNS and certificates have them: "bücher"
// becomes "xn--bcher-kva".
//
// Configuration passes through here once; all that is behind it, or comes over the network, is in
// ASCII. Threads: any; nothing is kept.

#pragma once

#include "base/error.h"
#include "base/str.h"

enum { IDNA_MAX = 253, IDNA_WHY = 128 };

// Writes a name in UTF-8 as A-labels (UTS #46, non-transitional) with a NUL; a trailing dot stays.
// Fails with err_address and `why` for what has no such form, and for what is no name then: longer
// than IDNA_MAX, with characters that names do not have ("℀" would be "a/c"), or an address
// ("１.1.1.1" would be one).
err_t idna_ascii(struct str name, char out[IDNA_MAX + 1], char why[IDNA_WHY]);

// The version of libidn2 that is loaded, for `weir version`; a static text.
const char *idna_version(void);
