// What the logs say about a request, in the formats of nginx and Kong that people grep.
//
// Threads: the worker's.

#pragma once

#include "proxy/request.h"

// An error log line with the request's context after the message: client, server, request,
// upstream, host, request_id; then `facts`, which begin with ", " or are empty.
void report_line(struct request *r, enum log_level level, struct str facts, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// The same for a text of plugins or about them: of any length, and what follows its first line (a
// traceback) comes after the context.
void report_text(struct request *r, enum log_level level, struct str text);

// Why a try at the upstream failed and what it was doing, in nginx's words. Called while
// r->exchange is still there.
void report_try(struct request *r, err_t err, const char *doing);

// A warning where a policy that only reports let a chain pass that enforcing would refuse, and a
// notice where the `next` bundle judges otherwise than the one in force. Once for each handshake;
// `v` may be NULL.
void report_verdict(struct request *r, const struct verdict *v);

// The access log line (Kong's kong_log_format).
void report_access(struct request *r);
