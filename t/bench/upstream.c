/*
 * The API that the gateways are measured before: it answers each POST with a
 * completion, or with a stream of events if the body asks for one.  A single
 * thread, no allocation per request.
 *
 *   upstream PORT [PORT CERTIFICATE KEY]
 *
 *   The second port is that of TLS.
 *
 *   GET /bench?events=N&pace=MS&burst=N&check=0|1&coded=0|1
 *       sets how many events a stream has, how long it waits between two of
 *       them (0: it does not), how many are written at once (0: what fits),
 *       whether sums are made of bodies, and whether streams say that they are
 *       in a coding that nobody knows
 *   GET /bench/last
 *       tells the length and the CRC-32 of the last body, and its head
 *
 * An event holds the time at which it was written, "@T" and 16 digits of
 * nanoseconds of the monotonic clock, for the load generator to compare.
 */


#define _GNU_SOURCE

#include "net.h"
#include "tls.h"

#include <zlib.h>


#define UPSTREAM_HEAD   8192
#define UPSTREAM_PEEK   4096
#define UPSTREAM_OUT    65536
#define UPSTREAM_SLOTS  4096


typedef struct upstream_s  upstream_t;

struct upstream_s {
    int          fd;
    int          door;
    int          armed;
    int          streaming;
    SSL_CTX     *ctx;
    SSL         *ssl;

    upstream_t  *next;
    upstream_t  *prev;

    size_t       head_len;
    size_t       body_len;
    size_t       left;
    size_t       peek_len;
    uLong        sum;

    unsigned     event;
    uint64_t     due;

    const char  *out;
    size_t       out_len;
    char        *room;

    char         head[UPSTREAM_HEAD + 1];
    char         peek[UPSTREAM_PEEK + 1];
};


static int         upstream_epoll;
static unsigned    upstream_events = 200;
static unsigned    upstream_pace;
static unsigned    upstream_burst;
static unsigned    upstream_check;
static unsigned    upstream_coded;
static unsigned    upstream_paced;
static uint64_t    upstream_ms;
static upstream_t  upstream_ready;
static upstream_t *upstream_free;
static upstream_t  upstream_slots[UPSTREAM_SLOTS];
static char        upstream_buf[65536];

static size_t      upstream_last_len;
static uLong       upstream_last_sum;
static char        upstream_last_head[UPSTREAM_HEAD + 1];


static const char  upstream_answer[] =
    "{\"id\":\"chatcmpl-9f0c2d7e5b2a48660917\",\"object\":\"chat.completion\","
    "\"created\":1700000000,\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,"
    "\"message\":{\"role\":\"assistant\",\"content\":\"The bridge was built in "
    "1894 by a company from the north, and it has been repaired four times "
    "since then. The last repair took two years, because the river was high "
    "in both springs and nobody could work below the arches. It is open "
    "again, and heavy lorries may use it at night.\"},\"finish_reason\":"
    "\"stop\"}],\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":61,"
    "\"total_tokens\":473}}";

#define UPSTREAM_SSE                                                          \
    "HTTP/1.1 200 OK\r\n"                                                     \
    "Content-Type: text/event-stream\r\n"                                     \
    "Transfer-Encoding: chunked\r\n"

static const char *const  upstream_sse[] = {
    UPSTREAM_SSE "\r\n",
    UPSTREAM_SSE "Content-Encoding: x-none\r\n\r\n"
};

#define UPSTREAM_EVENT                                                        \
    "data: {\"id\":\"chatcmpl-9f0c2d7e5b2a48660917\",\"object\":"             \
    "\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o\","  \
    "\"choices\":["

static const char  upstream_delta[] =
    UPSTREAM_EVENT "{\"index\":0,\"delta\":{\"content\":\""
    "@T0000000000000000 word-0000\"},\"finish_reason\":null}]}\n\n";

static const char  upstream_stop[] =
    UPSTREAM_EVENT "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"
    "\n\n";

static const char  upstream_usage[] =
    UPSTREAM_EVENT "],\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":"
    "198,\"total_tokens\":610}}\n\n";

static const char  upstream_done[] = "data: [DONE]\n\n";

static char        upstream_plain[2048];
static size_t      upstream_plain_len;
static char        upstream_chunk[512];
static size_t      upstream_chunk_len;
static size_t      upstream_stamp;


static void
upstream_unlink(upstream_t *c)
{
    if (c->next) {
        c->next->prev = c->prev;
        c->prev->next = c->next;
        c->next = NULL;
    }
}


static void
upstream_link(upstream_t *list, upstream_t *c)
{
    c->next = list;
    c->prev = list->prev;
    c->prev->next = c;
    list->prev = c;
}


