// api_judge.c - verdicts for Lua: of the current request, of a chain at hand, of a server.

#include "vm/api.h"
#include "vm/api_policy.h"

#include "base/mem.h"
#include "proxy/exchange.h"
#include "proxy/request.h"
#include "tls/digest.h"
#include "tls/libctx.h"
#include "tls/offline.h"
#include "tls/probe.h"
#include "tls/seen.h"
#include "tls/tally.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void give(const struct verdict *v, struct weir_verdict *out)
{
    *out = (struct weir_verdict){
        .openssl = v->openssl,
        .depth = v->depth,
        .not_before = v->not_before,
        .not_after = v->not_after,
        .resumed = v->resumed,
        .cached = v->cached,
    };
    snprintf(out->code, sizeof out->code, "%s", verdict_code_name(v->code));
    snprintf(out->text, sizeof out->text, "%s", verdict_text(v) ? verdict_text(v) : "");
    snprintf(out->subject, sizeof out->subject, "%s", v->subject);
    snprintf(out->issuer, sizeof out->issuer, "%s", v->issuer);
    if (verdict_has_certificate(v))
        digest_hex(v->sha256, sizeof v->sha256, out->sha256);
    snprintf(out->names_seen, sizeof out->names_seen, "%s", v->names_seen);
    snprintf(out->names_wanted, sizeof out->names_wanted, "%s", v->names_wanted);
    snprintf(out->anchor, sizeof out->anchor, "%s", v->anchor);
    snprintf(out->bundle, sizeof out->bundle, "%s", v->bundle);
    snprintf(out->policy, sizeof out->policy, "%s", v->policy);
    snprintf(out->mode, sizeof out->mode, "%s", policy_mode_name(v->mode));
    snprintf(out->ocsp, sizeof out->ocsp, "%s", verdict_ocsp_name(v->ocsp));
    if (v->has_next)
        snprintf(out->next_code, sizeof out->next_code, "%s", verdict_code_name(v->next));
}

int weir_tls_verdict(struct weir_verdict *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    const struct verdict *v = tried_verdict(r, r->tried.count - 1);
    if (!v)
        return WEIR_ERR_NONE;
    give(v, out);
    return 0;
}

int weir_tried_verdict(uint32_t index, struct weir_verdict *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    const struct verdict *v = tried_verdict(r, index);
    if (!v)
        return WEIR_ERR_NONE;
    give(v, out);
    return 0;
}

int weir_tally(uint32_t index, struct weir_tally *out)
{
    struct tally_record r;
    if (!tally_at(tally_process(), index, &r))
        return WEIR_ERR_NONE;
    *out = (struct weir_tally){0};
    memcpy(out->service, r.service, sizeof r.service);
    for (unsigned mode = 0; mode < POLICY_MODES; mode++)
        memcpy(out->verdicts[mode], r.counts[mode], sizeof r.counts[mode]);
    return 0;
}

static_assert((int)WEIR_SEEN_CHAIN > (int)SEEN_CHAIN_MAX, "a NUL fits behind any chain");

int weir_seen_next(uint64_t number, struct weir_seen *out, char chain[WEIR_SEEN_CHAIN])
{
    struct seen_record r;
    if (!seen_next(seen_process(), number, &r, chain))
        return WEIR_ERR_NONE;
    out->number = r.number;
    out->at = r.at;
    out->port = addr_port(&r.addr);
    addr_format_ip(&r.addr, out->ip);
#define COPY(field, from) snprintf(out->field, sizeof out->field, "%s", from)
    COPY(service_id, r.service_id);
    COPY(service_name, r.service_name);
    COPY(route_id, r.route_id);
    COPY(route_name, r.route_name);
    COPY(name, r.name.text);
    COPY(sni, r.sni.text);
#undef COPY
    give(&r.verdict, &out->verdict);
    return 0;
}

void weir_tls_prepare(void)
{
    libctx_init(true);
}

// A DNS name or an address is wanted as a handshake wants the name of its connection, so that the
// policy stays the one that was described. False: it has to be a name of the policy's.
static bool is_connection_name(const struct weir_policy_desc *policy, const struct weir_name *name,
                               struct peer_name *out)
{
    const struct str text = api_str(name->value.p, name->value.n);
    if (policy->name_count > 0 || !policy->verify_name)
        return false;
    const bool is_ip = addr_is_ip(text);
    if (name->kind == NAME_IP ? !is_ip : name->kind != NAME_DNS || is_ip)
        return false;
    // peer_name_parse() would take a port off, which names of policies do not have.
    return (is_ip || str_find(text, ':', 0) == text.n) && peer_name_parse(text, out) == NULL;
}

int weir_tls_judge(const struct weir_policy_desc *policy, const struct weir_str *chain_pems,
                   uint32_t count, const struct weir_name *name, int64_t at,
                   struct weir_verdict *out)
{
    struct weir_policy_desc desc = *policy;
    struct peer_name own;
    const bool is_own = name && is_connection_name(policy, name, &own);
    if (name && !is_own) {
        desc.names = name;
        desc.name_count = 1;
        desc.names_all = 0;
        desc.verify_name = 1;
    }
    struct policy *p = api_policy(&desc);
    if (!p)
        return WEIR_ERR_BAD;
    struct verdict v;
    char why[TRUST_WHY];
    struct str *texts = xcalloc(count + 1, sizeof *texts);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = api_str(chain_pems[i].p, chain_pems[i].n);
    const int64_t now = at ? at : (int64_t)time(NULL);
    err_t err = offline_judge(p, texts, count, is_own ? &own : NULL, now, &v, why);
    free(texts);
    policy_unref(p);
    if (err)
        return api_refuse("%s", why);
    give(&v, out);
    return 0;
}

int weir_tls_probe(const char *host_ip, uint16_t port, const struct weir_policy_desc *policy,
                   const char *name, size_t n, int timeout_ms, struct weir_verdict *out,
                   char *chain_pem, size_t cap)
{
    struct addr to;
    struct peer_name wanted;
    if (addr_parse(str_from(host_ip), port, &to) != NULL)
        return api_refuse("not an IP address");
    if (peer_name_parse(api_str(name, n), &wanted) != NULL)
        return api_refuse("not a host name");
    if (timeout_ms < 1)
        return api_refuse("a timeout is at least 1 ms");
    struct policy *p = api_policy(policy);
    if (!p)
        return WEIR_ERR_BAD;
    struct verdict v;
    char why[TRUST_WHY];
    err_t err = probe_run(&to, p, &wanted, (uint64_t)timeout_ms, &v, chain_pem, cap, why);
    policy_unref(p);
    give(&v, out);
    return err ? api_refuse("%s", why) : 0;
}
