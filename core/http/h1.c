// HTTP/1.1 on llhttp.
//
//   H1_HEAD --head--> H1_LENGTH ----------------------------------> H1_LAST --end-->
//      |  ^           H1_CLOSE  (until h1_eof) --------------------^
//      |  '-- 1xx     H1_CHUNKS --last chunk--> H1_TRAILERS -------^
//      '---no body-------------------------------------------------^
//
// llhttp never calls out: its callbacks note what they saw and pause it, and events are sent from
// h1_feed()'s loop.

#include "http/h1.h"

#include "http/facts.h"

#if LLHTTP_VERSION_MAJOR < 9 && !LLHTTP_STRICT_MODE
#error "build with -DLLHTTP_STRICT_MODE=1: before version 9, llhttp is lenient by default"
#endif

enum {
    MAX_START_LINE = H1_MAX_TARGET + 64,    // of a request: the longest method and version fit
    FIRST_RESERVE = 2048,                   // room for a head that comes in pieces
    CHUNK_ALLOWANCE = 22,                   // size line of 16 digits, and the CRLF after the data
};

static struct h1 *of(llhttp_t *parser)
{
    return container_of(parser, struct h1, parser);
}

static err_t bad(const struct h1 *h)
{
    return h->response ? &err_bad_response : &err_bad_request;
}

static err_t too_large(const struct h1 *h)
{
    return h->response ? &err_response_head_too_large : &err_head_too_large;
}

// Spans of a head lie in one piece of memory, so a second call for one of them continues the first.
static void span(struct str *s, const char *at, size_t n)
{
    if (!s->p)
        s->p = at;
    s->n = (size_t)(at + n - s->p);
}

static int on_name(llhttp_t *parser, const char *at, size_t n)
{
    span(&of(parser)->name, at, n);
    return HPE_OK;
}

static int on_value(llhttp_t *parser, const char *at, size_t n)
{
    span(&of(parser)->value, at, n);
    return HPE_OK;
}

// A second line of what may be there once is refused; of a response only the framing fields are so
// sensitive.
static err_t add_field(struct h1 *h)
{
    enum header_id id = header_id(h->name);
    unsigned once = h->response ? HEADER_FACT_FRAME : HEADER_FACT_FRAME | HEADER_FACT_ONCE;
    if (h->name.n == 0 || h->name.p[h->name.n] != ':')
        return bad(h);
    if (id != HEADER_OTHER && head_has(h->head, id) && header_facts(id) & once)
        return bad(h);
    if (h->head->count == H1_MAX_HEADERS)
        return too_large(h);
    head_append(h->head, id, h->name, str_trim(h->value));
    return NULL;
}

static int on_field_complete(llhttp_t *parser)
{
    struct h1 *h = of(parser);
    if (h->state == H1_HEAD)
        h->err = add_field(h);
    h->name = h->value = STR_NONE;
    return h->err ? HPE_USER : HPE_OK;
}

// What the message is, was not judged yet; llhttp must not go on to its body before that.
static int on_head_complete(llhttp_t *parser)
{
    of(parser)->head_done = true;
    parser->upgrade = 0;    // not forwarded: the message is read as if it asked for none
    return HPE_PAUSED;
}

static int on_chunk(llhttp_t *parser)
{
    struct h1 *h = of(parser);
    h->chunk_count++;
    if (parser->content_length > 0)
        return HPE_OK;
    h->state = H1_TRAILERS;
    return HPE_PAUSED;
}

static int on_piece(llhttp_t *parser, const char *at, size_t n)
{
    of(parser)->piece = (struct str){ at, n };
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser)
{
    of(parser)->state = H1_LAST;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_field_complete,
    .on_headers_complete = on_head_complete,
    .on_chunk_header = on_chunk,
    .on_body = on_piece,
    .on_message_complete = on_message_complete,
};

static void init(struct h1 *h, const struct h1_events *events, void *owner, struct head *head)
{
    memset(h, 0, sizeof *h);
    h->events = events;
    h->owner = owner;
    h->head = head;
}

void h1_init_request(struct h1 *h, const struct h1_events *events, void *owner, struct head *head)
{
    init(h, events, owner, head);
}

void h1_init_response(struct h1 *h, const struct h1_events *events, void *owner, struct head *head,
                      enum method to)
{
    init(h, events, owner, head);
    h->response = true;
    h->to = to;
}

// Feeds llhttp until it pauses or has read all. *used is how far it came. NULL, or the message is
// refused.
static err_t parse(struct h1 *h, const char *p, size_t n, size_t *used)
{
    llhttp_resume(&h->parser);
    llhttp_errno_t e = llhttp_execute(&h->parser, p, n);
    *used = n;
    if (e == HPE_OK)
        return NULL;
    if (e == HPE_PAUSED) {
        *used = (size_t)(llhttp_get_error_pos(&h->parser) - p);
        return NULL;
    }
    return h->err ? h->err : bad(h);
}

