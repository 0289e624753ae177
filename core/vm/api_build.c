// api_build.c - the snapshot builder for Lua: plain arguments in, conf/snapshot.h out.

#include "conf/snapshot.h"
#include "vm/api.h"

#include "base/mem.h"
#include "tls/peer_name.h"

#include <stdlib.h>
#include <string.h>

struct weir_build {
    struct snapshot *snapshot;
    bool settled; // the settings are known
};

static struct {
    int64_t (*publish)(void *arg, struct snapshot *s);
    void *arg;
} publisher;

void vm_on_publish(int64_t (*publish)(void *arg, struct snapshot *s), void *arg)
{
    publisher.publish = publish;
    publisher.arg = arg;
}

struct weir_build *weir_build_new(void)
{
    struct weir_build *b = xcalloc(1, sizeof *b);
    b->snapshot = snapshot_new();
    return b;
}

void weir_build_free(struct weir_build *b)
{
    if (!b)
        return;
    snapshot_unref(b->snapshot);
    free(b);
}

static struct str of(struct weir_str s)
{
    return (struct str){s.p, s.n};
}

static const struct str *list_of(struct arena *a, const struct weir_str *from, uint32_t count)
{
    struct str *to = arena_alloc(a, (count + 1) * sizeof *to);
    for (uint32_t i = 0; i < count; i++)
        to[i] = of(from[i]);
    return to;
}

// -- settings -------------------------------------------------------------------------------------

static int set_trusted(struct snapshot *s, const struct weir_settings *from)
{
    struct cidr *cidrs = arena_alloc(&s->arena, (from->trusted_ip_count + 1) * sizeof *cidrs);
    for (uint32_t i = 0; i < from->trusted_ip_count; i++)
        if (cidr_parse(of(from->trusted_ips[i]), &cidrs[i]) != NULL)
            return api_refuse("trusted_ips: not an address or CIDR: %.*s",
                              STR_ARG(of(from->trusted_ips[i])));
    s->settings.trusted = cidrs;
    s->settings.trusted_count = from->trusted_ip_count;
    return 0;
}

int weir_build_settings(struct weir_build *b, const struct weir_settings *from)
{
    if (from->error_default_type > PAGE_XML)
        return api_refuse("error_default_type: no such type");
    b->snapshot->settings = (struct settings){
        .keepalive_pool_size = from->keepalive_pool_size,
        .keepalive_max_requests = from->keepalive_max_requests,
        .keepalive_idle_timeout = from->keepalive_idle_timeout_ms,
        .tls_handshakes_max = from->tls_handshakes_max,
        .client_max_body_size = from->client_max_body_size,
        .client_body_buffer_size = from->client_body_buffer_size,
        .response_buffer_size = from->response_buffer_size,
        .client_header_timeout = from->client_header_timeout_ms,
        .client_body_timeout = from->client_body_timeout_ms,
        .client_idle_timeout = from->client_idle_timeout_ms,
        .send_timeout = from->send_timeout_ms,
        .session_reuse = from->session_reuse,
        .access_log = from->access_log,
        .real_ip_recursive = from->real_ip_recursive,
        .error_default_type = (enum page_type)from->error_default_type,
        .header_server = from->header_server,
        .header_via = from->header_via,
        .header_latency_upstream = from->header_latency_upstream,
        .header_latency_proxy = from->header_latency_proxy,
        .header_latency_response = from->header_latency_response,
        .header_upstream_status = from->header_upstream_status,
        .header_request_id = from->header_request_id,
        .header_upstream_request_id = from->header_upstream_request_id,
        .real_ip_header = arena_dup(&b->snapshot->arena, of(from->real_ip_header)),
    };
    b->settled = true;
    return set_trusted(b->snapshot, from);
}

// -- upstreams, plans, routes ---------------------------------------------------------------------

int weir_build_upstream(struct weir_build *b, const char *name, size_t n, const char *host_header,
                        size_t hn)
{
    return (int)snapshot_add_upstream(b->snapshot, api_str(name, n), api_str(host_header, hn),
                                      host_header == NULL);
}

