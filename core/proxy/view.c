// view.c - putting a snapshot in force on one worker.

#include "proxy/view.h"

#include "base/mem.h"
#include "proxy/proxy.h"

#include <stdlib.h>

static err_t make_tls(struct view *v, const struct snapshot *s, char why[TRUST_WHY])
{
    if (s->certificate_count == 0)
        return NULL;
    struct tls_server_name *names = xcalloc(s->certificate_count, sizeof *names);
    struct credential *fallback = NULL;
    unsigned count = 0;
    for (uint32_t i = 0; i < s->certificate_count; i++) {
        const struct certificate_conf *c = &s->certificates[i];
        if (str_eq(c->sni, STR("*")))
            fallback = c->credential;
        else
            names[count++] = (struct tls_server_name){ c->sni, c->credential };
    }
    err_t err = tls_server_new(names, count, fallback, &v->tls, why);
    free(names);
    return err;
}

static void view_free(struct view *v)
{
    if (v->gone)
        v->gone(v);
    for (uint32_t i = 0; v->balancers && i < v->snapshot->upstream_count; i++)
        balancer_done(&v->balancers[i]);
    free(v->balancers);
    if (v->tls)
        tls_server_unref(v->tls);
    snapshot_unref(v->snapshot);
    free(v);
}

void view_unpin(struct view *v)
{
    if (--v->pins == 0)
        view_free(v);
}

err_t view_adopt(struct proxy *p, struct snapshot *s, void *plugins, void (*gone)(struct view *),
                 char why[TRUST_WHY])
{
    struct view *v = xcalloc(1, sizeof *v);
    v->pins = 1;
    v->snapshot = s;
    err_t err = make_tls(v, s, why);
    if (err) {
        view_free(v);
        return err;
    }
    v->plugins = plugins;
    v->gone = gone;
    v->balancers = xcalloc(s->upstream_count ? s->upstream_count : 1, sizeof *v->balancers);
    uint32_t seed = (uint32_t)(uintptr_t)p >> 6;
    for (uint32_t i = 0; i < s->upstream_count; i++)
        balancer_init(&v->balancers[i], &s->upstreams[i], seed);

    struct view *old = p->view;
    p->view = v;
    realms_adopt(&p->realms, s);
    if (old)
        view_unpin(old);
    return NULL;
}
