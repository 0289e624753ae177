// Kong's error bodies.

#include "http/error_page.h"

static const struct str mimes[] = {
    [PAGE_JSON] = STR("application/json; charset=utf-8"),
    [PAGE_HTML] = STR("text/html; charset=utf-8"),
    [PAGE_PLAIN] = STR("text/plain; charset=utf-8"),
    [PAGE_XML] = STR("application/xml; charset=utf-8"),
};

// Media types that choose a form.
static const struct {
    struct str mime;
    enum page_type type;
} choices[] = {
    { STR("application/json"), PAGE_JSON }, { STR("text/html"), PAGE_HTML },
    { STR("text/plain"), PAGE_PLAIN },      { STR("application/xml"), PAGE_XML },
    { STR("application/*"), PAGE_JSON },    { STR("text/*"), PAGE_PLAIN },
    { STR("*/*"), PAGE_JSON },
};

enum { EXACT_CHOICES = 4, QUALITY_ONE = 1000 };

static int choose(struct str mime, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(choices[i].mime, mime))
            return (int)choices[i].type;
    return -1;
}

int page_type_parse(struct str mime)
{
    return choose(mime, EXACT_CHOICES);
}

struct str page_mime(enum page_type type)
{
    return mimes[type];
}

// Takes what comes before the next `mark` from `s`.
static struct str cut(struct str *s, char mark)
{
    size_t at = str_find(*s, mark, 0);
    struct str part = str_trim(str_sub(*s, 0, at));
    *s = at < s->n ? str_sub(*s, at + 1, s->n) : STR_NONE;
    return part;
}

// A weight "0.25" in thousandths; one that is malformed weighs nothing.
static int quality(struct str text)
{
    int n = 0, unit = QUALITY_ONE;
    for (size_t i = 0; i < text.n && unit > 0; i++) {
        if (text.p[i] == '.' && i == 1)
            continue;
        if (text.p[i] < '0' || text.p[i] > '9')
            return 0;
        n += (text.p[i] - '0') * unit;
        unit /= 10;
    }
    return n < QUALITY_ONE ? n : QUALITY_ONE;
}

// The weight among an Accept element's parameters, 1 when there is none.
static int weight(struct str parameters)
{
    while (parameters.n > 0) {
        struct str value = cut(&parameters, ';');
        struct str name = cut(&value, '=');
        if (str_eq_nocase(name, STR("q")))
            return quality(str_trim(value));
    }
    return QUALITY_ONE;
}

// What a range of Accept asks for: JSON where there is no such form. -1 when it is none.
static int choose_accepted(struct str range)
{
    int choice = choose(range, ARRAY_LEN(choices));
    return choice < 0 && str_find(range, '/', 0) < range.n ? (int)PAGE_JSON : choice;
}

// The heaviest form of an Accept list, the first of equals; leaves *best and *type when none is
// heavier.
static void negotiate_list(struct str list, int *best, enum page_type *type)
{
    struct str element;
    while (head_next_token(&list, &element)) {
        int choice = choose_accepted(cut(&element, ';'));
        int q = weight(element);
        if (choice >= 0 && q > *best) {
            *best = q;
            *type = (enum page_type)choice;
        }
    }
}

enum page_type page_accepted(const struct head *request)
{
    enum page_type type = PAGE_JSON;
    int best = 0;
    for (unsigned i = 0; i < request->count; i++)
        if (request->headers[i].id == HEADER_ACCEPT && !request->headers[i].removed)
            negotiate_list(request->headers[i].value, &best, &type);
    return type;
}

enum page_type page_negotiate(const struct head *request, enum page_type fallback)
{
    if (head_has(request, HEADER_ACCEPT))
        return page_accepted(request);
    const struct header *content = head_get(request, HEADER_CONTENT_TYPE);
    if (!content)
        return fallback;
    struct str mime = content->value;
    int choice = choose(cut(&mime, ';'), ARRAY_LEN(choices));
    return choice >= 0 ? (enum page_type)choice : PAGE_JSON;
}

