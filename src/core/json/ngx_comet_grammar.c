#include "ngx_comet_grammar.h"


#define MINUS     NGX_COMET_NUMBER_MINUS
#define POINT     NGX_COMET_NUMBER_POINT
#define E         NGX_COMET_NUMBER_E
#define SIGN      NGX_COMET_NUMBER_SIGN
#define ZERO      NGX_COMET_NUMBER_ZERO
#define INTEGER   NGX_COMET_NUMBER_INTEGER
#define FRACTION  NGX_COMET_NUMBER_FRACTION
#define EXPONENT  NGX_COMET_NUMBER_EXPONENT
#define OVER      NGX_COMET_NUMBER_OVER
#define BAD       NGX_COMET_NUMBER_BAD
#define INFINITE  NGX_COMET_NUMBER_INFINITE


static const unsigned char  ngx_comet_number_states[][8] = {

    /* 0         1-9       -      +     .      e     I         others */

    { ZERO,     INTEGER,  MINUS, BAD,  BAD,   BAD,  BAD,      BAD },
    { ZERO,     INTEGER,  BAD,   BAD,  BAD,   BAD,  INFINITE, BAD },
    { FRACTION, FRACTION, BAD,   BAD,  BAD,   BAD,  BAD,      BAD },
    { EXPONENT, EXPONENT, SIGN,  SIGN, BAD,   BAD,  BAD,      BAD },
    { EXPONENT, EXPONENT, BAD,   BAD,  BAD,   BAD,  BAD,      BAD },
    { BAD,      BAD,      OVER,  OVER, POINT, E,    OVER,     OVER },
    { INTEGER,  INTEGER,  OVER,  OVER, POINT, E,    OVER,     OVER },
    { FRACTION, FRACTION, OVER,  OVER, OVER,  E,    OVER,     OVER },
    { EXPONENT, EXPONENT, OVER,  OVER, OVER,  OVER, OVER,     OVER }
};


static unsigned
ngx_comet_number_class(unsigned char c)
{
    if (ngx_comet_is_digit(c)) {
        return c != '0';
    }

    switch (c) {

    case '-':
        return 2;

    case '+':
        return 3;

    case '.':
        return 4;

    case 'e':
    case 'E':
        return 5;

    case 'I':
        return 6;

    default:
        return 7;
    }
}


const unsigned char *
ngx_comet_number_go(unsigned *number, const unsigned char *p,
    const unsigned char *end)
{
    unsigned  state;

    state = *number;

    for ( /* void */ ; p != end; p++) {

        if (state >= NGX_COMET_NUMBER_INTEGER && ngx_comet_is_digit(*p)) {
            continue;
        }

        state = ngx_comet_number_states[state][ngx_comet_number_class(*p)];

        if (state >= NGX_COMET_NUMBER_OVER) {
            break;
        }
    }

    *number = state;

    return p;
}
