/* sockets with TLS and without it, of the upstream and the load generator */


#ifndef _BENCH_TLS_H_INCLUDED_
#define _BENCH_TLS_H_INCLUDED_


#include "net.h"

#include <signal.h>

#include <openssl/err.h>
#include <openssl/ssl.h>


static inline SSL_CTX *
tls_context(const SSL_METHOD *method)
{
    SSL_CTX  *ctx;

    /* SSL_write() has no MSG_NOSIGNAL */

    signal(SIGPIPE, SIG_IGN);

    ctx = SSL_CTX_new(method);
    net_must(ctx != NULL, "SSL_CTX_new");

    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                          |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                          |SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1);

    return ctx;
}


static inline SSL *
tls_open(SSL_CTX *ctx, int fd)
{
    SSL  *ssl;

    ssl = SSL_new(ctx);
    net_must(ssl != NULL && SSL_set_fd(ssl, fd) == 1, "SSL_new");

    return ssl;
}


/* as recv() and send() tell it */

static inline ssize_t
tls_result(SSL *ssl, int n)
{
    if (n > 0) {
        return n;
    }

    switch (SSL_get_error(ssl, n)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;

    case SSL_ERROR_ZERO_RETURN:
        return 0;

    default:
        ERR_clear_error();
        errno = ECONNRESET;
        return -1;
    }
}


static inline ssize_t
tls_recv(SSL *ssl, int fd, void *buf, size_t n)
{
    return ssl ? tls_result(ssl, SSL_read(ssl, buf, (int) n))
               : recv(fd, buf, n, 0);
}


static inline ssize_t
tls_send(SSL *ssl, int fd, const void *buf, size_t n)
{
    return ssl ? tls_result(ssl, SSL_write(ssl, buf, (int) n))
               : send(fd, buf, n, MSG_NOSIGNAL);
}


/* bytes that were read from the socket, of which epoll tells nothing more */

static inline int
tls_has_more(SSL *ssl)
{
    return ssl && SSL_has_pending(ssl);
}


#endif /* _BENCH_TLS_H_INCLUDED_ */
