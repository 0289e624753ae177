// client.c - reading requests from a client connection, one after the other.

#include "proxy/client.h"

#include "base/counter.h"
#include "base/mem.h"
#include "proxy/exchange.h"
#include "proxy/request.h"
#include "tls/server.h"

#include <stdlib.h>

// How long a client may take to read our last answer and close.
enum { LINGER = 5000 };

static const struct settings *settings_of(const struct client *c)
{
    return &c->proxy->view->snapshot->settings;
}

// -- end of a message, end of the connection ------------------------------------------------------

static void free_client(struct task *t)
{
    free(container_of(t, struct client, release));
}

static void drop_request(struct client *c)
{
    struct proxy_counters *counters = &c->proxy->counters;
    if (!c->request)
        return;
    counter_sub(c->head_seen ? &counters->writing : &counters->reading, 1);
    request_release(c->request);
    c->request = NULL;
}

// Nothing refers to the connection any more; the struct goes at the end of the turn.
static void leave(struct client *c)
{
    drop_request(c);
    list_remove(&c->node);
    counter_sub(&c->proxy->counters.active, 1);
    loop_defer(c->proxy->loop, &c->release);
}

static void next_message(struct client *c)
{
    drop_request(c);
    c->head_seen = c->body_seen = c->answered = c->continued = false;
    if (c->proxy->draining) {
        client_finish(c);
        return;
    }
    if (c->conn->paused)
        conn_resume(c->conn);
    c->wait = WAIT_NOTHING;     // the time for the next request begins now
    client_arm(c);
}

void client_finish(struct client *c)
{
    c->gone = true;
    conn_finish(c->conn, LINGER);
    leave(c);
}

void client_close(struct client *c)
{
    if (c->gone)
        return;
    c->gone = true;
    conn_close(c->conn);
    if (c->request && c->head_seen && !c->answered)
        request_abort(c->request, &err_closed);     // comes back as client_answered()
    else
        leave(c);
}

void client_answered(struct client *c, bool keep_alive)
{
    c->answered = true;
    if (c->gone) {
        leave(c);
    } else if (!keep_alive) {
        client_finish(c);
    } else if (c->feeding) {
        return;     // client_data() goes on from here
    } else if (c->body_seen) {
        next_message(c);
    } else if (c->conn->paused) {
        conn_resume(c->conn);   // the rest of the body is read and thrown away
    }
}

void client_flush(struct client *c)
{
    if (!c->gone)
        gather_flush(&c->out, c->conn);
    struct exchange *e = c->request ? c->request->exchange : NULL;
    if (e)
        exchange_flush(e);
}

// -- parsing --------------------------------------------------------------------------------------

static void request_head(struct h1 *h)
{
    struct client *c = h->owner;
    c->head_seen = true;
    counter_sub(&c->proxy->counters.reading, 1);
    counter_add(&c->proxy->counters.writing, 1);
    request_begin(c->request);
    // A body can perhaps not be taken yet: client_data() asks.
    if (head_has_body(h->head))
        h1_pause(h);
}

static void request_piece(struct h1 *h, struct str piece)
{
    struct client *c = h->owner;
    if (!c->answered)
        request_body(c->request, piece);
}

static void request_ended(struct h1 *h)
{
    struct client *c = h->owner;
    c->body_seen = true;
    if (!c->answered)
        request_body_end(c->request);
}

static const struct h1_events request_events = {
    .head = request_head, .body = request_piece, .end = request_ended,
};

static void begin_message(struct client *c)
{
    c->request = request_new(c);
    c->requests++;
    counter_add(&c->proxy->counters.reading, 1);
    h1_init_request(&c->h1, &request_events, c, &c->request->head);
}

// Whether bytes can go into the parser now; else they wait with the connection.
static bool takes_input(const struct client *c)
{
    if (c->gone)
        return false;
    if (!c->head_seen)
        return !conn_congested(c->conn);    // who does not read our answers gets no more of them
    if (c->body_seen)
        return false;
    return c->answered || request_ready(c->request);
}

static void refuse(struct client *c, err_t err)
{
    if (c->answered) {
        client_close(c);
        return;
    }
    c->head_seen = true;
    request_abort(c->request, err);
}

static size_t client_data(struct conn *conn, const char *p, size_t n)
{
    struct client *c = conn->owner;
    size_t used = 0;
    while (used < n && takes_input(c)) {
        if (!c->request)
            begin_message(c);
        err_t err = NULL;
        c->feeding = true;
        used += h1_feed(&c->h1, p + used, n - used, &err);
        c->feeding = false;
        if (c->gone)
            return n;
        if (err) {
            refuse(c, err);
            client_flush(c);
            return n;
        }
        if (c->answered && c->body_seen)
            next_message(c);
    }
    client_flush(c);
    client_arm(c);
    return c->gone ? n : used;
}

