// The version of llhttp, for `weir version`. The library cannot be asked: it is the one compiled
// against.
//
// Threads: any; a static text.

#pragma once

const char *version_llhttp(void);
