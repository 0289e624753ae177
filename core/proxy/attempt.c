// attempt.c - each try begins where the first did.

#include "proxy/attempt.h"

#include "proxy/request.h"

static void remember(struct attempt_origin *o, const struct request *r)
{
    *o = (struct attempt_origin){
        .known = true, .tls = r->tls, .choice = choice_copy(&r->choice), .upstream = r->upstream,
        .target_host = r->target_host, .target_port = r->target_port, .out_host = r->out_host,
    };
}

void attempt_begin(struct request *r)
{
    struct attempt_origin *o = &r->origin;
    r->balanced = false;
    if ((r->plan->phases >> PHASE_BALANCER & 1) == 0)
        return;
    if (!o->known) {
        remember(o, r);
        return;
    }
    choice_done(&r->choice);
    r->choice = choice_copy(&o->choice);
    r->tls = o->tls;
    r->upstream = o->upstream;
    r->target_host = o->target_host;
    r->target_port = o->target_port;
    r->out_host = o->out_host;
}

void attempt_keep(struct request *r)
{
    struct attempt_origin *o = &r->origin;
    if (!o->known)
        return;
    choice_done(&o->choice);
    remember(o, r);
}

void attempt_done(struct attempt_origin *o)
{
    choice_done(&o->choice);
}
