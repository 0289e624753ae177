// What follows from a parsed head: version, target, host, framing, keep-alive. One strict reading,
// for both directions.
//
// Owner: nobody; fills `struct head`. Threads: the worker's. http/h1 calls it between the last
// header field and the head event; nothing here depends on how the bytes arrived.

#pragma once

#include "http/head.h"

enum { FACTS_MAX_CONNECTION_OPTIONS = 32 };     // more is refused: each is compared with all fields

// `line` is the start line without its CRLF.
// Fails with err_bad_request, err_uri_too_long (target over `max_target` bytes), err_http_version.
err_t facts_request_line(struct head *h, struct str line, size_t max_target);

// Fails with err_bad_response, also for status 101: weir forwards no upgrade.
err_t facts_status_line(struct head *h, struct str line);

// After the start line and the fields are in `h`.
// Fails with err_trace_method, err_bad_request, err_unsupported_coding, err_expectation.
err_t facts_request(struct head *h);

// `to` is the method of the request. *no_body: the framing describes a body that is not sent (HEAD,
// 304). Does nothing for an interim response (1xx). Fails with err_bad_response.
err_t facts_response(struct head *h, enum method to, bool *no_body);
