// A UDP or Unix datagram socket that has one peer.
//
// Owner: whoever opened it, until datagram_close(). Threads: the loop's.

#pragma once

#include "net/addr.h"
#include "net/loop.h"

struct datagram;

enum { DATAGRAM_MAX = LOOP_IN };    // bytes of one that can be received

// Opens one towards an address, or towards the path of a Unix socket (n > 0, then `to` may be
// NULL). readable(arg) is called when something may have come, while datagram_listen() is on. Fails
// with err_no_file, err_refused, err_unreachable, err_address, err_descriptors or err_io.
err_t datagram_open(struct loop *l, const struct addr *to, struct str path,
                    void (*readable)(void *arg), void *arg, struct datagram **out);
void datagram_close(struct datagram *d);

void datagram_listen(struct datagram *d, bool on);

// Sends one datagram, or fails as opening does; what the kernel has no room for is lost.
err_t datagram_send(struct datagram *d, struct str bytes);

// Takes the next one, cut to `room` bytes. False: there is none yet. Else *n is its length or *err
// why there is none.
bool datagram_receive(struct datagram *d, char *p, size_t room, size_t *n, err_t *err);
