// api_response.c - the answer to the client, as plugins make or change it.

#include "http/error_page.h"
#include "proxy/request.h"
#include "vm/api.h"

#include "base/mem.h"

// Answers of ours that are final: nothing below 200 is.
static bool is_final(int status)
{
    return status >= 200 && status <= 599;
}

static void set_status(struct request *r, int status)
{
    r->response.status = (uint16_t)status;
    r->response.reason = status_reason((unsigned)status);
}

// The request whose answer a plugin may still make, NULL with *why when there is none.
static struct request *answerable(int *why)
{
    struct request *r = api_request(API_HEAD);
    if (r && !r->head_sent)
        return r;
    *why = WEIR_ERR_PHASE;
    return NULL;
}

int weir_response_set_status(int status)
{
    int why = 0;
    struct request *r = answerable(&why);
    if (!r)
        return why;
    if (!is_final(status))
        return api_refuse("a status is between 200 and 599");
    set_status(r, status);
    return 0;
}

int weir_response_exit(int status, const char *body, size_t n, int has_body)
{
    int why = 0;
    struct request *r = answerable(&why);
    if (!r)
        return why;
    if (!is_final(status))
        return api_refuse("a status is between 200 and 599");
    set_status(r, status);
    r->answer = has_body ? arena_dup(&r->arena, api_str(body, n)) : STR("");
    r->answer_set = true;
    r->source = SOURCE_EXIT;
    return 0;
}

int weir_response_say(const char *p, size_t n)
{
    struct request *r = api_request(API_BEFORE);
    if (!r || r->head_sent)
        return WEIR_ERR_PHASE;
    if (!r->said)
        r->answer = arena_dup(&r->arena, STR(""));
    if (r->response.status == 0)
        set_status(r, 200);
    r->answer = arena_append(&r->arena, r->answer, api_str(p, n));
    r->answer_set = r->said = true;
    r->source = SOURCE_EXIT;
    return 0;
}

int weir_response_said(void)
{
    struct request *r = api_request(API_ANY);
    return r ? r->said : WEIR_ERR_PHASE;
}

int weir_response_error(int status, const char *message, size_t n, int type)
{
    int why = 0;
    struct request *r = answerable(&why);
    if (!r)
        return why;
    if (status < 400 || status > 599 || type < -1 || type > (int)PAGE_XML)
        return api_refuse("an error has a status between 400 and 599");
    enum page_type page = type >= 0 ? (enum page_type)type : page_accepted(&r->head);
    struct str text = message ? api_str(message, n) : page_message(&r->arena, (unsigned)status);
    set_status(r, (int)page_status((unsigned)status));
    head_set_id(&r->response, HEADER_CONTENT_TYPE, page_mime(page));
    r->answer = page_body(&r->arena, page, text, api_str(r->id, 32));
    r->answer_set = true;
    r->source = SOURCE_EXIT;
    return 0;
}

// -- body_filter ----------------------------------------------------------------------------------

static struct request *filtering(void)
{
    return api_request(1 << PHASE_BODY_FILTER);
}

int weir_chunk_get(struct weir_str *out, int *last)
{
    struct request *r = filtering();
    if (!r)
        return WEIR_ERR_PHASE;
    api_give(out, r->chunk);
    *last = r->chunk_last;
    return 0;
}

// A body may be of any length, so its pieces are not the request's: they last until the loop's turn
// ends, when all that was gathered has been written.
int weir_chunk_set(const char *p, size_t n)
{
    struct request *r = filtering();
    if (!r)
        return WEIR_ERR_PHASE;
    r->chunk = arena_dup(&turn.vm->turn, api_str(p, n));
    return 0;
}

int weir_chunk_set_last(int last)
{
    struct request *r = filtering();
    if (!r)
        return WEIR_ERR_PHASE;
    r->chunk_last = last != 0;
    return 0;
}
