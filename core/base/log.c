// log.c - formats lines and gets them out, also through descriptors that do not want them.

#include "base/log.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// How long a line waits for a reader of the error log before lines are dropped.
enum { LOG_PATIENCE = 1000 };   // ms

enum { LOG_BUFFER = 64 * 1024 };

// A descriptor with the lock that keeps the lines of several threads apart.
struct sink {
    pthread_mutex_t lock;
    int fd;
    bool torn;      // the last line went out in part: the next one starts on a line of its own
    bool failing;   // the last write failed, and that has been said
    unsigned lost;  // lines dropped since the reader let us wait in vain
};

static struct sink error_sink = { PTHREAD_MUTEX_INITIALIZER, STDERR_FILENO, false, false, 0 };
static struct sink access_sink = { PTHREAD_MUTEX_INITIALIZER, STDOUT_FILENO, false, false, 0 };
static _Atomic int threshold = LOG_NOTICE;

static const struct str level_names[] = {
    [LOG_EMERG] = { "emerg", 5 }, [LOG_ALERT] = { "alert", 5 },   [LOG_CRIT] = { "crit", 4 },
    [LOG_ERR] = { "error", 5 },   [LOG_WARN] = { "warn", 4 },     [LOG_NOTICE] = { "notice", 6 },
    [LOG_INFO] = { "info", 4 },   [LOG_DEBUG] = { "debug", 5 },
};

void log_setup(enum log_level level, int error_fd, int access_fd)
{
    log_set_level(level);
    error_sink.fd = error_fd;
    access_sink.fd = access_fd;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
    return (enum log_level)atomic_load_explicit(&threshold, memory_order_relaxed);
}

int log_level_parse(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (str_eq(name, level_names[i]))
            return (int)i;
    return -1;
}

// -- writing --------------------------------------------------------------------------------------

// Writes all of it unless the reader makes us wait longer than `patience` ms (-1: for ever).
// Returns how much went out.
static size_t write_patiently(int fd, const char *p, size_t n, int patience)
{
    size_t done = 0;
    while (done < n) {
        const ssize_t wrote = write(fd, p + done, n - done);
        if (wrote >= 0) {
            done += (size_t)wrote;
        } else if (errno == EAGAIN) {
            struct pollfd ready = { .fd = fd, .events = POLLOUT };
            const int events = poll(&ready, 1, patience);
            if (events == 0 || (events < 0 && errno != EINTR))
                break;
        } else if (errno != EINTR) {
            break;
        }
    }
    return done;
}

// Says how many lines the reader missed, once it reads again. Returns whether it does.
static bool report_lost(struct sink *s)
{
    char note[64];
    const int n = snprintf(note, sizeof note, "%s(lines lost here, as nobody read: %u)\n",
                           s->torn ? "\n" : "", s->lost);
    const size_t done = write_patiently(s->fd, note, (size_t)n, 0);
    if (done < (size_t)n) {
        s->torn |= done > 0;
        return false;
    }
    s->torn = false;
    s->lost = 0;
    return true;
}

// A reader that stands still costs LOG_PATIENCE once, not for each line.
static void put_line(struct sink *s, const char *p, size_t n)
{
    if (s->fd < 0)
        return;
    pthread_mutex_lock(&s->lock);
    size_t done = 0;
    if (s->lost == 0 || report_lost(s))
        done = write_patiently(s->fd, p, n, LOG_PATIENCE);
    if (done < n) {
        s->torn |= done > 0;
        s->lost++;
    }
    pthread_mutex_unlock(&s->lock);
}

// -- time -----------------------------------------------------------------------------------------

// A moment as text, made once a second.
struct stamp {
    time_t second;
    size_t len;
    char text[40];
};

static struct str stamp_now(struct stamp *s, struct tm *(*zone)(const time_t *, struct tm *),
                            const char *format)
{
    const time_t now = time(NULL);
    if (s->len == 0 || now != s->second) {
        struct tm tm;
        zone(&now, &tm);
        s->len = strftime(s->text, sizeof s->text, format, &tm);
        s->second = now;
    }
    return (struct str){ s->text, s->len };
}

static struct str time_error(void)
{
    static _Thread_local struct stamp s;
    return stamp_now(&s, localtime_r, "%Y/%m/%d %H:%M:%S");
}

struct str log_time_access(void)
{
    static _Thread_local struct stamp s;
    return stamp_now(&s, localtime_r, "%d/%b/%Y:%H:%M:%S %z");
}

