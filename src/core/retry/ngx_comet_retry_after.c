#include "ngx_comet_retry_after.h"

#include <string.h>


/* the fields of a date */

typedef enum {
    NGX_COMET_DATE_YEAR,
    NGX_COMET_DATE_MONTH,
    NGX_COMET_DATE_DAY,
    NGX_COMET_DATE_HOUR,
    NGX_COMET_DATE_MINUTE,
    NGX_COMET_DATE_SECOND,
    NGX_COMET_DATE_FIELDS
} ngx_comet_date_e;


/*
 * A letter stands for a field: Y and y for a year of four or two digits, b for
 * the name of a month, e for a day that may begin with a space, a for letters.
 */

static const char *const  ngx_comet_date_forms[] = {
    "a, d b Y H:M:S GMT",
    "a, d-b-y H:M:S GMT",
    "a b e H:M:S Y",
};

static const char  ngx_comet_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";


/* decimals beyond what is asked for make it one more: not before it was told */

static int64_t
ngx_comet_retry_number(const char *p, const char *end, int decimals)
{
    int      digits, more;
    int64_t  n;

    n = 0;
    digits = 0;
    more = 0;

    for ( /* void */ ; p < end && *p >= '0' && *p <= '9'; p++, digits++) {

        if (n > (INT64_MAX / 1000 - 10) / 10) {
            return NGX_COMET_RETRY_AFTER_NONE;
        }

        n = n * 10 + (*p - '0');
    }

    if (p < end && *p == '.') {

        for (p++; p < end && *p >= '0' && *p <= '9'; p++, digits++) {

            if (decimals) {
                n = n * 10 + (*p - '0');
                decimals--;

            } else {
                more |= (*p != '0');
            }
        }
    }

    if (p != end || digits == 0) {
        return NGX_COMET_RETRY_AFTER_NONE;
    }

    for ( /* void */ ; decimals; decimals--) {
        n *= 10;
    }

    return n + more;
}


static void
ngx_comet_retry_trim(const char **p, const char **end)
{
    while (*p < *end && (**p == ' ' || **p == '\t')) {
        (*p)++;
    }

    while (*p < *end && ((*end)[-1] == ' ' || (*end)[-1] == '\t')) {
        (*end)--;
    }
}


int64_t
ngx_comet_retry_after_ms(const char *value, size_t len)
{
    const char  *end;

    end = value + len;
    ngx_comet_retry_trim(&value, &end);

    return ngx_comet_retry_number(value, end, 0);
}


int64_t
ngx_comet_retry_after(const char *value, size_t len, int64_t now)
{
    int64_t      n;
    const char  *end;

    end = value + len;
    ngx_comet_retry_trim(&value, &end);

    n = ngx_comet_retry_number(value, end, 3);

    if (n != NGX_COMET_RETRY_AFTER_NONE) {
        return n;
    }

    n = ngx_comet_http_date(value, (size_t) (end - value), now);

    return n < now ? NGX_COMET_RETRY_AFTER_NONE : (n - now) * 1000;
}


static int
ngx_comet_date_digits(const char **p, const char *end, int n, int64_t *field)
{
    *field = 0;

    for ( /* void */ ; n; n--) {

        if (*p == end || **p < '0' || **p > '9') {
            return -1;
        }

        *field = *field * 10 + (*(*p)++ - '0');
    }

    return 0;
}


static int
ngx_comet_date_month(const char **p, const char *end, int64_t *field)
{
    int  i;

    for (i = 0; end - *p >= 3 && i < 12; i++) {
        if (memcmp(*p, &ngx_comet_months[3 * i], 3) == 0) {
            *p += 3;
            *field = i + 1;
            return 0;
        }
    }

    return -1;
}


static int
ngx_comet_date_letters(const char **p, const char *end)
{
    const char  *start;

    start = *p;

    while (*p < end && ((**p | 0x20) >= 'a' && (**p | 0x20) <= 'z')) {
        (*p)++;
    }

    return *p - start >= 3 ? 0 : -1;
}


