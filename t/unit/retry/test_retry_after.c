/* What the API's headers say of when to come back. */

#include "unit.h"

#include <time.h>

#include "ngx_comet_retry_after.h"


#define NOW   784111777         /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NONE  NGX_COMET_RETRY_AFTER_NONE


typedef struct {
    const char  *value;
    int64_t      ms;
} case_t;


/* on the heap and without a zero: what is read behind it is found */

static int64_t
seconds(const char *value, int64_t now)
{
    char     *copy;
    size_t    len;
    int64_t   ms;

    len = strlen(value);
    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, value, len);

    ms = ngx_comet_retry_after(copy, len, now);
    free(copy);

    return ms;
}


static void
test_seconds(void **state)
{
    static const case_t  cases[] = {
        { "0", 0 },
        { "1", 1000 },
        { " 20\t", 20000 },
        { "1.5", 1500 },
        { "0.001", 1 },
        { "0.0001", 1 },
        { "2.0000", 2000 },
        { "2.0009", 2001 },
        { "5.", 5000 },
        { ".25", 250 },
        { "007", 7000 },
        { "922337203685", 922337203685000 },

        { "", NONE },
        { " ", NONE },
        { ".", NONE },
        { "-1", NONE },
        { "+1", NONE },
        { "1e3", NONE },
        { "1,5", NONE },
        { "1 5", NONE },
        { "1..5", NONE },
        { "1.5.1", NONE },
        { "0x10", NONE },
        { "inf", NONE },
        { "nan", NONE },
        { "soon", NONE },
        { "5s", NONE },
        { "9223372036854775807", NONE },
        { "9223372036854776", NONE },
        { "99999999999999999999999999", NONE },
    };

    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(seconds(cases[i].value, NOW), cases[i].ms);
    }
}


static void
test_milliseconds(void **state)
{
    static const case_t  cases[] = {
        { "0", 0 },
        { "1500", 1500 },
        { " 20 ", 20 },
        { "20.1", 21 },
        { "20.0", 20 },
        { "", NONE },
        { "-20", NONE },
        { "20ms", NONE },
        { "Sun, 06 Nov 1994 08:49:57 GMT", NONE },
        { "99999999999999999999", NONE },
    };

    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ngx_comet_retry_after_ms(cases[i].value,
                                                  strlen(cases[i].value)),
                         cases[i].ms);
    }
}


static void
test_dates(void **state)
{
    static const case_t  cases[] = {
        { "Sun, 06 Nov 1994 08:49:57 GMT", 20000 },
        { "Sunday, 06-Nov-94 08:49:57 GMT", 20000 },
        { "Sun Nov  6 08:49:57 1994", 20000 },
        { "Sun Nov 06 08:49:57 1994", 20000 },
        { " Sun, 06 Nov 1994 08:49:37 GMT ", 0 },
        { "Mon, 07 Nov 1994 08:49:37 GMT", 86400000 },
        { "Wednesday, 06-Nov-44 08:49:37 GMT", (int64_t) 18263 * 86400000 },
        { "Fri, 31 Dec 9999 23:59:59 GMT",
          ((int64_t) 253402300799 - NOW) * 1000 },

        /* it has passed */
        { "Sun, 06 Nov 1994 08:49:36 GMT", NONE },
        { "Sunday, 06-Nov-45 08:49:57 GMT", NONE },
        { "Thu, 01 Jan 1970 00:00:00 GMT", NONE },
        { "Sat, 01 Jan 0000 00:00:00 GMT", NONE },

        /* and these are none */
        { "Sun, 06 Nov 1994 08:49:57", NONE },
        { "Sun, 06 Nov 1994 08:49:57 UTC", NONE },
        { "Sun, 06 Nov 1994 08:49:57 GMT+1", NONE },
        { "Sun, 06 Nov 1994 08:49:57 GM", NONE },
        { "Sun, 6 Nov 1994 08:49:57 GMT", NONE },
        { "Sun, 06 nov 1994 08:49:57 GMT", NONE },
        { "Sun 06 Nov 1994 08:49:57 GMT", NONE },
        { "06 Nov 1994 08:49:57 GMT", NONE },
        { "Sun, 06 Nov 94 08:49:57 GMT", NONE },
        { "Sun, 00 Nov 1994 08:49:57 GMT", NONE },
        { "Thu, 31 Nov 1994 08:49:57 GMT", NONE },
        { "Wed, 29 Feb 1995 08:49:57 GMT", NONE },
        { "Sun, 06 Nov 1994 24:00:00 GMT", NONE },
        { "Sun, 06 Nov 1994 08:60:57 GMT", NONE },
        { "Sun, 06 Nov 1994 08:49:61 GMT", NONE },
        { "Sun Nov  6 08:49:57 1994 GMT", NONE },
        { "Sun, 06 Nov 1994", NONE },
        { "GMT", NONE },
        { "1994-11-06T08:49:57Z", NONE },
    };

    size_t  i;

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(seconds(cases[i].value, NOW), cases[i].ms);
    }
}


/* every day of 400 years follows the one before, by the libc's own words */

static void
test_every_day(void **state)
{
    char       text[64];
    time_t     t;
    struct tm  tm;

    (void) state;

    for (t = 0; t < (time_t) 146097 * 86400; t += 86400 + 61) {
        assert_non_null(gmtime_r(&t, &tm));
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);

        assert_int_equal(ngx_comet_http_date(text, strlen(text), 0), t);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_milliseconds),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_every_day),
    };

    return cmocka_run_group_tests_name("retry after", tests, NULL, NULL);
}
