// The head of a message: an array of fields with ids, and its way out as bytes.

#include "http/head.h"

static const struct {
    struct str name;
    unsigned facts;
} known[HEADER_COUNT] = {
#define HOP HEADER_FACT_HOP
#define ONCE HEADER_FACT_ONCE
#define FRAME HEADER_FACT_FRAME
#define HEADER(id, text, facts) [HEADER_##id] = { STR(text), facts },
#include "http/names.def"
#undef HEADER
#undef HOP
#undef ONCE
#undef FRAME
};

// The known names by a hash of their length, first and last letter: a bucket is a chain of ids, so
// a new line in names.def may collide and still be found. Written once before main(), read-only for
// all threads afterwards.
enum { BUCKETS = 128, NAME_MAX_LEN = 32, WORD = sizeof(uint64_t), HALF = sizeof(uint32_t) };

static uint8_t buckets[BUCKETS], chain[HEADER_COUNT];
static char folded[HEADER_COUNT][NAME_MAX_LEN];
static uint64_t hop_mask;

// Setting this bit in each byte lower-cases letters and leaves "-" alone.
#define FOLD_WORD 0x2020202020202020u
#define FOLD_HALF 0x20202020u
#define FOLD_BYTE 0x20

static unsigned bucket_of(struct str name)
{
    unsigned first = (unsigned char)name.p[0] | FOLD_BYTE;
    unsigned last = (unsigned char)name.p[name.n - 1] | FOLD_BYTE;
    return ((unsigned)name.n * 5 + first + last * 3) % BUCKETS;
}

static __attribute__((constructor)) void index_names(void)
{
    for (unsigned id = 1; id < HEADER_COUNT; id++) {
        struct str name = known[id].name;
        for (size_t i = 0; i < name.n; i++)
            folded[id][i] = (char)(name.p[i] | FOLD_BYTE);
        unsigned b = bucket_of(name);
        chain[id] = buckets[b];
        buckets[b] = (uint8_t)id;
        if (known[id].facts & HEADER_FACT_HOP)
            hop_mask |= (uint64_t)1 << id;
    }
}

