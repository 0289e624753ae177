// fault.c - OpenSSL's error queue as text.

#include "tls/fault.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fault_clear(void)
{
    // Emptying the queue walks all its places. It is empty nearly always, and this is done for each
    // record.
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

void fault_text(char *out, size_t size)
{
    size_t used = 0;
    const char *data;
    int flags;
    unsigned long code;
    out[0] = '\0';
    while ((code = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        char line[256];
        ERR_error_string_n(code, line, sizeof(line));
        const char *detail = (flags & ERR_TXT_STRING) && *data ? data : "";
        int n = snprintf(out + used, size - used, "%s%s%s%s", used > 0 ? " " : "", line,
                         *detail ? ":" : "", detail);
        if (n < 0 || (size_t)n >= size - used)
            break;
        used += (size_t)n;
    }
    ERR_clear_error();
}

void fault_explain(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, size, format, args);
    va_end(args);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    if (reason && n >= 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, ": %s", reason);
    ERR_clear_error();
}