static void
upstream_close(upstream_t *c)
{
    if (c->streaming && upstream_pace) {
        upstream_paced--;
    }

    upstream_unlink(c);
    SSL_free(c->ssl);
    close(c->fd);
    free(c->room);

    c->fd = -1;
    c->next = upstream_free;
    upstream_free = c;
}


static void
upstream_arm(upstream_t *c, int writing)
{
    if (c->armed != writing) {
        net_watch(upstream_epoll, EPOLL_CTL_MOD, c->fd,
                  writing ? EPOLLIN|EPOLLOUT : EPOLLIN, c);
        c->armed = writing;
    }
}


/* 1: all is sent, 0: the socket is full, -1: the connection is gone */

static int
upstream_flush(upstream_t *c)
{
    ssize_t  n;

    while (c->out_len) {
        n = tls_send(c->ssl, c->fd, c->out, c->out_len);

        if (n <= 0) {
            if (n == 0 || errno != EAGAIN) {
                return -1;
            }

            upstream_arm(c, 1);
            return 0;
        }

        c->out += n;
        c->out_len -= (size_t) n;
    }

    upstream_arm(c, 0);

    return 1;
}


static char *
upstream_put(char *p, const char *text, size_t len)
{
    p += sprintf(p, "%zx\r\n", len);
    memcpy(p, text, len);
    memcpy(p + len, "\r\n", 2);

    return p + len + 2;
}


static void
upstream_digits(char *p, unsigned n, uint64_t value)
{
    while (n--) {
        p[n] = (char) ('0' + value % 10);
        value /= 10;
    }
}


static char *
upstream_put_event(upstream_t *c, char *p, uint64_t now)
{
    if (c->event + 2 == upstream_events) {
        return upstream_put(p, upstream_stop, sizeof(upstream_stop) - 1);
    }

    if (c->event + 1 == upstream_events) {
        p = upstream_put(p, upstream_usage, sizeof(upstream_usage) - 1);
        p = upstream_put(p, upstream_done, sizeof(upstream_done) - 1);
        memcpy(p, "0\r\n\r\n", 5);
        return p + 5;
    }

    memcpy(p, upstream_chunk, upstream_chunk_len);

    upstream_digits(p + upstream_stamp, 16, now);

    /* no two events alike: LiteLLM ends a stream that repeats itself */

    upstream_digits(p + upstream_stamp + sizeof("0000000000000000 word-") - 1,
                    4, c->event);

    return p + upstream_chunk_len;
}


static void
upstream_over(upstream_t *c)
{
    if (upstream_pace) {
        upstream_paced--;
    }

    c->streaming = 0;
    c->head_len = 0;
}


static void
upstream_wait(upstream_t *c)
{
    c->due += upstream_pace;

    if (c->due <= upstream_ms) {
        c->due = upstream_ms + 1;
    }

    upstream_link(&upstream_slots[c->due % UPSTREAM_SLOTS], c);
}


static void
upstream_stream(upstream_t *c)
{
    int       rc;
    char     *p, *end;
    unsigned  n;
    uint64_t  now;

    p = c->room;
    end = c->room + UPSTREAM_OUT - 2048;
    now = net_now();

    if (c->event == 0) {
        p = stpcpy(p, upstream_sse[upstream_coded != 0]);
    }

    for (n = 0; c->event < upstream_events && p < end; c->event++) {
        p = upstream_put_event(c, p, now);

        if (++n == upstream_burst || upstream_pace) {
            c->event++;
            break;
        }
    }

    c->out = c->room;
    c->out_len = (size_t) (p - c->room);

    rc = upstream_flush(c);

    if (rc < 0) {
        upstream_close(c);
        return;
    }

    if (rc == 0) {
        return;
    }

    if (c->event >= upstream_events) {
        upstream_over(c);

    } else if (upstream_pace) {
        upstream_wait(c);

    } else {
        upstream_link(&upstream_ready, c);
    }
}


static void
upstream_writable(upstream_t *c)
{
    int  rc;

    rc = upstream_flush(c);

    if (rc < 0) {
        upstream_close(c);
        return;
    }

    if (rc == 0 || !c->streaming) {
        return;
    }

    if (c->event >= upstream_events) {
        upstream_over(c);

    } else if (upstream_pace) {
        upstream_wait(c);

    } else {
        upstream_link(&upstream_ready, c);
    }
}


static void
upstream_set(const char *head, const char *name, unsigned *value)
{
    const char  *p;

    p = strstr(head, name);

    if (p) {
        *value = (unsigned) strtoul(p + strlen(name), NULL, 10);
    }
}


