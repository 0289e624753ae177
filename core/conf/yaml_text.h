// The events of a YAML text, one at a time, as libyaml sees them.
//
// Owner: the caller, until yaml_text_free(). The text has to live as long. What an event points to
// is good until the next one. Threads: one at a time.

#pragma once

#include "base/str.h"

struct yaml_text;

// YAML_TEXT_END comes again and again at the end of the text.
enum yaml_text_kind {
    YAML_TEXT_END,
    YAML_TEXT_DOCUMENT, YAML_TEXT_DOCUMENT_END,
    YAML_TEXT_ALIAS, YAML_TEXT_SCALAR,
    YAML_TEXT_SEQUENCE, YAML_TEXT_SEQUENCE_END,
    YAML_TEXT_MAPPING, YAML_TEXT_MAPPING_END
};

struct yaml_text_event {
    enum yaml_text_kind kind;
    size_t line, column;        // where it begins, from 1; columns count characters
    bool plain;                 // a scalar that its text alone gives a type
    struct str value;           // of a scalar
    struct str anchor;          // of a node or an alias; STR_NONE: it has none
    struct str tag;             // of a node, in its long form; STR_NONE: it has none
};

struct yaml_text *yaml_text_new(struct str text);
void yaml_text_free(struct yaml_text *y);

// NULL, or libyaml's message when the text is no YAML; then line and column say where, and there
// are no more events.
const char *yaml_text_next(struct yaml_text *y, struct yaml_text_event *out);
