// Heap allocation that does not fail: without memory the process says so and aborts, in one place.
//
// Sizes that come from the network are bounded by their callers before they get here.
// Threads: any.

#pragma once

#include <stddef.h>

// Never return NULL. xcalloc's memory is zeroed. xrealloc(NULL, n) is xmalloc(n).
void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));

// A NUL-terminated copy of n bytes; freed with free().
char *xmemdup0(const char *p, size_t n) __attribute__((malloc, returns_nonnull));
