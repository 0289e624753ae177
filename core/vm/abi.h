// The ABI between the core and Lua: every C function and struct that Lua may use, as plain C that
// both the compiler and LuaJIT's ffi.cdef read (lua/weir/abi.lua strips what is outside the two
// marker lines).
//
// Threads: functions act on the calling thread's VM. Those of "the current request" act on the
// request whose phase runs now; outside of a phase they return WEIR_ERR_PHASE. None of them enters
// Lua, waits or throws (a compiled trace may call them).
//
// Return values: 0 or a count when all is well, negative otherwise:
//   WEIR_ERR_PHASE (-1)  no current request, or not in this phase
//   WEIR_ERR_NONE  (-2)  there is no such thing (header, value)
//   WEIR_ERR_BAD   (-3)  an argument is not valid; weir_error() has the text
// Slices point into memory of the core that stays valid until the phase ends (ffi.string them at
// once).

#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WEIR_ERR_PHASE = -1, WEIR_ERR_NONE = -2, WEIR_ERR_BAD = -3 };

#pragma GCC visibility push(default)

// This file, NUL-terminated: how lua/weir/abi.lua gets at the declarations.
const char *weir_abi_text(void);

// ---- cdef begin
enum { WEIR_ABI = 1 };
int weir_abi(void);
const char *weir_error(void);

struct weir_str { const char *p; size_t n; };

// Logging. `level` 0 (emerg) .. 7 (debug), as enum log_level. weir_log() writes one line as it
// stands, with the current connection's number and request after it when there is one; new lines
// are kept.
int weir_log_level(void);
void weir_log(int level, const char *text, size_t n);

// ---- questions of the configuration (any VM)
struct weir_x509_info {
    int64_t not_before, not_after;      // unix seconds
    int32_t is_ca;
    char sha256[65];
    char subject[256];
};
// All of one certificate, for people to read. Texts are cut to size; lists that do not fit end in
// "...".
struct weir_x509_detail {
    int64_t not_before, not_after;      // unix seconds
    int32_t version, is_ca;
    int32_t path_length;                // -1: not limited
    int32_t key_bits;                   // 0: the key cannot be read
    char key_type[32], key_group[32];   // "EC", "P-256"; "RSA", ""
    char signature[64];                 // "ecdsa-with-SHA256"
    char serial[64];                    // hex
    char sha256[65], spki_sha256[65];   // of the DER and of its SubjectPublicKeyInfo, hex
    char key_id[65], issuer_key_id[65]; // hex, "" where there are none
    char subject[256], issuer[256];     // RFC 2253
    char names[512];                    // "DNS:a, IP:b, URI:c, email:d"
    char key_usage[128];                // "digitalSignature, keyCertSign"
    char purposes[256];                 // "serverAuth, clientAuth"
};
// Describes the certificate `index` (from 0) of a PEM text. Returns how many the text has; `out` is
// filled when index is less. WEIR_ERR_BAD: the text or that certificate cannot be read.
int weir_x509_describe(const char *pem, size_t n, uint32_t index, struct weir_x509_detail *out);
int weir_sha1(const char *p, size_t n, char out[20]);
int weir_sha256(const char *p, size_t n, char out[32]);
int weir_x509_info(const char *pem, size_t n, struct weir_x509_info *out, int max, char *err,
                   size_t errlen);
int weir_keypair_check(const char *cert, size_t certlen, const char *key, size_t keylen, char *err,
                       size_t errlen);
int weir_regex_check(const char *pattern, size_t n, char *err, size_t errlen);
// The name of a host in UTF-8 as A-labels, NUL-terminated.
int weir_host_ascii(const char *name, size_t n, char out[256], char *err, size_t errlen);

// The events of a YAML text, one at a time. The text has to live as long as its reader, and what an
// event points to is good until the next one.
enum {
    WEIR_YAML_END, WEIR_YAML_DOCUMENT, WEIR_YAML_DOCUMENT_END, WEIR_YAML_ALIAS, WEIR_YAML_SCALAR,
    WEIR_YAML_SEQUENCE, WEIR_YAML_SEQUENCE_END, WEIR_YAML_MAPPING, WEIR_YAML_MAPPING_END
};
struct weir_yaml_event {
    uint32_t line, column;              // where it begins, from 1; columns count characters
    int32_t plain;                      // a scalar that its text alone gives a type
    struct weir_str value;              // of a scalar
    struct weir_str anchor;             // of a node or an alias; p is NULL where there is none
    struct weir_str tag;                // of a node, in its long form; p as above
};
struct weir_yaml;
struct weir_yaml *weir_yaml_new(const char *text, size_t n);
void weir_yaml_free(struct weir_yaml *y);
// WEIR_YAML_…; WEIR_ERR_BAD when the text is no YAML: line and column say where.
int weir_yaml_next(struct weir_yaml *y, struct weir_yaml_event *out);

