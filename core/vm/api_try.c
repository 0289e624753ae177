// api_try.c - what plugins see of the try that is about to be made, and of those that were.

#include "proxy/request.h"
#include "vm/api.h"

int weir_try(struct weir_try *out)
{
    struct request *r = api_request(API_BALANCER);
    if (!r)
        return WEIR_ERR_PHASE;
    *out = (struct weir_try){ .index = r->tries + 1, .port = addr_port(&r->upstream_addr) };
    api_give(&out->ip, api_ip(r, &r->upstream_addr));
    api_give(&out->host, addr_is_ip(r->pick_host) ? STR_NONE : r->pick_host);
    api_give(&out->upstream, r->upstream < 0 ? STR_NONE
                             : r->view->snapshot->upstreams[r->upstream].name);
    api_give(&out->failure, r->failure ? str_from(r->failure->code) : STR_NONE);
    return 0;
}

int weir_tried(uint32_t index, struct weir_tried *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    if (index >= r->tried.count)
        return WEIR_ERR_NONE;
    const struct tried *t = &r->tried.list[index];
    *out = (struct weir_tried){
        .status = t->failure ? t->failure->status : 0,
        .port = addr_port(&t->addr),
        .began_ns = t->began,
        .chosen_in_ns = t->chosen_in,
    };
    api_give(&out->ip, api_ip(r, &t->addr));
    api_give(&out->failure, t->failure ? str_from(t->failure->code) : STR_NONE);
    return 0;
}
