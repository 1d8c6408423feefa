/* which of the client's headers go to the API, and as what */


#include "ngx_comet_header.h"
#include "ngx_comet_key.h"
#include "ngx_comet_policy.h"
#include "ngx_comet_set.h"
#include "ngx_comet_tenant.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>


typedef enum {
    NGX_COMET_HEADER_PASSES,
    NGX_COMET_HEADER_HASHED,
    NGX_COMET_HEADER_STAYS
} ngx_comet_header_e;


typedef struct {
    ngx_str_t           name;      /* lowercase; a final '-' means a prefix */
    ngx_comet_header_e  what;
} ngx_comet_header_t;


static ngx_int_t ngx_comet_header_create(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *lcf);
static ngx_int_t ngx_comet_header_merge(ngx_conf_t *cf,
    ngx_comet_loc_conf_t *prev, ngx_comet_loc_conf_t *conf);
static ngx_int_t ngx_comet_header_init(ngx_conf_t *cf);
static ngx_comet_header_e ngx_comet_header_what(ngx_comet_loc_conf_t *lcf,
    ngx_table_elt_t *h);
static u_char *ngx_comet_header_hash(ngx_comet_ctx_t *ctx, ngx_str_t *value,
    u_char *p);


#define NGX_COMET_HASH_LEN   (2 * SHA256_DIGEST_LENGTH)
#define NGX_COMET_HASH_OF    "comet idempotency"


/*
 * What an LLM API needs of the client's head.  Those of a first letter stand
 * together, and of them the first that fits decides.
 */

static ngx_comet_header_t  ngx_comet_forwarded[] = {

    { ngx_string("accept"), NGX_COMET_HEADER_PASSES },
    { ngx_string("content-type"), NGX_COMET_HEADER_PASSES },
    { ngx_string("content-encoding"), NGX_COMET_HEADER_PASSES },

    /* the API knows one account, and tenants may choose the same */
    { ngx_string("idempotency-key"), NGX_COMET_HEADER_HASHED },

    /* they choose within the account, which is not the client's */
    { ngx_string("openai-organization"), NGX_COMET_HEADER_STAYS },
    { ngx_string("openai-project"), NGX_COMET_HEADER_STAYS },
    { ngx_string("openai-"), NGX_COMET_HEADER_PASSES },

    { ngx_string("traceparent"), NGX_COMET_HEADER_PASSES },
    { ngx_string("tracestate"), NGX_COMET_HEADER_PASSES },
    { ngx_string("user-agent"), NGX_COMET_HEADER_PASSES },

    { ngx_string("x-stainless-"), NGX_COMET_HEADER_PASSES },
    { ngx_string("x-idempotency-key"), NGX_COMET_HEADER_HASHED },
    { ngx_string("x-request-id"), NGX_COMET_HEADER_PASSES },
    { ngx_string("x-client-request-id"), NGX_COMET_HEADER_PASSES },
    { ngx_string("x-correlation-id"), NGX_COMET_HEADER_PASSES },
    { ngx_null_string, NGX_COMET_HEADER_STAYS }
};


/* the first of a letter; 'A' and 'a' are five bits and the same */

static ngx_comet_header_t  *ngx_comet_forwarded_first[32];

/* lengths of the names that are hashed, as bits; none of them is a prefix */

static uint32_t  ngx_comet_hashed_lengths;


/* what never leaves, whatever an operator writes */

static ngx_comet_header_t  ngx_comet_secret[] = {
    { ngx_string("authorization"), NGX_COMET_HEADER_STAYS },
    { ngx_string("proxy-authorization"), NGX_COMET_HEADER_STAYS },
    { ngx_string("x-api-key"), NGX_COMET_HEADER_STAYS },
    { ngx_string("api-key"), NGX_COMET_HEADER_STAYS },
    { ngx_string("x-goog-api-key"), NGX_COMET_HEADER_STAYS },
    { ngx_string("cookie"), NGX_COMET_HEADER_STAYS },
    { ngx_string("host"), NGX_COMET_HEADER_STAYS },
    { ngx_string("connection"), NGX_COMET_HEADER_STAYS },
    { ngx_string("keep-alive"), NGX_COMET_HEADER_STAYS },
    { ngx_string("proxy-connection"), NGX_COMET_HEADER_STAYS },
    { ngx_string("content-length"), NGX_COMET_HEADER_STAYS },
    { ngx_string("transfer-encoding"), NGX_COMET_HEADER_STAYS },
    { ngx_string("accept-encoding"), NGX_COMET_HEADER_STAYS },
    { ngx_string("expect"), NGX_COMET_HEADER_STAYS },
    { ngx_string("te"), NGX_COMET_HEADER_STAYS },
    { ngx_string("trailer"), NGX_COMET_HEADER_STAYS },
    { ngx_string("upgrade"), NGX_COMET_HEADER_STAYS },
    { ngx_null_string, NGX_COMET_HEADER_STAYS }
};


