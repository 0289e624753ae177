// idna.c - internationalised names, by libidn2.

#include "tls/idna.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>

// A character of UTF-8 has up to 4 bytes. Decomposed ones, and those that UTS #46 ignores, make a
// name longer than its A-labels; nobody writes such names.
enum { INPUT_MAX = 4 * IDNA_MAX };

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// What is wrong with A-labels that libidn2 made; NULL: nothing.
static const char *fault_of(const char *ascii)
{
    struct in_addr address;
    if (strlen(ascii) > IDNA_MAX)
        return "longer than 253 bytes";
    for (const char *p = ascii; *p; p++)
        if (!is_name_char(*p))
            return "a character stands for one that names do not have";
    return inet_aton(ascii, &address) ? "stands for an address" : NULL;
}

static const char *convert(struct str name, char out[IDNA_MAX + 1])
{
    if (name.n > INPUT_MAX)
        return "too long";
    if (memchr(name.p, '\0', name.n))
        return "a NUL in it";
    char *text = xmemdup0(name.p, name.n);
    uint8_t *ascii = NULL;
    const int error = idn2_lookup_u8((const uint8_t *)text, &ascii,
                                     IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    free(text);
    const char *fault = error != IDN2_OK ? idn2_strerror(error) : fault_of((const char *)ascii);
    if (!fault)
        memcpy(out, ascii, strlen((const char *)ascii) + 1);
    idn2_free(ascii);
    return fault;
}

err_t idna_ascii(struct str name, char out[IDNA_MAX + 1], char why[IDNA_WHY])
{
    const char *fault = convert(name, out);
    snprintf(why, IDNA_WHY, "%s", fault ? fault : "");
    return fault ? &err_address : NULL;
}

const char *idna_version(void)
{
    return idn2_check_version(NULL);
}