// "NAME VERSION\n" lines: weir, LuaJIT, OpenSSL, libuv, llhttp, c-ares, PCRE2, libyaml,
// libidn2
int weir_version(char *out, size_t len);
int weir_random(char *out, size_t n);             // cryptographically strong bytes
void weir_memory_trim(void);                      // gives what malloc() has to spare to the system
int64_t weir_time_ms(void);                       // since the epoch
int64_t weir_now_ms(void);                        // monotonic, of this loop turn

// ---- the builder (control VM). Every function returns an index or 0, or WEIR_ERR_BAD with
// weir_error(). Settings come first, plans before their routes.
struct weir_build;
struct weir_trust;
struct weir_credential;
struct weir_policy;

struct weir_settings {
    uint32_t keepalive_pool_size;       // upstream_keepalive_pool_size; 0: connections are not kept
    uint32_t keepalive_max_requests;
    uint32_t keepalive_idle_timeout_ms; // 0: no limit
    uint32_t tls_handshakes_max;        // with upstreams, at once, per worker; 0: no limit
    uint64_t client_max_body_size;      // 0: no limit
    uint64_t client_body_buffer_size;   // what plugins may read into memory
    uint64_t response_buffer_size;      // of a response that is held for plugins
    uint32_t client_header_timeout_ms, client_body_timeout_ms, client_idle_timeout_ms;
    uint32_t send_timeout_ms;
    uint8_t session_reuse;              // upstream_tls_session_reuse
    uint8_t access_log;                 // proxy_access_log is not off
    uint8_t real_ip_recursive;
    uint8_t error_default_type;         // 0 json, 1 html, 2 plain, 3 xml
    // kong.conf's `headers` and `headers_upstream`
    uint8_t header_server, header_via;
    uint8_t header_latency_upstream, header_latency_proxy, header_latency_response;
    uint8_t header_upstream_status, header_request_id, header_upstream_request_id;
    struct weir_str real_ip_header;
    const struct weir_str *trusted_ips; // CIDRs
    uint32_t trusted_ip_count;
};

// A name that a certificate must carry. `kind`: 1 DNS, 2 IP, 3 URI (exact, or "spiffe://domain/*"
// for a trust domain), 4 e-mail. A pin: SHA-256 of the leaf's DER (kind 1) or of its
// SubjectPublicKeyInfo (kind 2), as 64 hexadecimal digits.
struct weir_name { int32_t kind; struct weir_str value; };
struct weir_pin { int32_t kind; struct weir_str sha256; };

struct weir_policy_desc {
    int32_t verify;                     // 1 enforce, 2 off (declared), 3 report: judge, go on
    int32_t depth;                      // 0..100
    struct weir_trust *trust;           // never NULL
    struct weir_trust *next;            // judged beside it, without effect, or NULL
    struct weir_credential *credential; // may be NULL
    int32_t min_version, max_version;   // 0: default (TLS 1.2, 1.3)
    int32_t partial_chain;              // an intermediate or leaf of the bundle is an anchor, too
    int32_t strict;                     // RFC 5280 and the CA/Browser Forum's profile
    int32_t security_level;             // 0..5, -1: default (2)
    int32_t verify_name;                // 1, or 0: the chain only
    // Instead of the name of the connection; names_all: all of them, else any.
    const struct weir_name *names;
    uint32_t name_count;
    int32_t names_all;
    int32_t sni;                        // 0 the connection's name, 1 none, 2 sni_name, 3 the
                                        // client's Host
    struct weir_str sni_name;
    const struct weir_pin *pins;        // the leaf must match one of them
    uint32_t pin_count;
    const struct weir_str *crls;        // PEM texts; crl_chain: for all certificates
    uint32_t crl_count;
    int32_t crl_chain;
    int32_t ocsp;                       // stapled responses: 0 not asked for, 1 soft, 2 hard
    struct weir_str ciphers;            // OpenSSL cipher list (TLS 1.2), "" default
    struct weir_str ciphersuites;       // TLS 1.3
    struct weir_str groups, sigalgs;
    struct weir_str alpn;               // "http/1.1" (as does ""), or "none": not offered
};

// How an upstream's certificate chain was judged. Texts are NUL-terminated and cut to size; what
// does not apply is "", 0, or -1 for `depth`.
struct weir_verdict {
    char code[32];                      // "ok", "unverified", "untrusted_issuer", …
    int32_t openssl;                    // X509_V_ERR_*, 0 when OpenSSL had no objection
    char text[256];                     // the reason in words
    int32_t depth;                      // of the certificate at fault, 0 is the leaf
    char subject[256], issuer[256], sha256[65];     // of the certificate at fault, else of the leaf
    int64_t not_before, not_after;      // its validity, unix seconds
    char names_seen[512];               // the leaf's SANs, "DNS:a, IP:b, URI:c"
    char names_wanted[512];             // in the same form
    char anchor[256];                   // subject of the anchor of the verified chain
    char bundle[17], policy[17];        // ids of the trust bundle and of the policy
    char mode[8];                       // the policy's: "enforce", "report", "off"
    int32_t resumed, cached;
    char ocsp[16];                      // of what was stapled: "good", "none", "bad", "unknown",
                                        // "revoked"; "" when nothing was asked for or judged
    char next_code[32];                 // how the `next` bundle judges; "" when there is none
};

