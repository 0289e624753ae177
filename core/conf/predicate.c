#include "conf/predicate.h"

#include <stdio.h>

// A server name, or a part of one with the asterisk taken off.
struct sni {
    struct str text;
    enum { SNI_EXACT, SNI_SUFFIX, SNI_PREFIX } kind;
};

struct field {
    enum header_id id;
    struct str name;
    const struct regex *regex;      // instead of values
    const struct str *values;
    unsigned value_count;
};

struct predicate {
    unsigned methods;               // 1 << id for each known method that will do
    const struct str *other_methods;
    unsigned other_count;
    bool any_method;
    const struct sni *snis;
    unsigned sni_count;
    const struct field *fields;
    unsigned field_count;
};

static void build_methods(struct arena *arena, const struct route_desc *route, struct predicate *p)
{
    struct str *other = arena_alloc(arena, route->method_count * sizeof *other);
    for (unsigned i = 0; i < route->method_count; i++) {
        enum method id = method_id(route->methods[i]);
        if (id == METHOD_OTHER)
            other[p->other_count++] = arena_dup(arena, route->methods[i]);
        else
            p->methods |= 1u << id;
    }
    p->other_methods = other;
    p->any_method = route->method_count == 0;
}

static struct str lower(struct arena *arena, struct str s)
{
    char *p = arena_alloc(arena, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        p[i] = str_lower_char(s.p[i]);
    return (struct str){ p, s.n };
}

static struct sni build_sni(struct arena *arena, struct str text)
{
    struct str s = lower(arena, text);
    if (s.n > 1 && s.p[s.n - 1] == '.')
        s.n--;
    if (s.n > 0 && s.p[0] == '*')
        return (struct sni){ str_sub(s, 1, s.n), SNI_SUFFIX };
    if (s.n > 0 && s.p[s.n - 1] == '*')
        return (struct sni){ str_sub(s, 0, s.n - 1), SNI_PREFIX };
    return (struct sni){ s, SNI_EXACT };
}

static void build_snis(struct arena *arena, const struct route_desc *route, struct predicate *p)
{
    struct sni *snis = arena_alloc(arena, route->sni_count * sizeof *snis);
    for (unsigned i = 0; i < route->sni_count; i++)
        snis[i] = build_sni(arena, route->snis[i]);
    p->snis = snis;
    p->sni_count = route->sni_count;
}

static bool build_field(struct arena *arena, struct regex_set *set, const struct route_header *from,
                        struct field *f, char why[REGEX_WHY])
{
    *f = (struct field){ .id = header_id(from->name), .name = arena_dup(arena, from->name) };
    if (from->count == 1 && str_starts(from->values[0], STR("~*"))) {
        char text[REGEX_WHY];
        struct str pattern = str_sub(from->values[0], 2, from->values[0].n);
        f->regex = regex_compile(set, pattern, REGEX_CASELESS, text);
        if (!f->regex)
            snprintf(why, REGEX_WHY, "header \"%.*s\" with \"%.*s\": %.100s", STR_ARG(from->name),
                     STR_ARG(from->values[0]), text);
        return f->regex != NULL;
    }
    struct str *values = arena_alloc(arena, from->count * sizeof *values);
    for (unsigned i = 0; i < from->count; i++)
        values[i] = arena_dup(arena, from->values[i]);
    f->values = values;
    f->value_count = from->count;
    return true;
}

bool predicate_build(struct arena *arena, struct regex_set *set, const struct route_desc *route,
                     const struct predicate **out, char why[REGEX_WHY])
{
    *out = NULL;
    if (route->method_count + route->header_count + route->sni_count == 0)
        return true;
    struct predicate *p = arena_new(arena, struct predicate);
    build_methods(arena, route, p);
    build_snis(arena, route, p);
    struct field *fields = arena_alloc(arena, route->header_count * sizeof *fields);
    for (unsigned i = 0; i < route->header_count; i++)
        if (!build_field(arena, set, &route->headers[i], &fields[i], why))
            return false;
    p->fields = fields;
    p->field_count = route->header_count;
    *out = p;
    return true;
}

static bool method_holds(const struct predicate *p, const struct head *head)
{
    if (p->any_method || p->methods >> head->method_id & 1)
        return true;
    for (unsigned i = 0; i < p->other_count; i++)
        if (str_eq(p->other_methods[i], head->method))
            return true;
    return false;
}

// Without TLS there is no server name, and routes do not ask for one (Kong does the same).
static bool sni_holds(const struct predicate *p, const struct route_query *q)
{
    if (p->sni_count == 0 || !q->tls)
        return true;
    for (unsigned i = 0; i < p->sni_count; i++) {
        const struct sni *s = &p->snis[i];
        if (s->kind == SNI_EXACT ? str_eq(q->sni, s->text)
            : s->kind == SNI_SUFFIX ? str_ends(q->sni, s->text)
                                    : str_starts(q->sni, s->text))
            return true;
    }
    return false;
}

static bool value_holds(const struct field *f, struct str value)
{
    if (f->regex)
        return regex_match(f->regex, value, NULL, NULL) >= 0;
    for (unsigned i = 0; i < f->value_count; i++)
        if (str_eq_nocase(f->values[i], value))
            return true;
    return false;
}

static bool field_holds(const struct field *f, const struct head *head)
{
    if (f->id != HEADER_OTHER && !head_has(head, f->id))
        return false;
    for (unsigned i = 0; i < head->count; i++) {
        const struct header *h = &head->headers[i];
        if (h->removed || h->id != f->id)
            continue;
        if (f->id == HEADER_OTHER && !str_eq_nocase(h->name, f->name))
            continue;
        if (value_holds(f, h->value))
            return true;
    }
    return false;
}

bool predicate_holds(const struct predicate *p, const struct route_query *q)
{
    if (!method_holds(p, q->head) || !sni_holds(p, q))
        return false;
    for (unsigned i = 0; i < p->field_count; i++)
        if (!field_holds(&p->fields[i], q->head))
            return false;
    return true;
}

unsigned predicate_header_names(const struct route_desc *route)
{
    unsigned names = 0;
    for (unsigned i = 0; i < route->header_count; i++) {
        bool first = true;
        for (unsigned j = 0; j < i && first; j++)
            first = !str_eq_nocase(route->headers[i].name, route->headers[j].name);
        names += first;
    }
    return names;
}
