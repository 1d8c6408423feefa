/* what the files that take the tokens of a body share */


#ifndef _NGX_COMET_COLLECT_H_INCLUDED_
#define _NGX_COMET_COLLECT_H_INCLUDED_


#include <string.h>

#include "ngx_comet_judge.h"


void ngx_comet_collect_wrong(ngx_comet_judge_t *judge, const char *code,
    const char *fmt, ...);

/* as much of a text as there is room for */

void ngx_comet_collect_keep(char *to, size_t size,
    const ngx_comet_token_t *token);

void ngx_comet_collect_string(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token);
void ngx_comet_collect_number(ngx_comet_judge_t *judge,
    const ngx_comet_field_t *field, const ngx_comet_token_t *token);


static inline int
ngx_comet_collect_same(const ngx_comet_token_t *token, const char *name)
{
    return token->text[0] == name[0]
           && ngx_comet_name_is(token->text, token->len, name, strlen(name));
}


#endif /* _NGX_COMET_COLLECT_H_INCLUDED_ */
