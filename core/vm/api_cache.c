// api_cache.c - how a worker tells the others' caches (lua/weir/pdk/cache.lua) to forget a value.
//
// The values are each worker's own. What all share are numbers, each for the keys that hash to it:
// a value is good as long as the number is the one that it was worked out under. One that changes
// for another key costs a value that has to be worked out again.

#include "base/table.h"
#include "vm/api.h"

static uint32_t numbers[WEIR_CACHE_NUMBERS];

const uint32_t *weir_cache_numbers(void)
{
    return numbers;
}

uint32_t weir_cache_slot(const char *key, size_t n)
{
    return (uint32_t)(table_hash(key, n) % WEIR_CACHE_NUMBERS);
}

void weir_cache_forget(uint32_t slot)
{
    __atomic_fetch_add(&numbers[slot % WEIR_CACHE_NUMBERS], 1, __ATOMIC_SEQ_CST);
}
