// The two logs. Error log: levels of nginx and Kong, one write(2) a line to standard error, so that
// lines of several workers do not mix. Access log: lines gather in a buffer of the worker and go
// out together.
//
// Owner: process-wide settings are set once before threads start; a `struct log_buffer` belongs to
// one worker. Threads: log_write() any; a log_buffer its worker's.
//
// A line reads (Kong's and nginx's format; what follows the message is the caller's):
//   2026/11/23 10:00:00 [error] 1234#1235: *17 message, client: 127.0.0.1, ...

#pragma once

#include "base/str.h"

#include <stdarg.h>

enum log_level {
    LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_INFO, LOG_DEBUG
};

// Sets the threshold of the process (default notice) and the descriptors (-1: that log is off).
void log_setup(enum log_level level, int error_fd, int access_fd);
void log_set_level(enum log_level level);
enum log_level log_level(void);

// The level named `name` as in kong.conf's log_level (emerg, alert, crit, error, warn, notice,
// info, debug), or -1.
int log_level_parse(struct str name);

static inline bool log_on(enum log_level level)
{
    return level <= log_level();
}

// `conn` is the number after the asterisk; 0 leaves it out. Control characters in the message are
// written as \xHH, so that nothing a peer sends can forge a line; a message over LOG_LINE_MAX is
// cut and ends in "...".
enum { LOG_LINE_MAX = 8192 };
void log_write(enum log_level level, uint64_t conn, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_writev(enum log_level level, uint64_t conn, const char *format, va_list args);

// A reader of standard error that stands still holds its writer up for a second once; then lines
// are dropped and counted until it reads again.

// Like log_write() with a text that is not a format and may hold new lines (tracebacks), which are
// kept.
void log_text(enum log_level level, uint64_t conn, struct str text);

struct log_buffer {
    char *p;
    size_t len, cap;
};

bool log_access_on(void);
void log_buffer_init(struct log_buffer *b);
void log_buffer_done(struct log_buffer *b);     // flushes first

// Reserves room for a line of at most n bytes (flushes when full) and returns where to write;
// log_buffer_commit() says how many bytes were used.
char *log_buffer_reserve(struct log_buffer *b, size_t n);
void log_buffer_commit(struct log_buffer *b, size_t used);
// Waits for a slow reader; when there is none any more the lines are lost, and the error log says
// so once.
void log_buffer_flush(struct log_buffer *b);

// "28/Nov/2024:18:04:05 +0000" of now, cached per thread and second; local time zone.
struct str log_time_access(void);
// "Thu, 28 Nov 2024 18:04:05 GMT" (RFC 9110 §5.6.7), cached alike.
struct str log_time_http(void);
