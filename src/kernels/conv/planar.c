/* planar.c: strips of pictures with few channels, turned into planes: one row for
 * each channel, tap row and column modulo the stride. Neighbouring outputs then read
 * neighbouring elements, whatever the stride, so that a tile's rows are one pointer and
 * constants; and what one output reads stands in a table of offsets, so that its sum is
 * one loop. */
#include "kernels/conv/conv.h"

enum { PIXELS = 8 };

bool KERNEL(planar_fits)(const weft__conv *s, int channels)
{
    double taps = (double)s->kh * s->kw * s->c;
    return WEFT_LANES > 1 && s->groups == 1 && s->c <= channels && taps <= PLANAR_TAPS &&
           s->ow >= PIXELS && s->stride_w <= PLANAR_PHASES;
}

planar_layout KERNEL(planar_layout_of)(const weft__conv *s)
{
    planar_layout p = {.taps = s->kh * s->kw * s->c};
    p.wide = s->ow + (s->kw - 1) * s->dilate_w / s->stride_w;
    p.row = (ptrdiff_t)p.wide * s->stride_w * s->c;
    p.span = (s->kh - 1) * s->dilate_h + 1;
    for (int phase = 0; phase < s->stride_w; phase++) {
        conv_axis a = {.out = p.wide, .stride = s->stride_w, .first = phase - s->left};
        conv_axis_inside(&a, 0, s->w, &p.from[phase], &p.to[phase]);
    }
    return p;
}

void KERNEL(planar_offsets)(const weft__conv *s, const planar_layout *p,
                            ptrdiff_t *offset)
{
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++) {
            int column = j * s->dilate_w;
            ptrdiff_t at = i * s->dilate_h * p->row + column / s->stride_w;
            for (int c = 0; c < s->c; c++)
                *offset++ =
                    at + (ptrdiff_t)(c * s->stride_w + column % s->stride_w) * p->wide;
        }
}

#define EVERY(n) \
    case n: \
        for (int i = 0; i < count; i++) dst[i] = src[i * n]; \
        return;

/* Every step-th element; those of usual pictures by loops that the compiler turns into
 * vectors. */
static void take_every(real *restrict dst, const real *restrict src, int count,
                       ptrdiff_t step)
{
    switch (step) {
        EVERY(1)
        EVERY(2)
        EVERY(3)
        EVERY(4)
        EVERY(6)
    default:
        for (int i = 0; i < count; i++) dst[i] = src[i * step];
    }
}

static void take_three(real *restrict red, real *restrict green, real *restrict blue,
                       const real *restrict src, int count)
{
    for (int i = 0; i < count; i++) {
        red[i] = src[3 * i];
        green[i] = src[3 * i + 1];
        blue[i] = src[3 * i + 2];
    }
}

/* n zeros, and perhaps more. */
WEFT_INLINE void clear(real *dst, int n)
{
    if (n > WEFT_LANES)
        memset(dst, 0, (size_t)n * sizeof *dst);
    else if (n > 0)
        vstore(dst, vzero());
}

/* The zeros of all planes first: they reach into what follows. */
static void gather_row(const weft__conv *s, const planar_layout *p, real *dst,
                       const real *src, ptrdiff_t pixel)
{
    const int phases = s->stride_w, wide = p->wide, channels = s->c;
    real *plane = dst;
    for (int c = 0; c < channels; c++)
        for (int phase = 0; phase < phases; phase++, plane += wide) {
            clear(plane, p->from[phase]);
            clear(plane + p->to[phase], wide - p->to[phase]);
        }
    for (int phase = 0; phase < phases; phase++) {
        int from = p->from[phase], count = p->to[phase] - from;
        if (count <= 0) continue;
        const real *first = src + (from * phases + phase - s->left) * pixel;
        plane = dst + phase * wide + from;
        if (channels == 3 && phases * pixel == 3)
            take_three(plane, plane + wide, plane + 2 * wide, first, count);
        else
            for (int c = 0; c < channels; c++)
                take_every(plane + c * phases * wide, first + c, count, phases * pixel);
    }
}

void KERNEL(planar_pack)(const weft__conv *s, const planar_layout *p, real *dst,
                         const real *picture, ptrdiff_t pixel, int q0, int rows)
{
    int row0 = q0 * s->stride_h - s->top,
        row1 = row0 + (rows - 1) * s->stride_h + p->span;
    for (int row = row0; row < row1; row++, dst += p->row)
        if (row < 0 || row >= s->h)
            memset(dst, 0, (size_t)p->row * sizeof *dst);
        else
            gather_row(s, p, dst, picture + (ptrdiff_t)row * s->w * pixel, pixel);
}
