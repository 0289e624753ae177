// idle.c - the user of connections that nobody uses.

#include "net/idle.h"

static void end(struct conn *c)
{
    struct idle *i = c->owner;
    i->over(i);
}

static size_t idle_data(struct conn *c, const char *p, size_t n)
{
    (void)p;
    end(c);
    return n;
}

static void idle_failed(struct conn *c, err_t why)
{
    (void)why;
    end(c);
}

static void idle_drained(struct conn *c)
{
    (void)c;
}

const struct conn_user idle_user = {
    .data = idle_data, .eof = end, .drained = idle_drained, .failed = idle_failed,
};
