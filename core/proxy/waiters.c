// waiters.c - turns at TLS handshakes.
//
// Waiters are served at the end of the loop's turn, never from within the call that made room: that
// is the end of another request.

#include "proxy/waiters.h"

#include "base/counter.h"
#include "proxy/peer.h"

// -- the queues -----------------------------------------------------------------------------------

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->node);
    list_init(&q->fed);
    list_init(&q->handshakes);
}

static void leave_queue(struct handshake *h)
{
    struct wait_queue *q = h->queue;
    list_remove(&h->node);
    loop_timer_clear(h->waiters->loop, &h->timer);
    h->queue = NULL;
    counter_sub(&h->waiters->waiting, 1);
    if (list_empty(&q->handshakes)) {
        list_remove(&q->node);
        list_remove(&q->fed);
    }
}

static void too_late(struct timer *timer)
{
    struct handshake *h = container_of(timer, struct handshake, timer);
    leave_queue(h);
    h->come(h, NULL, &err_handshake_wait);
}

// -- under way ------------------------------------------------------------------------------------

static void begin(struct handshake *h)
{
    h->since = h->waiters->loop->now;
    h->waiters->running++;
    list_push_tail(&h->waiters->under_way, &h->node);
}

static void stop_counting(struct handshake *h)
{
    list_remove(&h->node);
    h->waiters->running--;
}

static bool has_room(const struct waiters *w)
{
    return w->max == 0 || w->running < w->max;
}

// -- serving --------------------------------------------------------------------------------------

static struct handshake *oldest(const struct list *handshakes)
{
    return container_of(list_first(handshakes), struct handshake, node);
}

static void hand_over(struct waiters *w, struct wait_queue *q)
{
    struct peer_conn *pc = peer_take(container_of(q, struct peer, queue));
    if (!pc) {
        list_remove(&q->fed);
        return;
    }
    struct handshake *h = oldest(&q->handshakes);
    list_remove(&q->fed);
    list_push_tail(&w->fed, &q->fed);
    leave_queue(h);
    h->come(h, pc, NULL);
}

static void give_room(struct waiters *w, struct wait_queue *q)
{
    struct handshake *h = oldest(&q->handshakes);
    list_remove(&q->node);
    list_push_tail(&w->queues, &q->node);
    leave_queue(h);
    begin(h);
    h->come(h, NULL, NULL);
}

// Each call of `come` may change all the lists.
static void serve_all(struct waiters *w)
{
    struct list *first;
    while ((first = list_first(&w->fed)))
        hand_over(w, container_of(first, struct wait_queue, fed));
    while (has_room(w) && (first = list_first(&w->queues)))
        give_room(w, container_of(first, struct wait_queue, node));
    if (w->waiting == 0 || list_empty(&w->under_way) || w->look.deadline != 0)
        return;
    uint64_t at = oldest(&w->under_way)->since + HANDSHAKE_LONG, now = w->loop->now;
    loop_timer(w->loop, &w->look, at > now ? at - now : 1);
}

static void serve(struct task *task)
{
    serve_all(container_of(task, struct waiters, serve));
}

static void look(struct timer *timer)
{
    struct waiters *w = container_of(timer, struct waiters, look);
    while (w->waiting > 0 && !list_empty(&w->under_way) &&
           w->loop->now - oldest(&w->under_way)->since >= HANDSHAKE_LONG)
        stop_counting(oldest(&w->under_way));
    serve_all(w);
}

void waiters_feed(struct waiters *w, struct wait_queue *q)
{
    if (list_empty(&q->handshakes))
        return;
    if (list_empty(&q->fed))
        list_push_tail(&w->fed, &q->fed);
    loop_defer(w->loop, &w->serve);
}

// -- a handshake ----------------------------------------------------------------------------------

void handshake_init(struct handshake *h, struct waiters *w,
                    void (*come)(struct handshake *h, struct peer_conn *pc, err_t err))
{
    *h = (struct handshake){ .waiters = w, .come = come };
    list_init(&h->node);
    timer_init(&h->timer, too_late);
}

bool handshake_begin(struct handshake *h)
{
    // Room that was made in this very turn belongs to those who wait already.
    if (h->waiters->waiting > 0 || !has_room(h->waiters))
        return false;
    begin(h);
    return true;
}

void handshake_wait(struct handshake *h, struct wait_queue *q, uint64_t ms)
{
    struct waiters *w = h->waiters;
    h->queue = q;
    counter_add(&w->waiting, 1);
    list_push_tail(&q->handshakes, &h->node);
    if (list_empty(&q->node))
        list_push_tail(&w->queues, &q->node);
    loop_timer(w->loop, &h->timer, ms);
    loop_defer(w->loop, &w->serve);
}

void handshake_end(struct handshake *h)
{
    if (h->queue) {
        leave_queue(h);
    } else if (!list_empty(&h->node)) {
        stop_counting(h);
        if (h->waiters->waiting > 0)
            loop_defer(h->waiters->loop, &h->waiters->serve);
    }
}

// -- life -----------------------------------------------------------------------------------------

void waiters_init(struct waiters *w, struct loop *loop)
{
    *w = (struct waiters){ .loop = loop };
    list_init(&w->under_way);
    list_init(&w->queues);
    list_init(&w->fed);
    task_init(&w->serve, serve);
    timer_init(&w->look, look);
}

void waiters_done(struct waiters *w)
{
    list_remove(&w->serve.node);
    loop_timer_clear(w->loop, &w->look);
}

void waiters_limit(struct waiters *w, uint32_t max)
{
    w->max = max;
    if (w->waiting > 0)
        loop_defer(w->loop, &w->serve);
}
