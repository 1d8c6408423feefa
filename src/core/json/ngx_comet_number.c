#include "ngx_comet_number.h"

#include <stdint.h>
#include <stdlib.h>


#define NGX_COMET_DIGITS_MAX  15

/* below it, numbers are told from zero, but not from each other */

#define NGX_COMET_TINY        1e-22


static const double  ngx_comet_powers[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

#define NGX_COMET_POWER_MAX   22


typedef struct {
    uint64_t     digits;
    int          count;          /* of them, but for leading zeros */
    int          exponent;
} ngx_comet_decimal_t;


static const char *
ngx_comet_number_exponent(const char *p, ngx_comet_decimal_t *decimal)
{
    int  n, negative;

    negative = (*p == '-');
    p += (*p == '-' || *p == '+');

    for (n = 0; *p >= '0' && *p <= '9'; p++) {
        n = n < 10000 ? n * 10 + (*p - '0') : n;
    }

    decimal->exponent += negative ? -n : n;

    return p;
}


static const char *
ngx_comet_number_read(const char *p, ngx_comet_decimal_t *decimal)
{
    int  point;

    decimal->digits = 0;
    decimal->count = 0;
    decimal->exponent = 0;

    point = 0;

    for ( /* void */ ; /* void */ ; p++) {

        if (*p >= '0' && *p <= '9') {

            if (decimal->count <= NGX_COMET_DIGITS_MAX) {
                decimal->digits = decimal->digits * 10
                                  + (uint64_t) (*p - '0');
            }

            decimal->count += (decimal->digits != 0);
            decimal->exponent -= point;

        } else if (*p == '.' && !point) {
            point = 1;

        } else {
            break;
        }
    }

    return (*p | 0x20) == 'e' ? ngx_comet_number_exponent(p + 1, decimal) : p;
}


/*
 * Two numbers that a double holds exactly multiply or divide to the nearest
 * one: that is what strtod() makes of up to 15 digits, at more cost.  What is
 * tiny costs it most of all.
 */

double
ngx_comet_number(const char *text)
{
    double               number;
    const char          *p;
    ngx_comet_decimal_t  decimal;

    p = ngx_comet_number_read(text + (*text == '-'), &decimal);

    if (*p != '\0') {
        return strtod(text, NULL);
    }

    if (decimal.digits && decimal.count + decimal.exponent
                          < -NGX_COMET_POWER_MAX)
    {
        number = NGX_COMET_TINY;

    } else if (decimal.count > NGX_COMET_DIGITS_MAX
               || decimal.exponent > NGX_COMET_POWER_MAX
               || decimal.exponent < -NGX_COMET_POWER_MAX)
    {
        return strtod(text, NULL);

    } else if (decimal.exponent < 0) {
        number = (double) decimal.digits / ngx_comet_powers[-decimal.exponent];

    } else {
        number = (double) decimal.digits * ngx_comet_powers[decimal.exponent];
    }

    return *text == '-' ? -number : number;
}
