// version.c - the versions of PCRE2, without its date, and libyaml, asked of the libraries that are
// loaded.

#include "conf/version.h"

#include <string.h>
#include <yaml.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

void version_pcre2(char out[VERSION_PCRE2])
{
    int n = pcre2_config(PCRE2_CONFIG_VERSION, NULL);
    char text[128];
    if (n < 0 || (size_t)n > sizeof text || pcre2_config(PCRE2_CONFIG_VERSION, text) < 0)
        strcpy(text, "?");
    text[strcspn(text, " ")] = '\0';
    strncpy(out, text, VERSION_PCRE2 - 1);
    out[VERSION_PCRE2 - 1] = '\0';
}

const char *version_yaml(void)
{
    return yaml_get_version_string();
}
