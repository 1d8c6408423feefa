#include "ngx_comet_number.h"

#include <stdint.h>
#include <stdlib.h>


/*
 * Two numbers that a double holds exactly divide to the nearest one: that is
 * what strtod() makes of up to 15 digits, at more cost.
 */

double
ngx_comet_number(const char *text)
{
    double       scale;
    uint64_t     digits;
    const char  *p;

    scale = 0;
    digits = 0;

    for (p = text; p - text <= 15; p++) {

        if (*p >= '0' && *p <= '9') {
            digits = digits * 10 + (uint64_t) (*p - '0');
            scale *= 10;

        } else if (*p == '.') {
            scale = 1;

        } else {
            break;
        }
    }

    if (*p != '\0' || p - text > 15) {
        return strtod(text, NULL);
    }

    return scale > 1 ? (double) digits / scale : (double) digits;
}
