/*
 * The core of the gate: three bytes choose endpoint, policy and cuts, the
 * rest is a body or chooses its members.  What passes must be the same however
 * it is cut, must be read alike by cJSON, and must pass unchanged once the
 * edits are applied.  Where a route leads to another model, that is the one
 * in what is sent.
 */

#include "judging.h"


#define must(test)                                                            \
    if (!(test)) {                                                            \
        fprintf(stderr, "not %s at %d\nmode %d: %.*s\n%s\n", #test, __LINE__, \
                (int) policy.mode, (int) length, body, judge.message);        \
        abort();                                                              \
    }

static const char *const  paths[] = {
    "/v1/chat/completions", "/v1/responses"
};

static const char *const  listed[] = { "flex", "high", "true", "7", NULL };

static const ngx_comet_rule_t  narrow[] = {
    ngx_comet_rule_range("temperature", 0.1, 0.3),
    ngx_comet_rule_range("n", 2, 3),
    ngx_comet_rule_range("max_tokens", 0, 60),
    ngx_comet_rule_range("top_k", -1e22, 0.12345678901234568),
    ngx_comet_rule_range("logit_bias", 0, 1),
    ngx_comet_rule_values("service_tier", listed),
    ngx_comet_rule_values("reasoning_effort", listed),
    ngx_comet_rule_values("store", listed),
    ngx_comet_rule_values("free", listed),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  off[] = {
    ngx_comet_rule_off("tools"),
    ngx_comet_rule_off("logprobs"),
    ngx_comet_rule_off("stream_options"),
    ngx_comet_rule_off("logit_bias"),
    ngx_comet_rule_off("user"),
    ngx_comet_rule_off("free"),
    ngx_comet_rule_off("max_completion_tokens"),
    ngx_comet_rule_off("metadata"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set[] = {
    { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "\"me\"" },
    { "stream", NGX_COMET_RULE_SET, 0, 0, NULL, "false" },
    { "store", NGX_COMET_RULE_SET, 0, 0, NULL, "false" },
    { "free", NGX_COMET_RULE_SET, 0, 0, NULL, "{\"a\":1}" },
    { "user", NGX_COMET_RULE_SET, 0, 0, NULL, "\"you\"" },
    { "logit_bias", NGX_COMET_RULE_SET, 0, 0, NULL, "null" },
    ngx_comet_rule_off("free"),
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  set_cap[] = {
    { "max_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "9" },
    { "stream", NGX_COMET_RULE_SET, 0, 0, NULL, "true" },
    { "logprobs", NGX_COMET_RULE_SET, 0, 0, NULL, "true" },
    { "max_output_tokens", NGX_COMET_RULE_SET, 0, 0, NULL, "8" },
    ngx_comet_rules_end
};

static const ngx_comet_rule_t  *const rules[] = {
    NULL, narrow, off, set, set_cap
};

static const ngx_comet_rule_t  own_rules[] = {
    ngx_comet_rule_range("max_tokens", 1, 10),
    ngx_comet_rule_range("top_p", 0.25, 0.25),
    ngx_comet_rule_count("stop", 1),
    ngx_comet_rule_off("user"),
    ngx_comet_rule_off("presence_penalty"),
    ngx_comet_rules_end
};

static const ngx_comet_provider_t  own = {
    "own", own_rules, NGX_COMET_CAP_COMPLETION_TOKENS, 0, 0
};

static ngx_comet_judge_t   judge, again;
static ngx_comet_policy_t  policy;
static arena_t             arena;
static const char         *body;
static size_t              length;


static const ngx_comet_provider_t *
provider(void *data, const char *model, size_t len)
{
    (void) data;

    return len && model[0] == 'x' ? &own : NULL;
}


static const char *const  targets[] = {
    NULL, "gpt-4o", "gpt-5", "claude-1", "gemini-1", "o1-pro", "m", "x"
};


/* from every model */

static const char *
route(void *data, const char *model, size_t len)
{
    (void) model;
    (void) len;

    return ((arena_t *) data)->to;
}


static void
choose(const unsigned char *bits)
{
    memset(&policy, 0, sizeof(policy));

    policy.mode = bits[0] / 2 % 3;
    policy.models = bits[0] / 8 & 1;
    policy.named = policy.models || (bits[2] & 1);
    policy.sized = bits[2] / 2 & 1;
    policy.rules = rules[bits[0] / 16 % 5];
    policy.cap = bits[1] & 1 ? 50 : 0;
    policy.cap_default = bits[1] / 2 & 1;
    policy.usage = bits[0] / 128;
    policy.provider = bits[1] & 4 ? provider : NULL;
    policy.admit = arena_admit;
    policy.alloc = arena_alloc;
    policy.data = &arena;

    arena.to = targets[bits[2] / 4 % 8];

    if (arena.to) {
        policy.route = route;
        policy.named = 1;
    }

    arena.admits = bits[1] & 8 ? "gpt-4o" : NULL;
    arena.left = bits[1] / 16;
}


static int
judge_in_pieces(ngx_comet_judge_t *to, const ngx_comet_endpoint_t *endpoint,
    const char *text, size_t len, unsigned seed)
{
    int     early;
    size_t  at, n;

    /* a judge is used again: nothing of the body before may count */

    memset(to, 0x55, sizeof(*to));

    ngx_comet_judge_init(to, endpoint, &policy);

    early = 0;

    for (at = 0; at < len && !early; at += n) {
        n = len - at;

        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = seed / 65536 % 8 ? seed / 65536 % 8 : 40;
            n = n < len - at ? n : len - at;
        }

        early = feed(to, text + at, n) == -1;
    }

    if (ngx_comet_judge_finish(to) != 0) {
        must(to->failed);
        return -1;
    }

    must(!early || to->verdict == NGX_COMET_REFUSED);
    must(to->verdict != NGX_COMET_REFUSED || to->violations);
    must(to->nedits == 0 || to->verdict == NGX_COMET_PASS
         || to->verdict == NGX_COMET_REPAIRED || to->target);

    return 0;
}


static int
is_set(const char *name)
{
    return ngx_comet_judge_own(&judge, name, NGX_COMET_RULE_SET) != NULL;
}


static void
check_number(const cJSON *json, const char *name)
{
    const cJSON             *item;
    const ngx_comet_slot_t  *slot;

    slot = ngx_comet_judge_slot(&judge, name);
    item = cJSON_GetObjectItemCaseSensitive(json, name);

    must(item == cJSON_GetObjectItem(json, name));

    if (slot == NULL || is_set(name)) {
        return;
    }

    must(slot->seen == (item != NULL));

    if (item && slot->type == NGX_COMET_IS_NUMBER) {
        must(cJSON_IsNumber(item) && item->valuedouble == slot->number);
    }
}


/* what is relied upon, read by somebody else */

static void
check_model(const cJSON *json)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(json, "model");
    must(item == cJSON_GetObjectItem(json, "model"));

    if (judge.provider) {
        must(cJSON_IsString(item)
             && strcmp(item->valuestring, judge.model) == 0);
    }
}


static void
check_output(const cJSON *json)
{
    check_number(json, "max_tokens");
    check_number(json, "max_completion_tokens");

    if (judge.endpoint == endpoint_of(paths[1])) {
        check_number(json, "max_output_tokens");

    } else {
        check_number(json, "n");
    }
}


static void
check_reader(const cJSON *json)
{
    const cJSON             *item;
    const ngx_comet_slot_t  *slot;

    if (policy.mode != NGX_COMET_OBSERVE || policy.named) {
        check_model(json);
    }

    if (policy.mode != NGX_COMET_OBSERVE || policy.sized) {
        check_output(json);
    }

    if (policy.mode == NGX_COMET_OBSERVE) {
        return;
    }

    item = cJSON_GetObjectItemCaseSensitive(json, "stream");
    must(item == cJSON_GetObjectItem(json, "stream"));
    slot = ngx_comet_judge_slot(&judge, "stream");

    if (!is_set("stream")) {
        must(slot->truth == cJSON_IsTrue(item));
    }

    check_number(json, "temperature");
}


static int
has_set(void)
{
    const ngx_comet_rule_t  *rule;

    for (rule = policy.rules; rule && rule->param; rule++) {
        if (rule->kind == NGX_COMET_RULE_SET) {
            return 1;
        }
    }

    return 0;
}


static void
check_again(const cJSON *json)
{
    char    *text, *twice;
    size_t   len, n;

    text = apply(&judge, body, length, &len);
    must(text != NULL);
    must(json == NULL || valid(text, len));

    /* lists are asked about the name that was given */

    if (judge.target) {
        arena.admits = NULL;
    }

    for ( ;; ) {
        must(judge_in_pieces(&again, judge.endpoint, text, len, 0) == 0);

        if (again.verdict != NGX_COMET_PASS || again.violations) {
            fprintf(stderr, "again: %s\n%s\n", text, again.message);
        }

        must(again.verdict == NGX_COMET_PASS && again.violations == 0);
        must(again.nedits == 0 || has_set());

        twice = apply(&again, text, len, &n);
        must(twice && n == len && memcmp(twice, text, len) == 0);
        free(twice);

        if (policy.mode == NGX_COMET_REJECT) {
            break;
        }

        policy.mode = NGX_COMET_REJECT;
    }

    free(text);
}


/* in every mode */

static void
check_target(void)
{
    char    *text;
    cJSON   *json, *model;
    size_t   len;

    text = apply(&judge, body, length, &len);
    must(text != NULL);

    json = cJSON_ParseWithLength(text, len);

    if (json) {
        model = cJSON_GetObjectItemCaseSensitive(json, "model");
        must(cJSON_IsString(model)
             && strcmp(model->valuestring, judge.target) == 0);
    }

    cJSON_Delete(json);
    free(text);
}


static void
check_cuts(unsigned seed)
{
    char    *one, *two;
    size_t   n, len;

    must(judge_in_pieces(&again, judge.endpoint, body, length, seed) == 0);
    must(again.verdict == judge.verdict);

    if (judge.verdict == NGX_COMET_REFUSED) {
        return;
    }

    must(strcmp(again.message, judge.message) == 0);
    must(strcmp(again.param, judge.param) == 0);
    must(strcmp(again.repairs, judge.repairs) == 0);
    must(again.nedits == judge.nedits);

    one = apply(&judge, body, length, &n);
    two = apply(&again, body, length, &len);
    must(one && two && n == len && memcmp(one, two, n) == 0);

    free(one);
    free(two);
}


/* where the third byte is 0x80 or more, the others choose members of these */

static const char *const  members[] = {
    "\"model\":\"gpt-4o\"", "\"model\":\"o3\"", "\"model\":\"gpt-5\"",
    "\"model\":\"gpt-4.1\"", "\"model\":\"claude-1\"",
    "\"model\":\"gemini-1\"", "\"model\":\"m\"", "\"model\":\"x\"",
    "\"messages\":[{\"role\":\"user\"}]",
    "\"messages\":[{\"role\":\"developer\"},{\"role\":\"user\"}]",
    "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]",
    "\"messages\":[{\"role\": \"user\", \"content\": [{\"type\":\"text\","
    "\"text\":\"a\"}]},{\"role\":\"system\",\"content\":\"a\",\"b\":0}]",
    "\"input\":\"\"", "\"prompt\":{}",
    "\"max_tokens\":5", "\"max_tokens\":55", "\"max_tokens\":-1",
    "\"max_tokens\":null", "\"max\\u005ftokens\":5",
    "\"max_tokens\":9007199254740993",
    "\"max_completion_tokens\":5", "\"max_completion_tokens\":55",
    "\"max_completion_tokens\":null", "\"max_completion_tokens\":-1",
    "\"max_completion_tokens\" : 70",
    "\"max_output_tokens\":5", "\"max_output_tokens\":null",
    "\"max_output_tokens\":99",
    "\"temperature\":1", "\"temperature\":9", "\"temperature\":-9",
    "\"top_p\":1", "\"top_p\":5", "\"n\":1", "\"n\":500", "\"n\":0",
    "\"stop\":\"a\"", "\"stop\":[\"a\",\"b\",\"c\",\"d\"]",
    "\"presence_penalty\":3", "\"frequency_penalty\":-3",
    "\"logit_bias\":{\"1\":500,\"2\":-1e9,\"3\":0}",
    "\"logit_bias\":null", "\"logprobs\":true", "\"logprobs\":false",
    "\"top_logprobs\":3", "\"top_logprobs\":30",
    "\"reasoning_effort\":\"high\"", "\"service_tier\":\"flex\"",
    "\"store\":true", "\"store\":false", "\"stream\":true",
    "\"stream\":false", "\"stream_options\":{}",
    "\"stream_options\":null", "\"user\":\"u\"", "\"user\":null",
    "\"free\":7", "\"free\":[1E400]", "\"free\":\"flex\"",
    "\"top_k\":9", "\"top_k\":-1e300", "\"tools\":[]",
    "\"metadata\":{\"a\":\"b\"}", "\"any\":1E999", "\"any\":{}",
    "\"response_format\":{\"type\":\"text\"}",
};

#define MEMBERS  (sizeof(members) / sizeof(members[0]))


static size_t
compose(char *text, size_t size, const uint8_t *data, size_t n)
{
    char        used[MEMBERS];
    size_t      i, k, j, name, len;

    memset(used, 0, sizeof(used));
    len = (size_t) snprintf(text, size, "{");

    for (i = 0; i < n && len < size - 128; i++) {
        k = data[i] % MEMBERS;
        name = (size_t) (strchr(members[k], ':') - members[k]);

        for (j = 0; j < MEMBERS; j++) {
            if (used[j] && strncmp(members[j], members[k], name) == 0) {
                break;
            }
        }

        if (j == MEMBERS) {
            used[k] = 1;
            len += (size_t) snprintf(text + len, size - len, "%s%s%s%s",
                                     len > 1 ? "," : "",
                                     data[i] & 0x40 ? " " : "", members[k],
                                     data[i] & 0x80 ? "\n" : "");
        }
    }

    return len + (size_t) snprintf(text + len, size - len, "}");
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int     relied;
    char    text[4096];
    cJSON  *json;

    if (size < 3) {
        return 0;
    }

    body = (const char *) data + 3;
    length = size - 3;
    choose(data);

    if (data[2] & 0x80) {
        length = compose(text, sizeof(text), data + 3, size - 3);
        body = text;
    }

    if (judge_in_pieces(&judge, endpoint_of(paths[data[0] & 1]), body, length,
                        0)
        != 0)
    {
        must(data[1] / 16);
        arena_free(&arena);
        return 0;
    }

    arena.left = 0;
    check_cuts(data[2] + 1u);

    if (judge.verdict != NGX_COMET_REFUSED && judge.target) {
        check_target();
    }

    relied = policy.mode != NGX_COMET_OBSERVE || policy.named || policy.sized;

    if (judge.verdict != NGX_COMET_REFUSED && relied) {
        json = cJSON_ParseWithLength(body, length);

        if (json) {
            check_reader(json);
        }

        if (policy.mode != NGX_COMET_OBSERVE) {
            check_again(json);
        }

        cJSON_Delete(json);
    }

    arena_free(&arena);

    return 0;
}
