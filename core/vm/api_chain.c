// api_chain.c - the certificates that plugins judge in upstream_verify, for as long as they do.

#include "vm/api.h"

#include "proxy/exchange.h"
#include "proxy/request.h"
#include "tls/shown.h"

// What is being judged; NULL outside of upstream_verify.
static const struct shown *judged(void)
{
    return turn.shown;
}

static struct str name_text(const struct peer_name *name)
{
    return (struct str){ name->text, name->len };
}

int weir_chain(struct weir_chain *out)
{
    const struct shown *p = judged();
    if (!p)
        return WEIR_ERR_PHASE;
    const struct exchange *e = turn.request->exchange;
    const struct addr *addr = &e->peer->addr;
    char ip[ADDR_TEXT];
    *out = (struct weir_chain){
        .certificates = shown_count(p), .verified = p->verified, .port = addr_port(addr),
    };
    api_give(&out->name, name_text(&e->name));
    api_give(&out->sni, name_text(&e->peer->sni));
    api_give(&out->ip, arena_dup(&turn.vm->turn, api_str(ip, addr_format_ip(addr, ip))));
    return 0;
}

int weir_chain_detail(uint32_t index, struct weir_x509_detail *out)
{
    struct x509_detail d;
    const struct shown *p = judged();
    if (!p)
        return WEIR_ERR_PHASE;
    if (!shown_detail(p, index, &d))
        return WEIR_ERR_NONE;
    api_give_detail(out, &d);
    return 0;
}

int weir_chain_text(uint32_t index, int what, struct weir_str *out)
{
    const struct shown *p = judged();
    if (!p)
        return WEIR_ERR_PHASE;
    if (what < WEIR_CERT_PEM || what > WEIR_CERT_ISSUER)
        return api_refuse("a certificate has no such text");
    struct str text = shown_text(p, index, (enum shown_text)what, &turn.vm->turn);
    if (!text.p)
        return WEIR_ERR_NONE;
    api_give(out, text);
    return 0;
}

int weir_chain_names(uint32_t index, struct weir_name *out, int max)
{
    const struct shown *p = judged();
    if (!p)
        return WEIR_ERR_PHASE;
    struct arena *a = &turn.vm->turn;
    const unsigned room = max > 0 ? (unsigned)max : 0;
    struct shown_name *names = arena_alloc(a, (room + 1) * sizeof *names);
    const unsigned count = shown_names(p, index, names, room, a);
    for (unsigned i = 0; i < count && i < room; i++) {
        out[i].kind = names[i].kind;
        api_give(&out[i].value, names[i].text);
    }
    return (int)count;
}
