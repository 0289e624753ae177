// What the kernel can be told about a connection's socket, by the names that Lua has for it.
//
// Owner: none. Threads: the loop's of the connection.

#pragma once

#include "net/conn.h"

// "keepalive", "reuseaddr", "tcp-nodelay" (0 or 1), "sndbuf", "rcvbuf" (bytes). Fails with
// err_option where there is none of that name, with err_io where the kernel refuses.
err_t option_set(struct conn *c, struct str name, int value);
