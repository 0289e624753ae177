#include "conf/yaml_text.h"

#include "base/mem.h"

#include <stdlib.h>
#include <yaml.h>

struct yaml_text {
    yaml_parser_t parser;
    yaml_event_t event;         // the one that was given last
    struct str text;
};

struct yaml_text *yaml_text_new(struct str text)
{
    struct yaml_text *y = xcalloc(1, sizeof *y);
    y->text = text;
    if (!yaml_parser_initialize(&y->parser))
        abort();    // libyaml allocates with malloc(), and out of memory nothing goes on
    yaml_parser_set_input_string(&y->parser, (const unsigned char *)text.p, text.n);
    return y;
}

void yaml_text_free(struct yaml_text *y)
{
    if (!y)
        return;
    yaml_event_delete(&y->event);
    yaml_parser_delete(&y->parser);
    free(y);
}

static struct str slice(const yaml_char_t *text)
{
    return str_from((const char *)text);
}

static const enum yaml_text_kind kinds[] = {
    [YAML_NO_EVENT] = YAML_TEXT_END,
    [YAML_STREAM_END_EVENT] = YAML_TEXT_END,
    [YAML_DOCUMENT_START_EVENT] = YAML_TEXT_DOCUMENT,
    [YAML_DOCUMENT_END_EVENT] = YAML_TEXT_DOCUMENT_END,
    [YAML_ALIAS_EVENT] = YAML_TEXT_ALIAS,
    [YAML_SCALAR_EVENT] = YAML_TEXT_SCALAR,
    [YAML_SEQUENCE_START_EVENT] = YAML_TEXT_SEQUENCE,
    [YAML_SEQUENCE_END_EVENT] = YAML_TEXT_SEQUENCE_END,
    [YAML_MAPPING_START_EVENT] = YAML_TEXT_MAPPING,
    [YAML_MAPPING_END_EVENT] = YAML_TEXT_MAPPING_END,
};

static void describe(const yaml_event_t *e, struct yaml_text_event *out)
{
    *out = (struct yaml_text_event){
        .kind = kinds[e->type],
        .line = e->start_mark.line + 1,
        .column = e->start_mark.column + 1,
    };
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        out->anchor = slice(e->data.alias.anchor);
        break;
    case YAML_SCALAR_EVENT:
        out->plain = e->data.scalar.plain_implicit;
        out->value = (struct str){ (const char *)e->data.scalar.value, e->data.scalar.length };
        out->anchor = slice(e->data.scalar.anchor);
        out->tag = slice(e->data.scalar.tag);
        break;
    case YAML_SEQUENCE_START_EVENT:
        out->anchor = slice(e->data.sequence_start.anchor);
        out->tag = slice(e->data.sequence_start.tag);
        break;
    case YAML_MAPPING_START_EVENT:
        out->anchor = slice(e->data.mapping_start.anchor);
        out->tag = slice(e->data.mapping_start.tag);
        break;
    default:
        break;
    }
}

// libyaml counts the bytes, and not the lines, in front of a character that it does not take.
static void locate(struct str text, size_t offset, struct yaml_text_event *out)
{
    out->line = out->column = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            out->line++;
            out->column = 1;
        } else if ((text.p[i] & 0xC0) != 0x80) {
            out->column++;
        }
    }
}

static const char *problem(const struct yaml_text *y, struct yaml_text_event *out)
{
    const yaml_parser_t *p = &y->parser;
    if (p->error == YAML_MEMORY_ERROR)
        abort();
    *out = (struct yaml_text_event){
        .line = p->problem_mark.line + 1,
        .column = p->problem_mark.column + 1,
    };
    if (p->error == YAML_READER_ERROR)
        locate(y->text, p->problem_offset, out);
    return p->problem;
}

const char *yaml_text_next(struct yaml_text *y, struct yaml_text_event *out)
{
    do {
        yaml_event_delete(&y->event);
        if (!yaml_parser_parse(&y->parser, &y->event))
            return problem(y, out);
    } while (y->event.type == YAML_STREAM_START_EVENT);
    describe(&y->event, out);
    return NULL;
}