static void client_eof(struct conn *conn)
{
    struct client *c = conn->owner;
    bool under_way = c->request && c->head_seen && !c->answered;
    // A client may close its sending side after a whole request and still wait for the answer, or
    // for what is left of the one before.
    if (!under_way)
        client_finish(c);
    else if (c->body_seen)
        c->request->close_after = true;
    else
        client_close(c);
}

static void client_drained(struct conn *conn)
{
    struct client *c = conn->owner;
    if (c->request && c->request->exchange)
        exchange_resume(c->request->exchange);
    conn_resume(conn);
    client_arm(c);
}

static void client_failed(struct conn *conn, err_t why)
{
    struct client *c = conn->owner;
    bool late = why == &err_read_timeout && c->request && !c->answered;
    if (late && (c->wait == WAIT_HEAD || c->wait == WAIT_BODY)) {
        c->head_seen = true;
        request_abort(c->request, &err_request_timeout);
        client_flush(c);
        return;
    }
    if (c->tls && why == &err_tls_handshake)
        log_write(LOG_INFO, conn->id,
                  "SSL_do_handshake() failed (SSL: %s) while SSL handshaking, client: %s",
                  tls_server_reason(conn), c->ip);
    client_close(c);
}

static const struct conn_user client_user = {
    .data = client_data, .eof = client_eof, .drained = client_drained, .failed = client_failed,
};

// -- waiting --------------------------------------------------------------------------------------

static enum client_wait waits_for(const struct client *c)
{
    if (conn_congested(c->conn))
        return WAIT_SEND;
    if (!c->request)
        return WAIT_REQUEST;
    if (!c->head_seen)
        return WAIT_HEAD;
    if (!c->body_seen && (c->answered || request_ready(c->request)))
        return WAIT_BODY;
    return WAIT_NOTHING;
}

void client_arm(struct client *c)
{
    if (c->gone)
        return;
    enum client_wait wait = waits_for(c);
    if (wait == c->wait)
        return;
    const struct settings *s = settings_of(c);
    c->wait = wait;
    switch (wait) {
    case WAIT_NOTHING: conn_set_timeout(c->conn, 0, false); break;
    case WAIT_REQUEST: conn_set_timeout(c->conn, s->client_idle_timeout, false); break;
    case WAIT_HEAD: conn_set_timeout(c->conn, s->client_header_timeout, false); break;
    case WAIT_BODY: conn_set_timeout(c->conn, s->client_body_timeout, true); break;
    case WAIT_SEND: conn_set_timeout(c->conn, s->send_timeout, true); break;
    }
}

void client_want_body(struct client *c)
{
    if (c->gone || c->body_seen)
        return;
    if (c->request->head.expect_continue && !c->continued && c->request->body_bytes == 0) {
        c->continued = true;
        gather_add(&c->out, c->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    if (c->conn->paused)
        conn_resume(c->conn);
    client_arm(c);
}

// -- begin ----------------------------------------------------------------------------------------

// Plugins may ask the client for a certificate before there is a request.
static bool ask_plugins(struct conn *conn)
{
    struct client *c = conn->owner;
    struct proxy *p = c->proxy;
    const struct plan *plan = p->view->snapshot->plans[PLAN_NO_ROUTE];
    if (c->admin || (plan->phases >> PHASE_CERTIFICATE & 1) == 0)
        return true;
    return p->hooks->certificate(p->view->plugins, c);
}

void client_accept(struct proxy *p, struct conn *conn, bool tls, bool admin)
{
    if (p->draining || !p->view) {
        conn_close(conn);
        return;
    }
    struct client *c = xcalloc(1, sizeof *c);
    c->proxy = p;
    c->conn = conn;
    c->tls = tls;
    c->admin = admin;
    c->ip_len = addr_format_ip(&conn->peer, c->ip);
    task_init(&c->release, free_client);
    list_push_tail(&p->clients, &c->node);
    counter_add(&p->counters.accepted, 1);
    counter_add(&p->counters.active, 1);
    conn_set_user(conn, &client_user, c);
    if (tls && (!p->view->tls || tls_server_start(p->view->tls, conn, ask_plugins) != NULL)) {
        log_write(LOG_ERR, conn->id, "no certificate for a TLS connection, client: %s", c->ip);
        client_close(c);
        return;
    }
    conn_start(conn);
    client_arm(c);
}
