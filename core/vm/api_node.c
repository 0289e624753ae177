// api_node.c - what concerns the process: log, time, digests and certificates of the configuration,
// versions, counters.

#include "base/gzip.h"
#include "base/log.h"
#include "base/version.h"
#include "conf/router.h"
#include "conf/version.h"
#include "http/version.h"
#include "net/version.h"
#include "proxy/report.h"
#include "tls/credential.h"
#include "tls/digest.h"
#include "tls/idna.h"
#include "tls/verdict.h"
#include "tls/version.h"
#include "tls/x509.h"
#include "vm/api.h"

#include "base/mem.h"

#include <assert.h>
#include <luajit.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

// -- log ------------------------------------------------------------------------------------------

int weir_log_level(void)
{
    return (int)log_level();
}

static enum log_level level_of(int level)
{
    return level < LOG_EMERG ? LOG_EMERG : level > LOG_DEBUG ? LOG_DEBUG : (enum log_level)level;
}

void weir_log(int level, const char *text, size_t n)
{
    const enum log_level at = level_of(level);
    if (turn.request)
        report_text(turn.request, at, api_str(text, n));
    else
        log_text(at, 0, api_str(text, n));
}

// -- time and randomness --------------------------------------------------------------------------

int64_t weir_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t weir_now_ms(void)
{
    if (turn.request)
        return (int64_t)turn.request->proxy->loop->now;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int weir_random(char *out, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom(out + done, n - done, 0);
        if (got < 0)
            return api_refuse("the system gives no random bytes");
        done += (size_t)got;
    }
    return 0;
}

// -- questions of the configuration ---------------------------------------------------------------

int weir_sha1(const char *p, size_t n, char out[20])
{
    return x509_sha1(api_str(p, n), (unsigned char *)out) == NULL ? 0 : api_refuse("no SHA-1");
}

int weir_sha256(const char *p, size_t n, char out[32])
{
    return digest_sha256(p, n, (unsigned char *)out) ? 0 : api_refuse("no SHA-256");
}

// Copies the reason into the caller's buffer.
static int because(const char *why, char *err, size_t errlen)
{
    snprintf(err, errlen, "%s", why);
    return -1;
}

int weir_x509_info(const char *pem, size_t n, struct weir_x509_info *out, int max, char *err,
                   size_t errlen)
{
    struct x509_info *found = xcalloc(max > 0 ? (size_t)max : 1, sizeof *found);
    unsigned count = 0;
    char why[256] = "";
    err_t failed = x509_info(api_str(pem, n), found, max > 0 ? (unsigned)max : 0, &count, why);
    for (unsigned i = 0; !failed && i < count && i < (unsigned)max; i++) {
        out[i].not_before = found[i].not_before;
        out[i].not_after = found[i].not_after;
        out[i].is_ca = found[i].is_ca;
        memcpy(out[i].sha256, found[i].sha256, sizeof out[i].sha256);
        memcpy(out[i].subject, found[i].subject, sizeof out[i].subject);
    }
    free(found);
    return failed ? because(why, err, errlen) : (int)count;
}

void api_give_detail(struct weir_x509_detail *out, const struct x509_detail *d)
{
    *out = (struct weir_x509_detail){
        .not_before = d->not_before, .not_after = d->not_after, .version = d->version,
        .is_ca = d->is_ca, .path_length = d->path_length, .key_bits = d->key_bits,
    };
#define COPY(field) memcpy(out->field, d->field, sizeof out->field)
    COPY(key_type);
    COPY(key_group);
    COPY(signature);
    COPY(serial);
    COPY(sha256);
    COPY(spki_sha256);
    COPY(key_id);
    COPY(issuer_key_id);
    COPY(subject);
    COPY(issuer);
    COPY(names);
    COPY(key_usage);
    COPY(purposes);
#undef COPY
}

