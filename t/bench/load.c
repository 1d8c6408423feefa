/*
 * The load generator: a single thread that keeps connections, sends requests
 * that are given whole in files, and prints a line of JSON for each class.
 *
 *   load PORT limit=SECONDS CLASS [CLASS ...]
 *
 *   CLASS is name,file=PATH[,conns=N][,n=N][,seconds=S][,rate=N][,ramp=MS]
 *                [,status=N]
 *
 *   n        so many requests, then no more
 *   seconds  no more after this time; the figures are of this time
 *   rate     so many requests a second, whether the answers come or not: the
 *            latency counts from when a request should have been sent
 *   ramp     the connections begin within this time, one after another
 *   status   the status that is right
 *
 * Of a stream, each event that has the time at which the upstream wrote it
 * gives a delay.  A stream without its [DONE] is an error.
 */


#define _GNU_SOURCE

#include "net.h"
#include "series.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>


#define LOAD_CLASSES  4
#define LOAD_HEAD     8192
#define LOAD_LINE     1024
#define LOAD_PIECE    65536


typedef struct load_class_s  load_class_t;
typedef struct load_conn_s   load_conn_t;


struct load_class_s {
    char          *name;
    char          *request;
    size_t         len;
    unsigned       conns;
    uint64_t       n;
    double         seconds;
    double         rate;
    unsigned       ramp;
    unsigned       status;

    uint64_t       until;
    uint64_t       started;
    uint64_t       sent;
    uint64_t       done;
    uint64_t       errors;
    uint64_t       connects;
    uint64_t       bytes;
    uint64_t       events;
    uint64_t       last;
    unsigned       statuses[600];

    load_conn_t   *all;
    load_conn_t   *idle;

    series_t       latency;
    series_t       first;
    series_t       delay;
};


typedef enum {
    LOAD_HEADER = 0,
    LOAD_LENGTH,
    LOAD_CHUNK,
    LOAD_CHUNK_DATA,
    LOAD_TRAILER,
    LOAD_CLOSE,
    LOAD_DONE
} load_state_e;


struct load_conn_s {
    int            fd;
    int            armed;
    int            busy;
    load_class_t  *class;
    load_conn_t   *next;

    size_t         sent;
    uint64_t       begin;
    uint64_t       fresh;

    load_state_e   state;
    unsigned       status;
    unsigned       keep:1;
    unsigned       stream:1;
    unsigned       over:1;
    unsigned       first:1;
    size_t         left;

    size_t         head_len;
    size_t         line_len;
    char           head[LOAD_HEAD + 1];
    char           line[LOAD_LINE + 1];
};


static int           load_epoll;
static unsigned      load_port;
static uint64_t      load_start;
static uint64_t      load_limit;
static load_class_t  load_classes[LOAD_CLASSES];
static unsigned      load_nclasses;
static char          load_buf[262144];


static void
load_arm(load_conn_t *c, int writing)
{
    if (c->armed != writing) {
        net_watch(load_epoll, EPOLL_CTL_MOD, c->fd,
                  writing ? EPOLLIN|EPOLLOUT : EPOLLIN, c);
        c->armed = writing;
    }
}