int weir_build_target(struct weir_build *b, int upstream, const char *host, size_t n, uint16_t port,
                      uint32_t weight)
{
    if (upstream < 0 || (uint32_t)upstream >= b->snapshot->upstream_count)
        return api_refuse("target %.*s: there is no upstream %d", (int)n, host, upstream);
    snapshot_add_target(b->snapshot, (uint32_t)upstream, api_str(host, n), port, weight);
    return 0;
}

// The policy with the process-wide choice about sessions and the plugins that judge, which are no
// part of what Lua describes as one. A new reference.
static err_t in_plan(const struct weir_build *b, const struct weir_plan_desc *d,
                     struct weir_policy *of_lua, struct policy **out)
{
    return policy_in_force((struct policy *)of_lua, b->snapshot->settings.session_reuse,
                           of(d->judges), out);
}

// What differs for targets, in the core's form, until the plan is added.
struct differences {
    struct target_policy *list;
    struct peer_name *names;            // what the list's hosts point into
    uint32_t count;
};

static void let_go(struct differences *d)
{
    for (uint32_t i = 0; i < d->count; i++)
        policy_unref(d->list[i].policy);
    free(d->list);
    free(d->names);
}

static int read_target(const struct weir_build *b, const struct weir_plan_desc *d, uint32_t i,
                       struct peer_name *name, struct target_policy *out)
{
    const struct weir_target_policy *from = &d->targets[i];
    if (peer_name_parse(of(from->host), name) != NULL)
        return api_refuse("target %.*s: not a host", STR_ARG(of(from->host)));
    if (from->policy && in_plan(b, d, from->policy, &out->policy) != NULL)
        return api_refuse("a target's policy cannot be made");
    out->host = (struct str){ name->text, name->len };
    out->port = from->port;
    out->error = of(from->error);
    return 0;
}

static int read_targets(const struct weir_build *b, const struct weir_plan_desc *d,
                        struct differences *out)
{
    *out = (struct differences){
        .list = xcalloc(d->target_count + 1, sizeof *out->list),
        .names = xcalloc(d->target_count + 1, sizeof *out->names),
        .count = d->target_count,
    };
    for (uint32_t i = 0; i < d->target_count; i++)
        if (read_target(b, d, i, &out->names[i], &out->list[i]) != 0)
            return WEIR_ERR_BAD;
    return 0;
}

static struct plan plan_of(const struct weir_plan_desc *d, struct policy *policy)
{
    return (struct plan){
        .upstream = d->upstream,
        .policy = policy,
        .connect_timeout = d->connect_timeout,
        .write_timeout = d->write_timeout,
        .read_timeout = d->read_timeout,
        .retries = d->retries,
        .phases = (uint16_t)d->phases,
        .protocols = d->protocols,
        .chooses = d->chooses,
        .tls = d->tls,
        .strip_path = d->strip_path,
        .preserve_host = d->preserve_host,
        .https_redirect_status = d->https_redirect_status,
        .service_path = of(d->service_path),
        .error = of(d->error),
        .judges = of(d->judges),
        .service_host = of(d->service_host),
        .service_port = d->service_port,
        .service_name = of(d->service_name),
        .service_id = of(d->service_id),
        .route_name = of(d->route_name),
        .route_id = of(d->route_id),
    };
}

int weir_build_plan(struct weir_build *b, const struct weir_plan_desc *d)
{
    if (!b->settled)
        return api_refuse("the settings come before the plans");
    if (d->phases >> PHASE_COUNT != 0)
        return api_refuse("a plan with phases that there are not");
    struct policy *policy = NULL;
    if (d->policy && in_plan(b, d, d->policy, &policy) != NULL)
        return api_refuse("a plan's policy cannot be made");
    struct plan plan = plan_of(d, policy);
    struct differences differences;
    int index = read_targets(b, d, &differences);
    if (index == 0) {
        plan.targets = differences.list;
        plan.target_count = differences.count;
        index = (int)snapshot_add_plan(b->snapshot, &plan);
    }
    let_go(&differences);
    policy_unref(policy);
    return index;
}