// --- Gathering a block of lines that ends with an empty one: the head, the trailers ---

// How many bytes of `in` belong to the block; *complete when its end is among them. A line that is
// empty but for a lone LF ends it too, for check_line() to refuse.
static size_t block_len(const struct h1 *h, struct str in, bool *complete)
{
    size_t before = h->raw_len - h->line;   // of the current line, from earlier feeds
    for (size_t at = 0; at < in.n;) {
        size_t lf = str_find(in, '\n', at);
        if (lf == in.n)
            break;
        size_t n = before + lf + 1 - at;
        at = lf + 1;
        before = 0;
        *complete = n <= 2;
        if (*complete)
            return at;
    }
    return in.n;
}

// A head that is here at once gets exactly its size; one that comes in pieces grows by doubling.
static void keep(struct h1 *h, const char *p, size_t n, bool complete)
{
    if (h->raw_len + n > h->raw_cap) {
        size_t cap = h->raw_len + n;
        if (!complete)
            cap = cap < FIRST_RESERVE ? FIRST_RESERVE : 2 * cap;
        char *raw = arena_alloc(h->head->arena, cap);
        if (h->raw_len > 0)
            memcpy(raw, h->raw, h->raw_len);
        h->raw = raw;
        h->raw_cap = cap;
    }
    memcpy(h->raw + h->raw_len, p, n);
    h->raw_len += n;
    h->head_bytes += n;
}

// A whole line: ends in CRLF, has no other CR, and does not continue the one before it.
static err_t check_line(const struct h1 *h, struct str line)
{
    bool start = h->line == 0 && h->state == H1_HEAD;
    if (start && !h->response && line.n > MAX_START_LINE)
        return &err_uri_too_long;
    if (line.n < 2 || memchr(line.p, '\r', line.n) != line.p + line.n - 2)
        return bad(h);
    return line.p[0] == ' ' || line.p[0] == '\t' ? bad(h) : NULL;
}

static err_t check_lines(struct h1 *h)
{
    struct str raw = { h->raw, h->raw_len };
    for (;;) {
        size_t lf = str_find(raw, '\n', h->line);
        if (lf == raw.n)
            break;
        err_t err = check_line(h, str_sub(raw, h->line, lf + 1));
        if (err)
            return err;
        h->line = lf + 1;
    }
    bool start = h->line == 0 && h->state == H1_HEAD;
    return start && !h->response && raw.n > MAX_START_LINE ? &err_uri_too_long : NULL;
}

// Takes bytes of the block from `in`; true when it is complete. Fails (h->err) when its lines are
// not proper or too many.
static bool gather(struct h1 *h, struct str *in)
{
    bool complete = false;
    size_t room = H1_MAX_HEAD - h->head_bytes;
    size_t n = block_len(h, (struct str){ in->p, in->n < room ? in->n : room }, &complete);
    bool over = !complete && n < in->n;
    keep(h, in->p, n, complete);
    *in = str_sub(*in, n, in->n);
    h->err = check_lines(h);
    if (!h->err && over)
        h->err = too_large(h);
    return complete && !h->err;
}

static void gather_reset(struct h1 *h)
{
    h->raw = NULL;
    h->raw_len = h->raw_cap = h->line = 0;
}

// --- The head ---

// What cannot begin a message (a TLS handshake on a plain port, say) is refused at its first byte.
static bool may_begin(const struct h1 *h, char c)
{
    if (h->response)
        return c == 'H';
    return (c >= 'A' && c <= 'Z') || (c == '\r' && !h->blank);
}

// One empty line before a request line is ignored (RFC 9112 §2.2); it counts as nothing seen.
static void skip_blank(struct h1 *h)
{
    gather_reset(h);
    h->head_bytes = 0;
    h->blank = true;
}

static enum h1_state body_state(const struct h1 *h)
{
    static const enum h1_state states[] = {
        [FRAMING_NONE] = H1_LAST, [FRAMING_LENGTH] = H1_LENGTH,
        [FRAMING_CHUNKED] = H1_CHUNKS, [FRAMING_CLOSE] = H1_CLOSE,
    };
    return h->no_body ? H1_LAST : states[h->head->framing];
}

