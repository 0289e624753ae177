// libFuzzer target: both directions of http/h1. The first byte chooses direction, method and how
// the bytes are cut; the rest is the message. Fed whole and fed in pieces, a message must come to
// the same end.

#include "http/h1.h"

#include <assert.h>
#include <stdlib.h>

struct outcome {
    bool pause;
    unsigned heads, ends;
    uint64_t body, sum;         // bytes of the body, and a sum over them and the head
    err_t err;
};

static void add(struct outcome *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        o->sum = o->sum * 31 + (unsigned char)s.p[i];
}

static void on_head(struct h1 *h)
{
    struct outcome *o = h->owner;
    struct head *head = h->head;
    assert(o->heads++ == 0);
    for (unsigned i = 0; i < head->count; i++) {
        add(o, head->headers[i].name);
        add(o, head->headers[i].value);
        assert(header_valid(head->headers[i].name, head->headers[i].value));
    }
    add(o, head->target);
    assert(h->response || (head->framing != FRAMING_CLOSE && head->target.n > 0));
    head_strip_hop_by_hop(head);
    struct str bytes = h->response ? head_write_response(head, head->arena, STR(""))
                                   : head_write_request(head, head->arena, STR("close"));
    add(o, bytes);
    if (o->pause)
        h1_pause(h);
}

static void on_body(struct h1 *h, struct str piece)
{
    struct outcome *o = h->owner;
    assert(o->heads == 1 && o->ends == 0 && piece.n > 0);
    o->body += piece.n;
    add(o, piece);
    if (o->pause)
        h1_pause(h);
}

static void on_end(struct h1 *h)
{
    struct outcome *o = h->owner;
    assert(o->heads == 1 && o->ends++ == 0);
    assert(h->head->framing != FRAMING_LENGTH || h->no_body || o->body == h->head->content_length);
}

static const struct h1_events events = { on_head, on_body, on_end };

// Feeds at most `step` bytes at a time, each from memory of just that size.
static struct outcome run(struct str in, size_t step, bool response, enum method to, bool pause)
{
    struct outcome o = { .pause = pause };
    struct arena arena;
    struct head head;
    struct h1 h;
    arena_init(&arena, NULL);
    head_init(&head, &arena);
    if (response)
        h1_init_response(&h, &events, &o, &head, to);
    else
        h1_init_request(&h, &events, &o, &head);
    for (size_t at = 0; !o.err && o.ends == 0;) {
        size_t n = in.n - at < step ? in.n - at : step;
        char *piece = malloc(n);
        if (n > 0)
            memcpy(piece, in.p + at, n);
        unsigned heads = o.heads;
        uint64_t body = o.body;
        size_t used = h1_feed(&h, piece, n, &o.err);
        free(piece);
        assert(used <= n);
        at += used;
        if (used == 0 && heads == o.heads && body == o.body)
            break;
    }
    if (!o.err)
        o.err = h1_eof(&h);
    arena_done(&arena);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool response = data[0] & 1, pause = data[0] & 2;
    enum method to = data[0] & 4 ? METHOD_HEAD : METHOD_GET;
    size_t step = 1 + (data[0] >> 3) % 16;
    struct str in = { (const char *)data + 1, size - 1 };
    struct outcome whole = run(in, SIZE_MAX, response, to, false);
    struct outcome cut = run(in, step, response, to, pause);
    assert(whole.err == cut.err);
    if (!whole.err)
        assert(whole.sum == cut.sum && whole.body == cut.body && whole.ends == cut.ends);
    return 0;
}
