// The versions of the PCRE2 and the libyaml that are loaded, for `weir version`.
//
// Threads: any.

#pragma once

enum { VERSION_PCRE2 = 64 };

void version_pcre2(char out[VERSION_PCRE2]);
const char *version_yaml(void);
