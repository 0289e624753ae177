// resolve.c - a cache of names in front of c-ares.
//
//   resolver -> names (hash table, and a list by last use)
//                 -> answer (addresses, or none yet)
//                 -> queries that wait for it, at most one fetch under way
//
// Nobody is called from within c-ares: it finishes a fetch, which queues the tasks of the queries
// that waited.

#include "net/resolve.h"

#include "base/mem.h"
#include "base/table.h"

#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/time.h>

enum {
    SECOND = 1000,              // ms
    RETRY_AFTER = 1 * SECOND,   // a failure is kept so long
    NAME_MAX_LEN = 255,
    SERVER_TIMEOUT = 2 * SECOND, SERVER_TRIES = 2,
};

struct answer {
    struct answer *next;    // retired ones
    unsigned count;
    struct addr addrs[];
};

struct name {
    struct resolver *resolver;
    struct list by_use;
    struct list queries;
    struct answer *answer;
    err_t failure;              // of the last fetch
    uint64_t fresh_until;       // ms: the answer's TTL
    uint64_t stale_until;       // ms: it must not serve any longer
    uint64_t retry_at;          // ms: no fetch before, after a failure
    bool fetching;
    uint64_t hash;
    size_t len;
    char text[];                // lower case, NUL-terminated
};

struct resolve_query {
    struct list node;
    struct task task;
    struct name *name;
    void (*done)(void *arg, const struct resolved *answer, err_t err);
    void *arg;
};

struct resolver {
    struct loop *loop;
    ares_channel channel;
    struct table names;
    struct list by_use;         // most recent first
    struct list sockets;
    struct timer timer;         // the next time-out of c-ares
    struct answer *retired;     // replaced in this turn, and perhaps still looked at
    struct timer sweep;
    bool closing;
};

// A socket of c-ares.
struct dns_socket {
    struct list node;
    ares_socket_t fd;
    struct watch *watch;
};

// -- answers --------------------------------------------------------------------------------------

static void free_retired(struct resolver *r)
{
    while (r->retired) {
        struct answer *a = r->retired;
        r->retired = a->next;
        free(a);
    }
}

static void on_sweep(struct timer *t)
{
    free_retired(container_of(t, struct resolver, sweep));
}

// Takes the name's answer away. Somebody may still look at it in this turn, so it goes a tick
// later.
static void retire(struct name *name)
{
    struct resolver *r = name->resolver;
    if (!name->answer)
        return;
    name->answer->next = r->retired;
    r->retired = name->answer;
    name->answer = NULL;
    loop_timer(r->loop, &r->sweep, WHEEL_TICK);
}

static void add_addr(struct answer *a, const struct sockaddr *sa)
{
    struct addr addr = { 0 };
    addr.len = sa->sa_family == AF_INET ? sizeof addr.sa.v4 : sizeof addr.sa.v6;
    memcpy(&addr.sa, sa, addr.len);
    addr_set_port(&addr, 0);
    for (unsigned i = 0; i < a->count; i++)
        if (addr_eq(&a->addrs[i], &addr))
            return;
    if (a->count < RESOLVE_MAX_ADDRS)
        a->addrs[a->count++] = addr;
}

static void add_family(struct answer *a, const struct ares_addrinfo *info, int family)
{
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        if (node->ai_family == family)
            add_addr(a, node->ai_addr);
}

static struct answer *answer_new(unsigned room)
{
    return xcalloc(1, sizeof(struct answer) + room * sizeof(struct addr));
}

static struct answer *answer_from(const struct ares_addrinfo *info)
{
    unsigned room = 0;
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        room++;
    struct answer *a = answer_new(room);
    add_family(a, info, AF_INET);
    add_family(a, info, AF_INET6);
    return a;
}

// The shortest TTL of all records that led to the answer, s.
static uint64_t ttl_of(const struct ares_addrinfo *info)
{
    int ttl = RESOLVE_TTL_MAX;
    for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next)
        if (cname->ttl < ttl)
            ttl = cname->ttl;
    for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
        if (node->ai_ttl < ttl)
            ttl = node->ai_ttl;
    return ttl > 1 ? (uint64_t)ttl : 1;
}

// -- queries --------------------------------------------------------------------------------------