static void
upstream_control(upstream_t *c)
{
    int     n;
    char   *line;
    static char  text[UPSTREAM_HEAD + 512];

    if (strncmp(c->head, "GET /bench/last ", 16) == 0) {
        n = snprintf(text + 256, UPSTREAM_HEAD + 256, "%zu %08lx\n%s",
                     upstream_last_len, upstream_last_sum,
                     upstream_last_head);

    } else {
        line = strchr(c->head, '\n');
        *line = '\0';

        upstream_set(c->head, "events=", &upstream_events);
        upstream_set(c->head, "pace=", &upstream_pace);
        upstream_set(c->head, "burst=", &upstream_burst);
        upstream_set(c->head, "check=", &upstream_check);
        upstream_set(c->head, "coded=", &upstream_coded);

        n = snprintf(text + 256, 256,
                     "events=%u pace=%u burst=%u check=%u coded=%u\n",
                     upstream_events, upstream_pace, upstream_burst,
                     upstream_check, upstream_coded);
    }

    c->out_len = (size_t) sprintf(text, "HTTP/1.1 200 OK\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Content-Length: %d\r\n\r\n", n);
    memmove(text + c->out_len, text + 256, (size_t) n);
    c->out_len += (size_t) n;
    c->out = text;
    c->head_len = 0;

    /* one who asks this reads the answer: it fits into the socket */

    if (upstream_flush(c) < 0) {
        upstream_close(c);
    }
}


static int
upstream_asks_stream(upstream_t *c)
{
    return memmem(c->peek, c->peek_len, "\"stream\":true", 13) != NULL
           || memmem(c->peek, c->peek_len, "\"stream\": true", 14) != NULL;
}


static void
upstream_request(upstream_t *c)
{
    if (strncmp(c->head, "GET /bench", 10) == 0) {
        upstream_control(c);
        return;
    }

    if (upstream_check) {
        upstream_last_len = c->body_len;
        upstream_last_sum = c->sum;
        memcpy(upstream_last_head, c->head, c->head_len + 1);
    }

    if (!upstream_asks_stream(c)) {
        c->out = upstream_plain;
        c->out_len = upstream_plain_len;
        c->head_len = 0;

        if (upstream_flush(c) < 0) {
            upstream_close(c);
        }

        return;
    }

    if (c->room == NULL) {
        c->room = malloc(UPSTREAM_OUT);
        net_must(c->room != NULL, "malloc");
    }

    c->streaming = 1;
    c->event = 0;
    c->due = upstream_ms;
    upstream_paced += upstream_pace != 0;

    upstream_stream(c);
}


static void
upstream_body(upstream_t *c, const char *p, size_t n)
{
    size_t  room;

    room = UPSTREAM_PEEK - c->peek_len;
    room = n < room ? n : room;

    memcpy(c->peek + c->peek_len, p, room);
    c->peek_len += room;

    if (upstream_check) {
        c->sum = crc32(c->sum, (const Bytef *) p, (uInt) n);
    }

    c->left -= n;
}


/* bytes of the head in p, or 0 if it does not end there */

