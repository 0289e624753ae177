// api.c - the ABI's number, its error text, and the question whose turn it is.

#include "vm/api.h"

#include "proxy/request.h"
#include "vm/activity.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[512];

int weir_abi(void)
{
    return WEIR_ABI;
}

const char *weir_error(void)
{
    return text;
}

const struct weir_turn *weir_turn(void)
{
    static const struct weir_turn nobodys;
    return turn.vm ? &turn.vm->now : &nobodys;
}

uint32_t *weir_plugin_running(void)
{
    return &activity_own()->plugin;
}

uint32_t weir_plugin_mark(const char *name, size_t n)
{
    return activity_mark(api_str(name, n));
}

int api_refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return WEIR_ERR_BAD;
}

struct request *api_request(unsigned phases)
{
    struct request *r = turn.request;
    return r && (phases >> r->phase & 1) != 0 ? r : NULL;
}