static inline uint64_t word_at(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline uint32_t half_at(const char *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

// Compares n bytes a word at a time; the last word overlaps the one before it. Exact for tokens:
// the only other byte that folds onto a character of a known name is CR.
static bool same_name(const char *name, const char *p, size_t n)
{
    if (n >= WORD) {
        for (size_t i = 0; i + WORD < n; i += WORD)
            if ((word_at(p + i) | FOLD_WORD) != word_at(name + i))
                return false;
        return (word_at(p + n - WORD) | FOLD_WORD) == word_at(name + n - WORD);
    }
    if (n >= HALF)
        return (half_at(p) | FOLD_HALF) == half_at(name)
            && (half_at(p + n - HALF) | FOLD_HALF) == half_at(name + n - HALF);
    for (size_t i = 0; i < n; i++)
        if ((p[i] | FOLD_BYTE) != name[i])
            return false;
    return true;
}

enum header_id header_id(struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_LEN)
        return HEADER_OTHER;
    for (unsigned id = buckets[bucket_of(name)]; id != HEADER_OTHER; id = chain[id])
        if (known[id].name.n == name.n && same_name(folded[id], name.p, name.n))
            return (enum header_id)id;
    return HEADER_OTHER;
}

unsigned header_facts(enum header_id id)
{
    return known[id].facts;
}

struct str header_name(enum header_id id)
{
    return known[id].name;
}

enum method method_id(struct str name)
{
    static const struct str names[] = {
        [METHOD_GET] = STR("GET"),         [METHOD_HEAD] = STR("HEAD"),
        [METHOD_POST] = STR("POST"),       [METHOD_PUT] = STR("PUT"),
        [METHOD_DELETE] = STR("DELETE"),   [METHOD_PATCH] = STR("PATCH"),
        [METHOD_OPTIONS] = STR("OPTIONS"), [METHOD_TRACE] = STR("TRACE"),
        [METHOD_CONNECT] = STR("CONNECT"),
    };
    for (unsigned id = METHOD_GET; id < ARRAY_LEN(names); id++)
        if (str_eq(names[id], name))
            return (enum method)id;
    return METHOD_OTHER;
}

void head_init(struct head *h, struct arena *arena)
{
    *h = (struct head){ .arena = arena };
}

void head_copy(struct head *to, const struct head *from, unsigned room)
{
    *to = *from;
    to->cap = from->count + room;
    to->headers = arena_alloc(from->arena, to->cap * sizeof *to->headers);
    if (from->count > 0)
        memcpy(to->headers, from->headers, from->count * sizeof *to->headers);
}

// The bit of a name that the core does not know: sets of fields differ in their ends and lengths.
static uint64_t bit_of(struct str name)
{
    if (name.n == 0)
        return 0;
    const unsigned last = (unsigned char)str_lower_char(name.p[name.n - 1]);
    return (uint64_t)1 << ((last + name.n * 5) % 64);
}

// Whether there may be fields with this name, which the core does not know.
static bool may_have_other(const struct head *h, struct str name)
{
    return (h->others & bit_of(name)) != 0;
}

// Names that the core does not know have their beginnings in common ("X-..."), so that their ends
// are looked at first.
static bool same_name_of(struct str a, struct str b)
{
    return a.n == b.n && a.n > 0 && str_lower_char(a.p[a.n - 1]) == str_lower_char(b.p[b.n - 1]) &&
           str_eq_nocase(a, b);
}

static bool field_is(const struct header *f, enum header_id id, struct str name)
{
    if (f->removed || f->id != id)
        return false;
    return id != HEADER_OTHER || same_name_of(f->name, name);
}

static struct header *find_known(const struct head *h, enum header_id id)
{
    if (!head_has(h, id))
        return NULL;
    for (unsigned i = 0; i < h->count; i++)
        if (h->headers[i].id == id && !h->headers[i].removed)
            return &h->headers[i];
    return NULL;
}

// The first field that has this id, or this name when the id is HEADER_OTHER.
static struct header *find(const struct head *h, enum header_id id, struct str name)
{
    if (id != HEADER_OTHER)
        return find_known(h, id);
    if (!may_have_other(h, name))
        return NULL;
    for (unsigned i = 0; i < h->count; i++)
        if (field_is(&h->headers[i], HEADER_OTHER, name))
            return &h->headers[i];
    return NULL;
}

const struct header *head_get(const struct head *h, enum header_id id)
{
    return find_known(h, id);
}

const struct header *head_find(const struct head *h, struct str name)
{
    return find(h, header_id(name), name);
}

void head_append(struct head *h, enum header_id id, struct str name, struct str value)
{
    if (h->count == h->cap) {
        unsigned cap = h->cap ? 2 * h->cap : 32;
        struct header *grown = arena_alloc(h->arena, cap * sizeof *grown);
        if (h->count > 0)
            memcpy(grown, h->headers, h->count * sizeof *grown);
        h->headers = grown;
        h->cap = cap;
    }
    h->headers[h->count++] = (struct header){ .name = name, .value = value, .id = (uint8_t)id };
    if (id != HEADER_OTHER)
        h->present |= (uint64_t)1 << id;
    else
        h->others |= bit_of(name);
}

static void remove_from(struct head *h, enum header_id id, struct str name, unsigned from)
{
    for (unsigned i = from; i < h->count; i++)
        if (field_is(&h->headers[i], id, name))
            h->headers[i].removed = true;
}

// The first field of the name keeps its place and gets the value; the others go.
void head_replace(struct head *h, enum header_id id, struct str name, struct str value)
{
    struct header *first = find(h, id, name);
    if (!first) {
        head_append(h, id, name, value);
        return;
    }
    first->name = name;
    first->value = value;
    remove_from(h, id, name, (unsigned)(first - h->headers) + 1);
}

void head_add(struct head *h, struct str name, struct str value)
{
    head_append(h, header_id(name), name, value);
}

void head_add_id(struct head *h, enum header_id id, struct str value)
{
    head_append(h, id, known[id].name, value);
}

void head_set(struct head *h, struct str name, struct str value)
{
    head_replace(h, header_id(name), name, value);
}

void head_set_id(struct head *h, enum header_id id, struct str value)
{
    head_replace(h, id, known[id].name, value);
}

void head_remove(struct head *h, struct str name)
{
    enum header_id id = header_id(name);
    if (id != HEADER_OTHER)
        head_remove_id(h, id);
    else
        remove_from(h, id, name, 0);
}

void head_remove_id(struct head *h, enum header_id id)
{
    if (!head_has(h, id))
        return;
    remove_from(h, id, known[id].name, 0);
    h->present &= ~((uint64_t)1 << id);
}

bool head_next_token(struct str *list, struct str *token)
{
    while (list->n > 0) {
        size_t comma = str_find(*list, ',', 0);
        *token = str_trim(str_sub(*list, 0, comma));
        *list = comma < list->n ? str_sub(*list, comma + 1, list->n) : STR_NONE;
        if (token->n > 0)
            return true;
    }
    return false;
}

// Removes what a Connection field names. A peer must not be able to take away what says where the
// message goes and where it ends, nor need it name fields that are hop-by-hop anyway.
static void remove_options(struct head *h, struct str options)
{
    struct str name;
    while (head_next_token(&options, &name)) {
        enum header_id id = header_id(name);
        if (id != HEADER_HOST && !(known[id].facts & (HEADER_FACT_HOP | HEADER_FACT_FRAME)))
            head_remove(h, name);
    }
}

void head_remove_named(struct head *h)
{
    if (!head_has(h, HEADER_CONNECTION))
        return;
    for (unsigned i = 0; i < h->count; i++)
        if (h->headers[i].id == HEADER_CONNECTION && !h->headers[i].removed)
            remove_options(h, h->headers[i].value);
}

void head_remove_hop_by_hop(struct head *h)
{
    if (!(h->present & hop_mask))
        return;
    for (unsigned i = 0; i < h->count; i++)
        if (known[h->headers[i].id].facts & HEADER_FACT_HOP)
            h->headers[i].removed = true;
    h->present &= ~hop_mask;
}

void head_strip_hop_by_hop(struct head *h)
{
    head_remove_named(h);
    head_remove_hop_by_hop(h);
}

// Whether one of the bytes is below 14, as CR, LF and NUL are (and a tab).
static inline bool has_low_byte(uint64_t w)
{
    return ((w - 0x0E0E0E0E0E0E0E0Eu) & ~w & 0x8080808080808080u) != 0;
}

// A word at a time; the last one overlaps the one before it.
static bool has_low_bytes(struct str s)
{
    for (size_t i = 0; i + WORD < s.n; i += WORD)
        if (has_low_byte(word_at(s.p + i)))
            return true;
    return has_low_byte(word_at(s.p + s.n - WORD));
}

static bool value_valid(struct str value)
{
    if (value.n >= WORD && !has_low_bytes(value))
        return true;
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\r' || value.p[i] == '\n' || value.p[i] == '\0')
            return false;
    return true;
}

bool header_valid(struct str name, struct str value)
{
    static const bool token[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
        ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true, ['\''] = true, ['*'] = true,
        ['+'] = true, ['-'] = true, ['.'] = true, ['^'] = true, ['_'] = true, ['`'] = true,
        ['|'] = true, ['~'] = true,
    };
    bool ok = name.n > 0;
    for (size_t i = 0; i < name.n; i++)
        ok &= token[(unsigned char)name.p[i]];
    return ok && value_valid(value);
}

bool head_has_token(const struct head *h, enum header_id id, struct str token)
{
    if (!head_has(h, id))
        return false;
    for (unsigned i = 0; i < h->count; i++) {
        struct str list = h->headers[i].value, item;
        if (h->headers[i].id != id || h->headers[i].removed)
            continue;
        while (head_next_token(&list, &item))
            if (str_eq_nocase(item, token))
                return true;
    }
    return false;
}

// The fields that are written from what the head is known to be, not from its array.
struct own_fields {
    struct str framing;     // a whole line, or empty
    struct str connection;  // a value, or empty
    char length[sizeof "Content-Length: 18446744073709551615\r\n"];
};

static void framing_line(const struct head *h, struct own_fields *t)
{
    static const char name[] = "Content-Length: ";
    if (h->framing == FRAMING_CHUNKED) {
        t->framing = STR("Transfer-Encoding: chunked\r\n");
        return;
    }
    t->framing = STR_NONE;
    if (h->framing != FRAMING_LENGTH)
        return;
    char *end = t->length + sizeof t->length, *p = end;
    *--p = '\n';
    *--p = '\r';
    uint64_t left = h->content_length;
    do {
        *--p = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    p -= sizeof name - 1;
    memcpy(p, name, sizeof name - 1);
    t->framing = (struct str){ p, (size_t)(end - p) };
}

static bool is_written(const struct header *f)
{
    return !f->removed && f->id != HEADER_CONNECTION && !(known[f->id].facts & HEADER_FACT_FRAME);
}

static size_t fields_size(const struct head *h, const struct own_fields *t)
{
    size_t n = t->framing.n + (sizeof "\r\n" - 1);
    for (unsigned i = 0; i < h->count; i++)
        if (is_written(&h->headers[i]))
            n += h->headers[i].name.n + h->headers[i].value.n + (sizeof ": \r\n" - 1);
    if (t->connection.n > 0)
        n += t->connection.n + (sizeof "Connection: \r\n" - 1);
    return n;
}

static inline char *put(char *p, struct str s)
{
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static char *put_field(char *p, struct str name, struct str value)
{
    p = put(p, name);
    p = put(p, STR(": "));
    p = put(p, value);
    return put(p, STR("\r\n"));
}

static char *put_fields(char *p, const struct head *h, const struct own_fields *t)
{
    for (unsigned i = 0; i < h->count; i++)
        if (is_written(&h->headers[i]))
            p = put_field(p, h->headers[i].name, h->headers[i].value);
    p = put(p, t->framing);
    if (t->connection.n > 0)
        p = put_field(p, STR("Connection"), t->connection);
    return put(p, STR("\r\n"));
}

struct str head_write_request(const struct head *h, struct arena *arena, struct str connection)
{
    struct own_fields t = { .connection = connection };
    framing_line(h, &t);
    size_t n = h->method.n + h->target.n + (sizeof "  HTTP/1.1\r\n" - 1) + fields_size(h, &t);
    char *start = arena_alloc(arena, n), *p = start;
    p = put(p, h->method);
    p = put(p, STR(" "));
    p = put(p, h->target);
    p = put(p, STR(" HTTP/1.1\r\n"));
    put_fields(p, h, &t);
    return (struct str){ start, n };
}

struct str head_write_response(const struct head *h, struct arena *arena, struct str connection)
{
    struct own_fields t = { .connection = connection };
    framing_line(h, &t);
    struct str reason = h->reason.n > 0 ? h->reason : status_reason(h->status);
    size_t n = reason.n + (sizeof "HTTP/1.1 200 \r\n" - 1) + fields_size(h, &t);
    char digits[] = { (char)('0' + h->status / 100 % 10), (char)('0' + h->status / 10 % 10),
                      (char)('0' + h->status % 10), ' ' };
    char *start = arena_alloc(arena, n), *p = start;
    p = put(p, STR("HTTP/1.1 "));
    p = put(p, (struct str){ digits, sizeof digits });
    p = put(p, reason);
    p = put(p, STR("\r\n"));
    put_fields(p, h, &t);
    return (struct str){ start, n };
}

// IANA's registry, and what nginx and Kong add to it.
static const struct {
    unsigned status;
    struct str reason;
} reasons[] = {
#define REASON(status, text) { status, STR(text) }
    REASON(100, "Continue"), REASON(101, "Switching Protocols"), REASON(102, "Processing"),
    REASON(103, "Early Hints"), REASON(200, "OK"), REASON(201, "Created"), REASON(202, "Accepted"),
    REASON(203, "Non-Authoritative Information"), REASON(204, "No Content"),
    REASON(205, "Reset Content"), REASON(206, "Partial Content"), REASON(207, "Multi-Status"),
    REASON(208, "Already Reported"), REASON(226, "IM Used"), REASON(300, "Multiple Choices"),
    REASON(301, "Moved Permanently"), REASON(302, "Found"), REASON(303, "See Other"),
    REASON(304, "Not Modified"), REASON(305, "Use Proxy"), REASON(307, "Temporary Redirect"),
    REASON(308, "Permanent Redirect"), REASON(400, "Bad Request"), REASON(401, "Unauthorized"),
    REASON(402, "Payment Required"), REASON(403, "Forbidden"), REASON(404, "Not Found"),
    REASON(405, "Method Not Allowed"), REASON(406, "Not Acceptable"),
    REASON(407, "Proxy Authentication Required"), REASON(408, "Request Timeout"),
    REASON(409, "Conflict"), REASON(410, "Gone"), REASON(411, "Length Required"),
    REASON(412, "Precondition Failed"), REASON(413, "Content Too Large"),
    REASON(414, "URI Too Long"), REASON(415, "Unsupported Media Type"),
    REASON(416, "Range Not Satisfiable"), REASON(417, "Expectation Failed"),
    REASON(418, "I'm a teapot"), REASON(421, "Misdirected Request"),
    REASON(422, "Unprocessable Content"), REASON(423, "Locked"), REASON(424, "Failed Dependency"),
    REASON(425, "Too Early"), REASON(426, "Upgrade Required"), REASON(428, "Precondition Required"),
    REASON(429, "Too Many Requests"), REASON(431, "Request Header Fields Too Large"),
    REASON(451, "Unavailable For Legal Reasons"), REASON(500, "Internal Server Error"),
    REASON(501, "Not Implemented"), REASON(502, "Bad Gateway"), REASON(503, "Service Unavailable"),
    REASON(504, "Gateway Timeout"), REASON(505, "HTTP Version Not Supported"),
    REASON(506, "Variant Also Negotiates"), REASON(507, "Insufficient Storage"),
    REASON(508, "Loop Detected"), REASON(510, "Not Extended"),
    REASON(511, "Network Authentication Required"),
#undef REASON
};

struct str status_reason(unsigned status)
{
    size_t low = 0, high = ARRAY_LEN(reasons);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (reasons[mid].status == status)
            return reasons[mid].reason;
        if (reasons[mid].status < status)
            low = mid + 1;
        else
            high = mid;
    }
    return STR("Unknown");
}