static const struct route_header *headers_of(struct arena *a, const struct weir_route_desc *d)
{
    struct route_header *headers = arena_alloc(a, (d->header_count + 1) * sizeof *headers);
    for (uint32_t i = 0; i < d->header_count; i++)
        headers[i] = (struct route_header){
            .name = of(d->headers[i].name),
            .values = list_of(a, d->headers[i].values, d->headers[i].count),
            .count = d->headers[i].count,
        };
    return headers;
}

int weir_build_route(struct weir_build *b, const struct weir_route_desc *d)
{
    if (d->plan >= b->snapshot->plan_count)
        return api_refuse("route %.*s: there is no plan %u", STR_ARG(of(d->id)), d->plan);
    struct arena scratch;
    arena_init(&scratch, NULL);
    struct route_desc route = {
        .plan = d->plan,
        .id = of(d->id),
        .hosts = list_of(&scratch, d->hosts, d->host_count),
        .host_count = d->host_count,
        .paths = list_of(&scratch, d->paths, d->path_count),
        .path_count = d->path_count,
        .methods = list_of(&scratch, d->methods, d->method_count),
        .method_count = d->method_count,
        .headers = headers_of(&scratch, d),
        .header_count = d->header_count,
        .snis = list_of(&scratch, d->snis, d->sni_count),
        .sni_count = d->sni_count,
        .regex_priority = d->regex_priority,
    };
    snapshot_add_route(b->snapshot, &route);
    arena_done(&scratch);
    return 0;
}

// -- the rest -------------------------------------------------------------------------------------

int weir_build_certificate(struct weir_build *b, const char *sni, size_t n,
                           struct weir_credential *c)
{
    if (!c)
        return api_refuse("no certificate for %.*s", (int)n, sni);
    snapshot_add_certificate(b->snapshot, api_str(sni, n), (struct credential *)c);
    return 0;
}

int weir_build_blob(struct weir_build *b, const char *p, size_t n)
{
    b->snapshot->blob = arena_dup(&b->snapshot->arena, api_str(p, n));
    return 0;
}

int weir_build_entities(struct weir_build *b, const char *p, size_t n)
{
    snapshot_add_entities(b->snapshot, api_str(p, n));
    return 0;
}

// As Lua compares strings.
static int compare_keys(const void *a, const void *b, void *keys)
{
    const struct weir_packed_entry *x = a, *y = b;
    size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp((const char *)keys + x->key, (const char *)keys + y->key, n);
    if (order != 0)
        return order;
    return x->key_size < y->key_size ? -1 : x->key_size > y->key_size;
}

void weir_sort_packed(struct weir_packed_entry *entries, uint32_t count, const char *keys)
{
    if (count == 0)
        return; // there may be no text either, and qsort_r() takes no NULL
    qsort_r(entries, count, sizeof *entries, compare_keys, (void *)(uintptr_t)keys);
}

int weir_build_hash(struct weir_build *b, const char *hex, size_t n)
{
    if (n >= sizeof((struct weir_counters *)NULL)->configuration_hash)
        return api_refuse("a configuration hash has at most 64 digits");
    b->snapshot->hash = arena_dup(&b->snapshot->arena, api_str(hex, n));
    return 0;
}

int64_t weir_build_publish(struct weir_build *b)
{
    struct snapshot *s = b->snapshot;
    bool settled = b->settled;
    free(b);
    char why[256] = "";
    if (!settled)
        api_refuse("a configuration needs settings");
    else if (!publisher.publish)
        api_refuse("there is nobody to publish to");
    else if (snapshot_seal(s, why) != NULL)
        api_refuse("%s", why);
    else
        return publisher.publish(publisher.arg, s);
    snapshot_unref(s);
    return WEIR_ERR_BAD;
}