// The start line, then llhttp's reading of the fields, then what follows from them. Both readings
// must agree on where the head ends and on whether chunks follow.
static err_t parse_head(struct h1 *h)
{
    size_t used;
    struct str raw = { h->raw, h->raw_len }, line = str_sub(raw, 0, str_find(raw, '\r', 0));
    err_t err = h->response ? facts_status_line(h->head, line)
                            : facts_request_line(h->head, line, H1_MAX_TARGET);
    if (err)
        return err;
    llhttp_init(&h->parser, h->response ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    err = parse(h, raw.p, raw.n, &used);
    if (err)
        return err;
    if (!h->head_done || used != raw.n)
        return bad(h);
    err = h->response ? facts_response(h->head, h->to, &h->no_body) : facts_request(h->head);
    if (!err && body_state(h) == H1_CHUNKS && !(h->parser.flags & F_CHUNKED))
        err = bad(h);
    return err;
}

// After an interim response the final one begins anew; the bytes stay counted, so that there is an
// end to them.
static void skip_interim(struct h1 *h)
{
    head_init(h->head, h->head->arena);
    gather_reset(h);
    h->head_done = false;
}

static bool step_head(struct h1 *h, struct str *in)
{
    if (in->n == 0)
        return false;
    if (h->raw_len == 0 && !may_begin(h, in->p[0])) {
        h->err = bad(h);
        return false;
    }
    if (!gather(h, in))
        return false;
    if (h->raw_len == 2) {
        skip_blank(h);
        return true;
    }
    h->err = parse_head(h);
    if (h->err)
        return false;
    if (h->response && h->head->status < 200) {
        skip_interim(h);
        return true;
    }
    h->state = body_state(h);
    h->left = h->head->content_length;
    h->events->head(h);
    return true;
}

// --- The body ---

static bool step_length(struct h1 *h, struct str *in)
{
    size_t n = in->n < h->left ? in->n : (size_t)h->left;
    struct str piece = str_sub(*in, 0, n);
    h->left -= n;
    if (h->left == 0)
        h->state = H1_LAST;
    *in = str_sub(*in, n, in->n);
    if (n > 0)
        h->events->body(h, piece);
    return n > 0 || h->state == H1_LAST;
}

static bool step_close(struct h1 *h, struct str *in)
{
    struct str piece = *in;
    if (piece.n == 0)
        return false;
    *in = STR_NONE;
    h->events->body(h, piece);
    return true;
}

static bool step_chunks(struct h1 *h, struct str *in)
{
    size_t used;
    if (in->n == 0)
        return false;
    h->piece = STR_NONE;
    h->err = parse(h, in->p, in->n, &used);
    *in = str_sub(*in, used, in->n);
    h->chunk_overhead += used - h->piece.n;
    if (!h->err
        && h->chunk_overhead > H1_MAX_CHUNK_EXTENSIONS + h->chunk_count * CHUNK_ALLOWANCE)
        h->err = bad(h);
    if (h->err)
        return false;
    if (h->state == H1_TRAILERS)
        gather_reset(h);
    if (h->piece.n > 0)
        h->events->body(h, h->piece);
    return true;
}

// Trailers are checked like a head and dropped.
static bool step_trailers(struct h1 *h, struct str *in)
{
    size_t used;
    if (in->n == 0 || !gather(h, in))
        return false;
    h->err = parse(h, h->raw, h->raw_len, &used);
    if (!h->err && (h->state != H1_LAST || used != h->raw_len))
        h->err = bad(h);
    return !h->err;
}

static bool step_last(struct h1 *h, struct str *in)
{
    (void)in;
    h->ended = true;
    h->events->end(h);
    return false;
}

size_t h1_feed(struct h1 *h, const char *p, size_t n, err_t *err)
{
    static bool (*const steps[])(struct h1 *h, struct str *in) = {
        [H1_HEAD] = step_head,         [H1_LENGTH] = step_length, [H1_CLOSE] = step_close,
        [H1_CHUNKS] = step_chunks,     [H1_TRAILERS] = step_trailers,
        [H1_LAST] = step_last,
    };
    struct str in = { n > 0 ? p : "", n };
    h->paused = false;
    while (!h->err && !h->paused && !h->ended && steps[h->state](h, &in))
        ;
    *err = h->err;
    return n - in.n;
}

err_t h1_eof(struct h1 *h)
{
    if (h->err)
        return h->err;
    if (h->ended || h1_idle(h))
        return NULL;
    if (h->state != H1_CLOSE && h->state != H1_LAST)
        return h->response ? &err_response_truncated : &err_closed;
    h->ended = true;
    h->events->end(h);
    return NULL;
}

void h1_pause(struct h1 *h)
{
    h->paused = true;
}

struct str h1_chunk_line(size_t n, char out[H1_CHUNK_LINE])
{
    char *end = out + H1_CHUNK_LINE, *p = end;
    *--p = '\n';
    *--p = '\r';
    do
        *--p = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    return (struct str){ p, (size_t)(end - p) };
}