static void
load_open(load_conn_t *c)
{
    c->fd = net_connect(load_port);
    c->armed = 0;
    c->class->connects++;

    net_watch(load_epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
}


static void
load_drop(load_conn_t *c)
{
    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}


static void
load_write(load_conn_t *c)
{
    size_t         len;
    ssize_t        n;
    load_class_t  *class;

    class = c->class;

    if (c->sent < class->len) {

        /* a large body does not hold up the others */

        len = class->len - c->sent;
        len = len < LOAD_PIECE ? len : LOAD_PIECE;

        n = send(c->fd, class->request + c->sent, len, MSG_NOSIGNAL);

        if (n < 0) {
            if (errno == EAGAIN || errno == ENOTCONN) {
                load_arm(c, 1);
                return;
            }

            /* the answer may be there, and tells why */

            load_arm(c, 0);
            return;
        }

        c->sent += (size_t) n;
    }

    load_arm(c, c->sent < class->len);
}


static int
load_may_send(load_class_t *class, uint64_t now)
{
    return (class->n == 0 || class->sent < class->n)
           && (class->until == 0 || now < class->until);
}


static void
load_send(load_conn_t *c, uint64_t begin)
{
    c->state = LOAD_HEADER;
    c->sent = 0;
    c->head_len = 0;
    c->line_len = 0;
    c->stream = 0;
    c->over = 0;
    c->first = 0;
    c->busy = 1;
    c->begin = begin;
    c->class->sent++;

    if (c->fd < 0) {
        load_open(c);
    }

    load_write(c);
}


static uint64_t
load_scheduled(load_class_t *class, uint64_t i)
{
    return class->started + (uint64_t) ((double) i * 1e9 / class->rate);
}


/* a connection has nothing to do: it takes the next request, if one is due */

static void
load_next(load_conn_t *c, uint64_t now)
{
    uint64_t       at;
    load_class_t  *class;

    class = c->class;
    c->busy = 0;

    if (load_may_send(class, now)) {

        if (class->rate == 0) {
            load_send(c, now);
            return;
        }

        at = load_scheduled(class, class->sent);

        if (at <= now) {
            load_send(c, at);
            return;
        }
    }

    c->next = class->idle;
    class->idle = c;
}


static void
load_finish(load_conn_t *c, uint64_t now, int good)
{
    load_class_t  *class;

    class = c->class;

    if (c->status < 600) {
        class->statuses[c->status]++;
    }

    if (!good || c->status != class->status || (c->stream && !c->over)) {
        class->errors++;

    } else if (class->until == 0 || now <= class->until) {
        class->done++;
        class->last = now;
        c->fresh = 0;
        series_add(&class->latency, now - c->begin);
    }

    if (!good || !c->keep || c->sent < class->len) {
        load_drop(c);
    }

    load_next(c, now);
}


static void
load_line(load_conn_t *c, uint64_t now)
{
    char      *p;
    uint64_t   at;
    unsigned   i;

    if (c->line_len < 5 || memcmp(c->line, "data:", 5) != 0) {
        return;
    }

    if (memmem(c->line, c->line_len, "[DONE]", 6)) {
        c->over = 1;
        return;
    }

    c->class->events++;

    if (!c->first) {
        c->first = 1;
        series_add(&c->class->first, now - c->begin);
    }

    p = memmem(c->line, c->line_len, "@T", 2);

    if (p == NULL || p + 18 > c->line + c->line_len) {
        return;
    }

    for (at = 0, i = 2; i < 18; i++) {
        at = at * 10 + (uint64_t) (p[i] - '0');
    }

    series_add(&c->class->delay, now > at ? now - at : 0);
}


static void
load_data(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t       len, room;
    const char  *end;

    if (!c->stream) {
        return;
    }

    while (n) {
        end = memchr(p, '\n', n);
        len = end ? (size_t) (end - p) : n;

        room = LOAD_LINE - c->line_len;
        room = len < room ? len : room;
        memcpy(c->line + c->line_len, p, room);
        c->line_len += room;

        if (end) {
            load_line(c, now);
            c->line_len = 0;
            len++;
        }

        p += len;
        n -= len;
    }
}


static void
load_head(load_conn_t *c)
{
    char  *value;

    c->head[c->head_len] = '\0';
    c->status = (unsigned) strtoul(c->head + 9, NULL, 10);
    c->keep = strcasestr(c->head, "\r\nConnection: close") == NULL;
    c->stream = strcasestr(c->head, "text/event-stream") != NULL;

    if (strcasestr(c->head, "\r\nTransfer-Encoding: chunked")) {
        c->state = LOAD_CHUNK;
        c->left = 0;
        c->head_len = 0;
        return;
    }

    value = strcasestr(c->head, "\r\nContent-Length:");

    if (value) {
        c->left = strtoul(value + 17, NULL, 10);
        c->state = c->left ? LOAD_LENGTH : LOAD_DONE;
        return;
    }

    c->state = LOAD_CLOSE;
    c->keep = 0;
}


/* a line of the framing, up to LF, kept in c->head; bytes taken */

static size_t
load_frame(load_conn_t *c, const char *p, size_t n)
{
    size_t       len;
    const char  *end;

    end = memchr(p, '\n', n);
    len = end ? (size_t) (end - p) + 1 : n;

    net_must(c->head_len + len < LOAD_HEAD, "the head of an answer");
    memcpy(c->head + c->head_len, p, len);
    c->head_len += len;

    if (end == NULL) {
        return len;
    }

    if (c->state == LOAD_HEADER) {
        if (c->head_len >= 4
            && memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) == 0)
        {
            load_head(c);
        }

        return len;
    }

    c->head[c->head_len] = '\0';

    if (c->state == LOAD_TRAILER) {
        c->state = c->head_len == 2 ? LOAD_DONE : LOAD_TRAILER;

    } else if (c->head_len > 2) {
        c->left = strtoul(c->head, NULL, 16);
        c->state = c->left ? LOAD_CHUNK_DATA : LOAD_TRAILER;
    }

    c->head_len = 0;

    return len;
}


