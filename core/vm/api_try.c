// api_try.c - what plugins of the balancer phase see of the try that is about to be made.

#include "net/addr.h"
#include "proxy/request.h"
#include "vm/api.h"

int weir_try(struct weir_try *out)
{
    struct request *r = api_request(API_BALANCER);
    if (!r)
        return WEIR_ERR_PHASE;
    char ip[ADDR_TEXT];
    const size_t n = addr_format_ip(&r->upstream_addr, ip);
    *out = (struct weir_try){ .index = r->tries + 1, .port = addr_port(&r->upstream_addr) };
    api_give(&out->ip, arena_dup(&r->arena, api_str(ip, n)));
    api_give(&out->host, addr_is_ip(r->pick_host) ? STR_NONE : r->pick_host);
    api_give(&out->upstream, r->upstream < 0 ? STR_NONE
                             : r->view->snapshot->upstreams[r->upstream].name);
    api_give(&out->failure, r->failure ? str_from(r->failure->code) : STR_NONE);
    return 0;
}