static void run_query(struct task *t)
{
    struct resolve_query *q = container_of(t, struct resolve_query, task);
    const struct resolve_query it = *q;
    list_remove(&q->node);
    free(q);
    const struct answer *a = it.name->answer;
    if (a)
        it.done(it.arg, &(struct resolved){ a->addrs, a->count }, NULL);
    else
        it.done(it.arg, NULL, it.name->failure);
}

static struct resolve_query *query_new(struct name *name)
{
    struct resolve_query *q = xcalloc(1, sizeof *q);
    q->name = name;
    task_init(&q->task, run_query);
    list_push_tail(&name->queries, &q->node);
    return q;
}

void resolve_cancel(struct resolve_query *q)
{
    list_remove(&q->task.node);
    list_remove(&q->node);
    free(q);
}

// -- fetching -------------------------------------------------------------------------------------

static err_t ares_error(int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
    case ARES_EBADNAME:
        return &err_dns_not_found;
    case ARES_ETIMEOUT:
        return &err_dns_timeout;
    default:
        return &err_dns_failed;
    }
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
    struct name *name = arg;
    const uint64_t now = name->resolver->loop->now;
    (void)timeouts;
    name->fetching = false;
    if (!name->resolver->closing && status == ARES_SUCCESS && info->nodes) {
        retire(name);
        name->answer = answer_from(info);
        name->fresh_until = now + ttl_of(info) * SECOND;
        name->stale_until = name->fresh_until + (uint64_t)RESOLVE_STALE * SECOND;
    } else {
        name->failure = status == ARES_SUCCESS ? &err_dns_not_found : ares_error(status);
        name->retry_at = now + RETRY_AFTER;
    }
    if (info)
        ares_freeaddrinfo(info);
    if (name->resolver->closing)
        return;
    list_each(node, &name->queries)
        loop_defer(name->resolver->loop, &container_of(node, struct resolve_query, node)->task);
}

// c-ares wants to be called when its next time-out is due.
static void update_timer(struct resolver *r)
{
    struct timeval tv;
    if (!ares_timeout(r->channel, NULL, &tv)) {
        loop_timer_clear(r->loop, &r->timer);
        return;
    }
    const uint64_t ms = (uint64_t)tv.tv_sec * SECOND + (uint64_t)tv.tv_usec / 1000;
    loop_timer(r->loop, &r->timer, ms + 1);
}

static void fetch(struct name *name)
{
    const struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
    };
    name->fetching = true;
    ares_getaddrinfo(name->resolver->channel, name->text, NULL, &hints, on_answer, name);
    update_timer(name->resolver);
}

static void on_timer(struct timer *t)
{
    struct resolver *r = container_of(t, struct resolver, timer);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    update_timer(r);
}

static void on_socket(void *arg, int fd, int events)
{
    struct resolver *r = arg;
    ares_process_fd(r->channel, events & WATCH_READ ? fd : ARES_SOCKET_BAD,
                    events & WATCH_WRITE ? fd : ARES_SOCKET_BAD);
    update_timer(r);
}

