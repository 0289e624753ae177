// Bodies of the answers that weir makes itself, in Kong's four forms, chosen by the client's Accept
// header.
//
// Threads: any; constants and the caller's arena.

#pragma once

#include "http/head.h"

enum page_type { PAGE_JSON, PAGE_HTML, PAGE_PLAIN, PAGE_XML };

// The form to answer in. Accept says it by quality: html, json, plain, xml; text/* is plain, all
// others are JSON.

// Of what Kong and its plugins answer: JSON without Accept. Kong: kong.response.error.
enum page_type page_accepted(const struct head *request);
// Of what nginx would answer: without Accept the request's Content-Type, without that `fallback`
// (error_default_type). Kong: error handlers.
enum page_type page_negotiate(const struct head *request, enum page_type fallback);
int page_type_parse(struct str mime);       // error_default_type's values; -1 when unknown
struct str page_mime(enum page_type type);  // "application/json; charset=utf-8"

// Kong's message for a status ("An invalid response was received from the upstream server").
struct str page_message(struct arena *arena, unsigned status);

// The status that is sent for it: 494 goes out as 400.
unsigned page_status(unsigned status);

// The body. Neither text is escaped by Kong; weir escapes what the form requires.
struct str page_body(struct arena *arena, enum page_type type, struct str message,
                     struct str request_id);
