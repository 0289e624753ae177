// A dictionary that all threads share (ngx.shared): values with an end, a bound in bytes, and the
// least recently used going first when it is reached.
//
//   dict -> stripe[hash] -> lock
//                           entries: hash -> entry
//                           by_use: entry, entry, … the one used last first
//
// Keys are spread over stripes, each with a lock, an order of use and its share of the capacity of
// its own: threads meet only in a stripe, and no entry is larger than a stripe. What counts is what
// entries take, their keys and what they cost beside it; memory is only taken as it is needed.
//
// Owner: the process (base/dicts.h). Threads: any, all functions but dict_free(). `now` is a
// monotonic time in ms, greater than 0. What comes out is a copy.

#pragma once

#include "base/str.h"

struct dict;

// A dictionary of `capacity` bytes, at least DICT_LEAST.
enum { DICT_LEAST = 12 * 1024 };
struct dict *dict_new(size_t capacity);
void dict_free(struct dict *d);
size_t dict_capacity(const struct dict *d);
size_t dict_free_space(struct dict *d);

enum dict_type { DICT_NONE, DICT_BOOLEAN, DICT_NUMBER, DICT_STRING, DICT_LIST };

// A value that goes in. A boolean is a number, 0 or 1; DICT_NONE takes a key away.
struct dict_value {
    enum dict_type type;
    double number;
    struct str text;
};

// A value that comes out; all zero to begin with. `text` is the caller's memory, for this use and
// the next: dict_item_done() frees it.
struct dict_item {
    enum dict_type type;
    bool stale;                 // its time is over
    uint32_t flags;
    double number;
    char *text;
    size_t n, room;
};
void dict_item_done(struct dict_item *item);

enum dict_result {
    DICT_OK, DICT_NOT_FOUND, DICT_EXISTS, DICT_NO_MEMORY, DICT_NOT_A_NUMBER, DICT_IS_A_LIST,
    DICT_NOT_A_LIST
};

// `stale`: also a value whose time is over, as long as it is still there.
enum dict_result dict_get(struct dict *d, struct str key, int64_t now, bool stale,
                          struct dict_item *out);

enum dict_store { DICT_SET, DICT_ADD, DICT_REPLACE };
struct dict_how {
    enum dict_store store;
    bool safe;                  // no value goes before its time: DICT_NO_MEMORY instead
    uint32_t flags;
    int64_t ttl;                // ms; 0: no end
};
// *forced: values went before their time.
enum dict_result dict_put(struct dict *d, struct str key, int64_t now, struct dict_value value,
                          struct dict_how how, bool *forced);

// Adds `by`. Without the key, begins with *init (NULL: DICT_NOT_FOUND), for `ttl` ms.
enum dict_result dict_add(struct dict *d, struct str key, int64_t now, double by,
                          const double *init, int64_t ttl, double *result, bool *forced);

enum dict_end { DICT_LEFT, DICT_RIGHT };
// *length is the list's afterwards. Pushing is safe; popping the last value takes the list away.
enum dict_result dict_push(struct dict *d, struct str key, int64_t now, enum dict_end end,
                           struct dict_value value, size_t *length);
enum dict_result dict_pop(struct dict *d, struct str key, int64_t now, enum dict_end end,
                          struct dict_item *out);
enum dict_result dict_length(struct dict *d, struct str key, int64_t now, size_t *length);

// *ttl in ms, 0 for a value without an end.
enum dict_result dict_ttl(struct dict *d, struct str key, int64_t now, int64_t *ttl);
enum dict_result dict_expire(struct dict *d, struct str key, int64_t now, int64_t ttl);

// The time of all values is over.
void dict_flush_all(struct dict *d);
// Takes away at most `max` (0: all) values whose time is over; returns how many there were.
size_t dict_flush_expired(struct dict *d, int64_t now, size_t max);

// At most `max` (0: all) keys, in *out as uint32_t length and bytes, one after the other. Returns
// how many.
size_t dict_keys(struct dict *d, int64_t now, size_t max, struct dict_item *out);
