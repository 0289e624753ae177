// Policies out of the ABI's descriptions.
//
// Private to vm/. Threads: any; nothing is kept.

#pragma once

#include "tls/policy.h"
#include "vm/abi.h"

// The interned policy of a description with a reference for the caller, or NULL with weir_error().
struct policy *api_policy(const struct weir_policy_desc *d);