static void
load_take(load_conn_t *c, const char *p, size_t n, uint64_t now)
{
    size_t  len;

    c->class->bytes += n;

    while (n && c->state != LOAD_DONE) {

        switch (c->state) {

        case LOAD_LENGTH:
        case LOAD_CHUNK_DATA:
            len = n < c->left ? n : c->left;
            load_data(c, p, len, now);
            c->left -= len;

            if (c->left == 0) {
                c->state = c->state == LOAD_LENGTH ? LOAD_DONE : LOAD_CHUNK;
            }

            break;

        case LOAD_CLOSE:
            len = n;
            load_data(c, p, n, now);
            break;

        default:
            len = load_frame(c, p, n);
        }

        p += len;
        n -= len;
    }

    if (c->state == LOAD_DONE) {
        load_finish(c, now, n == 0);
    }
}


static void
load_read(load_conn_t *c)
{
    int       good;
    ssize_t   n;
    uint64_t  now;

    n = recv(c->fd, load_buf, sizeof(load_buf), 0);

    if (n < 0 && errno == EAGAIN) {
        return;
    }

    now = net_now();

    if (n > 0) {
        if (!c->busy) {
            fprintf(stderr, "load: an answer to nothing\n");
            exit(1);
        }

        load_take(c, load_buf, (size_t) n, now);
        return;
    }

    if (!c->busy) {
        load_drop(c);
        return;
    }

    /* a kept connection may be closed before it is used again */

    if (c->state == LOAD_HEADER && c->head_len == 0 && c->fresh++ < 3) {
        load_drop(c);
        c->class->sent--;
        load_send(c, c->begin);
        return;
    }

    good = c->state == LOAD_CLOSE;
    c->status = c->state == LOAD_HEADER ? 0 : c->status;
    c->keep = 0;
    load_finish(c, now, good);
}


/* requests of a rate, and the connections that begin one after another */

static void
load_tick(load_class_t *class, uint64_t now)
{
    uint64_t      i;
    load_conn_t  *c;

    while (class->idle && load_may_send(class, now)) {

        if (class->rate) {
            if (load_scheduled(class, class->sent) > now) {
                return;
            }

        } else {
            i = class->conns > 1 ? class->sent : 0;

            if (i < class->conns && class->ramp
                && class->started + i * class->ramp * 1000000 / class->conns
                   > now)
            {
                return;
            }
        }

        c = class->idle;
        class->idle = c->next;

        load_send(c, class->rate ? load_scheduled(class, class->sent) : now);
    }
}


static int
load_busy(load_class_t *class, uint64_t now)
{
    unsigned  i;

    if (class->until && now >= class->until) {
        return 0;
    }

    if (load_may_send(class, now)) {
        return 1;
    }

    for (i = 0; i < class->conns; i++) {
        if (class->all[i].busy) {
            return 1;
        }
    }

    return 0;
}


static void
load_file(load_class_t *class, const char *path)
{
    int      fd;
    off_t    size;
    ssize_t  n;

    fd = open(path, O_RDONLY);
    net_must(fd >= 0, path);

    size = lseek(fd, 0, SEEK_END);
    class->request = malloc((size_t) size);
    net_must(class->request != NULL, "malloc");

    n = pread(fd, class->request, (size_t) size, 0);
    net_must(n == size, path);

    class->len = (size_t) size;
    close(fd);
}


static void
load_option(load_class_t *class, const char *name, const char *value)
{
    if (strcmp(name, "file") == 0) {
        load_file(class, value);

    } else if (strcmp(name, "conns") == 0) {
        class->conns = (unsigned) atoi(value);

    } else if (strcmp(name, "n") == 0) {
        class->n = (uint64_t) atoll(value);

    } else if (strcmp(name, "seconds") == 0) {
        class->seconds = atof(value);

    } else if (strcmp(name, "rate") == 0) {
        class->rate = atof(value);

    } else if (strcmp(name, "ramp") == 0) {
        class->ramp = (unsigned) atoi(value);

    } else if (strcmp(name, "status") == 0) {
        class->status = (unsigned) atoi(value);

    } else {
        fprintf(stderr, "load: \"%s\"?\n", name);
        exit(2);
    }
}


static void
load_class(load_class_t *class, char *text)
{
    char     *name, *value;
    unsigned  i;

    class->name = strsep(&text, ",");
    class->conns = 1;
    class->status = 200;

    while ((value = strsep(&text, ",")) != NULL) {
        name = strsep(&value, "=");
        load_option(class, name, value ? value : "");
    }

    class->all = calloc(class->conns, sizeof(load_conn_t));
    net_must(class->all != NULL, "calloc");

    for (i = class->conns; i; i--) {
        class->all[i - 1].fd = -1;
        class->all[i - 1].class = class;
        class->all[i - 1].next = class->idle;
        class->idle = &class->all[i - 1];
    }
}


