/* width_fold.c: convolutions of few outputs, whose results would fill only a part of
 * a vector, as others of more: p neighbours of a row are one pixel of p times the
 * outputs.
 *
 *   y[.., p r + q][o] = y'[.., r][q out + o],    stride' = p stride,
 *   w'[i][j][c][q out + o] = w[i][j - q stride][c][o] inside the kernel, else 0
 *
 * The results lie where they belong anyway. A kernel of k columns becomes one of k +
 * (p-1) stride; each vector of results takes a p-th of them in place of k. A sum has
 * the same terms in the same order, and zeros. */
#include "kernels/conv/conv.h"

/* Columns of the wider kernel. */
static int columns(const weft__conv *s, int p)
{
    return s->kw + (p - 1) * s->stride_w;
}

weft__conv KERNEL(conv_of_bwd_data)(const weft__conv *s)
{
    weft__conv t = *s;
    t.h = s->oh, t.w = s->ow, t.c = s->o;
    t.oh = s->h, t.ow = s->w, t.o = s->c;
    t.top = (s->kh - 1) * s->dilate_h - s->top;
    t.left = (s->kw - 1) * s->dilate_w - s->left;
    return t;
}

int KERNEL(width_fold)(const weft__conv *s)
{
    int best = 1;
    if (s->groups != 1 || s->dilate_w != 1) return 1;
    for (int p = 2; p * s->o <= WEFT_LANES; p++) {
        if (s->ow % p || s->ow / p < 4) continue;
        if (columns(s, p) * best < columns(s, best) * p) best = p;
    }
    return 6 * columns(s, best) <= 5 * s->kw * best ? best : 1;
}

weft__conv KERNEL(width_fold_conv)(const weft__conv *s, int p)
{
    weft__conv t = *s;
    t.kw = columns(s, p);
    t.stride_w = p * s->stride_w;
    t.ow = s->ow / p;
    t.o = p * s->o;
    return t;
}

size_t KERNEL(width_fold_size)(const weft__conv *s, int p)
{
    return tile_align((size_t)s->kh * (size_t)columns(s, p) * (size_t)s->c * (size_t)p *
                      (size_t)s->o);
}

/* transposed: w is of the convolution whose data gradient s is,
 * [kh][kw][s->o][s->c]. */
void KERNEL(width_fold_weights)(const weft__conv *s, int p, real *to, const real *w,
                                bool transposed)
{
    int wide = columns(s, p), all = p * s->o;
    memset(to, 0, KERNEL(width_fold_size)(s, p) * sizeof *to);
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++) {
            int tap =
                transposed ? (s->kh - 1 - i) * s->kw + s->kw - 1 - j : i * s->kw + j;
            const real *from = w + (ptrdiff_t)tap * s->c * s->o;
            for (int q = 0; q < p; q++) {
                real *dst = to + ((ptrdiff_t)i * wide + j + q * s->stride_w) * s->c * all;
                dst += q * s->o;
                for (int c = 0; c < s->c; c++, dst += all)
                    for (int o = 0; o < s->o; o++)
                        dst[o] = from[transposed ? o * s->c + c : c * s->o + o];
            }
        }
}

/* The gradient of w from that of w'. */
void KERNEL(width_unfold_dw)(const weft__conv *s, int p, real *dw, const real *from)
{
    int wide = columns(s, p), all = p * s->o;
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++)
            for (int c = 0; c < s->c; c++, dw += s->o)
                for (int o = 0; o < s->o; o++) {
                    real sum = 0;
                    for (int q = 0; q < p; q++) {
                        int column = j + q * s->stride_w;
                        sum += from[(((ptrdiff_t)i * wide + column) * s->c + c) * all +
                                    q * s->o + o];
                    }
                    dw[o] = sum;
                }
}
