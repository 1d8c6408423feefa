#include "ngx_comet_conf.h"


void
ngx_comet_conf_place(ngx_conf_t *cf, ngx_comet_place_t *place)
{
    place->file = cf->conf_file->file.name;
    place->line = cf->conf_file->line;
}


static void
ngx_comet_conf_log(ngx_uint_t level, ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, va_list args)
{
    u_char  *last, text[NGX_MAX_CONF_ERRSTR];

    last = ngx_vslprintf(text, text + NGX_MAX_CONF_ERRSTR, fmt, args);

    ngx_log_error(level, cf->log, 0, "%*s in %V:%ui",
                  (size_t) (last - text), text, &place->file, place->line);
}


/* as ngx_conf_log_error(), of a directive that was read before */

void ngx_cdecl
ngx_comet_conf_error(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_comet_conf_log(NGX_LOG_EMERG, cf, place, fmt, args);
    va_end(args);
}


void ngx_cdecl
ngx_comet_conf_warn(ngx_conf_t *cf, ngx_comet_place_t *place,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ngx_comet_conf_log(NGX_LOG_WARN, cf, place, fmt, args);
    va_end(args);
}
