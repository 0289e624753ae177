// The version of the OpenSSL that is loaded, for `weir version`.
//
// Threads: any; a static text.

#pragma once

const char *version_openssl(void);