// How a target is verified where that is not what the plan's policy says. Port 0: any.
struct weir_target_policy {
    struct weir_str host;
    uint16_t port;
    struct weir_policy *policy;         // NULL together with `error`
    struct weir_str error;              // why requests to it get 502; n == 0: none
};

struct weir_plan_desc {
    uint32_t phases;                    // 1 << WEIR_PHASE_…
    int32_t upstream;                   // index, -1: the route has no service
    struct weir_policy *policy;         // tls only; NULL together with `error`
    uint8_t tls;                        // scheme to the upstream is https
    uint8_t strip_path, preserve_host;
    uint8_t chooses;                    // consumers have plugins of their own: access chooses which
                                        // run, and asks for the whole response where one needs it
    uint8_t protocols;                  // 1 http, 2 https: what the route allows
    uint16_t https_redirect_status;
    uint16_t retries;
    uint32_t connect_timeout, write_timeout, read_timeout;  // ms
    struct weir_str service_path, service_host;
    uint16_t service_port;
    struct weir_str service_name, service_id, route_name, route_id;
    struct weir_str error;              // why requests of this plan get 502; n == 0: none
    const struct weir_target_policy *targets;   // each host and port once
    uint32_t target_count;
    struct weir_str judges;             // equal where the same plugins, configured alike, judge the
                                        // upstream (upstream_verify); n == 0: none do
};

struct weir_route_header { struct weir_str name; const struct weir_str *values; uint32_t count; };
struct weir_route_desc {
    uint32_t plan;
    struct weir_str id;
    const struct weir_str *hosts;    uint32_t host_count;
    const struct weir_str *paths;    uint32_t path_count;
    const struct weir_str *methods;  uint32_t method_count;
    const struct weir_route_header *headers; uint32_t header_count;
    const struct weir_str *snis;     uint32_t sni_count;
    int64_t regex_priority;
};

enum {
    WEIR_PHASE_REWRITE, WEIR_PHASE_ACCESS, WEIR_PHASE_HEADER_FILTER, WEIR_PHASE_BODY_FILTER,
    WEIR_PHASE_LOG, WEIR_PHASE_UPSTREAM_VERIFY, WEIR_PHASE_BALANCER, WEIR_PHASE_RESPONSE,
    WEIR_PHASE_CERTIFICATE,
    WEIR_PHASE_TIMER = 31   // of no request: what a timer runs
};

// What runs in a VM now. To be read again each time, which costs no call.
struct weir_turn {
    uint32_t phase;         // 1 << WEIR_PHASE_…; 0: none
};
// The calling VM's; valid as long as it is.
const struct weir_turn *weir_turn(void);
// Lua keeps something for the request or timer that runs: the entry module's release() is to be
// called when that is over.
void weir_keep(void);

// For the watchdog: Lua stores here which plugin runs, as weir_plugin_mark() numbers it (0: none).
// The calling thread's.
uint32_t *weir_plugin_running(void);
uint32_t weir_plugin_mark(const char *name, size_t n);

struct weir_build *weir_build_new(void);
void weir_build_free(struct weir_build *b);       // an unfinished one
int weir_build_settings(struct weir_build *b, const struct weir_settings *s);
// A NULL host_header: a service's own host, which kong.service.set_upstream does not find.
int weir_build_upstream(struct weir_build *b, const char *name, size_t n, const char *host_header,
                        size_t hn);
int weir_build_target(struct weir_build *b, int upstream, const char *host, size_t n, uint16_t port,
                      uint32_t weight);
// Plan 0 is the one for "no route", plan 1 the Admin API's.
int weir_build_plan(struct weir_build *b, const struct weir_plan_desc *d);
int weir_build_route(struct weir_build *b, const struct weir_route_desc *d);
// The SNI "*" is the default.
int weir_build_certificate(struct weir_build *b, const char *sni, size_t n,
                           struct weir_credential *c);
int weir_build_blob(struct weir_build *b, const char *p, size_t n);     // what worker.lua decodes
// Adds a piece of what packed.lua reads. Its indexes consist of entries, which say where in all of
// it a key and an entity are; sorted are those whose keys still lie in a text of their own.
struct weir_packed_entry { uint32_t key, key_size, record, record_size; };
int weir_build_entities(struct weir_build *b, const char *p, size_t n);
void weir_sort_packed(struct weir_packed_entry *entries, uint32_t count, const char *keys);
int weir_build_hash(struct weir_build *b, const char *hex, size_t n);   // configuration_hash

