// bio.c - the BIO whose two ends are the bytes that arrived and the loop's output block.

#include "tls/bio.h"

#include <openssl/bio.h>
#include <pthread.h>

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int read_window(BIO *bio, char *out, size_t n, size_t *got)
{
    struct bio_window *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = min(n, w->in_len);
    if (*got == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, w->in, *got);
    w->in += *got;
    w->in_len -= *got;
    return 1;
}

// Never short: a full block goes out and the next one begins.
static int write_window(BIO *bio, const char *p, size_t n, size_t *put)
{
    struct bio_window *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *put = n;
    while (n > 0) {
        if (w->out_len == LOOP_OUT)
            bio_flush(w);
        const size_t part = min(n, LOOP_OUT - w->out_len);
        memcpy(w->conn->loop->out + w->out_len, p, part);
        w->out_len += part;
        p += part;
        n -= part;
    }
    return 1;
}

// Flushing is bio_flush()'s, when OpenSSL has said all it has to say.
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static void make_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir window");
    if (m && BIO_meth_set_read_ex(m, read_window) == 1
        && BIO_meth_set_write_ex(m, write_window) == 1
        && BIO_meth_set_ctrl(m, control) == 1 && BIO_meth_set_create(m, create) == 1)
        method = m;
    else
        BIO_meth_free(m);
}

void *bio_new(struct bio_window *w)
{
    pthread_once(&once, make_method);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (bio)
        BIO_set_data(bio, w);
    return bio;
}

void bio_flush(struct bio_window *w)
{
    const size_t n = w->out_len;
    w->out_len = 0;
    if (n > 0)
        conn_write_raw(w->conn, w->conn->loop->out, n);
}
