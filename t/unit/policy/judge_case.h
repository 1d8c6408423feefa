/* Runs a case of the judge at every cut. */

#include "judging.h"


/* what comes of a body; the rest of a refused one may not have been read */

typedef struct {
    const char              *name;
    ngx_comet_mode_e         mode;
    const ngx_comet_rule_t  *rules;
    uint64_t                 cap;
    unsigned                 cap_default;
    const char              *admits;
    unsigned                 usage;
    unsigned                 named;
    unsigned                 sized;
    const char              *from;      /* a route, */
    const char              *to;        /* and its target */
} setting_t;


typedef struct {
    const char              *endpoint;  /* its path */
    const setting_t         *setting;
    const char              *body;
    size_t                   len;       /* or 0: up to the zero */
    ngx_comet_verdict_e      verdict;
    const char              *param;
    const char              *code;
    const char              *part;      /* of the message */
    const char              *after;     /* NULL: not changed */
    const char              *repairs;
} case_t;


#define CHAT       "/v1/chat/completions"
#define RESPONSES  "/v1/responses"

#define check(test, row, what)                                                \
    if (!(test)) {                                                            \
        complain(row, what, #test);                                           \
    }

static ngx_comet_judge_t   judge, again;
static arena_t             arena;
static ngx_comet_policy_t  policy;


static inline void
complain(const case_t *row, const char *what, const char *test)
{
    print_error("%s: not %s\n%s: %.300s\nviolations %zu, param \"%s\", "
                "code %s, status %d\n%s\nrepairs: %s\n",
                what, test, row->setting->name, row->body, judge.violations,
                judge.param, judge.code ? judge.code : "-", judge.status,
                judge.message, judge.repairs);
    fail();
}


/* of an operator, for models that are called old */

static const ngx_comet_rule_t  old_rules[] = {
    ngx_comet_rule_range("temperature", 0, 1),
    ngx_comet_rule_range("n", 1, 1),
    ngx_comet_rule_off("stream_options"),
    ngx_comet_rules_end
};

static const ngx_comet_provider_t  old = {
    .name = "old", .rules = old_rules, .cap = NGX_COMET_CAP_TOKENS
};


static inline const ngx_comet_provider_t *
old_provider(void *data, const char *model, size_t len)
{
    (void) data;

    return len >= 3 && memcmp(model, "old", 3) == 0 ? &old : NULL;
}


static inline void
prepare(const setting_t *setting)
{
    memset(&policy, 0, sizeof(policy));

    policy.mode = setting->mode;
    policy.rules = setting->rules;
    policy.cap = setting->cap;
    policy.cap_default = setting->cap_default;
    policy.models = setting->admits != NULL;
    policy.named = setting->admits != NULL || setting->named;
    policy.sized = setting->sized != 0;
    policy.usage = setting->usage != 0;
    policy.provider = old_provider;
    policy.admit = arena_admit;
    policy.alloc = arena_alloc;
    policy.data = &arena;

    arena.admits = setting->admits;
    arena.from = setting->from;
    arena.to = setting->to;

    if (setting->from) {
        policy.route = arena_route;
        policy.named = 1;
    }
}


/* the first piece is head bytes long, the others step bytes */

static inline void
judge_in_pieces(const case_t *row, size_t head, size_t step)
{
    int     rc;
    size_t  at, n;

    ngx_comet_judge_init(&judge, endpoint_of(row->endpoint), &policy);

    rc = 0;

    for (at = 0; at < row->len; at += n) {
        n = at ? step : head;
        n = n < row->len - at ? n : row->len - at;

        if (rc == 0) {
            rc = feed(&judge, row->body + at, n);
        }

        if (rc == -1) {
            break;
        }
    }

    check(ngx_comet_judge_finish(&judge) == 0, row, "finish");

    if (rc == -1) {
        check(judge.verdict == NGX_COMET_REFUSED, row, "early");
        check(row->len == 0 || strstr(judge.message, "body ends") == NULL,
              row, "early");
    }
}


static inline void
check_text(const case_t *row, const char *what)
{
    char        *text;
    size_t       len, n;
    const char  *expected;

    text = apply(&judge, row->body, row->len, &len);
    check(text != NULL, row, what);

    expected = row->after ? row->after : row->body;
    n = row->after ? strlen(row->after) : row->len;

    if (len != n || memcmp(text, expected, n) != 0) {
        print_error("%s: became %s\nexpected %s\n", what, text, expected);
        complain(row, what, "the body expected");
    }

    free(text);
}


static int
has_set(const ngx_comet_rule_t *rule)
{
    for ( /* void */ ; rule && rule->param; rule++) {
        if (rule->kind == NGX_COMET_RULE_SET) {
            return 1;
        }
    }

    return 0;
}


/* what was repaired is not repaired again */

static inline void
check_idempotent(const case_t *row)
{
    char    *text, *twice;
    size_t   len, n;

    text = apply(&judge, row->body, row->len, &len);
    check(text != NULL, row, "edits");
    check(valid(text, len), row, "JSON");

    ngx_comet_judge_init(&again, endpoint_of(row->endpoint), &policy);

    if (ngx_comet_judge_feed(&again, (unsigned char *) text, len) != 0
        || ngx_comet_judge_finish(&again) != 0
        || again.verdict != NGX_COMET_PASS || again.violations
        || again.repairs[0])
    {
        print_error("judged again: %s\n", again.message);
        complain(row, text, "idempotent");
    }

    twice = apply(&again, text, len, &n);
    check(twice != NULL, row, "edits");
    check(n == len && memcmp(twice, text, n) == 0, row, "again");
    check(again.nedits == 0 || has_set(policy.rules), row, "again");

    free(text);
    free(twice);
}


static inline void
run(const case_t *given)
{
    char    message[NGX_COMET_SAY_MAX];
    size_t  i;
    case_t  row[1];

    row[0] = *given;
    row->len = row->len ? row->len : strlen(row->body);

    prepare(row->setting);
    judge_in_pieces(row, row->len, 1);

    check(judge.verdict == row->verdict, row, "verdict");
    check(strcmp(judge.repairs, row->repairs ? row->repairs : "") == 0, row,
          "repairs");

    if (row->code) {
        check(strcmp(judge.param, row->param) == 0, row, row->param);
        check(strcmp(judge.code, row->code) == 0, row, row->code);
        check(strstr(judge.message, row->part), row, row->part);

    } else {
        check(judge.violations == 0, row, "whole");
    }

    check_text(row, "whole");

    if (judge.verdict == NGX_COMET_PASS || judge.verdict == NGX_COMET_REPAIRED)
    {
        check_idempotent(row);
    }

    memcpy(message, judge.message, sizeof(message));

    for (i = 0; i <= row->len; i++) {
        judge_in_pieces(row, i ? i : 1, i ? row->len : 1);

        check(judge.verdict == row->verdict, row, "cut");
        check(strcmp(judge.repairs, row->repairs ? row->repairs : "") == 0,
              row, "cut");
        check_text(row, "cut");

        if (judge.verdict != NGX_COMET_REFUSED) {
            check(strcmp(judge.message, message) == 0, row, "cut");
        }

        arena_free(&arena);
    }
}


static const setting_t  reject = { .name = "reject" };

static const setting_t  repair = {
    .name = "repair", .mode = NGX_COMET_REPAIR
};

static const setting_t  observe = {
    .name = "observe", .mode = NGX_COMET_OBSERVE
};


/* limits and prices, or a list, hold while what is wrong is only looked at */

static const setting_t  observe_named = {
    .name = "observe, named", .mode = NGX_COMET_OBSERVE, .named = 1
};

static const setting_t  observe_sized = {
    .name = "observe, sized", .mode = NGX_COMET_OBSERVE, .sized = 1
};


#define VALUE    "invalid_value"
#define TYPE     "invalid_type"
#define NOT      "unsupported_value"
#define NONE     "unsupported_parameter"
#define MISSING  "missing_required_parameter"
#define TWO      "ambiguous_parameter"

#define HI  "\"messages\":[{\"role\":\"user\"}]"
