#include "ngx_comet_system.h"


#define NGX_COMET_HOSTS       "/etc/hosts"
#define NGX_COMET_RESOLV      "/etc/resolv.conf"

/* as many as the system asks itself */

#define NGX_COMET_RESOLV_MAX  3


static ngx_int_t ngx_comet_system_read(ngx_conf_t *cf, const char *path,
    ngx_str_t *text);
static ngx_uint_t ngx_comet_system_line(ngx_str_t *text, ngx_str_t *line);
static ngx_uint_t ngx_comet_system_word(ngx_str_t *line, ngx_str_t *word);
static ngx_uint_t ngx_comet_system_is(ngx_str_t *word, ngx_str_t *name);
static ngx_int_t ngx_comet_system_server(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *server);


static ngx_str_t  ngx_comet_localhost = ngx_string("localhost");
static ngx_str_t  ngx_comet_nameserver = ngx_string("nameserver");


ngx_int_t
ngx_comet_system_has(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_str_t  text, line, word;

    if (ngx_comet_system_is(name, &ngx_comet_localhost)) {
        return 1;
    }

    if (ngx_comet_system_read(cf, NGX_COMET_HOSTS, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    while (ngx_comet_system_line(&text, &line)) {

        /* the first word is an address */

        (void) ngx_comet_system_word(&line, &word);

        while (ngx_comet_system_word(&line, &word)) {
            if (ngx_comet_system_is(&word, name)) {
                return 1;
            }
        }
    }

    return 0;
}


ngx_resolver_t *
ngx_comet_system_resolver(ngx_conf_t *cf)
{
    ngx_int_t   rc;
    ngx_str_t   text, line, word, servers[NGX_COMET_RESOLV_MAX];
    ngx_uint_t  n;

    if (ngx_comet_system_read(cf, NGX_COMET_RESOLV, &text) != NGX_OK) {
        return NULL;
    }

    n = 0;

    while (n < NGX_COMET_RESOLV_MAX && ngx_comet_system_line(&text, &line)) {

        if (!ngx_comet_system_word(&line, &word)
            || !ngx_comet_system_is(&word, &ngx_comet_nameserver)
            || !ngx_comet_system_word(&line, &word))
        {
            continue;
        }

        rc = ngx_comet_system_server(cf, &word, &servers[n]);

        if (rc == NGX_ERROR) {
            return NULL;
        }

        if (rc == NGX_OK) {
            n++;
        }
    }

    return ngx_resolver_create(cf, servers, n);
}


/* as the "resolver" directive takes it, or declined */

static ngx_int_t
ngx_comet_system_server(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *server)
{
    ngx_int_t   rc;
    ngx_addr_t  addr;

    rc = ngx_parse_addr(cf->pool, &addr, word->data, word->len);

    if (rc != NGX_OK) {
        return rc;
    }

    server->data = ngx_pnalloc(cf->pool, word->len + sizeof("[]"));
    if (server->data == NULL) {
        return NGX_ERROR;
    }

    server->len = ngx_sprintf(server->data,
                              addr.sockaddr->sa_family == AF_INET ? "%V%Z"
                                                                  : "[%V]%Z",
                              word)
                  - server->data - 1;

    return NGX_OK;
}


/* a file that is not there, or cannot be read, says nothing */

static ngx_int_t
ngx_comet_system_read(ngx_conf_t *cf, const char *path, ngx_str_t *text)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    ngx_str_null(text);

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        return NGX_OK;
    }

    rc = NGX_OK;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && ngx_is_file(&fi)) {

        text->data = ngx_pnalloc(cf->temp_pool, ngx_file_size(&fi) + 1);

        if (text->data == NULL) {
            rc = NGX_ERROR;

        } else {
            n = ngx_read_fd(fd, text->data, ngx_file_size(&fi));
            text->len = n > 0 ? n : 0;
        }
    }

    (void) ngx_close_file(fd);

    return rc;
}


/* without its end and without a comment */

static ngx_uint_t
ngx_comet_system_line(ngx_str_t *text, ngx_str_t *line)
{
    u_char  *p, *last;

    if (text->len == 0) {
        return 0;
    }

    last = text->data + text->len;

    p = ngx_strlchr(text->data, last, LF);
    if (p == NULL) {
        p = last;
    }

    line->data = text->data;
    line->len = p - text->data;

    text->data = ngx_min(p + 1, last);
    text->len = last - text->data;

    last = line->data + line->len;

    p = ngx_strlchr(line->data, last, '#');

    if (p) {
        line->len = p - line->data;
    }

    return 1;
}


static ngx_uint_t
ngx_comet_system_word(ngx_str_t *line, ngx_str_t *word)
{
    u_char  *p, *last;

    p = line->data;
    last = p + line->len;

    while (p < last && (*p == ' ' || *p == '\t' || *p == CR)) {
        p++;
    }

    word->data = p;

    while (p < last && *p != ' ' && *p != '\t' && *p != CR) {
        p++;
    }

    word->len = p - word->data;

    line->data = p;
    line->len = last - p;

    return word->len != 0;
}


static ngx_uint_t
ngx_comet_system_is(ngx_str_t *word, ngx_str_t *name)
{
    return word->len == name->len
           && ngx_strncasecmp(word->data, name->data, name->len) == 0;
}
