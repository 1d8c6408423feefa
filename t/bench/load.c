/*
 * The load generator: a single thread that keeps connections, sends requests
 * that are given whole in files, and prints a line of JSON for each class.
 *
 *   load PORT limit=SECONDS CLASS [CLASS ...]
 *
 *   CLASS is name,file=PATH[,conns=N][,n=N][,seconds=S][,rate=N][,ramp=MS]
 *                [,status=N][,tls=1][,two=1][,vary=N]
 *
 *   n        so many requests, then no more
 *   seconds  no more after this time; the figures are of this time
 *   rate     so many requests a second, whether the answers come or not: the
 *            latency counts from when a request should have been sent
 *   ramp     the connections begin within this time, one after another
 *   status   the status that is right
 *   tls      over TLS, whose certificate nobody looks at
 *   two      the file has the frames of a request in HTTP/2
 *   vary     in place of "@@@@@" are the numbers from 0 to N - 1 in turn
 *
 * Of a stream, each event that has the time at which the upstream wrote it
 * gives a delay.  A stream without its [DONE] is an error.
 */


#define _GNU_SOURCE

#include "load.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>


static int           load_epoll;
static unsigned      load_port;
static uint64_t      load_start;
static uint64_t      load_limit;
static load_class_t  load_classes[LOAD_CLASSES];
static unsigned      load_nclasses;
static char          load_buf[262144];
static SSL_CTX      *load_tls;


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
    c->opened++;
    c->class->connects++;

    if (c->class->tls) {
        c->ssl = tls_open(load_tls, c->fd);
        SSL_set_connect_state(c->ssl);
    }

    if (c->class->two) {
        load_two_open(c);
    }

    net_watch(load_epoll, EPOLL_CTL_ADD, c->fd, EPOLLIN, c);
}


static void
load_drop(load_conn_t *c)
{
    if (c->ssl) {
        SSL_free(c->ssl);
        c->ssl = NULL;
    }

    if (c->fd >= 0) {
        close(c->fd);
        c->fd = -1;
    }
}


/* what the request has of its own each time, in the class's one copy of it */

static void
load_stamp(load_conn_t *c)
{
    int            i;
    uint32_t       number;
    load_class_t  *class;

    class = c->class;

    if (class->stamped == c->stamp) {
        return;
    }

    class->stamped = c->stamp;

    if (class->two) {
        load_two_stamp(c);
        return;
    }

    for (i = 4, number = c->stamp - 1; i >= 0; i--, number /= 10) {
        class->digits[i] = (char) ('0' + number % 10);
    }
}


/* -1: not now */

static ssize_t
load_put(load_conn_t *c, const char *p, size_t len)
{
    ssize_t  n;

    n = tls_send(c->ssl, c->fd, p, len);

    if (n > 0) {
        return n;
    }

    /* if the connection is gone, the answer may be there, and tells why */

    load_arm(c, n < 0 && (errno == EAGAIN || errno == ENOTCONN)
                && !(c->ssl && SSL_want_read(c->ssl)));
    return -1;
}


/* frames of the connection's own go between those of the request */

static int
load_put_own(load_conn_t *c)
{
    ssize_t      n;
    load_two_t  *two;

    two = &c->two;

    if (c->sent && c->sent < c->granted) {
        return 1;
    }

    while (two->out_len) {
        n = load_put(c, two->out, two->out_len);

        if (n < 0) {
            return 0;
        }

        two->out_len -= (size_t) n;
        memmove(two->out, two->out + n, two->out_len);
    }

    return 1;
}


void
load_write(load_conn_t *c)
{
    size_t   len;
    ssize_t  n;

    if (!load_put_own(c)) {
        return;
    }

    if (c->sent < c->granted) {
        load_stamp(c);

        /* a large body does not hold up the others */

        len = c->granted - c->sent;
        len = len < LOAD_PIECE ? len : LOAD_PIECE;

        n = load_put(c, c->class->request + c->sent, len);

        if (n < 0) {
            return;
        }

        c->sent += (size_t) n;
    }

    load_arm(c, c->sent < c->granted || c->two.out_len);
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

    c->granted = c->class->len;

    if (c->class->two) {
        load_two_begin(c);

    } else if (c->class->vary) {
        c->stamp = (uint32_t) (c->class->number++ % c->class->vary) + 1;
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


void
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
load_closed(load_conn_t *c, uint64_t now)
{
    int  good;

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


static void
load_read(load_conn_t *c)
{
    ssize_t   n;
    uint64_t  now;

    do {
        n = tls_recv(c->ssl, c->fd, load_buf, sizeof(load_buf));

        if (n < 0 && errno == EAGAIN) {
            break;
        }

        now = net_now();

        if (n <= 0) {
            load_closed(c, now);
            return;
        }

        if (c->class->two) {
            load_two_take(c, load_buf, (size_t) n, now);
            continue;
        }

        if (!c->busy) {
            fprintf(stderr, "load: an answer to nothing\n");
            exit(1);
        }

        load_take(c, load_buf, (size_t) n, now);

    } while (tls_has_more(c->ssl));

    /* a handshake may be over now */

    if (c->ssl && c->busy && c->sent < c->granted && !c->armed) {
        load_write(c);
    }
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

    } else if (strcmp(name, "tls") == 0) {
        class->tls = (unsigned) atoi(value);

    } else if (strcmp(name, "two") == 0) {
        class->two = (unsigned) atoi(value);

    } else if (strcmp(name, "vary") == 0) {
        class->vary = (unsigned) atoi(value);

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

    if (class->two) {
        load_two_frames(class);

    } else if (class->vary) {
        class->digits = memmem(class->request, class->len, "@@@@@", 5);
        net_must(class->digits != NULL, "nothing to vary");
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


static double
load_cpu(void)
{
    struct rusage  usage;

    getrusage(RUSAGE_SELF, &usage);

    return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
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

    printf("},\"unfinished\":%u,\"cpu\":%.6f", n, load_cpu());

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
    load_tls = tls_context(TLS_client_method());

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
