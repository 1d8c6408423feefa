/*
 * What a configuration says that can have no effect, or not the one that was
 * meant: found when all of it is read, and told with what to write.
 */


#include "ngx_comet_check.h"
#include "ngx_comet_conf.h"
#include "ngx_comet_keep.h"
#include "ngx_comet_pass.h"
#include "ngx_comet_route.h"
#include "ngx_comet_tenant.h"


#define NGX_COMET_BUFFER_MIN   1024
#define NGX_COMET_BODY_BUFFER  (1024 * 1024)

/* what nginx has where nothing is said */
#define NGX_COMET_NGINX_HEAD   1024


typedef struct {
    ngx_module_t   *module;
    ngx_command_t  *command;
} ngx_comet_foreign_t;


static ngx_int_t ngx_comet_check_create(ngx_conf_t *cf,
    ngx_comet_main_conf_t *mcf);
static ngx_int_t ngx_comet_check_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_check_location(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static void ngx_comet_check_exposure(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static void ngx_comet_check_clear(ngx_conf_t *cf, ngx_comet_place_t *place,
    ngx_http_upstream_srv_conf_t *uscf, ngx_str_t *host);
static void ngx_comet_check_routes(ngx_conf_t *cf, ngx_array_t *routes);
static ngx_int_t ngx_comet_check_init(ngx_conf_t *cf);
static ngx_int_t ngx_comet_check_policy(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *conf);
static void ngx_comet_check_pass(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_loc_conf_t *pass);
static void ngx_comet_check_rewrite(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *pass);
static void ngx_comet_check_proxy(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass);
static void ngx_comet_check_name(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass);
static void ngx_comet_check_keepalive(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *pass);
static void ngx_comet_check_resolver(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *pass);


/*
 * Setters of nginx that write one word, or begin with one that tells whether
 * anything is set.
 */

static char  *(*ngx_comet_word_setters[])(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf) = {
    ngx_conf_set_flag_slot,
    ngx_conf_set_str_slot,
    ngx_conf_set_str_array_slot,
    ngx_conf_set_keyval_slot,
    ngx_conf_set_num_slot,
    ngx_conf_set_size_slot,
    ngx_conf_set_msec_slot,
    ngx_conf_set_bufs_slot,
    ngx_conf_set_enum_slot,
    ngx_conf_set_bitmask_slot,
    ngx_http_set_complex_value_slot,
    NULL
};


ngx_comet_part_t  ngx_comet_check_part = {
    .create_main_conf = ngx_comet_check_create,
    .merge_loc_conf = ngx_comet_check_merge,
    .check = ngx_comet_check_init
};


static ngx_int_t
ngx_comet_check_create(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf)
{
    mcf->locations = ngx_array_create(cf->pool, 4,
                                      sizeof(ngx_comet_loc_conf_t *));

    return mcf->locations ? NGX_OK : NGX_ERROR;
}


/* what was said here is used where a comet_pass inherits it */

static ngx_int_t
ngx_comet_check_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_comet_loc_conf_t    *around, **location;
    ngx_comet_main_conf_t   *mcf;

    conf->parent = prev;
    conf->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    if (conf->said.len) {
        mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

        location = ngx_array_push(mcf->locations);
        if (location == NULL) {
            return NGX_ERROR;
        }

        *location = conf;
    }

    if (!conf->passing) {
        return NGX_OK;
    }

    for (around = conf; around && !around->used; around = around->parent) {
        around->used = 1;
    }

    return ngx_comet_check_location(cf, conf);
}


static ngx_int_t
ngx_comet_check_location(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_comet_loc_conf_t      **pass;
    ngx_comet_main_conf_t      *mcf;
    ngx_http_core_loc_conf_t   *core;
    ngx_http_core_srv_conf_t   *server;

    core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (core->handler != ngx_comet_pass_handler) {
        ngx_comet_conf_error(cf, &conf->place,
                             "\"comet_pass\" cannot stand beside another "
                             "handler of this location; give it a location "
                             "of its own");
        return NGX_ERROR;
    }

    if (conf->pass->upstream.buffer_size < NGX_COMET_BUFFER_MIN) {
        ngx_comet_conf_error(cf, &conf->place,
                             "\"comet_buffer_size\" must be at least %d "
                             "bytes to hold the head of an answer",
                             NGX_COMET_BUFFER_MIN);
        return NGX_ERROR;
    }

    ngx_comet_check_exposure(cf, conf);

    /* an ordinary prompt stays in memory; nginx's own default is 16k */

    if (core->client_body_buffer_size == (size_t) 2 * ngx_pagesize) {
        core->client_body_buffer_size = NGX_COMET_BODY_BUFFER;
    }

    /* and a short one is read with its head, at once */

    if (server->client_header_buffer_size == NGX_COMET_NGINX_HEAD) {
        server->client_header_buffer_size = ngx_pagesize;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    pass = ngx_array_push(&mcf->passes);
    if (pass == NULL) {
        return NGX_ERROR;
    }

    *pass = conf;

    return NGX_OK;
}


/* the key travels: say so where others could read it on its way */

static void
ngx_comet_check_exposure(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_comet_main_conf_t  *mcf;

    if (conf->inherited) {
        return;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    if ((conf->pass->tls_needed || mcf->tls)
        && !conf->pass->upstream.ssl_verify)
    {
        ngx_comet_conf_warn(cf, &conf->place,
                            "with \"comet_ssl_verify off\" the key goes to "
                            "whoever answers,");
    }

    if (!conf->pass->tls_needed) {
        ngx_comet_check_clear(cf, &conf->place, conf->pass->peers,
                              &conf->pass->target.host);
    }
}


static void
ngx_comet_check_routes(ngx_conf_t *cf, ngx_array_t *routes)
{
    ngx_uint_t                  i, k;
    ngx_comet_route_t         **route;
    ngx_comet_route_target_t   *target;

    if (routes == NULL || routes == NGX_CONF_UNSET_PTR) {
        return;
    }

    route = routes->elts;

    for (i = 0; i < routes->nelts; i++) {
        target = route[i]->targets.elts;

        for (k = 0; k < route[i]->targets.nelts; k++) {
            if (target[k].pass && !target[k].pass->tls) {
                ngx_comet_check_clear(cf, &route[i]->place,
                                      target[k].pass->upstream,
                                      &target[k].pass->target.host);
            }
        }
    }
}


static void
ngx_comet_check_clear(ngx_conf_t *cf, ngx_comet_place_t *place,
    ngx_http_upstream_srv_conf_t *uscf, ngx_str_t *host)
{
    if (uscf == NULL
        || (uscf->flags & NGX_HTTP_UPSTREAM_CREATE)
        || (host->len >= 4 && ngx_strncmp(host->data, "127.", 4) == 0)
        || (host->len >= 5 && ngx_strncmp(host->data, "[::1]", 5) == 0)
        || (host->len >= 9 && ngx_strncmp(host->data, "localhost", 9) == 0))
    {
        return;
    }

    ngx_comet_conf_warn(cf, place,
                        "the key goes to \"%V\" in clear: write https://...,",
                        host);
}


static ngx_int_t
ngx_comet_check_init(ngx_conf_t *cf)
{
    ngx_uint_t               i;
    ngx_comet_tenant_t     **tenant;
    ngx_comet_loc_conf_t   **conf;
    ngx_comet_main_conf_t   *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_comet_module);

    conf = mcf->locations->elts;

    for (i = 0; i < mcf->locations->nelts; i++) {
        if (ngx_comet_check_policy(cf, conf[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    conf = mcf->passes.elts;

    for (i = 0; i < mcf->passes.nelts; i++) {
        if (!conf[i]->inherited) {
            ngx_comet_check_pass(cf, mcf, conf[i]);
        }
    }

    ngx_comet_check_routes(cf, mcf->routes);

    tenant = mcf->tenants->list.elts;

    for (i = 0; i < mcf->tenants->list.nelts; i++) {
        ngx_comet_check_routes(cf, tenant[i]->policy.routes);
    }

    return NGX_OK;
}


/* comet_pass is not inherited, as proxy_pass is not */

static ngx_int_t
ngx_comet_check_policy(ngx_conf_t *cf, ngx_comet_loc_conf_t *conf)
{
    ngx_comet_loc_conf_t      *around;
    ngx_http_core_loc_conf_t  *core;

    if (conf->used) {
        return NGX_OK;
    }

    core = conf->loc_conf[ngx_http_core_module.ctx_index];

    for (around = conf->parent; around && !around->passing;
         around = around->parent)
    {
        /* void */
    }

    if (core->handler == NULL && around == NULL) {
        ngx_comet_conf_warn(cf, &conf->said_place,
                            "\"%V\" has no effect: there is no \"comet_pass\" "
                            "in location \"%V\",", &conf->said, &core->name);
        return NGX_OK;
    }

    ngx_comet_conf_error(cf, &conf->said_place,
                         "\"%V\" has no effect: there is no \"comet_pass\" in "
                         "location \"%V\", and none is inherited; write one "
                         "there,", &conf->said, &core->name);

    return NGX_ERROR;
}


static void
ngx_comet_check_pass(ngx_conf_t *cf, ngx_comet_main_conf_t *mcf,
    ngx_comet_loc_conf_t *pass)
{
    ngx_comet_check_rewrite(cf, pass);
    ngx_comet_check_proxy(cf, pass);
    ngx_comet_check_keepalive(cf, pass);

    if (pass->pass->url_lengths) {
        ngx_comet_check_resolver(cf, pass);

    } else if (pass->pass->tls_needed) {
        ngx_comet_check_name(cf, pass);
    }
}


/* a directive of a module that may not be there, by its name */

static ngx_uint_t
ngx_comet_foreign_find(ngx_conf_t *cf, const char *name,
    ngx_comet_foreign_t *found)
{
    ngx_uint_t      i;
    ngx_module_t   *module;
    ngx_command_t  *cmd;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (module->type != NGX_HTTP_MODULE) {
            continue;
        }

        for (cmd = module->commands; cmd && cmd->name.len; cmd++) {
            if (ngx_strcmp(cmd->name.data, name) == 0) {
                found->module = module;
                found->command = cmd;
                return 1;
            }
        }
    }

    return 0;
}


/* where the directive puts what it says here */

static void *
ngx_comet_foreign_word(ngx_comet_foreign_t *foreign,
    ngx_comet_loc_conf_t *conf)
{
    u_char  *p;

    p = conf->loc_conf[foreign->module->ctx_index];

    return p ? p + foreign->command->offset : NULL;
}


/* both modules keep what they were told behind their first pointer */

static void
ngx_comet_check_rewrite(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    void                 **word;
    ngx_array_t           *codes;
    ngx_comet_foreign_t    foreign;

    if (ngx_comet_foreign_find(cf, "return", &foreign)) {
        word = ngx_comet_foreign_word(&foreign, pass);
        codes = word ? *word : NULL;

        if (codes && codes->nelts >= sizeof(uintptr_t)
            && *(ngx_http_script_code_pt *) codes->elts
               == ngx_http_script_return_code)
        {
            ngx_comet_conf_warn(cf, &pass->place,
                                "\"comet_pass\" is never reached: \"return\" "
                                "of this location answers first; take one of "
                                "them out,");
        }
    }

    if (ngx_comet_foreign_find(cf, "try_files", &foreign)) {
        word = ngx_comet_foreign_word(&foreign, pass);

        if (word && *word) {
            ngx_comet_conf_warn(cf, &pass->place,
                                "\"comet_pass\" is not reached by what "
                                "\"try_files\" of this location does not "
                                "find; move \"comet_pass\" into a location "
                                "@NAME and end \"try_files\" with @NAME,");
        }
    }
}


static ngx_uint_t
ngx_comet_foreign_is_word(ngx_command_t *cmd)
{
    ngx_uint_t  i;

    if (cmd->conf != NGX_HTTP_LOC_CONF_OFFSET) {
        return 0;
    }

    for (i = 0; ngx_comet_word_setters[i]; i++) {
        if (cmd->set == ngx_comet_word_setters[i]) {
            return 1;
        }
    }

    return 0;
}


/* proxy_read_timeout: comet_read_timeout, if there is such a directive */

static ngx_str_t *
ngx_comet_check_ours(ngx_str_t *name)
{
    ngx_str_t       tail, our;
    ngx_command_t  *cmd;

    tail.data = name->data + sizeof("proxy_") - 1;

    for (cmd = ngx_comet_module.commands; cmd->name.len; cmd++) {
        our.data = cmd->name.data + sizeof("comet_") - 1;

        if (ngx_strcmp(our.data, tail.data) == 0) {
            return &cmd->name;
        }
    }

    return NULL;
}


/* merged already: what differs from the level around was said here */

static void
ngx_comet_check_proxy(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    ngx_str_t            *our;
    uintptr_t            *here, *around;
    ngx_comet_foreign_t   foreign;

    if (!ngx_comet_foreign_find(cf, "proxy_pass", &foreign)
        || pass->parent->loc_conf == NULL)
    {
        return;
    }

    for (foreign.command = foreign.module->commands;
         foreign.command->name.len;
         foreign.command++)
    {
        if (!ngx_comet_foreign_is_word(foreign.command)) {
            continue;
        }

        here = ngx_comet_foreign_word(&foreign, pass);
        around = ngx_comet_foreign_word(&foreign, pass->parent);

        if (here == NULL || around == NULL || *here == *around) {
            continue;
        }

        our = ngx_comet_check_ours(&foreign.command->name);

        ngx_comet_conf_warn(cf, &pass->place,
                            "\"%V\" has no effect beside \"comet_pass\": "
                            "%s%V%s,", &foreign.command->name,
                            our ? "write \"" : "take it out",
                            our ? our : &(ngx_str_t) ngx_null_string,
                            our ? "\"" : "");
    }
}


/* a name that a certificate can hold, and that the API goes by */

static void
ngx_comet_check_name(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    ngx_str_t   name;
    ngx_uint_t  block;

    static ngx_str_t  local = ngx_string("localhost");

    if (!pass->pass->upstream.ssl_verify || pass->pass->upstream.ssl_name) {
        return;
    }

    name = pass->pass->peers->host;
    block = pass->pass->peers->flags & NGX_HTTP_UPSTREAM_CREATE;

    if (block && ngx_strlchr(name.data, name.data + name.len, '.') == NULL
        && (name.len != local.len
            || ngx_strncasecmp(name.data, local.data, local.len) != 0))
    {
        ngx_comet_conf_warn(cf, &pass->place,
                            "the certificate of the API will be checked for "
                            "the name \"%V\", that of the upstream block: name "
                            "the block after the host of the API, or add "
                            "\"comet_host NAME;\",", &name);
        return;
    }

    if (name.len && (name.data[0] == '['
                     || ngx_inet_addr(name.data, name.len) != INADDR_NONE))
    {
        ngx_comet_conf_warn(cf, &pass->place,
                            "the certificate of the API will be checked for "
                            "the address \"%V\" as a name: write its name, or "
                            "add \"comet_ssl_name NAME;\",", &name);
    }
}


/* an upstream block keeps its connections itself */

static void
ngx_comet_check_keepalive(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = pass->pass->peers;

    if (uscf && (uscf->flags & NGX_HTTP_UPSTREAM_CREATE)
        && pass->keep->place.line)
    {
        ngx_comet_conf_warn(cf, &pass->keep->place,
                            "\"comet_keepalive\" has no effect on the "
                            "upstream block \"%V\": write \"keepalive\" "
                            "there,", &uscf->host);
    }
}


/* of a value that is not known yet: whether there can be an upstream of it */

static ngx_uint_t
ngx_comet_check_is_upstream(ngx_conf_t *cf, ngx_str_t *host)
{
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (host->len == 0) {
            if (uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE) {
                return 1;
            }

            continue;
        }

        if (uscf[i]->host.len == host->len
            && ngx_strncasecmp(uscf[i]->host.data, host->data, host->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_comet_check_resolver(ngx_conf_t *cf, ngx_comet_loc_conf_t *pass)
{
    ngx_str_t                  host;
    ngx_http_core_loc_conf_t  *core;

    core = pass->loc_conf[ngx_http_core_module.ctx_index];

    ngx_comet_pass_host(&pass->pass->url, &host);

    if (core->resolver->connections.nelts
        || ngx_comet_check_is_upstream(cf, &host)
        || (host.len && (host.data[0] == '['
                         || ngx_inet_addr(host.data, host.len)
                            != INADDR_NONE)))
    {
        return;
    }

    ngx_comet_conf_warn(cf, &pass->place,
                        "\"comet_pass\" with a variable has no \"resolver\" to "
                        "find its host with, nor an upstream block: add "
                        "\"resolver ADDRESS;\",");
}
