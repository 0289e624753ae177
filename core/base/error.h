// Errors of the world (peers, files, networks): pointers to static rows, NULL means success.
//
// One row says what the log prints, which HTTP status a client gets when the request ends with it,
// and whether another attempt may help. Rows are compared by address. Bugs are asserts, lack of
// memory aborts (base/mem.h): neither is an err_t. Threads: constants.

#pragma once

#include <stdbool.h>

struct error {
    const char *code;   // stable identifier: "connect_timeout"
    const char *text;   // what the error log says
    int status;         // HTTP status for the client, 0 when the request cannot be answered
    bool retryable;     // whether another target, or another connection, may succeed
};

typedef const struct error *err_t;

#define ERROR(name, text, status, retryable) extern const struct error err_##name;
#include "base/errors.def"
#undef ERROR
