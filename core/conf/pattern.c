// pattern.c - PCRE2 for plugins.

#include "conf/pattern.h"

#include "conf/group_name.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PLACE_LIMIT = 1000000,      // steps at one place
    QUICK_LIMIT = 20000000,     // steps at all places, in the first attempt
    PLACES = QUICK_LIMIT / PLACE_LIMIT,     // between two looks at the clock
    TIME_LIMIT_US = 100 * 1000,             // of one search
    MATCHES_LIMIT_US = 1000 * 1000,         // of all further ones in a subject
    HEAP_LIMIT_KIB = 32 * 1024,
    STACK_LEAST = 32 * 1024, STACK_MOST = 1024 * 1024,  // of compiled patterns, bytes
    WORKSPACE = 1000,           // of the DFA, ints: states that are possible at one place
};

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    struct group_names names;
    uint32_t groups;
    bool utf, trusted, longest;
    bool whole;                 // cannot be searched for piece by piece
    int64_t spent;              // us, on further matches of the subject
};

// What searches need beside the pattern.
struct tools {
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t tools_key;         // each thread's struct tools

static void free_tools(void *arg)
{
    struct tools *tools = arg;
    pcre2_match_context_free(tools->context);
    pcre2_jit_stack_free(tools->stack);
    free(tools);
}

static void setup(void)
{
    if (pthread_key_create(&tools_key, free_tools) != 0)
        abort();
}

static void *checked(void *p)
{
    if (!p)
        abort();    // PCRE2 allocates with malloc(), and out of memory nothing goes on
    return p;
}

static pcre2_match_context *context(void)
{
    pthread_once(&once, setup);
    struct tools *tools = pthread_getspecific(tools_key);
    if (!tools) {
        tools = xmalloc(sizeof *tools);
        tools->context = checked(pcre2_match_context_create(NULL));
        tools->stack = checked(pcre2_jit_stack_create(STACK_LEAST, STACK_MOST, NULL));
        pcre2_set_heap_limit(tools->context, HEAP_LIMIT_KIB);
        pcre2_jit_stack_assign(tools->context, NULL, tools->stack);
        pthread_setspecific(tools_key, tools);
    }
    return tools->context;
}

// -- compiling ------------------------------------------------------------------------------------

static uint32_t options_of(unsigned flags)
{
    static const uint32_t options[] = {
        PCRE2_ANCHORED, PCRE2_CASELESS, PCRE2_MULTILINE, PCRE2_DOTALL, PCRE2_EXTENDED, PCRE2_UTF,
        PCRE2_UTF | PCRE2_NO_UTF_CHECK, PCRE2_DUPNAMES,
        PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF,
    };
    uint32_t all = PCRE2_USE_OFFSET_LIMIT;
    for (unsigned i = 0; i < ARRAY_LEN(options); i++)
        if (flags >> i & 1)
            all |= options[i];
    return all & PCRE2_UTF ? all | PCRE2_NEVER_BACKSLASH_C : all;
}

// As ngx_lua words it: the message, the pattern, and what is left of it where the error is.
static void explain(int error, struct str text, size_t offset, char why[PATTERN_WHY])
{
    PCRE2_UCHAR message[128];
    pcre2_get_error_message(error, message, sizeof message);
    int n = snprintf(why, PATTERN_WHY, "pcre2_compile() failed: %s in \"%.*s\"",
                     (const char *)message, STR_ARG(text));
    if (offset < text.n && n < PATTERN_WHY)
        snprintf(why + n, PATTERN_WHY - (size_t)n, " at \"%.*s\"",
                 STR_ARG(str_sub(text, offset, text.n)));
}

// Whether what matches depends on where a search began, or on how it ended elsewhere: "\G", and
// verbs like "(*COMMIT)".
static bool needs_one_search(struct str text)
{
    return memmem(text.p, text.n, "\\G", 2) || memmem(text.p, text.n, "(*", 2);
}

struct pattern *pattern_new(struct str text, unsigned flags, char why[PATTERN_WHY])
{
    int error;
    size_t offset;
    text.p = text.n > 0 ? text.p : "";
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text.p, text.n, options_of(flags), &error, &offset,
                                     NULL);
    if (!code) {
        explain(error, text, offset, why);
        return NULL;
    }
    struct pattern *p = xcalloc(1, sizeof *p);
    p->code = code;
    p->data = checked(pcre2_match_data_create_from_pattern(code, NULL));
    p->longest = (flags & PATTERN_LONGEST) != 0;
    p->utf = (flags & (PATTERN_UTF | PATTERN_UTF_TRUSTED)) != 0;
    p->trusted = (flags & PATTERN_UTF_TRUSTED) != 0;
    p->whole = (flags & PATTERN_ANCHORED) || needs_one_search(text);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
    pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &p->names.count);
    pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &p->names.size);
    pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &p->names.table);
    if (!p->longest)
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);    // where it fails, matching interprets
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_match_data_free(p->data);
    pcre2_code_free(p->code);
    free(p);
}