static struct dns_socket *find_socket(struct resolver *r, ares_socket_t fd)
{
    list_each(node, &r->sockets) {
        struct dns_socket *s = container_of(node, struct dns_socket, node);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

// c-ares opened a socket, waits for something else on it, or (neither) is about to close it.
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = arg;
    struct dns_socket *s = find_socket(r, fd);
    const int events = (readable ? WATCH_READ : 0) | (writable ? WATCH_WRITE : 0);
    if (s && events != 0) {
        loop_rewatch(s->watch, events);
    } else if (s) {
        loop_unwatch(s->watch);
        list_remove(&s->node);
        free(s);
    } else if (events != 0) {
        struct watch *watch = loop_watch(r->loop, fd, events, on_socket, r);
        if (!watch)
            return;   // its query times out
        s = xcalloc(1, sizeof *s);
        s->fd = fd;
        s->watch = watch;
        list_push_tail(&r->sockets, &s->node);
    }
}

// -- names ----------------------------------------------------------------------------------------

static bool is_name(const void *value, const void *key)
{
    const struct name *name = value;
    return str_eq_nocase((struct str){ name->text, name->len }, *(const struct str *)key);
}

static void name_free(struct name *name)
{
    retire(name);
    table_remove(&name->resolver->names, name->hash, name);
    list_remove(&name->by_use);
    free(name);
}

static void evict(struct resolver *r)
{
    for (struct list *node = r->by_use.prev; node != &r->by_use; node = node->prev) {
        struct name *name = container_of(node, struct name, by_use);
        if (!name->fetching && list_empty(&name->queries)) {
            name_free(name);
            return;
        }
    }
}

static bool is_host_name(struct str s)
{
    return s.n > 0 && s.n <= NAME_MAX_LEN && str_find(s, '\0', 0) == s.n;
}

static struct name *name_new(struct resolver *r, struct str text, uint64_t hash)
{
    if (r->names.count >= RESOLVE_MAX_NAMES)
        evict(r);
    struct name *name = xcalloc(1, sizeof *name + text.n + 1);
    name->resolver = r;
    name->hash = hash;
    name->len = text.n;
    for (size_t i = 0; i < text.n; i++)
        name->text[i] = str_lower_char(text.p[i]);
    list_init(&name->by_use);
    list_init(&name->queries);
    table_put(&r->names, hash, name);
    struct addr literal;
    if (addr_parse(text, 0, &literal) == NULL) {
        name->answer = answer_new(1);
        name->answer->addrs[name->answer->count++] = literal;
        name->fresh_until = UINT64_MAX;
    } else if (!is_host_name(text)) {
        name->failure = &err_dns_not_found;
        name->retry_at = UINT64_MAX;
    }
    return name;
}

static struct name *find_name(struct resolver *r, struct str text)
{
    const uint64_t hash = table_hash_nocase(text);
    struct name *name = table_get(&r->names, hash, is_name, &text);
    if (!name)
        name = name_new(r, text, hash);
    list_remove(&name->by_use);
    list_push_head(&r->by_use, &name->by_use);
    return name;
}

bool resolve(struct resolver *r, struct str text, struct resolved *out,
             struct resolve_query **pending,
             void (*done)(void *arg, const struct resolved *answer, err_t err), void *arg)
{
    struct name *name = find_name(r, text);
    const uint64_t now = r->loop->now;
    if (name->answer && now >= name->fresh_until && now >= name->stale_until)
        retire(name);
    if (!name->fetching && now >= name->retry_at && !(name->answer && now < name->fresh_until))
        fetch(name);
    *pending = NULL;
    if (name->answer) {
        *out = (struct resolved){ name->answer->addrs, name->answer->count };
        return true;
    }
    struct resolve_query *q = query_new(name);
    q->done = done;
    q->arg = arg;
    *pending = q;
    if (!name->fetching)
        loop_defer(r->loop, &q->task);
    return false;
}

// -- life -----------------------------------------------------------------------------------------

static int library_status;

// c-ares counts its users, but not in a thread-safe way.
static void start_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

err_t resolver_new(struct loop *l, struct resolver **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    struct resolver *r = xcalloc(1, sizeof *r);
    r->loop = l;
    list_init(&r->by_use);
    list_init(&r->sockets);
    timer_init(&r->timer, on_timer);
    timer_init(&r->sweep, on_sweep);
    // The library's own patience is 75 s in older versions, which a request does not have.
    struct ares_options options = {
        .timeout = SERVER_TIMEOUT, .tries = SERVER_TRIES,
        .sock_state_cb = on_socket_state, .sock_state_cb_data = r,
    };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE;   // off, its longest TTL being 0: the names above are the cache
#endif
    if (library_status != ARES_SUCCESS ||
        ares_init_options(&r->channel, &options, mask) != ARES_SUCCESS) {
        free(r);
        return &err_dns_failed;
    }
    *out = r;
    return NULL;
}

err_t resolver_set_servers(struct resolver *r, const char *servers)
{
    return ares_set_servers_ports_csv(r->channel, servers) == ARES_SUCCESS ? NULL : &err_address;
}

void resolver_free(struct resolver *r)
{
    r->closing = true;
    ares_destroy(r->channel);   // ends every fetch and closes every socket
    list_each(node, &r->by_use) {
        struct name *name = container_of(node, struct name, by_use);
        list_each(query, &name->queries)
            resolve_cancel(container_of(query, struct resolve_query, node));
        name_free(name);
    }
    table_done(&r->names);
    free_retired(r);
    loop_timer_clear(r->loop, &r->timer);
    loop_timer_clear(r->loop, &r->sweep);
    free(r);
}
