// The libuv side of a connection, for the files of this folder that make connections (listen.c,
// dial.c).
//
// Owner: as net/conn.h says. Threads: the loop's.

#pragma once

#include "net/conn.h"

// A connection without a socket yet; conn_close() gets rid of it.
struct conn *conn_new(struct loop *l);
void *conn_tcp(struct conn *c);                 // its uv_tcp_t

// Once it is connected: TCP_NODELAY and both addresses.
void conn_connected(struct conn *c);

// The error that a negative status of libuv stands for.
err_t conn_error(int status);