// Freezes it and hands it to the workers; the builder is gone in either case. Returns the serial
// number, or WEIR_ERR_BAD. The control thread logs the outcome when all workers run on it.
int64_t weir_build_publish(struct weir_build *b);

// Trust bundles, credentials and policies: interned by content, counted; free what you got with
// *_free (ffi.gc).
// NULL: weir_error().
struct weir_trust *weir_trust_new(const struct weir_str *pems, uint32_t count);
void weir_trust_free(struct weir_trust *t);
const char *weir_trust_id(const struct weir_trust *t);
struct weir_credential *weir_credential_new(const char *cert, size_t certlen, const char *key,
                                            size_t keylen);
void weir_credential_free(struct weir_credential *c);
struct weir_policy *weir_policy_new(const struct weir_policy_desc *d);
void weir_policy_free(struct weir_policy *p);
// The same as a configuration puts it in force: with whether sessions are kept
// (upstream_tls_session_reuse) and which plugins judge beside it (weir_plan_desc.judges). A plan
// does so by itself; this tells its identity beforehand.
struct weir_policy *weir_policy_in_force(const struct weir_policy *p, int resume,
                                         const char *judges, size_t n);
const char *weir_policy_id(const struct weir_policy *p);

// Prepares a process that is no gateway (the command line) for the two functions below; before the
// first trust bundle is made.
void weir_tls_prepare(void);
// Judges a chain without a connection, through the code of a handshake. chain_pems: PEM texts, the
// leaf first. `name` NULL: the policy's names, or none if it has none. `at` unix seconds, 0: now.
// Returns 0 with *out filled (also when the chain fails), WEIR_ERR_BAD when it cannot be judged.
int weir_tls_judge(const struct weir_policy_desc *policy, const struct weir_str *chain_pems,
                   uint32_t count, const struct weir_name *name, int64_t at,
                   struct weir_verdict *out);
// Connects to a literal address and shakes hands under the policy (command line only: it runs a
// loop of its own and blocks). The presented chain is written as PEM. Returns 0 when a
// certificate was judged or the handshake completed, WEIR_ERR_BAD otherwise.
int weir_tls_probe(const char *host_ip, uint16_t port, const struct weir_policy_desc *policy,
                   const char *name, size_t n, int timeout_ms, struct weir_verdict *out,
                   char *chain_pem, size_t cap);

// ---- the current request (worker VMs)
enum {
    WEIR_REQUEST_METHOD, WEIR_REQUEST_TARGET, WEIR_REQUEST_PATH, WEIR_REQUEST_PATH_NORMAL,
    WEIR_REQUEST_QUERY,
    WEIR_REQUEST_HOST,              // authority as sent
    WEIR_REQUEST_ID, WEIR_CLIENT_IP, WEIR_CLIENT_FORWARDED_IP, WEIR_REQUEST_SNI, WEIR_ROUTE_PREFIX,
    WEIR_SERVER_ADDR,               // the IP address that the client has connected to
    // What goes upstream as things are; the path, and Host if no plugin has set one, once the
    // service is known.
    WEIR_SERVICE_PATH_OUT, WEIR_SERVICE_QUERY_OUT, WEIR_SERVICE_METHOD_OUT, WEIR_SERVICE_HOST_OUT,
    WEIR_SERVICE_TARGET_OUT,        // path and query, once there was a try
    WEIR_UPSTREAM_ADDR,             // "ip:port" of the last try
    WEIR_TLS_VERSION, WEIR_TLS_CIPHER   // of the client's connection
};
int weir_request_str(int what, struct weir_str *out);

enum {
    WEIR_REQUEST_PORT, WEIR_REQUEST_IS_TLS, WEIR_REQUEST_MINOR_VERSION, WEIR_REQUEST_START_MS,
    WEIR_CLIENT_PORT, WEIR_CLIENT_FORWARDED_PORT, WEIR_CLIENT_TRUSTED,
    WEIR_REQUEST_PLAN, WEIR_REQUEST_BYTES,
    WEIR_RESPONSE_STATUS, WEIR_RESPONSE_SOURCE,    // 0 none yet, 1 service, 2 exit, 3 error
    WEIR_RESPONSE_SENT,             // 1: the head has gone out
    WEIR_RESPONSE_BYTES,            // of the body, without the chunked coding
    WEIR_RESPONSE_HEAD_BYTES, WEIR_SERVICE_STATUS,
    // ms: until the request went upstream, from there to the response's head, from that to its end,
    // all but the second, and all.
    WEIR_LATENCY_PROXY, WEIR_LATENCY_UPSTREAM, WEIR_LATENCY_RECEIVE, WEIR_LATENCY_KONG,
    WEIR_LATENCY_REQUEST,
    WEIR_REQUEST_HAS_BODY,
    WEIR_SERVICE_IS_TLS,            // the scheme of what goes upstream is https
    WEIR_CONNECTION,                // the number of the client's connection
    WEIR_CONNECTION_REQUESTS        // the number of the request on it, from 1
};
int64_t weir_request_number(int what);             // negative: WEIR_ERR_…

