// Numbers that one thread counts up and down, and others read meanwhile.
//
// Owner: whoever embeds the uint64_t; it is read with a plain load in its own thread. Relaxed:
// nothing else follows from a value, and for the one writer it costs what a plain addition does.

#pragma once

#include <stdint.h>

static inline uint64_t counter_read(const uint64_t *c)
{
    return __atomic_load_n(c, __ATOMIC_RELAXED);
}

// By the one thread that writes it.
static inline void counter_add(uint64_t *c, uint64_t n)
{
    __atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

static inline void counter_sub(uint64_t *c, uint64_t n)
{
    __atomic_store_n(c, *c - n, __ATOMIC_RELAXED);
}
