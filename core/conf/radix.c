#include "conf/radix.h"

#include "base/mem.h"

#include <stdlib.h>

int radix_compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

// The keys below a node, and how many of their bytes lead to the end of its label.
struct range {
    unsigned from, to;
    size_t depth;
};

struct builder {
    const struct radix_key *keys;
    struct radix_node *nodes;
    struct range *ranges;   // parallel to nodes
    char *first;
    uint32_t count;
};

static size_t common_prefix(struct str a, struct str b, size_t from)
{
    while (from < a.n && from < b.n && a.p[from] == b.p[from])
        from++;
    return from;
}

static void add_node(struct builder *b, unsigned from, unsigned to, size_t depth)
{
    struct str low = b->keys[from].key, high = b->keys[to - 1].key;
    size_t end = common_prefix(low, high, depth);
    b->nodes[b->count] = (struct radix_node){
        .label = low.p + depth, .len = (uint32_t)(end - depth), .value = RADIX_NONE,
    };
    b->first[b->count] = low.p[depth];
    b->ranges[b->count] = (struct range){ from, to, end };
    b->count++;
}

// The keys of the range that go on after the node, split by their next byte.
static void add_children(struct builder *b, uint32_t node)
{
    struct range r = b->ranges[node];
    if (r.from < r.to && b->keys[r.from].key.n == r.depth) {
        b->nodes[node].value = b->keys[r.from].value;
        r.from++;
    }
    b->nodes[node].children = b->count;
    while (r.from < r.to) {
        unsigned end = r.from + 1;
        char c = b->keys[r.from].key.p[r.depth];
        while (end < r.to && b->keys[end].key.p[r.depth] == c)
            end++;
        add_node(b, r.from, end, r.depth);
        r.from = end;
    }
    b->nodes[node].child_count = b->count - b->nodes[node].children;
}

void radix_build(struct radix *tree, struct arena *arena, const struct radix_key *keys,
                 unsigned count)
{
    size_t most = 2 * (size_t)count + 1;
    struct builder b = {
        .keys = keys,
        .nodes = xmalloc(most * sizeof *b.nodes),
        .ranges = xmalloc(most * sizeof *b.ranges),
        .first = xmalloc(most),
        .count = 1,
    };
    b.nodes[0] = (struct radix_node){ .label = "", .value = RADIX_NONE };
    b.ranges[0] = (struct range){ 0, count, 0 };
    b.first[0] = '\0';
    for (uint32_t node = 0; node < b.count; node++)
        add_children(&b, node);

    struct radix_node *nodes = arena_alloc(arena, b.count * sizeof *nodes);
    memcpy(nodes, b.nodes, b.count * sizeof *nodes);
    char *first = arena_alloc(arena, b.count);
    memcpy(first, b.first, b.count);
    *tree = (struct radix){ nodes, first };
    free(b.nodes);
    free(b.ranges);
    free(b.first);
}

// The child of `n` that `rest` begins with; takes its label off.
static uint32_t descend(const struct radix *tree, const struct radix_node *n, struct str *rest)
{
    if (rest->n == 0 || n->child_count == 0)
        return RADIX_NONE;
    const char *children = tree->first + n->children;
    const char *hit = memchr(children, rest->p[0], n->child_count);
    if (!hit)
        return RADIX_NONE;
    uint32_t child = n->children + (uint32_t)(hit - children);
    const struct radix_node *c = &tree->nodes[child];
    if (c->len > rest->n || memcmp(c->label, rest->p, c->len) != 0)
        return RADIX_NONE;
    *rest = str_sub(*rest, c->len, rest->n);
    return child;
}

uint32_t radix_next(struct radix_walk *w)
{
    while (w->node != RADIX_NONE) {
        const struct radix_node *n = &w->tree->nodes[w->node];
        w->node = descend(w->tree, n, &w->rest);
        if (n->value != RADIX_NONE)
            return n->value;
    }
    return RADIX_NONE;
}
