// api_client.c - the TLS connection of a client, as plugins may shape it before there is a request.

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/request.h"
#include "tls/server.h"
#include "vm/api.h"

#include <stdlib.h>

static int done(bool taken)
{
    return taken ? 0 : api_refuse("OpenSSL refuses it");
}

int weir_client_request_certificate(struct weir_trust *hint)
{
    if (!turn.client)
        return WEIR_ERR_PHASE;
    return done(tls_server_request_certificate(turn.client->conn, (const struct trust *)hint));
}

int weir_client_forbid_sessions(void)
{
    if (!turn.client)
        return WEIR_ERR_PHASE;
    return done(tls_server_forbid_sessions(turn.client->conn));
}

int weir_client_chain(struct weir_str *out)
{
    struct request *r = api_request(API_ANY);
    if (!r)
        return WEIR_ERR_PHASE;
    struct str text = r->client->tls ? tls_server_client_chain(r->client->conn) : STR_NONE;
    if (!text.p)
        return WEIR_ERR_NONE;
    api_give(out, arena_dup(&r->arena, text));
    free((char *)(uintptr_t)text.p);
    return 0;
}
