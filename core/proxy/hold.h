// Responses that plugins see as a whole, before anything of them goes out: the phase `response`,
// and kong.service.request.enable_buffering().
//
// Owner: struct request embeds what is held; the settings bound it. Threads: the worker's.

#pragma once

#include "proxy/request.h"

// Whether the response whose head is there has to be held.
bool hold_wanted(const struct request *r);

// A piece of the body. False: with it there would be more than response_buffer_size.
bool hold_piece(struct request *r, struct str piece);

// The body is complete: r->held_text is all of it, as long as the request lives.
void hold_end(struct request *r);
