// version.c - the version of OpenSSL, asked of the library that is loaded.

#include "tls/version.h"

#include <openssl/crypto.h>

const char *version_openssl(void)
{
    return OpenSSL_version(OPENSSL_FULL_VERSION_STRING);
}