// The groups of the expression that the route matched the path with, without the match as a whole:
// fills at most `max`, returns how many there are, none for a prefix. p is NULL where one is not
// set.
int weir_route_captures(struct weir_str *out, int max);
// The number, from 1, of the index-th named group; WEIR_ERR_NONE past the last.
int weir_route_capture_name(uint32_t index, struct weir_str *name);

// Header fields: of the client's request, of what goes upstream, of what came from upstream, of
// what goes to the client.
enum { WEIR_HEADERS_REQUEST, WEIR_HEADERS_UPSTREAM, WEIR_HEADERS_SERVICE, WEIR_HEADERS_RESPONSE };
struct weir_header { struct weir_str name; struct weir_str value; };
int weir_header_get(int where, const char *name, size_t n, struct weir_str *out);   // first value
// Fills at most `max`, returns how many there are.
int weir_headers(int where, struct weir_header *out, int max);
int weir_header_set(int where, const char *name, size_t n, const char *value, size_t vn);
int weir_header_add(int where, const char *name, size_t n, const char *value, size_t vn);
int weir_header_remove(int where, const char *name, size_t n);

// What goes upstream (rewrite, access).
int weir_service_set_method(const char *p, size_t n);
int weir_service_set_path(const char *p, size_t n);
int weir_service_set_query(const char *p, size_t n);
int weir_service_set_scheme(int tls);
int weir_service_set_body(const char *p, size_t n);
int weir_service_set_target(const char *host, size_t n, uint16_t port);
int weir_service_set_upstream(const char *name, size_t n);  // WEIR_ERR_NONE: none of that name
int weir_service_set_timeouts(uint32_t connect_ms, uint32_t write_ms, uint32_t read_ms);
int weir_service_set_retries(uint32_t n);
// From here on the entry module's retry() is called before each retry (access).
int weir_service_ask_before_retry(void);

// How the upstream of this request is verified; another policy is another realm. A change that
// cannot be made ends the request with 502 even if the plugin ignores the returned error.
int weir_service_set_verify(int on);
int weir_service_set_depth(int depth);
int weir_service_set_trust(struct weir_trust *t);
int weir_service_set_credential(struct weir_credential *c);
int weir_service_set_policy(struct weir_policy *p);
// The verdict on the upstream connection of this request's last try. WEIR_ERR_NONE: no TLS, or
// nothing was judged yet.
int weir_tls_verdict(struct weir_verdict *out);

// The tries that the request has made, in their order, from 0. WEIR_ERR_NONE: there is no such try,
// or no certificate was judged in it.
struct weir_tried {
    struct weir_str ip;
    uint16_t port;
    int32_t status;                     // what its failure stands for; 0: it did not fail
    struct weir_str failure;            // code of the error, "" when it did not fail
    int64_t began_ns;                   // since the epoch
    int64_t chosen_in_ns;               // until its address was known
};
int weir_tried(uint32_t index, struct weir_tried *out);
int weir_tried_verdict(uint32_t index, struct weir_verdict *out);

// Has the whole response of the service read before anything of it goes out (before the request is
// sent).
int weir_service_hold(void);
// That response's body, from the response phase on. WEIR_ERR_NONE: it was not held.
int weir_service_held(struct weir_str *out);

// ---- certificate: the TLS handshake of a client. WEIR_ERR_PHASE in other phases. The questions
// for WEIR_CLIENT_IP, WEIR_REQUEST_SNI and WEIR_CLIENT_PORT are answered, too.
// Implies the next. The names of the CAs in `hint` are sent along, unless it is NULL.
int weir_client_request_certificate(struct weir_trust *hint);
int weir_client_forbid_sessions(void);
// The chain that the client has presented, as PEM (once there is a request). WEIR_ERR_NONE: none.
int weir_client_chain(struct weir_str *out);

// ---- balancer: the try that is about to be made. WEIR_ERR_PHASE in other phases.
struct weir_try {
    uint32_t index;                     // 1 is the first
    uint16_t port;
    struct weir_str ip;
    struct weir_str host;               // the target's, "" where it is an address
    struct weir_str upstream;           // "" where a plugin has set the target
    struct weir_str failure;            // code of the error of the try before, "" for the first
};
int weir_try(struct weir_try *out);

