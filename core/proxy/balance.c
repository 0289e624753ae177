// balance.c - smooth weighted round robin.

#include "proxy/balance.h"

#include "base/mem.h"

#include <stdlib.h>

void balancer_init(struct balancer *b, const struct upstream_conf *u, uint32_t seed)
{
    b->upstream = u;
    b->targets = xcalloc(u->target_count ? u->target_count : 1, sizeof *b->targets);
    for (uint32_t i = 0; i < u->target_count; i++)
        b->targets[i].turn = seed;
    for (uint32_t i = 0; i < u->target_count && i < seed % (u->target_count ? u->target_count : 1);
         i++)
        balancer_next(b, 0);
}

void balancer_done(struct balancer *b)
{
    free(b->targets);
}

static bool usable(const struct balancer *b, uint32_t i, uint64_t excluded)
{
    return b->upstream->targets[i].weight > 0 && (i >= 64 || (excluded >> i & 1) == 0);
}

bool balancer_has(const struct balancer *b, uint64_t excluded)
{
    for (uint32_t i = 0; i < b->upstream->target_count; i++)
        if (usable(b, i, excluded))
            return true;
    return false;
}

// Each target gains its weight, the richest serves and pays the sum of all weights: over a round
// every target serves as often as its weight says, spread as evenly as the weights allow.
int balancer_next(struct balancer *b, uint64_t excluded)
{
    int best = -1;
    int64_t total = 0;
    for (uint32_t i = 0; i < b->upstream->target_count; i++) {
        if (!usable(b, i, excluded))
            continue;
        uint32_t weight = b->upstream->targets[i].weight;
        total += weight;
        b->targets[i].current += weight;
        if (best < 0 || b->targets[i].current > b->targets[best].current)
            best = (int)i;
    }
    if (best >= 0)
        b->targets[best].current -= total;
    return best;
}
