/* what the upstream and the load generator of the bench share */


#ifndef _BENCH_NET_H_INCLUDED_
#define _BENCH_NET_H_INCLUDED_


#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


static inline void
net_must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}


/* nanoseconds */

static inline uint64_t
net_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static inline void
net_watch(int epoll, int how, int fd, uint32_t what, void *data)
{
    struct epoll_event  event;

    event.events = what;
    event.data.ptr = data;

    net_must(epoll_ctl(epoll, how, fd, &event) == 0, "epoll_ctl");
}


static inline void
net_nodelay(int fd)
{
    int  one = 1;

    net_must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0,
             "TCP_NODELAY");
}


static inline struct sockaddr_in
net_address(unsigned port)
{
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    return sin;
}


static inline int
net_listen(unsigned port)
{
    int                 fd, one = 1;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);
    net_must(fd >= 0, "socket");

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));

    sin = net_address(port);

    net_must(bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == 0, "bind");
    net_must(listen(fd, 16384) == 0, "listen");

    return fd;
}


/* the connection may still be under way */

static inline int
net_connect(unsigned port)
{
    int                 fd;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK, 0);
    net_must(fd >= 0, "socket");

    net_nodelay(fd);

    sin = net_address(port);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) != 0) {
        net_must(errno == EINPROGRESS, "connect");
    }

    return fd;
}


#endif /* _BENCH_NET_H_INCLUDED_ */
