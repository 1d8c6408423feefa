/* A log of tokens, however a document is cut; it ends at an unreadable page. */


#define _GNU_SOURCE

#include "scan_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "scan_cases.h"


#define TEST_ROOM   (1024 * 1024)
#define TEST_RAW    64
#define TEST_DEPTH  64

static unsigned char  *test_end;           /* an unreadable page is here */


static const unsigned char *
test_place(const unsigned char *p, size_t len)
{
    assert_true(len <= TEST_ROOM);

    return memcpy(test_end - len, p, len);
}


static uint32_t
test_random(uint32_t n)
{
    static uint64_t  state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (uint32_t) (state >> 16) % n;
}


static void
test_fail(const char *text, size_t len, const scan_log_t *a,
    const scan_log_t *b, const size_t *cuts, size_t ncuts)
{
    fail_msg("\n%.*s\npolicy %d, %zu cuts at %zu %zu:\n"
             "rc %d error %d at %llu\n%.*s\nwhole:\n"
             "rc %d error %d at %llu\n%.*s\n",
             (int) len, text, (int) a->policy, ncuts, ncuts ? cuts[0] : 0,
             ncuts > 1 ? cuts[1] : 0,
             a->rc, (int) a->error, (unsigned long long) a->offset,
             (int) a->len, a->log,
             b->rc, (int) b->error, (unsigned long long) b->offset,
             (int) b->len, b->log);
}


static void
test_same(const char *text, size_t len, const scan_log_t *whole,
    const size_t *cuts, size_t ncuts)
{
    scan_log_t  log;

    log = *whole;
    scan_log_feed(&log, (const unsigned char *) text, len, cuts, ncuts,
                  TEST_DEPTH, TEST_RAW, test_place);

    if (!scan_log_same(&log, whole)) {
        test_fail(text, len, &log, whole, cuts, ncuts);
    }

    scan_log_free(&log);
}


static int
test_setup(void **state)
{
    unsigned char  *p;

    (void) state;

    p = mmap(NULL, TEST_ROOM + 65536, PROT_READ|PROT_WRITE,
             MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED
        || mprotect(p + TEST_ROOM, 65536, PROT_NONE) == -1)
    {
        return -1;
    }

    test_end = p + TEST_ROOM;

    return 0;
}
