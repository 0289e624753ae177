// The process's shared dictionaries by name. They stay until it ends, whatever is reloaded
// meanwhile.
//
// Owner: the process. Threads: any.

#pragma once

#include "base/dict.h"

// The dictionary of that name, made if there is none yet; one that is there keeps its capacity.
struct dict *dicts_open(struct str name, size_t capacity);

// The `index`-th, in the order in which they were made, with its name; NULL past the last.
struct dict *dicts_at(unsigned index, struct str *name);