struct str log_time_http(void)
{
    static _Thread_local struct stamp s;
    return stamp_now(&s, gmtime_r, "%a, %d %b %Y %H:%M:%S GMT");
}

// -- error log ------------------------------------------------------------------------------------

// The start of a line: "2026/11/23 10:00:00 [error] 1234#1235: *17 ".
static size_t put_head(char *out, size_t max, enum log_level level, uint64_t conn)
{
    const struct str when = time_error();
    int n = snprintf(out, max, "%.*s [%s] %d#%d: ", STR_ARG(when), level_names[level].p,
                     (int)getpid(), (int)gettid());
    if (conn > 0)
        n += snprintf(out + n, max - (size_t)n, "*%llu ", (unsigned long long)conn);
    return (size_t)n;
}

static bool needs_escape(unsigned char c, bool keep_lines)
{
    return (c < 0x20 && !(keep_lines && (c == '\n' || c == '\t'))) || c == 0x7f;
}

// Copies `text` with control characters as \xHH; at most `max` bytes, the last of which say "..."
// when it was cut.
static size_t put_escaped(char *out, size_t max, struct str text, bool keep_lines)
{
    static const char hex[] = "0123456789ABCDEF";
    static const struct str cut = { "...", 3 };
    size_t n = 0, fits = 0;   // fits: how much may stay if it has to be cut
    for (size_t i = 0; i < text.n; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        const bool escape = needs_escape(c, keep_lines);
        const size_t width = escape ? 4 : 1;
        if (n + width > max) {
            memcpy(out + fits, cut.p, cut.n);
            return fits + cut.n;
        }
        if (escape)
            memcpy(out + n, (char[]){ '\\', 'x', hex[c >> 4], hex[c & 15] }, 4);
        else
            out[n] = (char)c;
        n += width;
        if (n + cut.n <= max)
            fits = n;
    }
    return n;
}

static void put_message(enum log_level level, uint64_t conn, struct str text, bool keep_lines)
{
    enum { HEAD_MAX = 128 };
    char line[HEAD_MAX + LOG_LINE_MAX + 1];
    size_t n = put_head(line, HEAD_MAX, level, conn);
    n += put_escaped(line + n, LOG_LINE_MAX, text, keep_lines);
    line[n++] = '\n';
    put_line(&error_sink, line, n);
}

void log_writev(enum log_level level, uint64_t conn, const char *format, va_list args)
{
    if (!log_on(level))
        return;
    char text[LOG_LINE_MAX + 2];   // a byte more than fits: put_escaped() sees what is too long
    const int n = vsnprintf(text, sizeof text, format, args);
    if (n < 0)
        return;
    const size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    put_message(level, conn, (struct str){ text, len }, false);
}

void log_write(enum log_level level, uint64_t conn, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_writev(level, conn, format, args);
    va_end(args);
}

void log_text(enum log_level level, uint64_t conn, struct str text)
{
    if (log_on(level))
        put_message(level, conn, text, true);
}

// -- access log -----------------------------------------------------------------------------------

bool log_access_on(void)
{
    return access_sink.fd >= 0;
}

void log_buffer_init(struct log_buffer *b)
{
    *b = (struct log_buffer){ .p = xmalloc(LOG_BUFFER), .cap = LOG_BUFFER };
}

void log_buffer_done(struct log_buffer *b)
{
    log_buffer_flush(b);
    free(b->p);
    *b = (struct log_buffer){ 0 };
}

char *log_buffer_reserve(struct log_buffer *b, size_t n)
{
    if (n > b->cap - b->len)
        log_buffer_flush(b);
    if (n > b->cap) {
        b->p = xrealloc(b->p, n);
        b->cap = n;
    }
    return b->p + b->len;
}

void log_buffer_commit(struct log_buffer *b, size_t used)
{
    b->len += used;
}

void log_buffer_flush(struct log_buffer *b)
{
    if (b->len == 0)
        return;
    struct sink *s = &access_sink;
    pthread_mutex_lock(&s->lock);
    const bool failed = s->fd >= 0 && write_patiently(s->fd, b->p, b->len, -1) < b->len;
    const int why = errno;
    const bool news = failed && !s->failing;
    s->failing = failed;
    pthread_mutex_unlock(&s->lock);
    b->len = 0;
    if (news)
        log_write(LOG_ALERT, 0, "write to the access log failed (%d: %s), lines are lost", why,
                  strerrordesc_np(why));
}
