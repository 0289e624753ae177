// proxy.c - what a worker's requests share, and the recycling of request structs.

#include "proxy/proxy.h"

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/request.h"

#include <stdlib.h>

enum { SPARE_MAX = 256 };

void proxy_init(struct proxy *p, struct loop *loop, struct resolver *resolver,
                const struct request_hooks *hooks)
{
    *p = (struct proxy){ .loop = loop, .resolver = resolver, .hooks = hooks };
    realms_init(&p->realms, loop);
    log_buffer_init(&p->access_log);
    list_init(&p->clients);
    list_init(&p->spare_requests);
}

void proxy_done(struct proxy *p)
{
    list_each(it, &p->clients)
        client_close(container_of(it, struct client, node));
    loop_run_deferred(p->loop);
    realms_done(&p->realms);
    if (p->view)
        view_unpin(p->view);
    list_each(it, &p->spare_requests) {
        struct request *r = container_of(it, struct request, release.node);
        list_remove(it);
        arena_done(&r->arena);
        free(r);
    }
    log_buffer_done(&p->access_log);
}

void proxy_drain(struct proxy *p)
{
    p->draining = true;
    list_each(it, &p->clients) {
        struct client *c = container_of(it, struct client, node);
        if (!c->request)
            client_finish(c);
    }
}

struct request *proxy_spare_request(struct proxy *p)
{
    struct list *first = list_first(&p->spare_requests);
    if (!first) {
        struct request *fresh = xcalloc(1, sizeof *fresh);
        arena_init(&fresh->arena, &p->loop->arenas);
        return fresh;
    }
    list_remove(first);
    p->spare_count--;
    struct request *r = container_of(first, struct request, release.node);
    struct arena arena = r->arena;
    memset(r, 0, sizeof *r);
    r->arena = arena;
    return r;
}

void proxy_recycle_request(struct request *r)
{
    struct proxy *p = r->proxy;
    view_unpin(r->view);
    if (p->spare_count == SPARE_MAX) {
        arena_done(&r->arena);
        free(r);
        return;
    }
    arena_reset(&r->arena);
    p->spare_count++;
    list_push_head(&p->spare_requests, &r->release.node);
}
