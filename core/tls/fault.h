// OpenSSL's error queue as text.
//
// The queue belongs to the thread. Whoever calls OpenSSL clears it before and reads it directly
// after the call, so that an old error is never taken for a new one. Threads: any, each its own
// queue.

#pragma once

#include <stddef.h>

void fault_clear(void);

// Writes all queued errors, oldest first, as nginx logs them ("error:0A00010B:SSL routines::wrong
// version number"), cut to `size` with a NUL, and empties the queue. An empty queue gives "".
void fault_text(char *out, size_t size);

// Writes the formatted text, then ": " and the short reason of the oldest queued error if there is
// one; empties the queue. For messages about configuration.
void fault_explain(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
