#include "ngx_comet_rule.h"

#include "ngx_comet_scan.h"


static int
ngx_comet_rule_on(void *data, const ngx_comet_token_t *token)
{
    int *word = data;

    *word = token->type != NGX_COMET_STRING && token->type != NGX_COMET_OBJECT
            && token->type != NGX_COMET_ARRAY;

    return NGX_COMET_SCAN_ON;
}


int
ngx_comet_rule_is_word(const char *text, size_t len)
{
    int               word;
    ngx_comet_scan_t  scan;

    word = 0;

    ngx_comet_scan_init(&scan, 0, ngx_comet_rule_on, &word);

    return ngx_comet_scan_feed(&scan, (const unsigned char *) text, len)
           == NGX_COMET_SCAN_OK
           && ngx_comet_scan_finish(&scan) == NGX_COMET_SCAN_OK
           && word;
}
