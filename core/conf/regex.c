#include "conf/regex.h"

#include "conf/group_name.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

// A path has at most 8 KiB: an honest pattern stays far below these, and one that explodes costs
// about a millisecond.
enum { MATCH_LIMIT = 100000, HEAP_LIMIT_KIB = 8192 };

struct regex {
    pcre2_code *code;
    struct regex *next;
    unsigned groups;
    struct group_names names;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t match_data_key;        // each thread's pcre2_match_data
static pcre2_match_context *limits;         // shared, only read

static void free_match_data(void *data)
{
    pcre2_match_data_free(data);
}

static void *checked(void *p)
{
    if (!p)
        abort();    // PCRE2 allocates with malloc(), and out of memory nothing goes on
    return p;
}

static void setup(void)
{
    if (pthread_key_create(&match_data_key, free_match_data) != 0)
        abort();
    limits = checked(pcre2_match_context_create(NULL));
    pcre2_set_match_limit(limits, MATCH_LIMIT);
    pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
}

static pcre2_match_data *match_data(void)
{
    pthread_once(&once, setup);
    pcre2_match_data *data = pthread_getspecific(match_data_key);
    if (!data) {
        data = checked(pcre2_match_data_create(1 + REGEX_MAX_GROUPS, NULL));
        pthread_setspecific(match_data_key, data);
    }
    return data;
}

const struct regex *regex_compile(struct regex_set *set, struct str pattern, unsigned flags,
                                  char why[REGEX_WHY])
{
    int error;
    size_t offset;
    uint32_t groups = 0;
    uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C
                     | (flags & REGEX_ANCHORED ? PCRE2_ANCHORED : 0)
                     | (flags & REGEX_CASELESS ? PCRE2_CASELESS : 0);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.n > 0 ? pattern.p : ""), pattern.n,
                                     options, &error, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR text[REGEX_WHY / 2];
        pcre2_get_error_message(error, text, sizeof text);
        snprintf(why, REGEX_WHY, "%s at offset %zu", (const char *)text, offset);
        return NULL;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);    // where it fails, matching interprets
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    struct regex *re = xmalloc(sizeof *re);
    *re = (struct regex){
        .code = code, .next = set->first,
        .groups = groups < REGEX_MAX_GROUPS ? groups : REGEX_MAX_GROUPS,
    };
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &re->names.count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &re->names.size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &re->names.table);
    set->first = re;
    return re;
}

void regex_set_done(struct regex_set *set)
{
    while (set->first) {
        struct regex *re = set->first;
        set->first = re->next;
        pcre2_code_free(re->code);
        free(re);
    }
}

static void copy_groups(const size_t *offsets, unsigned groups, int set_groups, int *capture)
{
    for (unsigned i = 1; i <= groups; i++) {
        bool is_set = (int)i < set_groups && offsets[2 * i] != PCRE2_UNSET;
        capture[2 * i - 2] = is_set ? (int)offsets[2 * i] : -1;
        capture[2 * i - 1] = is_set ? (int)offsets[2 * i + 1] : -1;
    }
}

int regex_match(const struct regex *re, struct str subject, int *capture, unsigned *groups)
{
    pcre2_match_data *data = match_data();
    PCRE2_SPTR p = (PCRE2_SPTR)(subject.n > 0 ? subject.p : "");
    int n = pcre2_match(re->code, p, subject.n, 0, 0, data, limits);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT)
        n = pcre2_match(re->code, p, subject.n, 0, PCRE2_NO_JIT, data, limits);
    if (n < 0)
        return n == PCRE2_ERROR_NOMATCH ? REGEX_NO_MATCH : REGEX_GAVE_UP;
    const size_t *offsets = pcre2_get_ovector_pointer(data);
    if (n == 0)     // more groups than there is room for: all of it is filled
        n = 1 + REGEX_MAX_GROUPS;
    if (capture) {
        *groups = re->groups;
        copy_groups(offsets, re->groups, n, capture);
    }
    return (int)offsets[1];
}

unsigned regex_name(const struct regex *re, unsigned index, struct str *name)
{
    return group_name(&re->names, index, name);
}
