// report.c - error log and access log lines of requests.

#include "proxy/report.h"

#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/forward.h"

#include <stdio.h>

// -- error log ------------------------------------------------------------------------------------

// ", upstream: "https://127.0.0.1:443/path"", once there was a try.
static struct str upstream_place(struct request *r)
{
    if (r->upstream_addr.len == 0)
        return STR_NONE;
    char text[ADDR_TEXT];
    addr_format(&r->upstream_addr, text);
    struct str target = forward_target(r);
    return arena_printf(&r->arena, ", upstream: \"%s://%s%.*s\"", r->tls ? "https" : "http", text,
                        STR_ARG(target));
}

static struct str context(struct request *r)
{
    struct str place = upstream_place(r);
    return arena_printf(&r->arena,
                        ", client: %.*s, server: kong, request: \"%.*s %.*s HTTP/1.%d\"%.*s, "
                        "host: \"%.*s\", request_id: \"%s\"",
                        (int)r->client->ip_len, r->client->ip, STR_ARG(r->head.method),
                        STR_ARG(r->head.target), r->head.minor, STR_ARG(place),
                        STR_ARG(r->head.authority), r->id);
}

void report_line(struct request *r, enum log_level level, struct str facts, const char *format, ...)
{
    if (!log_on(level))
        return;
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct str where = context(r);
    log_write(level, r->client->conn->id, "%s%.*s%.*s", message, STR_ARG(where), STR_ARG(facts));
}

void report_text(struct request *r, enum log_level level, struct str text)
{
    if (!log_on(level))
        return;
    size_t first = str_find(text, '\n', 0);
    struct str where = context(r), rest = str_sub(text, first, text.n);
    log_text(
        level, r->client->conn->id,
        arena_printf(&r->arena, "%.*s%.*s%.*s", (int)first, text.p, STR_ARG(where), STR_ARG(rest)));
}

static struct str verdict_facts(struct request *r, const struct verdict *v)
{
    char line[VERDICT_LINE];
    const size_t n = verdict_print(v, line);
    return arena_dup(&r->arena, (struct str){ line, n });
}

void report_verdict(struct request *r, const struct verdict *v)
{
    if (!v)
        return;
    if (verdict_lacks_ocsp(v) && !v->resumed)
        report_line(r, LOG_NOTICE, verdict_facts(r, v),
                    "upstream SSL certificate was accepted without a good OCSP response (%s)",
                    v->ocsp_text);
    if (verdict_is_reported(v))
        report_line(r, LOG_WARN, verdict_facts(r, v),
                    "upstream SSL certificate would be refused: (%d:%s)", v->openssl,
                    verdict_text(v));
    else if (v->has_next && !v->cached && !v->resumed && v->next != v->code)
        report_line(r, LOG_NOTICE, verdict_facts(r, v),
                    "upstream SSL certificate would be judged otherwise by the next bundle");
}

void report_try(struct request *r, err_t err, const char *doing)
{
    struct exchange *e = r->exchange;
    const struct verdict *v = exchange_verdict(e);
    if (err == &err_tls_verify && v && v->code == VERDICT_NAME_MISMATCH)
        report_line(r, LOG_ERR, verdict_facts(r, v),
                    "upstream SSL certificate does not match \"%s\" while %s", e->name.text, doing);
    else if (err == &err_tls_verify && v)
        report_line(r, LOG_ERR, verdict_facts(r, v),
                    "upstream SSL certificate verify error: (%d:%s) while %s", v->openssl,
                    verdict_text(v), doing);
    else if (err == &err_tls_handshake)
        report_line(r, LOG_ERR, STR_NONE, "SSL_do_handshake() failed (SSL: %s) while %s",
                    exchange_tls_reason(e), doing);
    else if (err == &err_tls_record)
        report_line(r, LOG_ERR, STR_NONE, "SSL_read() failed (SSL: %s) while %s",
                    exchange_tls_reason(e), doing);
    else if (err == &err_connect_timeout || err == &err_read_timeout || err == &err_write_timeout)
        report_line(r, LOG_ERR, STR_NONE, "upstream timed out (110: Connection timed out) while %s",
                    doing);
    else if (err == &err_refused)
        report_line(r, LOG_ERR, STR_NONE, "connect() failed (111: Connection refused) while %s",
                    doing);
    else if (err != &err_tls_setup)
        report_line(r, LOG_ERR, STR_NONE, "upstream: %s while %s", err->text, doing);
}

// -- access log -----------------------------------------------------------------------------------

static char *put(char *p, struct str s)
{
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

// nginx's escaping: quotes, backslashes and what is not printable ASCII become \xHH.
static char *put_escaped(char *p, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            *p++ = (char)c;
            continue;
        }
        *p++ = '\\';
        *p++ = 'x';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 15];
    }
    return p;
}

static char *put_number(char *p, uint64_t n)
{
    char digits[STR_DECIMAL];
    return put(p, str_decimal(n, digits));
}

static struct str field_or_dash(const struct head *h, enum header_id id)
{
    const struct header *f = head_get(h, id);
    return f && f->value.n > 0 ? f->value : STR("-");
}

void report_access(struct request *r)
{
    if (!r->view->snapshot->settings.access_log || !log_access_on())
        return;
    struct str ip = forward_client(r).ip;
    struct str referer = field_or_dash(&r->head, HEADER_REFERER);
    struct str agent = field_or_dash(&r->head, HEADER_USER_AGENT);
    struct str time = log_time_access();
    struct str target = r->head.target;
    size_t max = 256 + ip.n + time.n + 4 * (r->head.method.n + target.n + referer.n + agent.n);
    char *start = log_buffer_reserve(&r->proxy->access_log, max), *p = start;
    p = put(p, ip);
    p = put(p, STR(" - - ["));
    p = put(p, time);
    p = put(p, STR("] \""));
    if (r->head.method.n > 0) {
        p = put_escaped(p, r->head.method);
        *p++ = ' ';
        p = put_escaped(p, target);
        p = put(p, r->head.minor == 0 ? STR(" HTTP/1.0") : STR(" HTTP/1.1"));
    }
    p = put(p, STR("\" "));
    p = put_number(p, r->head_sent ? r->response.status : 499);
    *p++ = ' ';
    p = put_number(p, r->response_bytes);
    p = put(p, STR(" \""));
    p = put_escaped(p, referer);
    p = put(p, STR("\" \""));
    p = put_escaped(p, agent);
    p = put(p, STR("\" kong_request_id: \""));
    p = put(p, (struct str){ r->id, 32 });
    p = put(p, STR("\"\n"));
    log_buffer_commit(&r->proxy->access_log, (size_t)(p - start));
}
