/*
 * A stream that breaks off behind its head: the client is told so by one
 * event in the stream's own form, before its connection ends.
 */


#include "ngx_comet_inband.h"
#include "ngx_comet_mend.h"
#include "ngx_comet_meter.h"


void
ngx_comet_inband(ngx_http_request_t *r, ngx_comet_ctx_t *ctx, ngx_int_t rc)
{
    char               *text;
    ngx_buf_t          *b;
    ngx_chain_t         out;
    ngx_comet_error_t   error;
    ngx_comet_meter_t  *meter;

    meter = ctx->meter;

    if (meter == NULL || !meter->stream || meter->done
        || meter->usage.ended || meter->usage.error
        || r->headers_out.content_length_n != -1
        || r->connection->error)
    {
        return;
    }

    error = ngx_comet_error_of_status(rc == NGX_HTTP_GATEWAY_TIME_OUT
                                      ? NGX_HTTP_GATEWAY_TIME_OUT
                                      : NGX_HTTP_BAD_GATEWAY);

    text = ngx_comet_mend(&meter->usage, &error);
    if (text == NULL) {
        return;
    }

    b = ngx_comet_text_buf(r, text);
    if (b == NULL) {
        return;
    }

    ngx_comet_meter_drop(meter);
    ngx_comet_meter_finish(meter);

    ctx->told = 1;
    ctx->broken = error.code;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "upstream broke off a stream; the client is told: %s",
                  error.code);

    b->flush = 1;

    out.buf = b;
    out.next = NULL;

    /* what the client does not take now goes with the end of the request */

    (void) ngx_http_output_filter(r, &out);
}