static void
load_print(load_class_t *class, uint64_t now)
{
    unsigned     i, n;
    uint64_t     end;
    const char  *comma;

    end = class->until ? (class->until < now ? class->until : now)
                       : class->last ? class->last : now;

    printf("{\"name\":\"%s\",\"seconds\":%.6f,\"sent\":%llu,\"done\":%llu,"
           "\"errors\":%llu,\"connects\":%llu,\"bytes\":%llu,\"events\":%llu,"
           "\"statuses\":{",
           class->name, (double) (end - class->started) / 1e9,
           (unsigned long long) class->sent, (unsigned long long) class->done,
           (unsigned long long) class->errors,
           (unsigned long long) class->connects,
           (unsigned long long) class->bytes,
           (unsigned long long) class->events);

    comma = "";

    for (i = 0; i < 600; i++) {
        if (class->statuses[i]) {
            printf("%s\"%u\":%u", comma, i, class->statuses[i]);
            comma = ",";
        }
    }

    for (i = 0, n = 0; i < class->conns; i++) {
        n += class->all[i].busy != 0;
    }

    printf("},\"unfinished\":%u", n);

    series_print("latency", &class->latency);
    series_print("first", &class->first);
    series_print("delay", &class->delay);

    printf("}\n");
}


/* the moment of the next request that has a time of its own, or 0 */

static uint64_t
load_due(load_class_t *class, uint64_t now)
{
    uint64_t  at;

    if (class->idle == NULL || !load_may_send(class, now)) {
        at = 0;

    } else if (class->rate) {
        at = load_scheduled(class, class->sent);

    } else {
        at = class->started
             + class->sent * class->ramp * 1000000 / class->conns;
    }

    if (class->until && now < class->until && (at == 0 || class->until < at)) {
        at = class->until;
    }

    return at;
}


static void
load_set_timer(int timer, uint64_t now)
{
    unsigned           i;
    uint64_t           at, due;
    struct itimerspec  it;

    static uint64_t  set;

    at = load_limit;

    for (i = 0; i < load_nclasses; i++) {
        due = load_due(&load_classes[i], now);

        if (due && due < at) {
            at = due;
        }
    }

    if (at == set) {
        return;
    }

    set = at;
    memset(&it, 0, sizeof(it));
    it.it_value.tv_sec = (time_t) (at / 1000000000);
    it.it_value.tv_nsec = (long) (at % 1000000000);

    net_must(timerfd_settime(timer, TFD_TIMER_ABSTIME, &it, NULL) == 0,
             "timerfd_settime");
}


static void
load_loop(int timer)
{
    int                 i, n, more;
    unsigned            j;
    uint64_t            now, ticks;
    load_conn_t        *c;
    struct epoll_event  events[512];

    for ( ;; ) {
        now = net_now();
        more = 0;

        for (j = 0; j < load_nclasses; j++) {
            load_tick(&load_classes[j], now);
            more |= load_busy(&load_classes[j], now);
        }

        if (!more || now >= load_limit) {
            return;
        }

        load_set_timer(timer, now);

        n = epoll_wait(load_epoll, events, 512, -1);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if (c == NULL) {
                (void) !read(timer, &ticks, sizeof(ticks));
                continue;
            }

            if (events[i].events & EPOLLOUT) {
                load_write(c);
            }

            if (c->fd >= 0 && (events[i].events & ~(uint32_t) EPOLLOUT)) {
                load_read(c);
            }
        }
    }
}


int
main(int argc, char *argv[])
{
    int            i, timer;
    uint64_t       now;
    load_class_t  *class;

    if (argc < 4 || strncmp(argv[2], "limit=", 6) != 0
        || argc - 3 > LOAD_CLASSES)
    {
        fprintf(stderr, "usage: load PORT limit=SECONDS CLASS ...\n");
        return 2;
    }

    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);

    load_port = (unsigned) atoi(argv[1]);
    load_epoll = epoll_create1(0);

    for (i = 3; i < argc; i++) {
        load_class(&load_classes[load_nclasses++], argv[i]);
    }

    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    net_must(timer >= 0, "timerfd_create");
    net_watch(load_epoll, EPOLL_CTL_ADD, timer, EPOLLIN, NULL);

    load_start = net_now();
    load_limit = load_start
                 + (uint64_t) (strtod(argv[2] + 6, NULL) * 1e9);

    for (i = 0; i < (int) load_nclasses; i++) {
        class = &load_classes[i];
        class->started = load_start;

        if (class->seconds > 0) {
            class->until = load_start + (uint64_t) (class->seconds * 1e9);
        }
    }

    load_loop(timer);

    now = net_now();

    for (i = 0; i < (int) load_nclasses; i++) {
        load_print(&load_classes[i], now);
    }

    return 0;
}
