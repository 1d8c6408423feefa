#include "ngx_comet_model.h"
#include "ngx_comet_name.h"


/*
 * A family is told by how its names begin, here in small letters.  A number
 * may have to follow, from so much on, and then nothing or a dash.
 */

typedef struct {
    char                   prefix[12];
    unsigned               numbered:1;
    unsigned               alone:1;
    int                    from;
    ngx_comet_provider_t   provider;
} ngx_comet_family_t;


/* "text" is what a request without a response_format gets anyway */

static const char *const  ngx_comet_claude_formats[] = {
    "json_schema", "text", NULL
};


/* ranges that narrow those of the parameter tables, on chat only */

static const ngx_comet_rule_t  ngx_comet_openai_rules[] = {
    ngx_comet_rule_off("reasoning_effort"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  ngx_comet_claude_rules[] = {
    ngx_comet_rule_range("temperature", 0, 1),
    ngx_comet_rule_range("n", 1, 1),
    ngx_comet_rule_values("response_format", ngx_comet_claude_formats),
    ngx_comet_rule_off("logprobs"),
    ngx_comet_rule_off("top_logprobs"),
    ngx_comet_rule_off("reasoning_effort"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  ngx_comet_gemini_rules[] = {
    ngx_comet_rule_range("n", 1, 8),
    ngx_comet_rule_count("stop", 5),
    ngx_comet_rule_off("logprobs"),
    ngx_comet_rule_off("top_logprobs"),
    ngx_comet_rule_off("reasoning_effort"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  ngx_comet_no_rules[] = {
    ngx_comet_rules_end
};


#define ngx_comet_openai                                                      \
    .name = "openai", .rules = ngx_comet_no_rules, .developer = 1,            \
    .cap = NGX_COMET_CAP_COMPLETION_TOKENS, .reasons = 1

#define ngx_comet_openai_old                                                  \
    .name = "openai", .rules = ngx_comet_openai_rules, .developer = 1


/* the first that fits; the last fits all */

static const ngx_comet_family_t  ngx_comet_families[] = {

    { "o1-pro",
      .provider = { ngx_comet_openai, .responses_only = 1 } },

    { "o", .numbered = 1, .alone = 1,
      .provider = { ngx_comet_openai } },

    { "gpt-", .numbered = 1, .from = 5,
      .provider = { ngx_comet_openai } },

    { "gpt-4.1",
      .provider = { ngx_comet_openai_old, .cap = NGX_COMET_CAP_EITHER } },

    { "gpt-", .numbered = 1,
      .provider = { ngx_comet_openai_old, .cap = NGX_COMET_CAP_TOKENS } },

    { "chatgpt-",
      .provider = { ngx_comet_openai_old, .cap = NGX_COMET_CAP_TOKENS } },

    { "claude-",
      .provider = { .name = "claude", .rules = ngx_comet_claude_rules,
                    .developer = 1, .cap = NGX_COMET_CAP_TOKENS } },

    { "gemini-",
      .provider = { .name = "gemini", .rules = ngx_comet_gemini_rules,
                    .developer = 1, .cap = NGX_COMET_CAP_TOKENS,
                    .reasons = 1 } },

    { "",
      .provider = { .name = "other", .rules = ngx_comet_no_rules,
                    .developer = 1, .cap = NGX_COMET_CAP_AS_SENT } }
};


/* the digits at *pos, which is moved behind them; -1 if there are none */

static int
ngx_comet_model_number(const char *name, size_t len, size_t *pos)
{
    int     n;
    size_t  i;

    n = 0;

    for (i = *pos; i < len && name[i] >= '0' && name[i] <= '9'; i++) {
        if (n < 10000) {
            n = n * 10 + (name[i] - '0');
        }
    }

    if (i == *pos) {
        return -1;
    }

    *pos = i;

    return n;
}


/* its first character does */

static int
ngx_comet_family_has(const ngx_comet_family_t *family, const char *name,
    size_t len)
{
    size_t  i;

    for (i = 1; family->prefix[i]; i++) {
        if (i == len
            || (name[i] != family->prefix[i]
                && ngx_comet_name_lower(name[i]) != family->prefix[i]))
        {
            return 0;
        }
    }

    if (!family->numbered) {
        return 1;
    }

    /* no number is less than any */

    if (ngx_comet_model_number(name, len, &i) < family->from) {
        return 0;
    }

    return !family->alone || i == len || name[i] == '-';
}


const ngx_comet_provider_t *
ngx_comet_model_provider(const char *model, size_t len)
{
    int                        first;
    const ngx_comet_family_t  *family;

    model = ngx_comet_name_proper(model, &len);
    first = len ? ngx_comet_name_lower(model[0]) : '\0';

    for (family = ngx_comet_families; family->prefix[0]; family++) {
        if (family->prefix[0] == first
            && ngx_comet_family_has(family, model, len))
        {
            break;
        }
    }

    return &family->provider;
}
