#include "ngx_comet_model.h"
#include "ngx_comet_name.h"

#include <string.h>


typedef enum {
    NGX_COMET_FAMILY_O1_PRO,
    NGX_COMET_FAMILY_O_SERIES,
    NGX_COMET_FAMILY_GPT_5,
    NGX_COMET_FAMILY_GPT_41,
    NGX_COMET_FAMILY_GPT,
    NGX_COMET_FAMILY_CLAUDE,
    NGX_COMET_FAMILY_GEMINI,
    NGX_COMET_FAMILY_OTHER
} ngx_comet_family_e;


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


/* by family */

static const ngx_comet_provider_t  ngx_comet_providers[] = {

    { "openai", ngx_comet_no_rules,
      NGX_COMET_CAP_COMPLETION_TOKENS, 1, 1, 1 },

    { "openai", ngx_comet_no_rules,
      NGX_COMET_CAP_COMPLETION_TOKENS, 1, 0, 1 },

    { "openai", ngx_comet_no_rules,
      NGX_COMET_CAP_COMPLETION_TOKENS, 1, 0, 1 },

    { "openai", ngx_comet_openai_rules,
      NGX_COMET_CAP_EITHER, 1, 0, 0 },

    { "openai", ngx_comet_openai_rules,
      NGX_COMET_CAP_TOKENS, 1, 0, 0 },

    { "claude", ngx_comet_claude_rules,
      NGX_COMET_CAP_TOKENS, 1, 0, 0 },

    { "gemini", ngx_comet_gemini_rules,
      NGX_COMET_CAP_TOKENS, 1, 0, 1 },

    { "other", ngx_comet_no_rules,
      NGX_COMET_CAP_AS_SENT, 1, 0, 0 },
};


/* in any case; the prefix is of small letters */

static int
ngx_comet_starts(const char *name, size_t len, const char *prefix)
{
    size_t  i;

    for (i = 0; prefix[i]; i++) {
        if (i == len || ngx_comet_name_lower(name[i]) != prefix[i]) {
            return 0;
        }
    }

    return 1;
}


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


static ngx_comet_family_e
ngx_comet_family_of_gpt(const char *name, size_t len)
{
    int     major;
    size_t  i;

    i = sizeof("gpt-") - 1;
    major = ngx_comet_model_number(name, len, &i);

    if (major == -1) {
        return NGX_COMET_FAMILY_OTHER;
    }

    if (major >= 5) {
        return NGX_COMET_FAMILY_GPT_5;
    }

    if (ngx_comet_starts(name, len, "gpt-4.1")) {
        return NGX_COMET_FAMILY_GPT_41;
    }

    return NGX_COMET_FAMILY_GPT;
}


static ngx_comet_family_e
ngx_comet_family(const char *name, size_t len)
{
    size_t  i;

    if (len >= 2 && ngx_comet_name_lower(name[0]) == 'o') {
        i = 1;

        if (ngx_comet_model_number(name, len, &i) != -1
            && (i == len || name[i] == '-'))
        {
            return ngx_comet_starts(name, len, "o1-pro")
                   ? NGX_COMET_FAMILY_O1_PRO : NGX_COMET_FAMILY_O_SERIES;
        }
    }

    if (ngx_comet_starts(name, len, "gpt-")) {
        return ngx_comet_family_of_gpt(name, len);
    }

    if (ngx_comet_starts(name, len, "chatgpt-")) {
        return NGX_COMET_FAMILY_GPT;
    }

    if (ngx_comet_starts(name, len, "claude-")) {
        return NGX_COMET_FAMILY_CLAUDE;
    }

    if (ngx_comet_starts(name, len, "gemini-")) {
        return NGX_COMET_FAMILY_GEMINI;
    }

    return NGX_COMET_FAMILY_OTHER;
}


const ngx_comet_provider_t *
ngx_comet_model_provider(const char *model, size_t len)
{
    model = ngx_comet_name_proper(model, &len);

    return &ngx_comet_providers[ngx_comet_family(model, len)];
}
