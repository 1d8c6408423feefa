#include "ngx_comet_glob.h"
#include "ngx_comet_name.h"


/*
 * Only the last '*' is ever retried, so the time is bounded by
 * pattern_len * text_len whatever the pattern.
 */

static inline int
ngx_comet_glob_run(const char *pattern, size_t pattern_len, const char *text,
    size_t text_len, int nocase)
{
    size_t  p, t, star, resume;

    p = 0;
    t = 0;
    star = pattern_len;
    resume = 0;

    while (t < text_len) {

        if (p < pattern_len && pattern[p] == '*') {
            star = p++;
            resume = t;
            continue;
        }

        if (p < pattern_len
            && (pattern[p] == text[t]
                || (nocase && ngx_comet_name_lower(pattern[p])
                              == ngx_comet_name_lower(text[t]))))
        {
            p++;
            t++;
            continue;
        }

        if (star == pattern_len) {
            return 0;
        }

        p = star + 1;
        t = ++resume;
    }

    while (p < pattern_len && pattern[p] == '*') {
        p++;
    }

    return p == pattern_len;
}


int
ngx_comet_glob_match(const char *pattern, size_t pattern_len,
    const char *text, size_t text_len)
{
    return ngx_comet_glob_run(pattern, pattern_len, text, text_len, 0);
}


int
ngx_comet_glob_match_nocase(const char *pattern, size_t pattern_len,
    const char *text, size_t text_len)
{
    return ngx_comet_glob_run(pattern, pattern_len, text, text_len, 1);
}
