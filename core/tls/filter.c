// filter.c - records in, plaintext out, and back.

#include "tls/filter.h"

#include "base/mem.h"
#include "tls/fault.h"

#include <stdlib.h>

// The largest plaintext of one record (RFC 8446 §5.1).
enum { RECORD = SSL3_RT_MAX_PLAIN_LENGTH };

static struct filter *of(const struct conn *c)
{
    return c->state;
}

// Keeps OpenSSL's reason; nothing enters OpenSSL any more.
static void note_failure(struct filter *f)
{
    fault_text(f->reason, sizeof(f->reason));
    f->failed = true;
}

// The alert that OpenSSL has left in the output goes out first.
static void refuse(struct conn *c, err_t why)
{
    bio_flush(&of(c)->window);
    conn_fail(c, why);
}

// What the user writes first goes out together with our last message of the handshake: one write,
// and one wake-up of the peer. Until then the message cannot stay in the loop's block, for the user
// may write on other connections before.
static void set_aside(struct filter *f)
{
    if (f->window.out_len == 0)
        return;
    f->last_len = f->window.out_len;
    f->last = xmalloc(f->last_len);
    memcpy(f->last, f->window.conn->loop->out, f->last_len);
    f->window.out_len = 0;
}

static void put_back(struct filter *f)
{
    if (!f->last)
        return;
    memcpy(f->window.conn->loop->out, f->last, f->last_len);
    f->window.out_len = f->last_len;
    free(f->last);
    f->last = NULL;
}

static void settle(struct conn *c)
{
    struct filter *f = of(c);
    err_t err = f->hooks->finished(c);
    if (err) {
        note_failure(f);
        refuse(c, err);
        return;
    }
    f->established = true;
    if (f->hooks->ready) {
        set_aside(f);
        f->hooks->ready(c);
        if (c->closing)
            return;
        put_back(f);
    }
    bio_flush(&f->window);
}

void filter_handshake(struct conn *c)
{
    struct filter *f = of(c);
    fault_clear();
    const int ret = SSL_do_handshake(f->ssl);
    if (ret == 1) {
        settle(c);
    } else if (SSL_get_error(f->ssl, ret) == SSL_ERROR_WANT_READ) {
        bio_flush(&f->window);
    } else {
        note_failure(f);
        refuse(c, f->hooks->refused(c));
    }
}

// Decrypts into the loop's block until it is full or OpenSSL has no complete record left. *end is
// SSL_ERROR_NONE when the block was full.
static size_t decrypt(struct filter *f, char *out, size_t room, int *end)
{
    size_t used = 0;
    *end = SSL_ERROR_NONE;
    while (room - used >= RECORD) {
        size_t n = 0;
        fault_clear();
        const int ret = SSL_read_ex(f->ssl, out + used, room - used, &n);
        if (ret != 1) {
            *end = SSL_get_error(f->ssl, ret);
            break;
        }
        used += n;
        // Asking once more only to hear that nothing is left costs as much as a small record.
        if (f->window.in_len == 0 && SSL_has_pending(f->ssl) == 0) {
            *end = SSL_ERROR_WANT_READ;
            break;
        }
    }
    return used;
}

// Reads until the input window is drained. The user, who runs inside conn_deliver(), may close the
// connection, and may write on others: so what OpenSSL wants to send (key updates, alerts) leaves
// before.
static void read_records(struct conn *c)
{
    struct filter *f = of(c);
    int end = SSL_ERROR_NONE;
    while (end == SSL_ERROR_NONE) {
        const size_t n = decrypt(f, c->loop->plain, LOOP_PLAIN, &end);
        if (end != SSL_ERROR_NONE && end != SSL_ERROR_WANT_READ && end != SSL_ERROR_ZERO_RETURN)
            note_failure(f);
        f->over = f->over || end == SSL_ERROR_ZERO_RETURN;
        bio_flush(&f->window);
        if (n > 0)
            conn_deliver(c, c->loop->plain, n);
        if (c->closing)
            return;
    }
    if (f->failed)
        conn_fail(c, &err_tls_record);
    else if (f->over)
        conn_deliver_eof(c);
}

