// mem.c - the one place that decides what happens without memory: a line on standard error, then
// abort().

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Formats on the stack and writes directly: nothing here may allocate.
static _Noreturn void out_of_memory(size_t n)
{
    char line[80];
    int len = snprintf(line, sizeof line, "weir: out of memory: %zu bytes wanted\n", n);
    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        abort();
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n > 0 ? n : 1);
    if (!p)
        out_of_memory(n);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = count > 0 && size > 0 ? calloc(count, size) : calloc(1, 1);
    if (!p)
        out_of_memory(count * size);
    return p;
}

void *xrealloc(void *p, size_t n)
{
    void *moved = realloc(p, n > 0 ? n : 1);
    if (!moved)
        out_of_memory(n);
    return moved;
}

char *xmemdup0(const char *p, size_t n)
{
    char *copy = xmalloc(n + 1);
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}
