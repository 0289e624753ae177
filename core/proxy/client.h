// A client connection: reads requests one after the other and writes their answers in order.
//
// Owner: itself, from accept until its connection closes. Threads: the worker's.
//
// While a request is under way its connection keeps reading a bounded amount, so that a client
// which goes away is noticed; a pipelined request waits there until the answer before it is
// complete.

#pragma once

#include "http/h1.h"
#include "proxy/gather.h"
#include "proxy/proxy.h"

struct request;

enum client_wait { WAIT_NOTHING, WAIT_REQUEST, WAIT_HEAD, WAIT_BODY, WAIT_SEND };

struct client {
    struct proxy *proxy;
    struct conn *conn;
    struct h1 h1;
    struct request *request;        // being parsed or under way, NULL between requests
    struct gather out;              // to the client, this callback's
    struct list node;               // in proxy->clients
    struct task release;
    enum client_wait wait;          // what the timer is set for
    unsigned requests;              // how many have begun
    bool tls, admin;
    bool head_seen;                 // of `request`: its head is complete, it is under way
    bool body_seen;                 // and its body
    bool answered;                  // and its answer
    bool continued;                 // 100 Continue was sent for it
    bool feeding;                   // inside h1_feed()
    bool gone;                      // the connection is closed or finishing
    char ip[ADDR_TEXT];             // of the peer, as text
    size_t ip_len;
};

// A connection was accepted on a listener.
void client_accept(struct proxy *p, struct conn *c, bool tls, bool admin);

// The request can take body bytes now: held ones are offered again, 100 Continue is sent if the
// client waits for it.
void client_want_body(struct client *c);

// The answer is complete: the connection takes the next request, or ends when `keep_alive` is
// false.
void client_answered(struct client *c, bool keep_alive);

// What was gathered for both sides goes out; ends every callback that may have produced something.
void client_flush(struct client *c);

// Ends the connection once all that was written is out; no request is under way.
void client_finish(struct client *c);

// Drops the connection at once.
void client_close(struct client *c);

// Sets the timer that fits what the connection is waiting for.
void client_arm(struct client *c);