// ---- upstream_verify: the certificates that are judged. WEIR_ERR_PHASE in other phases.
struct weir_chain {
    uint32_t certificates;
    int32_t verified;                   // a path, the anchor last; 0: as sent, nobody verified it
    struct weir_str name, sni;          // of the connection: to be verified, and sent; "": none
    struct weir_str ip;
    uint16_t port;
};
int weir_chain(struct weir_chain *out);
// Of certificate `index`, from 0, which is the leaf. WEIR_ERR_NONE: it cannot be had.
int weir_chain_detail(uint32_t index, struct weir_x509_detail *out);
enum { WEIR_CERT_PEM, WEIR_CERT_DER, WEIR_CERT_SUBJECT, WEIR_CERT_ISSUER };     // RFC 2253
int weir_chain_text(uint32_t index, int what, struct weir_str *out);
// Its DNS, IP, URI and e-mail SANs: fills at most `max`, returns how many there are.
int weir_chain_names(uint32_t index, struct weir_name *out, int max);

// The answer. exit stores it; the Lua side then yields for good, or returns in header_filter.
int weir_response_exit(int status, const char *body, size_t n, int has_body);
// An error body of ours. A NULL message: Kong's for the status. `type` -1: by Accept, else page
// type.
int weir_response_error(int status, const char *message, size_t n, int type);
// Appends to an answer that is made piece by piece (rewrite, access); it is sent when the phase
// ends. Its status is the one that is set, else 200.
int weir_response_say(const char *p, size_t n);
int weir_response_said(void);           // 1: there is such an answer
int weir_response_set_status(int status);

// The request body: 1 and *out when it is in memory, 0 when it has to be waited for (kong.request
// reads it by yielding), WEIR_ERR_BAD when it is larger than client_body_buffer_size.
int weir_request_body(struct weir_str *out);

// body_filter: the piece that is passing, and whether it is the last.
int weir_chunk_get(struct weir_str *out, int *last);
int weir_chunk_set(const char *p, size_t n);       // replaces it; "" withholds it
int weir_chunk_set_last(int last);

// ---- regular expressions (any VM; each belongs to the VM that made it)
enum {
    WEIR_REGEX_ANCHORED = 1, WEIR_REGEX_CASELESS = 2, WEIR_REGEX_MULTILINE = 4,
    WEIR_REGEX_DOTALL = 8, WEIR_REGEX_EXTENDED = 16, WEIR_REGEX_UTF = 32,
    WEIR_REGEX_UTF_TRUSTED = 64, WEIR_REGEX_DUPNAMES = 128, WEIR_REGEX_JAVASCRIPT = 256,
    WEIR_REGEX_LONGEST = 512
};
struct weir_regex;
// NULL: weir_error(). Free it with weir_regex_free (ffi.gc).
struct weir_regex *weir_regex_new(const char *pattern, size_t n, int flags);
void weir_regex_free(struct weir_regex *re);
int weir_regex_groups(const struct weir_regex *re);     // without the match as a whole
// The number of the index-th named group, WEIR_ERR_NONE past the last.
int weir_regex_name(const struct weir_regex *re, uint32_t index, struct weir_str *name);
// Searches from byte `from`, at most n, on; `again`: after a match in the same subject. The number
// of the highest group that is set, plus one; WEIR_ERR_NONE; WEIR_ERR_BAD.
int weir_regex_search(struct weir_regex *re, const char *subject, size_t n, size_t from,
                      int again);
// Begin and end of each group of the last match, SIZE_MAX where it is not set; valid as long as the
// expression.
const size_t *weir_regex_offsets(const struct weir_regex *re);

// ---- caches (worker VMs): what one forgets, all do

enum { WEIR_CACHE_NUMBERS = 4096 };
// A value is good as long as the number at its key's slot is what it was when the value was asked
// for. To be read again each time.
const uint32_t *weir_cache_numbers(void);
uint32_t weir_cache_slot(const char *key, size_t n);
void weir_cache_forget(uint32_t slot);

// ---- shared dictionaries (any VM): one for all workers, as long as the process lives
enum {
    WEIR_DICT_OK, WEIR_DICT_NOT_FOUND, WEIR_DICT_EXISTS, WEIR_DICT_NO_MEMORY,
    WEIR_DICT_NOT_A_NUMBER, WEIR_DICT_IS_A_LIST, WEIR_DICT_NOT_A_LIST
};
enum {
    WEIR_DICT_NONE, WEIR_DICT_BOOLEAN, WEIR_DICT_NUMBER, WEIR_DICT_STRING, WEIR_DICT_LIST
};
enum { WEIR_DICT_SET, WEIR_DICT_ADD, WEIR_DICT_REPLACE, WEIR_DICT_SAFE = 4 };
struct weir_dict;
struct weir_dict_value {
    int32_t type;
    int32_t stale;                      // only what weir_dict_get() fills
    uint32_t flags;
    double number;                      // also of a boolean: 0 or 1
    struct weir_str text;               // filled: until this thread's next call of these functions
};
// The dictionary of that name, made if there is none yet; one that is there keeps its capacity.
struct weir_dict *weir_dict_open(const char *name, size_t n, size_t capacity);
struct weir_dict *weir_dict_at(uint32_t index, struct weir_str *name);  // NULL past the last
size_t weir_dict_capacity(const struct weir_dict *d);
size_t weir_dict_free_space(struct weir_dict *d);
// All return WEIR_DICT_…; times are ms, 0 no end.
int weir_dict_get(struct weir_dict *d, const char *key, size_t n, int stale,
                  struct weir_dict_value *out);
