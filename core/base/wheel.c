// wheel.c - three rings of slots, each ring's slot as wide as the whole ring below it.
//
//   level 0: 256 slots of one tick          (12.8 s)
//   level 1: 256 slots of 256 ticks         (54 min)
//   level 2: 256 slots of 65536 ticks       (9.7 days; what is due later waits in the last slot)
//
// When the tick enters a slot of an upper level, its timers are filed again, nearer. `next` is the
// first tick that has something to do, or a little early when that something was cleared: ticks
// before it are skipped, and the loop sleeps until then.

#include "base/wheel.h"

#include <assert.h>

enum { SLOT_BITS = 8, SLOT_MASK = WHEEL_SLOTS - 1 };

static_assert(WHEEL_SLOTS == 1 << SLOT_BITS, "slots are found by shifting ticks");

static const uint64_t REACH = (uint64_t)1 << (SLOT_BITS * WHEEL_LEVELS);   // ticks

void wheel_init(struct wheel *w, uint64_t now)
{
    for (int level = 0; level < WHEEL_LEVELS; level++)
        for (int slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&w->slots[level][slot]);
    w->tick = now / WHEEL_TICK;
    w->next = UINT64_MAX;
    w->count = 0;
}

void timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    list_init(&t->node);
    t->deadline = t->filed = 0;
    t->fire = fire;
}

// Rounded up, so that a timer never fires early.
static uint64_t tick_of(uint64_t deadline)
{
    return deadline / WHEEL_TICK + (deadline % WHEEL_TICK != 0);
}

// Files `t` under its deadline, but not before the tick `earliest`.
static void file_timer(struct wheel *w, struct timer *t, uint64_t earliest)
{
    uint64_t tick = tick_of(t->deadline);
    if (tick < earliest)
        tick = earliest;
    if (tick - w->tick >= REACH)
        tick = w->tick + REACH - 1;
    int level = 0;
    while ((tick - w->tick) >> (SLOT_BITS * (level + 1)))
        level++;
    const int shift = SLOT_BITS * level;
    const uint64_t entered = tick >> shift << shift;   // when the tick enters that slot
    if (entered < w->next)
        w->next = entered;
    t->filed = tick * WHEEL_TICK;
    list_push_tail(&w->slots[level][(tick >> shift) & SLOT_MASK], &t->node);
}

void wheel_set(struct wheel *w, struct timer *t, uint64_t deadline)
{
    assert(deadline > 0);
    t->deadline = deadline;
    if (t->filed == 0) {
        w->count++;
    } else {
        if (deadline >= t->filed)
            return;
        list_remove(&t->node);
    }
    file_timer(w, t, w->tick + 1);
}

// Makes `t` an unarmed timer.
static void disarm(struct wheel *w, struct timer *t)
{
    list_remove(&t->node);
    t->deadline = t->filed = 0;
    if (--w->count == 0)
        w->next = UINT64_MAX;
}

void wheel_clear(struct wheel *w, struct timer *t)
{
    if (t->filed > 0)
        disarm(w, t);
}

// Moves the timers of a slot to a list of its own: callbacks and filing may then use the slot.
static void take_slot(struct list *slot, struct list *out)
{
    list_init(out);
    if (list_empty(slot))
        return;
    *out = *slot;
    out->next->prev = out->prev->next = out;
    list_init(slot);
}

static void cascade(struct wheel *w, int level)
{
    struct list due;
    take_slot(&w->slots[level][(w->tick >> (SLOT_BITS * level)) & SLOT_MASK], &due);
    for (struct list *node; (node = list_first(&due));) {
        list_remove(node);
        file_timer(w, container_of(node, struct timer, node), w->tick);
    }
}

static void fire_slot(struct wheel *w)
{
    struct list due;
    take_slot(&w->slots[0][w->tick & SLOT_MASK], &due);
    for (struct list *node; (node = list_first(&due));) {
        struct timer *t = container_of(node, struct timer, node);
        if (tick_of(t->deadline) > w->tick) {
            list_remove(node);
            file_timer(w, t, w->tick + 1);
        } else {
            disarm(w, t);
            t->fire(t);
        }
    }
}

// The first tick after the present one at which a slot of `level` that holds something is entered.
static uint64_t next_entered(const struct wheel *w, int level)
{
    const int shift = SLOT_BITS * level;
    const uint64_t at = w->tick >> shift;
    for (uint64_t i = 1; i <= WHEEL_SLOTS; i++)
        if (!list_empty(&w->slots[level][(at + i) & SLOT_MASK]))
            return (at + i) << shift;
    return UINT64_MAX;
}

static void find_next(struct wheel *w)
{
    w->next = UINT64_MAX;
    for (int level = 0; level < WHEEL_LEVELS && w->count > 0; level++) {
        const uint64_t tick = next_entered(w, level);
        if (tick < w->next)
            w->next = tick;
    }
}

void wheel_advance(struct wheel *w, uint64_t now)
{
    const uint64_t target = now / WHEEL_TICK;
    while (w->next <= target) {
        w->tick = w->next;
        for (int level = WHEEL_LEVELS - 1; level > 0; level--)
            if ((w->tick & (((uint64_t)1 << (SLOT_BITS * level)) - 1)) == 0)
                cascade(w, level);
        fire_slot(w);
        find_next(w);
    }
    if (w->tick < target)
        w->tick = target;
}

uint64_t wheel_next(const struct wheel *w)
{
    return w->next == UINT64_MAX ? UINT64_MAX : w->next * WHEEL_TICK;
}