ngx_comet_part_t  ngx_comet_header_part = {
    .create_loc_conf = ngx_comet_header_create,
    .merge_loc_conf = ngx_comet_header_merge,
    .postconfiguration = ngx_comet_header_init
};


static ngx_int_t
ngx_comet_header_create(ngx_conf_t *cf, ngx_comet_loc_conf_t *lcf)
{
    lcf->header = ngx_palloc(cf->pool, sizeof(ngx_comet_header_conf_t));
    if (lcf->header == NULL) {
        return NGX_ERROR;
    }

    lcf->header->forward = NGX_CONF_UNSET_PTR;

    return NGX_OK;
}


static ngx_int_t
ngx_comet_header_merge(ngx_conf_t *cf, ngx_comet_loc_conf_t *prev,
    ngx_comet_loc_conf_t *conf)
{
    ngx_conf_merge_ptr_value(conf->header->forward, prev->header->forward,
                             NULL);

    return NGX_OK;
}


static ngx_int_t
ngx_comet_header_init(ngx_conf_t *cf)
{
    ngx_comet_header_t  *header, **first;

    for (header = ngx_comet_forwarded; header->name.len; header++) {
        first = &ngx_comet_forwarded_first[header->name.data[0] & 31];

        if (*first == NULL) {
            *first = header;
        }

        if (header->what == NGX_COMET_HEADER_HASHED) {
            ngx_comet_hashed_lengths |= 1u << header->name.len;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_comet_header_fits(ngx_str_t *name, u_char *lowcase, size_t len)
{
    return (len == name->len
            || (len > name->len && name->data[name->len - 1] == '-'))
           && ngx_memcmp(lowcase, name->data, name->len) == 0;
}


static ngx_comet_header_e
ngx_comet_header_forwarded(u_char *lowcase, size_t len)
{
    ngx_comet_header_t  *header;

    header = ngx_comet_forwarded_first[lowcase[0] & 31];

    if (header == NULL) {
        return NGX_COMET_HEADER_STAYS;
    }

    for ( /* void */ ;
         header->name.len && header->name.data[0] == lowcase[0];
         header++)
    {
        if (ngx_comet_header_fits(&header->name, lowcase, len)) {
            return header->what;
        }
    }

    return NGX_COMET_HEADER_STAYS;
}


static ngx_uint_t
ngx_comet_header_is_secret(ngx_str_t *name)
{
    ngx_comet_header_t  *header;

    for (header = ngx_comet_secret; header->name.len; header++) {
        if (ngx_comet_header_fits(&header->name, name->data, name->len)) {
            return 1;
        }
    }

    return 0;
}


char *
ngx_comet_forward_header(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_comet_header_conf_t *header = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    if (header->forward == NGX_CONF_UNSET_PTR) {
        header->forward = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
        if (header->forward == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        name = ngx_array_push(header->forward);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
        ngx_strlow(name->data, name->data, name->len);

        if (!ngx_comet_set_is_header(name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid header name \"%V\" in "
                               "\"comet_forward_header\"", name);
            return NGX_CONF_ERROR;
        }

        if (ngx_comet_header_is_secret(name)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the header \"%V\" is never forwarded: "
                               "the client's credentials stay here and the "
                               "module writes its own framing", name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_comet_header_e
ngx_comet_header_what(ngx_comet_loc_conf_t *lcf, ngx_table_elt_t *h)
{
    ngx_str_t           *name;
    ngx_uint_t           i;
    ngx_comet_header_e   what;

    what = ngx_comet_header_forwarded(h->lowcase_key, h->key.len);

    if (what != NGX_COMET_HEADER_STAYS || lcf->header->forward == NULL) {
        return what;
    }

    name = lcf->header->forward->elts;

    for (i = 0; i < lcf->header->forward->nelts; i++) {
        if (name[i].len == h->key.len
            && ngx_memcmp(name[i].data, h->lowcase_key, h->key.len) == 0)
        {
            return NGX_COMET_HEADER_PASSES;
        }
    }

    return NGX_COMET_HEADER_STAYS;
}


/* of all headers, of which most are forwarded */

size_t
ngx_comet_headers_size(ngx_http_request_t *r)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            len += h[i].key.len + sizeof(": ") - 1 + h[i].value.len
                   + sizeof(CRLF) - 1;

            if (h[i].key.len < 32
                && (ngx_comet_hashed_lengths >> h[i].key.len) & 1)
            {
                len += NGX_COMET_HASH_LEN;
            }
        }
    }

    return len;
}


u_char *
ngx_comet_headers_copy(ngx_http_request_t *r, ngx_comet_ctx_t *ctx, u_char *p)
{
    ngx_uint_t             i;
    ngx_list_part_t       *part;
    ngx_table_elt_t       *h;
    ngx_comet_header_e     what;
    ngx_comet_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_comet_module);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            what = ngx_comet_header_what(lcf, &h[i]);

            /* an empty key is none, and would become one */

            if (what == NGX_COMET_HEADER_STAYS
                || (what == NGX_COMET_HEADER_HASHED && h[i].value.len == 0))
            {
                continue;
            }

            p = ngx_copy(p, h[i].key.data, h[i].key.len);
            *p++ = ':'; *p++ = ' ';

            if (what == NGX_COMET_HEADER_PASSES) {
                p = ngx_copy(p, h[i].value.data, h[i].value.len);

            } else {
                p = ngx_comet_header_hash(ctx, &h[i].value, p);
                if (p == NULL) {
                    return NULL;
                }
            }

            *p++ = CR; *p++ = LF;
        }
    }

    return p;
}


/*
 * By the key that goes to the API, so that it is the same in all workers and
 * on all edges of the account, and nobody else can find what was hashed.
 */

static u_char *
ngx_comet_header_hash(ngx_comet_ctx_t *ctx, ngx_str_t *value, u_char *p)
{
    u_char     *last, text[NGX_COMET_TENANT_NAME_MAX
                           + sizeof(NGX_COMET_HASH_OF)],
                key[SHA256_DIGEST_LENGTH], digest[SHA256_DIGEST_LENGTH];
    ngx_str_t  *bearer;

    /* of a pool the first, whichever is sent */

    bearer = ngx_comet_keys_first(ctx->policy->keys);

    last = ngx_cpymem(text, NGX_COMET_HASH_OF, sizeof(NGX_COMET_HASH_OF));

    if (ctx->tenant) {
        last = ngx_cpymem(last, ctx->tenant->name.data,
                          ctx->tenant->name.len);
    }

    if (HMAC(EVP_sha256(), bearer->data + sizeof("Bearer ") - 1,
             bearer->len - (sizeof("Bearer ") - 1), text, last - text, key,
             NULL)
        == NULL
        || HMAC(EVP_sha256(), key, SHA256_DIGEST_LENGTH, value->data,
                value->len, digest, NULL)
           == NULL)
    {
        return NULL;
    }

    return ngx_hex_dump(p, digest, SHA256_DIGEST_LENGTH);
}


ngx_int_t
ngx_comet_header_idempotency(ngx_http_request_t *r, ngx_str_t *line)
{
    u_char            *p, random[16];
    ngx_uint_t         i;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h;

    static ngx_str_t  name = ngx_string("Idempotency-Key: ");

    if (line->len || r->method != NGX_HTTP_POST) {
        return NGX_OK;
    }

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].value.len
                && ngx_comet_header_forwarded(h[i].lowcase_key, h[i].key.len)
                   == NGX_COMET_HEADER_HASHED)
            {
                return NGX_OK;
            }
        }
    }

    p = ngx_pnalloc(r->pool, name.len + 2 * sizeof(random)
                             + sizeof(CRLF) - 1);

    if (p == NULL || RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    line->data = p;

    p = ngx_copy(p, name.data, name.len);
    p = ngx_hex_dump(p, random, sizeof(random));
    *p++ = CR; *p++ = LF;

    line->len = p - line->data;

    return NGX_OK;
}