static size_t
upstream_head(upstream_t *c, const char *p, size_t n)
{
    char   *end, *length;
    size_t  had, len;

    had = c->head_len;
    len = n < UPSTREAM_HEAD - had ? n : UPSTREAM_HEAD - had;

    memcpy(c->head + had, p, len);
    c->head_len += len;
    c->head[c->head_len] = '\0';

    end = strstr(c->head, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    end[4] = '\0';
    c->head_len = (size_t) (end - c->head) + 4;

    length = strcasestr(c->head, "\r\nContent-Length:");

    c->left = length ? strtoul(length + 17, NULL, 10) : 0;
    c->body_len = c->left;
    c->peek_len = 0;
    c->sum = crc32(0, NULL, 0);

    if (length == NULL && c->head[0] == 'P') {
        fprintf(stderr, "upstream: a request without a length\n");
        exit(1);
    }

    return c->head_len - had;
}


/* -1: the connection was given up */

static int
upstream_take(upstream_t *c, const char *p, size_t n)
{
    size_t  len;

    while (n) {

        if (c->left == 0) {
            len = upstream_head(c, p, n);

            if (len == 0) {
                return c->head_len < UPSTREAM_HEAD ? 0 : -1;
            }

        } else {
            len = n < c->left ? n : c->left;
            upstream_body(c, p, len);
        }

        p += len;
        n -= len;

        if (c->left == 0) {
            if (n) {
                fprintf(stderr, "upstream: bytes behind a request\n");
                exit(1);
            }

            upstream_request(c);
        }
    }

    return 0;
}


static void
upstream_read(upstream_t *c)
{
    ssize_t  n;

    do {
        n = tls_recv(c->ssl, c->fd, upstream_buf, sizeof(upstream_buf));

        if (n < 0 && errno == EAGAIN) {
            return;
        }

        if (n <= 0 || upstream_take(c, upstream_buf, (size_t) n) != 0) {
            upstream_close(c);
            return;
        }

    } while (c->fd >= 0 && tls_has_more(c->ssl));
}


/* one that was closed is used again: who still holds it sees that it is */

static upstream_t *
upstream_new(void)
{
    upstream_t  *c;

    c = upstream_free;

    if (c) {
        upstream_free = c->next;
        memset(c, 0, offsetof(upstream_t, head));
        return c;
    }

    c = calloc(1, sizeof(upstream_t));
    net_must(c != NULL, "calloc");

    return c;
}


static void
upstream_accept(upstream_t *door)
{
    int          fd;
    upstream_t  *c;

    for ( ;; ) {
        fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK);

        if (fd < 0) {
            net_must(errno == EAGAIN || errno == ECONNABORTED, "accept");
            return;
        }

        net_nodelay(fd);

        c = upstream_new();
        c->fd = fd;

        if (door->ctx) {
            c->ssl = tls_open(door->ctx, fd);
            SSL_set_accept_state(c->ssl);
        }

        net_watch(upstream_epoll, EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}


static void
upstream_listen(const char *port, SSL_CTX *ctx)
{
    upstream_t  *door;

    door = upstream_new();
    door->fd = net_listen((unsigned) atoi(port));
    door->door = 1;
    door->ctx = ctx;

    net_watch(upstream_epoll, EPOLL_CTL_ADD, door->fd, EPOLLIN, door);
}


static SSL_CTX *
upstream_tls(const char *certificate, const char *key)
{
    SSL_CTX  *ctx;

    ctx = tls_context(TLS_server_method());

    net_must(SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1
             && SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1,
             certificate);

    return ctx;
}


/* those that are due by now */

static void
upstream_tick(void)
{
    uint64_t     now;
    upstream_t  *list, *c, *last;

    now = net_now() / 1000000;

    if (upstream_paced == 0) {
        return;
    }

    for ( /* void */ ; upstream_ms <= now; upstream_ms++) {

        list = &upstream_slots[upstream_ms % UPSTREAM_SLOTS];
        last = list->prev;

        while (list->next != list) {
            c = list->next;
            upstream_unlink(c);
            upstream_stream(c);

            if (c == last) {
                break;
            }
        }
    }
}


static void
upstream_go_on(void)
{
    upstream_t  *c, *last;

    last = upstream_ready.prev;

    while (upstream_ready.next != &upstream_ready) {
        c = upstream_ready.next;
        upstream_unlink(c);
        upstream_stream(c);

        if (c == last) {
            break;
        }
    }
}


static void
upstream_prepare(void)
{
    char      *p;
    unsigned   i;

    upstream_plain_len = (size_t) sprintf(upstream_plain,
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: %zu\r\n"
        "X-Request-Id: req_5e0a1b2c3d4e5f60718293a4b5c6d7e8\r\n"
        "\r\n%s", sizeof(upstream_answer) - 1, upstream_answer);

    p = upstream_put(upstream_chunk, upstream_delta,
                     sizeof(upstream_delta) - 1);
    upstream_chunk_len = (size_t) (p - upstream_chunk);

    *p = '\0';
    upstream_stamp = (size_t) (strstr(upstream_chunk, "@T") + 2
                               - upstream_chunk);

    upstream_ready.next = upstream_ready.prev = &upstream_ready;

    for (i = 0; i < UPSTREAM_SLOTS; i++) {
        upstream_slots[i].next = upstream_slots[i].prev = &upstream_slots[i];
    }
}


int
main(int argc, char *argv[])
{
    int                 i, n, timeout;
    upstream_t         *c;
    struct epoll_event  events[512];

    if (argc != 2 && argc != 5) {
        fprintf(stderr, "usage: upstream PORT [PORT CERTIFICATE KEY]\n");
        return 2;
    }

    upstream_prepare();
    upstream_ms = net_now() / 1000000;
    upstream_epoll = epoll_create1(0);

    upstream_listen(argv[1], NULL);

    if (argc == 5) {
        upstream_listen(argv[2], upstream_tls(argv[3], argv[4]));
    }

    for ( ;; ) {
        timeout = upstream_ready.next != &upstream_ready ? 0
                  : upstream_paced ? 1 : -1;

        n = epoll_wait(upstream_epoll, events, 512, timeout);

        if (upstream_paced == 0) {
            upstream_ms = net_now() / 1000000;
        }

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if (c->door) {
                upstream_accept(c);

            } else if (events[i].events & EPOLLOUT) {
                upstream_writable(c);

            } else {
                upstream_read(c);
            }
        }

        upstream_tick();
        upstream_go_on();
    }
}
