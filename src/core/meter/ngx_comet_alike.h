/*
 * Most events of a stream have the same bytes, but for the text that they
 * bring, their number and some padding.  What an event came to that was read
 * in full is what another one comes to that differs from it in these scalars
 * only, each as valid as it was: to compare it is enough, and far less work.
 */


#ifndef _NGX_COMET_ALIKE_H_INCLUDED_
#define _NGX_COMET_ALIKE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define NGX_COMET_ALIKE_PARTS  3
#define NGX_COMET_ALIKE_SIZE   512


typedef enum {
    NGX_COMET_ALIKE_TEXT,          /* a string; its length counts */
    NGX_COMET_ALIKE_PADDING,       /* a string; nothing of it counts */
    NGX_COMET_ALIKE_NUMBER         /* of digits only */
} ngx_comet_alike_e;


/* a scalar, its quotes included; offsets in the event */

typedef struct {
    ngx_comet_alike_e  kind;
    size_t             start;
    size_t             end;
} ngx_comet_alike_part_t;


typedef struct {
    size_t             bytes;      /* of the text, unescaped */
    uint64_t           number;
    unsigned           numbered:1;
    unsigned           more:1;
} ngx_comet_alike_found_t;


typedef struct {
    unsigned           nparts;
    unsigned char      kinds[NGX_COMET_ALIKE_PARTS];

    /* the lengths of what is before, between and behind the parts */

    uint16_t           fixed[NGX_COMET_ALIKE_PARTS + 1];
    uint16_t           size;       /* that there is room for */
    unsigned char      text[];
} ngx_comet_alike_t;


/*
 * From now on others are compared with this event; with none if it is longer
 * than NGX_COMET_ALIKE_SIZE without its parts, or if there is no memory.
 * *alike is NULL or what malloc() gave here before.
 */

void ngx_comet_alike_learn(ngx_comet_alike_t **alike, const unsigned char *p,
    size_t len, const ngx_comet_alike_part_t *parts, unsigned nparts);

/*
 * Returns the length of the event that begins at p, or 0 if it differs or if
 * more bytes are needed to tell, which found->more says.
 */

size_t ngx_comet_alike_match(const ngx_comet_alike_t *alike,
    const unsigned char *p, size_t len, ngx_comet_alike_found_t *found);


#endif /* _NGX_COMET_ALIKE_H_INCLUDED_ */
