// plan.c - finding what a plan says about a target.

#include "conf/plan.h"

#include "tls/peer_name.h"

const struct target_policy *plan_target(const struct plan *p, struct str host, uint16_t port)
{
    struct peer_name name;
    if (p->target_count == 0 || peer_name_parse(host, &name) != NULL)
        return NULL;
    const struct str wanted = { name.text, name.len };
    const struct target_policy *any_port = NULL;
    for (uint32_t i = 0; i < p->target_count; i++) {
        const struct target_policy *t = &p->targets[i];
        if (!str_eq(t->host, wanted))
            continue;
        if (t->port == port)
            return t;
        if (t->port == 0)
            any_port = t;
    }
    return any_port;
}