int weir_x509_describe(const char *pem, size_t n, uint32_t index, struct weir_x509_detail *out)
{
    struct x509_detail d;
    unsigned count = 0;
    char why[256] = "";
    if (x509_describe(api_str(pem, n), index, &d, &count, why) != NULL)
        return api_refuse("%s", why);
    if (index >= count)
        return (int)count;
    api_give_detail(out, &d);
    return (int)count;
}

int weir_keypair_check(const char *cert, size_t certlen, const char *key, size_t keylen, char *err,
                       size_t errlen)
{
    struct credential *c = NULL;
    char why[TRUST_WHY] = "";
    if (credential_intern(api_str(cert, certlen), api_str(key, keylen), &c, why) != NULL)
        return because(why, err, errlen);
    credential_unref(c);
    return 0;
}

int weir_regex_check(const char *pattern, size_t n, char *err, size_t errlen)
{
    char why[256] = "";
    return router_regex_ok(api_str(pattern, n), why) ? 0 : because(why, err, errlen);
}

int weir_host_ascii(const char *name, size_t n, char out[256], char *err, size_t errlen)
{
    _Static_assert(IDNA_MAX < 256, "the room that abi.h gives");
    char why[IDNA_WHY];
    return idna_ascii(api_str(name, n), out, why) == NULL ? 0 : because(why, err, errlen);
}

int weir_version(char *out, size_t len)
{
    char pcre2[VERSION_PCRE2];
    version_pcre2(pcre2);
    const char *luajit = LUAJIT_VERSION;
    int n = snprintf(out, len,
                     "weir %s\nLuaJIT %s\nOpenSSL %s\nlibuv %s\nllhttp %s\nc-ares %s\nPCRE2 %s\n"
                     "libyaml %s\nlibidn2 %s\nzlib %s\n",
                     WEIR_VERSION, luajit + strcspn(luajit, "0123456789"), version_openssl(),
                     version_uv(), version_llhttp(), version_cares(), pcre2, version_yaml(),
                     idna_version(), gzip_version());
    return n > 0 && (size_t)n < len ? 0 : api_refuse("the versions do not fit");
}

void weir_memory_trim(void)
{
    malloc_trim(0);
}

// -- the node -------------------------------------------------------------------------------------

static void (*fill_counters)(struct weir_counters *out);

void vm_on_counters(void (*fill)(struct weir_counters *out))
{
    fill_counters = fill;
}

int weir_counters(struct weir_counters *out)
{
    if (!fill_counters)
        return WEIR_ERR_NONE;
    *out = (struct weir_counters){0};
    fill_counters(out);
    if (turn.request) {
        const struct snapshot *s = turn.request->view->snapshot;
        out->serial = s->serial;
        snprintf(out->configuration_hash, sizeof out->configuration_hash, "%.*s",
                 STR_ARG(s->hash));
    }
    return 0;
}

static_assert((int)VERDICT_CODE_COUNT <= (int)WEIR_VERDICT_CODES, "each verdict is counted");
static_assert((int)POLICY_MODES == (int)WEIR_MODES, "in each mode");

const char *weir_verdict_code(int index)
{
    return index >= 0 && index < VERDICT_CODE_COUNT ? verdict_code_name((enum verdict_code)index)
                                                    : NULL;
}

static int64_t (*ask_lua_bytes)(int worker);

void vm_on_lua_bytes(int64_t (*ask)(int worker))
{
    ask_lua_bytes = ask;
}

int64_t weir_worker_lua_bytes(int worker)
{
    const int64_t bytes = ask_lua_bytes ? ask_lua_bytes(worker) : -1;
    return bytes < 0 ? WEIR_ERR_NONE : bytes;
}

int weir_node_hostname(struct weir_str *out)
{
    static _Thread_local char name[256];
    if (gethostname(name, sizeof name - 1) != 0)
        return WEIR_ERR_NONE;
    api_give(out, str_from(name));
    return 0;
}

int weir_worker_id(void)
{
    return turn.vm ? turn.vm->worker : -1;
}

int weir_worker_exiting(void)
{
    return turn.vm && turn.vm->exiting;
}

int weir_worker_pid(void)
{
    return (int)getpid();
}
