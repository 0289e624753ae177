// version.c - the version of llhttp.

#include "http/version.h"

#include <llhttp.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *version_llhttp(void)
{
    return TEXT(LLHTTP_VERSION_MAJOR) "." TEXT(LLHTTP_VERSION_MINOR) "." TEXT(LLHTTP_VERSION_PATCH);
}