static const struct {
    unsigned status;
    struct str text;
} messages[] = {
#define MESSAGE(status, text) { status, STR(text) }
    MESSAGE(400, "Bad request"), MESSAGE(401, "Unauthorized"), MESSAGE(402, "Payment required"),
    MESSAGE(403, "Forbidden"), MESSAGE(404, "Not found"), MESSAGE(405, "Method not allowed"),
    MESSAGE(406, "Not acceptable"), MESSAGE(407, "Proxy authentication required"),
    MESSAGE(408, "Request timeout"), MESSAGE(409, "Conflict"), MESSAGE(410, "Gone"),
    MESSAGE(411, "Length required"), MESSAGE(412, "Precondition failed"),
    MESSAGE(413, "Payload too large"), MESSAGE(414, "URI too long"),
    MESSAGE(415, "Unsupported media type"), MESSAGE(416, "Range not satisfiable"),
    MESSAGE(417, "Expectation failed"), MESSAGE(418, "I'm a teapot"),
    MESSAGE(421, "Misdirected request"), MESSAGE(422, "Unprocessable entity"),
    MESSAGE(423, "Locked"), MESSAGE(424, "Failed dependency"), MESSAGE(425, "Too early"),
    MESSAGE(426, "Upgrade required"), MESSAGE(428, "Precondition required"),
    MESSAGE(429, "Too many requests"), MESSAGE(431, "Request header fields too large"),
    MESSAGE(451, "Unavailable for legal reasons"),
    MESSAGE(494, "Request header or cookie too large"),
    MESSAGE(500, "An unexpected error occurred"), MESSAGE(501, "Not implemented"),
    MESSAGE(502, "An invalid response was received from the upstream server"),
    MESSAGE(503, "The upstream server is currently unavailable"),
    MESSAGE(504, "The upstream server is timing out"), MESSAGE(505, "HTTP version not supported"),
    MESSAGE(506, "Variant also negotiates"), MESSAGE(507, "Insufficient storage"),
    MESSAGE(508, "Loop detected"), MESSAGE(510, "Not extended"),
    MESSAGE(511, "Network authentication required"),
#undef MESSAGE
};

struct str page_message(struct arena *arena, unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        if (messages[i].status == status)
            return messages[i].text;
    return arena_printf(arena, "The upstream server responded with %u", status);
}

unsigned page_status(unsigned status)
{
    return status == 494 ? 400 : status;
}

// What stands for a character inside a string of the form; empty when the character stands for
// itself.
static struct str escape_json(unsigned char c, char scratch[8])
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"':
        return STR("\\\"");
    case '\\':
        return STR("\\\\");
    case '\n':
        return STR("\\n");
    case '\r':
        return STR("\\r");
    case '\t':
        return STR("\\t");
    }
    if (c >= ' ')
        return STR_NONE;
    memcpy(scratch, "\\u00", 4);
    scratch[4] = digits[c >> 4];
    scratch[5] = digits[c & 15];
    return (struct str){ scratch, 6 };
}

// XML 1.0 has no way at all to write most control characters.
static struct str escape_markup(unsigned char c, char scratch[8])
{
    (void)scratch;
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    }
    return c < ' ' && c != '\n' && c != '\t' ? STR("?") : STR_NONE;
}

static struct str escape_plain(unsigned char c, char scratch[8])
{
    (void)c;
    (void)scratch;
    return STR_NONE;
}

// A body is the texts of its template with message and request id between them.
static const struct template {
    struct str (*escape)(unsigned char c, char scratch[8]);
    struct str before, between, after;
} templates[] = {
#define TEMPLATE(escape, before, between, after) \
    { escape, STR(before), STR(between), STR(after) }
    [PAGE_JSON] = TEMPLATE(escape_json, "{\n  \"message\":\"", "\",\n  \"request_id\":\"", "\"\n}"),
    [PAGE_HTML] = TEMPLATE(escape_markup,
                           "<!doctype html>\n"
                           "<html>\n"
                           "  <head>\n"
                           "    <meta charset=\"utf-8\">\n"
                           "    <title>Error</title>\n"
                           "  </head>\n"
                           "  <body>\n"
                           "    <h1>Error</h1>\n"
                           "    <p>",
                           ".</p>\n"
                           "    <p>request_id: ",
                           "</p>\n"
                           "  </body>\n"
                           "</html>\n"),
    [PAGE_PLAIN] = TEMPLATE(escape_plain, "", "\nrequest_id: ", "\n"),
    [PAGE_XML] = TEMPLATE(escape_markup,
                          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<error>\n"
                          "  <message>",
                          "</message>\n"
                          "  <requestid>",
                          "</requestid>\n"
                          "</error>\n"),
#undef TEMPLATE
};

// How long `s` is when it is escaped; writes it when `to` is not NULL.
static size_t escape(const struct template *t, struct str s, char *to)
{
    size_t n = 0;
    char scratch[8];
    for (size_t i = 0; i < s.n; i++) {
        struct str e = t->escape((unsigned char)s.p[i], scratch);
        if (e.n == 0)
            e = (struct str){ s.p + i, 1 };
        if (to)
            memcpy(to + n, e.p, e.n);
        n += e.n;
    }
    return n;
}

static char *put(char *to, struct str s)
{
    memcpy(to, s.p, s.n);
    return to + s.n;
}

struct str page_body(struct arena *arena, enum page_type type, struct str message,
                     struct str request_id)
{
    const struct template *t = &templates[type];
    size_t n = t->before.n + escape(t, message, NULL) + t->between.n
             + escape(t, request_id, NULL) + t->after.n;
    char *start = arena_alloc(arena, n), *p = put(start, t->before);
    p += escape(t, message, p);
    p = put(p, t->between);
    p += escape(t, request_id, p);
    put(p, t->after);
    return (struct str){ start, n };
}
