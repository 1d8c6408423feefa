/* keys in a configuration */


#ifndef _NGX_COMET_KEY_H_INCLUDED_
#define _NGX_COMET_KEY_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_ledger.h"


#define NGX_COMET_KEYS_MAX  64


typedef struct {
    ngx_str_t                  value;      /* "Bearer KEY" */
    u_char                     id[NGX_COMET_ID_LEN];  /* without the key */
} ngx_comet_bearer_t;


/* of one level: one key, or a pool of them */

struct ngx_comet_keys_s {
    ngx_array_t                list;       /* of ngx_comet_bearer_t */
    ngx_uint_t                 next;       /* behind that of the last call */
};


#define ngx_comet_keys_first(keys)                                            \
    (&((ngx_comet_bearer_t *) (keys)->list.elts)->value)


/* comet_key, into an ngx_comet_keys_t * */

char *ngx_comet_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* of one word: as comet_key takes it */

char *ngx_comet_key_take(ngx_conf_t *cf, ngx_str_t *value,
    ngx_comet_keys_t **keys);
void ngx_comet_key_mask(ngx_conf_t *cf, ngx_str_t *key);


#endif /* _NGX_COMET_KEY_H_INCLUDED_ */
