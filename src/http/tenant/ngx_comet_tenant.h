/* tenants */


#ifndef _NGX_COMET_TENANT_H_INCLUDED_
#define _NGX_COMET_TENANT_H_INCLUDED_


#include "ngx_comet_http.h"
#include "ngx_comet_keyring.h"
#include "ngx_comet_policy.h"


#define NGX_COMET_TENANT_CONF      0x00100000
#define NGX_COMET_TENANT_NAME_MAX  128
#define NGX_COMET_CLIENT_KEY_MAX   4096


struct ngx_comet_tenant_s {
    ngx_str_t                  name;
    ngx_uint_t                 index;      /* from 1 */
    ngx_comet_policy_conf_t    policy;
    ngx_uint_t                 keys;       /* of its clients */
    ngx_comet_place_t          place;
};


struct ngx_comet_tenants_s {
    ngx_array_t                list;       /* of ngx_comet_tenant_t * */
    void                     **conf;       /* where their directives write */
    ngx_comet_keyring_t        keys;       /* of clients */
    ngx_comet_keyring_t        names;
};


extern ngx_comet_part_t  ngx_comet_tenant_part;


char *ngx_comet_tenant(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_comet_client_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* by a digest in a ring of them; nobody is named by nothing */

ngx_comet_tenant_t *ngx_comet_tenant_of(ngx_comet_tenants_t *tenants,
    ngx_comet_keyring_t *ring, ngx_str_t *text);
ngx_str_t *ngx_comet_tenant_name(ngx_comet_tenant_t *tenant);


#endif /* _NGX_COMET_TENANT_H_INCLUDED_ */
