// The version of the PCRE2 that is loaded, for `weir version`.
//
// Threads: any.

#pragma once

enum { VERSION_PCRE2 = 64 };

void version_pcre2(char out[VERSION_PCRE2]);