static void input(struct conn *c, const char *p, size_t n)
{
    struct filter *f = of(c);
    if (f->failed || f->over)
        return;
    f->window.in = p;
    f->window.in_len = n;
    if (!f->established)
        filter_handshake(c);
    if (!c->closing && f->established && !f->failed)
        read_records(c);
    if (!c->closing)
        f->window.in_len = 0;   // what a failure has left is gone when this returns
}

// OpenSSL does not hear of it: whatever was complete has been delivered.
static void input_eof(struct conn *c)
{
    const struct filter *f = of(c);
    if (f->failed || f->over)
        return;
    conn_fail(c, f->established ? &err_tls_truncated : &err_closed);
}

// Encrypts as much as fits into records of full size; the rest of a write makes one more. `gather`
// collects slices that do not fill a record by themselves.
struct packer {
    struct filter *f;
    char *gather;
    size_t used;
};

static bool encrypt(struct filter *f, const char *p, size_t n)
{
    size_t written = 0;
    fault_clear();
    return n == 0 || (SSL_write_ex(f->ssl, p, n, &written) == 1 && written == n);
}

static bool pack(struct packer *k, struct str s)
{
    while (s.n > 0) {
        if (k->used == 0 && s.n >= RECORD) {
            const size_t whole = s.n - s.n % RECORD;
            if (!encrypt(k->f, s.p, whole))
                return false;
            s = str_sub(s, whole, s.n);
            continue;
        }
        const size_t part = s.n < RECORD - k->used ? s.n : RECORD - k->used;
        memcpy(k->gather + k->used, s.p, part);
        k->used += part;
        s = str_sub(s, part, s.n);
        if (k->used == RECORD) {
            if (!encrypt(k->f, k->gather, RECORD))
                return false;
            k->used = 0;
        }
    }
    return true;
}

static err_t output(struct conn *c, const struct str *v, int count)
{
    struct filter *f = of(c);
    if (!f->established || f->failed)
        return &err_tls_handshake;
    char gather[RECORD];
    struct packer k = { f, gather, 0 };
    put_back(f);
    bool ok = true;
    for (int i = 0; i < count && ok; i++)
        ok = pack(&k, v[i]);
    ok = ok && encrypt(f, k.gather, k.used);
    if (!ok)
        note_failure(f);
    bio_flush(&f->window);
    return ok ? NULL : &err_tls_record;
}

static void goodbye(struct conn *c)
{
    struct filter *f = of(c);
    if (!f->established || f->failed)
        return;
    put_back(f);
    fault_clear();
    if (SSL_shutdown(f->ssl) < 0)
        f->failed = true;
    fault_clear();
    bio_flush(&f->window);
}

static void done(struct conn *c, void *state)
{
    (void)c;
    struct filter *f = state;
    const struct filter_hooks *hooks = f->hooks;
    filter_done(f);
    hooks->free(state);
}

static const struct conn_filter tls_filter = {
    .input = input,
    .input_eof = input_eof,
    .output = output,
    .goodbye = goodbye,
    .done = done,
};

err_t filter_init(struct filter *f, SSL_CTX *ctx, const struct filter_hooks *hooks, struct conn *c)
{
    *f = (struct filter){ .hooks = hooks, .window = { .conn = c } };
    fault_clear();
    f->ssl = SSL_new(ctx);
    BIO *bio = f->ssl ? bio_new(&f->window) : NULL;
    if (!bio || SSL_set_app_data(f->ssl, f) != 1) {
        BIO_free(bio);
        SSL_free(f->ssl);
        f->ssl = NULL;
        fault_clear();
        return &err_tls_setup;
    }
    SSL_set_bio(f->ssl, bio, bio);
    return NULL;
}

void filter_done(struct filter *f)
{
    // OpenSSL declares the session bad when no close_notify was exchanged; a connection that was
    // dropped in good order says nothing against its session.
    if (!f->failed && f->established)
        SSL_set_shutdown(f->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(f->ssl);
    f->ssl = NULL;
    free(f->last);
}

struct filter *filter_of(const struct conn *c, const struct filter_hooks *hooks)
{
    struct filter *f = c->filter == &tls_filter ? c->state : NULL;
    return f && f->hooks == hooks ? f : NULL;
}

void filter_install(struct conn *c, struct filter *f)
{
    conn_set_filter(c, &tls_filter, f);
}
