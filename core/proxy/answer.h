// What goes to the client: the upstream's response with our headers, or an answer of our own;
// through header_filter and body_filter where plugins have them.
//
// Threads: the worker's.

#pragma once

#include "proxy/request.h"

// The upstream's head is complete: makes r->response of it.
void answer_take_head(struct request *r);

// Runs header_filter on that, and sends it.
void answer_proxied_head(struct request *r);

// The same with the body that was held; the request ends with it.
void answer_held(struct request *r);

// A piece of the body, and its end.
void answer_body(struct request *r, struct str piece);
void answer_end(struct request *r);

// A whole answer of ours: r->response has the status and fields, `body` the text (not sent for
// HEAD). The request ends with it.
void answer_local(struct request *r, struct str body, struct str content_type,
                  enum response_source source);
