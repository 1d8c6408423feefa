/* directives of a location, and what they take */


#ifndef _NGX_COMET_SET_H_INCLUDED_
#define _NGX_COMET_SET_H_INCLUDED_


#include "ngx_comet_http.h"


typedef enum {
    NGX_COMET_TAKES_ANYTHING,        /* the setter tells by itself */
    NGX_COMET_TAKES_WORD,
    NGX_COMET_TAKES_TIME,
    NGX_COMET_TAKES_SIZE,
    NGX_COMET_TAKES_NUMBER,
    NGX_COMET_TAKES_HOST,
    NGX_COMET_TAKES_HEADER
} ngx_comet_setter_e;


typedef struct {
    char                    *(*set)(ngx_conf_t *cf, ngx_command_t *cmd,
                                    void *conf);
    ngx_comet_setter_e         kind;
    void                      *words;      /* ngx_conf_enum_t, or alike */
    ngx_int_t                  low;
} ngx_comet_setter_t;


/* what a directive writes, and to which part of the configuration */

typedef struct {
    ngx_comet_setter_t        *setter;
    size_t                     part;       /* in ngx_comet_loc_conf_t */
} ngx_comet_directive_t;


/* by one of the setters below, or by one that tells itself what to write */

#define ngx_comet_checked(name, context, setter, part, field)                 \
    { ngx_string(name), context, ngx_comet_set, NGX_HTTP_LOC_CONF_OFFSET,     \
      offsetof(ngx_comet_##part##_conf_t, field),                             \
      &(ngx_comet_directive_t) { setter,                                      \
                                 offsetof(ngx_comet_loc_conf_t, part) } }

#define ngx_comet_command(name, context, set, part, field)                    \
    ngx_comet_checked(name, context, ngx_comet_unchecked(set), part, field)

#define ngx_comet_unchecked(set)                                              \
    (&(ngx_comet_setter_t) { set, NGX_COMET_TAKES_ANYTHING, NULL, 0 })


extern ngx_comet_setter_t  ngx_comet_takes_flag;
extern ngx_comet_setter_t  ngx_comet_takes_time;
extern ngx_comet_setter_t  ngx_comet_takes_time_above_zero;
extern ngx_comet_setter_t  ngx_comet_takes_size;
extern ngx_comet_setter_t  ngx_comet_takes_number;
extern ngx_comet_setter_t  ngx_comet_takes_host;
extern ngx_comet_setter_t  ngx_comet_takes_header;


char *ngx_comet_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_uint_t ngx_comet_set_is_header(ngx_str_t *value);


#endif /* _NGX_COMET_SET_H_INCLUDED_ */
