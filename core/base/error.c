// error.c - the rows that base/error.h declares, made from the same list.

#include "base/error.h"

#define ERROR(name, text, status, retryable) \
    const struct error err_##name = { #name, text, status, retryable };
#include "base/errors.def"
#undef ERROR