static int
ngx_comet_date_field(char form, const char **p, const char *end,
    int64_t *fields)
{
    switch (form) {

    case 'a':
        return ngx_comet_date_letters(p, end);

    case 'b':
        return ngx_comet_date_month(p, end, &fields[NGX_COMET_DATE_MONTH]);

    case 'Y':
        return ngx_comet_date_digits(p, end, 4, &fields[NGX_COMET_DATE_YEAR]);

    case 'y':
        return ngx_comet_date_digits(p, end, 2, &fields[NGX_COMET_DATE_YEAR]);

    case 'e':

        if (*p < end && **p == ' ') {
            (*p)++;
            return ngx_comet_date_digits(p, end, 1,
                                         &fields[NGX_COMET_DATE_DAY]);
        }

        /* fall through */

    case 'd':
        return ngx_comet_date_digits(p, end, 2, &fields[NGX_COMET_DATE_DAY]);

    case 'H':
        return ngx_comet_date_digits(p, end, 2, &fields[NGX_COMET_DATE_HOUR]);

    case 'M':
        return ngx_comet_date_digits(p, end, 2,
                                     &fields[NGX_COMET_DATE_MINUTE]);

    case 'S':
        return ngx_comet_date_digits(p, end, 2,
                                     &fields[NGX_COMET_DATE_SECOND]);

    default:
        return *p < end && *(*p)++ == form ? 0 : -1;
    }
}


/* "GMT" has letters that stand for fields elsewhere */

static int
ngx_comet_date_match(const char *form, const char *p, const char *end,
    int64_t *fields)
{
    for ( /* void */ ; *form; form++) {

        if (strcmp(form, "GMT") == 0) {
            return end - p == 3 && memcmp(p, form, 3) == 0 ? 0 : -1;
        }

        if (ngx_comet_date_field(*form, &p, end, fields) != 0) {
            return -1;
        }
    }

    return p == end ? 0 : -1;
}


/* days since 1970; a year begins in March, so that its odd day is the last */

static int64_t
ngx_comet_date_days(int64_t year, int64_t month, int64_t day)
{
    year -= (month <= 2);
    month = (month + 9) % 12;

    return year * 365 + year / 4 - year / 100 + year / 400
           + (month * 153 + 2) / 5 + day - 1 - 719468;
}


static int
ngx_comet_date_holds(const int64_t *fields)
{
    int64_t  year, month, day, next;

    year = fields[NGX_COMET_DATE_YEAR];
    month = fields[NGX_COMET_DATE_MONTH];
    day = ngx_comet_date_days(year, month, fields[NGX_COMET_DATE_DAY]);
    next = month == 12 ? ngx_comet_date_days(year + 1, 1, 1)
                       : ngx_comet_date_days(year, month + 1, 1);

    return fields[NGX_COMET_DATE_DAY] >= 1
           && day < next
           && fields[NGX_COMET_DATE_HOUR] <= 23
           && fields[NGX_COMET_DATE_MINUTE] <= 59
           && fields[NGX_COMET_DATE_SECOND] <= 60;
}


/* of two digits, the year that is not more than 50 years ahead */

static int64_t
ngx_comet_date_year(int64_t year, int64_t now)
{
    int64_t  this_year;

    this_year = 1970 + now / 31556952;
    year += this_year / 100 * 100;

    if (year > this_year + 50) {
        return year - 100;
    }

    return year <= this_year - 50 ? year + 100 : year;
}


int64_t
ngx_comet_http_date(const char *value, size_t len, int64_t now)
{
    size_t   i, n;
    int64_t  fields[NGX_COMET_DATE_FIELDS];

    n = sizeof(ngx_comet_date_forms) / sizeof(ngx_comet_date_forms[0]);

    memset(fields, 0, sizeof(fields));

    for (i = 0; i < n; i++) {
        if (ngx_comet_date_match(ngx_comet_date_forms[i], value, value + len,
                                 fields)
            == 0)
        {
            break;
        }
    }

    if (i == n) {
        return -1;
    }

    if (strchr(ngx_comet_date_forms[i], 'y')) {
        fields[NGX_COMET_DATE_YEAR]
            = ngx_comet_date_year(fields[NGX_COMET_DATE_YEAR], now);
    }

    if (!ngx_comet_date_holds(fields)) {
        return -1;
    }

    return ngx_comet_date_days(fields[NGX_COMET_DATE_YEAR],
                               fields[NGX_COMET_DATE_MONTH],
                               fields[NGX_COMET_DATE_DAY]) * 86400
           + fields[NGX_COMET_DATE_HOUR] * 3600
           + fields[NGX_COMET_DATE_MINUTE] * 60
           + fields[NGX_COMET_DATE_SECOND];
}
