// api_yaml.c - the events of a YAML text for Lua.

#include "vm/api.h"

#include "conf/yaml_text.h"

_Static_assert((int)YAML_TEXT_END == WEIR_YAML_END &&
               (int)YAML_TEXT_MAPPING_END == WEIR_YAML_MAPPING_END, "kinds have the same numbers");

struct weir_yaml *weir_yaml_new(const char *text, size_t n)
{
    return (struct weir_yaml *)yaml_text_new(api_str(text, n));
}

void weir_yaml_free(struct weir_yaml *y)
{
    yaml_text_free((struct yaml_text *)y);
}

int weir_yaml_next(struct weir_yaml *y, struct weir_yaml_event *out)
{
    struct yaml_text_event event;
    const char *why = yaml_text_next((struct yaml_text *)y, &event);
    *out = (struct weir_yaml_event){
        .line = (uint32_t)event.line,
        .column = (uint32_t)event.column,
        .plain = event.plain,
        .value = { event.value.p, event.value.n },
        .anchor = { event.anchor.p, event.anchor.n },
        .tag = { event.tag.p, event.tag.n },
    };
    return why ? api_refuse("%s", why) : (int)event.kind;
}