// `how`: WEIR_DICT_SET, _ADD or _REPLACE, with WEIR_DICT_SAFE or without.
int weir_dict_put(struct weir_dict *d, const char *key, size_t n,
                  const struct weir_dict_value *value, int how, int64_t ttl, int *forced);
// *number is added to the value, which begins with `init` if there is none and has_init is set; it
// gets the sum.
int weir_dict_incr(struct weir_dict *d, const char *key, size_t n, double *number, int has_init,
                   double init, int64_t ttl, int *forced);
// Lists: `left` or right end; *length afterwards.
int weir_dict_push(struct weir_dict *d, const char *key, size_t n, int left,
                   const struct weir_dict_value *value, size_t *length);
int weir_dict_pop(struct weir_dict *d, const char *key, size_t n, int left,
                  struct weir_dict_value *out);
int weir_dict_length(struct weir_dict *d, const char *key, size_t n, size_t *length);
int weir_dict_ttl(struct weir_dict *d, const char *key, size_t n, int64_t *ttl);
int weir_dict_expire(struct weir_dict *d, const char *key, size_t n, int64_t ttl);
void weir_dict_flush_all(struct weir_dict *d);
size_t weir_dict_flush_expired(struct weir_dict *d, size_t max);    // how many; max 0: all
// At most `max` (0: all) keys, each as uint32_t length and bytes; how many.
size_t weir_dict_keys(struct weir_dict *d, size_t max, struct weir_str *out);

// ---- texts and digests (any VM)
// Base64, with `url` 1 in the alphabet for URLs. encode: `out` has room for 4 * ((n + 2) / 3)
// characters. decode: for 3 * (n / 4) + 2 bytes, WEIR_ERR_BAD for what is not base64; the text ends
// at its first "=".
int64_t weir_base64_encode(const char *p, size_t n, int url, int pad, char *out);
int64_t weir_base64_decode(const char *p, size_t n, int url, char *out);

// gzip, piece by piece. A struct weir_gzip is freed with weir_gzip_free (ffi.gc) and looks at the
// text until then; NULL: zlib refuses. take: how many bytes are in `out` (`len` > 0), 0 at the end,
// WEIR_ERR_BAD for what is not gzip, or not all of it.
struct weir_gzip;
struct weir_gzip *weir_gzip_new(int inflate, const char *p, size_t n);
void weir_gzip_free(struct weir_gzip *g);
int64_t weir_gzip_take(struct weir_gzip *g, char *out, size_t len);

// Digests by OpenSSL's names; with has_key the HMAC. A struct weir_hash is freed with
// weir_hash_free (ffi.gc), NULL: OpenSSL does not have it. `out` has room for 64 bytes; the length,
// or WEIR_ERR_BAD.
struct weir_hash;
struct weir_hash *weir_hash_new(const char *name, size_t n, int has_key, const char *key,
                                size_t key_n);
void weir_hash_free(struct weir_hash *h);
int weir_hash_add(struct weir_hash *h, const char *p, size_t n);
int weir_hash_end(struct weir_hash *h, char *out);
int weir_hash_reset(struct weir_hash *h);
// PBKDF2: n bytes to `out`; what is wrong (weir_error) where it is refused.
int weir_hash_pbkdf2(const char *name, size_t name_n, const char *password, size_t password_n,
                     const char *salt, size_t salt_n, unsigned iterations, char *out, size_t n);
int weir_hash_once(const char *name, size_t n, int has_key, const char *key, size_t key_n,
                   const char *p, size_t pn, char *out);

// ---- keys (any VM): private or public, RSA, EC or Ed25519 and what else OpenSSL knows
struct weir_key;
struct weir_key_how {
    struct weir_str digest;             // of the data; n == 0: the key's own way
    int32_t hashed;                     // 1: the data is that digest already
    int32_t pss;                        // RSA: PSS instead of PKCS #1 version 1.5
    int32_t salt;                       // PSS: length; -1: of the digest, any when verifying
    int32_t raw;                        // EC: r and s instead of DER
};
// From PEM or DER without a passphrase; of the first certificate of a PEM text. NULL: weir_error().
// Free it with weir_key_free (ffi.gc).
struct weir_key *weir_key_new(const char *p, size_t n);
struct weir_key *weir_key_of_certificate(const char *pem, size_t n);
void weir_key_free(struct weir_key *k);
const char *weir_key_type(const struct weir_key *k);        // "RSA", "EC", "ED25519", …
size_t weir_key_size(const struct weir_key *k);             // bytes of a signature, at most
int weir_key_is_private(const struct weir_key *k);
int64_t weir_key_sign(const struct weir_key *k, const struct weir_key_how *how, const char *p,
                      size_t n, char *out, size_t room);    // its length, or WEIR_ERR_BAD
