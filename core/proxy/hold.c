// hold.c - the body of a response, until it is whole.

#include "proxy/hold.h"

bool hold_wanted(const struct request *r)
{
    const struct plan *p = r->plan;
    return r->hold_asked || (!p->chooses && (p->phases >> PHASE_RESPONSE & 1) != 0);
}

bool hold_piece(struct request *r, struct str piece)
{
    if (r->held.len + piece.n > r->view->snapshot->settings.response_buffer_size)
        return false;
    buf_append(&r->held, piece.p, piece.n);
    return true;
}

void hold_end(struct request *r)
{
    const struct str front = buf_front(&r->held);
    r->held_text = front.n > 0 ? buf_text(&r->held, &r->arena) : STR("");
    if (r->held_text.p != front.p)
        buf_clear(&r->held);    // it was copied
}