// -- searching ------------------------------------------------------------------------------------

// One call of PCRE2, for matches that begin at `from` to `to`.
static int attempt(struct pattern *p, struct str subject, size_t from, size_t to, uint32_t limit,
                   uint32_t options)
{
    pcre2_match_context *c = context();
    pcre2_set_match_limit(c, limit);
    pcre2_set_offset_limit(c, to);
    PCRE2_SPTR s = (PCRE2_SPTR)subject.p;
    if (!p->longest)
        return pcre2_match(p->code, s, subject.n, from, options, p->data, c);
    static _Thread_local int workspace[WORKSPACE];
    int n = pcre2_dfa_match(p->code, s, subject.n, from, options, p->data, c, workspace, WORKSPACE);
    return n >= 0 ? 1 : n;      // shorter matches follow the longest
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// The first place at or after `at` where a character begins.
static size_t character_at(const struct pattern *p, struct str subject, size_t at)
{
    while (p->utf && at < subject.n && ((unsigned char)subject.p[at] & 0xC0) == 0x80)
        at++;
    return at;
}

static int search_in_pieces(struct pattern *p, struct str subject, size_t from, size_t places,
                            uint32_t options)
{
    const int64_t end = now_us() + TIME_LIMIT_US;
    for (;;) {
        size_t to = subject.n - from < places ? subject.n : from + places - 1;
        int n = attempt(p, subject, from, to, PLACE_LIMIT, options);
        if (n != PCRE2_ERROR_NOMATCH || to == subject.n)
            return n;
        if (now_us() >= end)
            return PCRE2_ERROR_MATCHLIMIT;
        from = character_at(p, subject, to + 1);
        options |= PCRE2_NO_UTF_CHECK;      // the first piece has had the rest of it checked
    }
}

static int search(struct pattern *p, struct str subject, size_t from, uint32_t options)
{
    // The DFA goes over all the rest of the subject at each place, without counting steps.
    if (p->longest && !p->whole)
        return search_in_pieces(p, subject, from, QUICK_LIMIT / 100 / (subject.n + 1) + 1, options);
    const size_t share = QUICK_LIMIT / (subject.n - from + 1);
    const uint32_t limit = p->whole || share > PLACE_LIMIT ? PLACE_LIMIT : (uint32_t)share + 1;
    int n = attempt(p, subject, from, subject.n, limit, options);
    if (n != PCRE2_ERROR_MATCHLIMIT || limit == PLACE_LIMIT)
        return n;
    return search_in_pieces(p, subject, from, PLACES, options);
}

int pattern_search(struct pattern *p, struct str subject, size_t from, bool again)
{
    subject.p = subject.n > 0 ? subject.p : "";
    if (!again) {
        p->spent = 0;
        return search(p, subject, from, p->trusted ? PCRE2_NO_UTF_CHECK : 0);
    }
    if (p->spent >= MATCHES_LIMIT_US)
        return PCRE2_ERROR_MATCHLIMIT;
    const int64_t began = now_us();
    int n = search(p, subject, from, PCRE2_NO_UTF_CHECK);
    p->spent += now_us() - began;
    return n;
}

// -- what was found -------------------------------------------------------------------------------

const size_t *pattern_offsets(const struct pattern *p)
{
    return pcre2_get_ovector_pointer(p->data);
}

unsigned pattern_groups(const struct pattern *p)
{
    return p->groups;
}

unsigned pattern_name(const struct pattern *p, unsigned index, struct str *name)
{
    return group_name(&p->names, index, name);
}
