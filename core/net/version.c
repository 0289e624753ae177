// version.c - the versions of libuv and c-ares, asked of the libraries that are loaded.

#include "net/version.h"

#include <ares.h>
#include <uv.h>

const char *version_uv(void)
{
    return uv_version_string();
}

const char *version_cares(void)
{
    return ares_version(NULL);
}
