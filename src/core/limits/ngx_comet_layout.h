/*
 * How structs lie in memory that another binary may have left: a number of
 * the size and the place of each member.  t/test_layout.py reads the structs
 * and finds the member that a list leaves out.
 */


#ifndef _NGX_COMET_LAYOUT_H_INCLUDED_
#define _NGX_COMET_LAYOUT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define ngx_comet_member(type, member)                                        \
    offsetof(type, member), sizeof(((type *) 0)->member)


static inline uint64_t
ngx_comet_layout(uint64_t layout, const size_t *numbers, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        layout = (layout ^ numbers[i]) * 0x100000001b3;
        layout ^= layout >> 29;
    }

    return layout;
}


#endif /* _NGX_COMET_LAYOUT_H_INCLUDED_ */