// 1 good, 0 not good, WEIR_ERR_BAD: could not be one, or could not be checked.
int weir_key_verify(const struct weir_key *k, const struct weir_key_how *how,
                    const char *signature, size_t sn, const char *p, size_t n);
// PKCS #8 or SubjectPublicKeyInfo: how long it is, of which at most `room` are written.
int64_t weir_key_write(const struct weir_key *k, int as_private, int as_pem, char *out,
                       size_t room);

// ---- cosockets: what weir.wait.core does not do
// What the next handshake of a socket (its userdata) is made under, and the name that is sent and
// looked for where the policy names nothing else. WEIR_ERR_BAD: that is no host name, or the socket
// is being opened.
int weir_socket_policy(void *socket, struct weir_policy *policy, const char *name, size_t n);

// ---- bounds of plugins' Lua (core/vm/bounds.h), of the calling VM
enum {
    WEIR_BOUNDS_TIME = 1, WEIR_BOUNDS_STACK, WEIR_BOUNDS_SPENT, WEIR_BOUNDS_COLLECT,
    WEIR_BOUNDS_MEMORY
};
// What checks in plugins' code ask: 0, or WEIR_BOUNDS_…, for an error or a collection.
int weir_bounds_check(void);
// Plugins run (1: their time begins) or do not (0: nothing is refused). Returns what was before.
int weir_bounds_switch(int on);
void weir_bounds_set(uint32_t time_ms, uint64_t memory);    // 0: no limit
uint64_t weir_bounds_used(void);                            // bytes of memory

// ---- the node
enum { WEIR_MODES = 3, WEIR_VERDICT_CODES = 32 };
struct weir_counters {
    uint64_t connections_accepted, connections_active, requests_total;
    uint64_t connections_reading;   // a request's head comes
    uint64_t connections_writing;   // its request is under way
    uint64_t tls_handshakes_full, tls_handshakes_resumed, tls_handshakes_failed, tls_verdict_hits;
    uint64_t tls_reported;          // handshakes that went on in report mode, though not good
    uint64_t tls_ocsp_soft;         // those that went on without a good OCSP response (ocsp: soft)
    uint64_t tls_next_good, tls_next_bad;   // chains as `next` bundles judge them
    // Handshakes by mode ("enforce", "off", "report") and verdict (weir_verdict_code()).
    uint64_t tls_verdicts[WEIR_MODES][WEIR_VERDICT_CODES];
    uint64_t tls_handshakes_waiting;        // requests that wait for their turn now
    uint64_t upstream_connections_opened, upstream_connections_reused, upstream_connections_idle;
    uint64_t lua_phases;            // entries into Lua
    uint64_t lua_renewals;          // Lua states of workers that took the place of another
    uint64_t worker_stalls;         // workers that did not come back to their loop in time
    uint64_t policies, trust_bundles;
    uint32_t workers;
    int64_t serial;                 // of the configuration in force
    char configuration_hash[65];
};
// Sums over the workers; serial and hash are those of the current request.
int weir_counters(struct weir_counters *out);
// The text of the verdict that is counted at `index`, NULL: there is none.
const char *weir_verdict_code(int index);

// Handshakes with the upstreams of one service ("" stands for those beyond a bound), as in
// weir_counters.
struct weir_tally {
    char service[256];                  // its name, or its host
    uint64_t verdicts[WEIR_MODES][WEIR_VERDICT_CODES];
};
// The service at an index, from 0. WEIR_ERR_NONE: there is none.
int weir_tally(uint32_t index, struct weir_tally *out);

// What an upstream peer presented last, as a service knows it under one policy. Texts are
// NUL-terminated, and "" where there is nothing.
enum { WEIR_SEEN_CHAIN = 163841 };      // bytes that are enough for any chain
struct weir_seen {
    uint64_t number;                    // of the peer: larger for those first seen later
    char service_id[40], service_name[256];
    char route_id[40], route_name[256]; // of the last request that shook hands with it
    char ip[64];
    uint16_t port;
    char name[256], sni[256];           // verified unless the policy says otherwise; sent
    int64_t at;                         // unix seconds, of the last full handshake
    struct weir_verdict verdict;
};
// Fills in the peer with the smallest number above `number` and its chain, as PEM with a NUL, the
// leaf first. WEIR_ERR_NONE: there is none.
int weir_seen_next(uint64_t number, struct weir_seen *out, char chain[WEIR_SEEN_CHAIN]);

int weir_node_hostname(struct weir_str *out);
int weir_worker_id(void);                          // 0.., -1 in the control VM
int weir_worker_pid(void);
int weir_worker_exiting(void);                     // 1: it drains, no new connections come
int64_t weir_worker_lua_bytes(int worker);         // of its VM; WEIR_ERR_NONE: no such worker
// ---- cdef end

#pragma GCC visibility pop
