/* geometry.c: which input pixels and kernel elements meet along one axis of a
 * convolution. */
#include "kernels/conv/conv.h"

conv_axis KERNEL(conv_axis)(const weft__conv *s, bool down)
{
    if (down)
        return (conv_axis){.out = s->oh,
                           .stride = s->stride_h,
                           .first = -s->top,
                           .step = s->dilate_h,
                           .taps = s->kh,
                           .tap_step = 1,
                           .pitch = 1};
    return (conv_axis){.out = s->ow,
                       .stride = s->stride_w,
                       .first = -s->left,
                       .step = s->dilate_w,
                       .taps = s->kw,
                       .tap_step = 1,
                       .pitch = 1};
}

static int common_divisor(int a, int b)
{
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

conv_axis KERNEL(conv_bwd_data_axis)(const weft__conv *s, bool down, int phase)
{
    int in = down ? s->h : s->w, k = down ? s->kh : s->kw;
    int stride = down ? s->stride_h : s->stride_w, before = down ? s->top : s->left;
    int dilate = down ? s->dilate_h : s->dilate_w;
    int divisor = common_divisor(stride, dilate), period = stride / divisor, tap = 0;
    conv_axis a = {.out = phase < in ? (in - phase + stride - 1) / stride : 0,
                   .stride = 1,
                   .step = dilate / divisor,
                   .phase = phase,
                   .pitch = stride};
    /* dx[phase + q*stride] takes w[tap] * dy[q + (phase + before - tap*dilate) /
     * stride] where the division is exact, so every period-th tap or none. */
    while (tap < period && tap < k && (phase + before - tap * dilate) % stride) tap++;
    if (tap == period || tap >= k) return a;
    a.taps = (k - 1 - tap) / period + 1;
    a.tap0 = tap + (a.taps - 1) * period;
    a.tap_step = -period;
    a.first = (phase + before - a.tap0 * dilate) / stride;
    return a;
}

void KERNEL(conv_gather)(real *dst, ptrdiff_t pitch, const real *src, ptrdiff_t pixel,
                         int in, int from, int count, int c)
{
    int before = from < 0 ? -from : 0, to = from + count < in ? from + count : in;
    if (before > count) before = count;
    int inside = to - (from + before) > 0 ? to - (from + before) : 0;
    size_t bytes = (size_t)c * sizeof *dst;
    memset(dst, 0, (size_t)before * (size_t)pitch * sizeof *dst);
    dst += before * pitch;
    src += (from + before) * pixel * (inside > 0);
    if (pitch == c && pixel == c) {
        memcpy(dst, src, (size_t)inside * bytes);
    } else {
        for (int i = 0; i < inside; i++) {
            real *to_pixel = dst + i * pitch;
            const real *from_pixel = src + i * pixel;
            int j = 0;
            for (; j + WEFT_LANES <= c; j += WEFT_LANES)
                vstore(to_pixel + j, vload(from_pixel + j));
            if (j < c) vstore_n(to_pixel + j, vload_n(from_pixel + j, c - j), c - j);
        }
    }
    memset(dst + inside * pitch, 0,
           (size_t)(count - before - inside) * (size_t)pitch * sizeof *dst);
}
