#include "ngx_comet_near.h"
#include "ngx_comet_endpoint.h"

#include <string.h>


#define NGX_COMET_NEAR_LEN    64
#define NGX_COMET_NEAR_SHORT  6


static size_t
ngx_comet_near_least(size_t a, size_t b, size_t c)
{
    a = a < b ? a : b;

    return a < c ? a : c;
}


/* letters that are put in, left out or changed */

static size_t
ngx_comet_near_slips(const char *word, size_t len, const char *other,
    size_t other_len)
{
    size_t  i, k, before, here, row[NGX_COMET_NEAR_LEN];

    for (k = 0; k <= other_len; k++) {
        row[k] = k;
    }

    for (i = 1; i <= len; i++) {
        before = row[0];
        row[0] = i;

        for (k = 1; k <= other_len; k++) {
            here = row[k];
            row[k] = ngx_comet_near_least(row[k] + 1, row[k - 1] + 1,
                                  before + (word[i - 1] != other[k - 1]));
            before = here;
        }
    }

    return row[other_len];
}


/* a short word with another letter is another word, as top_k and top_p are */

int
ngx_comet_word_is_near(const char *word, const char *other)
{
    size_t  len, other_len, slips;

    len = strlen(word);
    other_len = strlen(other);

    if (len >= NGX_COMET_NEAR_LEN || other_len >= NGX_COMET_NEAR_LEN) {
        return 0;
    }

    slips = ngx_comet_near_slips(word, len, other, other_len);

    if (len < NGX_COMET_NEAR_SHORT || other_len < NGX_COMET_NEAR_SHORT) {
        return slips == 1 && len > 2 && len != other_len;
    }

    return slips == 1 || slips == 2;
}


const char *
ngx_comet_param_near(const char *name)
{
    const ngx_comet_field_t     *field;
    const ngx_comet_endpoint_t  *endpoint;

    for (endpoint = ngx_comet_endpoint_table; endpoint->name; endpoint++) {
        for (field = endpoint->fields; field && field->name; field++) {
            if (ngx_comet_word_is_near(name, field->name)) {
                return field->name;
            }
        }
    }

    return NULL;
}
