/* conv.c: which way a convolution goes, forward and back to its input. The choice is made
 * by its shape, and by whether its weights are kept. */
#include "kernels/conv/conv.h"

#include <limits.h>

bool KERNEL(conv_as_product)(const weft__conv *s, weft__gemm *g)
{
    double pixels = (double)s->n * s->h * s->w, image = (double)s->h * s->w * s->c;
    if (s->groups != 1 || s->top || s->left || image > INT_MAX) return false;
    if (s->kh == 1 && s->kw == 1 && s->oh == s->h && s->ow == s->w && s->stride_h == 1 &&
        s->stride_w == 1 && pixels <= INT_MAX) {
        *g = (weft__gemm){.m = (int)pixels, .n = s->o, .k = s->c};
    } else if (s->kh == s->h && s->kw == s->w && s->oh == 1 && s->ow == 1 &&
               (s->dilate_h == 1 || s->kh == 1) && (s->dilate_w == 1 || s->kw == 1)) {
        *g = (weft__gemm){.m = s->n, .n = s->o, .k = (int)image};
    } else {
        return false;
    }
    g->lda = g->k;
    g->ldb = g->n;
    g->ldc = g->n;
    g->accumulate = s->accumulate;
    g->kept = s->kept;
    return true;
}

/* Its data gradient: dx[m][k] = dy[m][n] w[k][n]^T. */
static weft__gemm data_product(const weft__gemm *g)
{
    return (weft__gemm){.m = g->m,
                        .n = g->k,
                        .k = g->n,
                        .lda = g->n,
                        .ldb = g->n,
                        .ldc = g->k,
                        .tb = true,
                        .accumulate = g->accumulate};
}

typedef enum way { DEPTHWISE, PRODUCT, PLANES, TWO, WINOGRAD, SWEEP } way;

/* g: the product, if it is one. */
static way way_of(const weft__conv *s, bool data, weft__gemm *g)
{
    if (conv_is_depthwise(s)) return DEPTHWISE;
    if (KERNEL(conv_as_product)(s, g)) {
        if (data) *g = data_product(g);
        return PRODUCT;
    }
    if (data && KERNEL(planes_data_fits)(s)) return PLANES;
    if (KERNEL(two_fits)(s)) return TWO;
    return KERNEL(winograd_fits)(s, data) ? WINOGRAD : SWEEP;
}

/* With kept weights; *g is the product that they are made for, not yet kept. */
static way way_of_kept(const weft__conv *s, weft__conv *kept, weft__gemm *g)
{
    *g = (weft__gemm){0};
    *kept = *s;
    kept->kept = true;
    way how = way_of(kept, false, g);
    g->kept = false;
    return how;
}

size_t KERNEL(conv_kept)(const weft__conv *s)
{
    weft__conv kept;
    weft__gemm g;
    switch (way_of_kept(s, &kept, &g)) {
    case DEPTHWISE:
        return 0;
    case PRODUCT:
        return KERNEL(gemm_kept)(&g);
    case TWO:
        return KERNEL(two_kept)(s);
    case WINOGRAD:
        return KERNEL(winograd_kept)(&kept);
    case PLANES: /* is for data gradients */
    case SWEEP:
        break;
    }
    return KERNEL(sweep_kept)(s);
}

void KERNEL(conv_keep)(const weft__conv *s, real *to, const real *w)
{
    weft__conv kept;
    weft__gemm g;
    switch (way_of_kept(s, &kept, &g)) {
    case DEPTHWISE:
        return;
    case PRODUCT:
        KERNEL(gemm_keep)(&g, to, w);
        return;
    case TWO:
        KERNEL(two_keep)(s, to, w);
        return;
    case WINOGRAD:
        KERNEL(winograd_keep)(&kept, to, w);
        return;
    case PLANES:
    case SWEEP:
        KERNEL(sweep_keep)(s, to, w);
    }
}

static size_t scratch_of(const weft__conv *s, bool data)
{
    weft__gemm g;
    switch (way_of(s, data, &g)) {
    case DEPTHWISE:
        return 0;
    case PRODUCT:
        return KERNEL(gemm_scratch)(&g);
    case PLANES:
        return KERNEL(planes_data_scratch)(s);
    case TWO:
        return KERNEL(two_scratch)(s, data);
    case WINOGRAD:
        return KERNEL(winograd_scratch)(s, data);
    case SWEEP:
        break;
    }
    return KERNEL(sweep_scratch)(s, data);
}

static void run(const weft__conv *s, bool data, real *y, const real *x, const real *w,
                const real *bias, const weft__epilogue *e, void *scratch)
{
    weft__gemm g;
    switch (way_of(s, data, &g)) {
    case DEPTHWISE:
        KERNEL(depthwise)(s, data, y, x, w, bias, e);
        return;
    case PRODUCT:
        if (e) g.epilogue = *e;
        KERNEL(gemm)(&g, y, x, w, bias, scratch);
        return;
    case PLANES:
        KERNEL(planes_data)(s, y, x, w, scratch);
        return;
    case TWO:
        KERNEL(two)(s, data, y, x, w, bias, e, scratch);
        return;
    case WINOGRAD:
        KERNEL(winograd)(s, data, y, x, w, bias, e, scratch);
        return;
    case SWEEP:
        KERNEL(sweep)(s, data, y, x, w, bias, e, scratch);
    }
}

size_t KERNEL(conv_scratch)(const weft__conv *s)
{
    return scratch_of(s, false);
}

void KERNEL(conv)(const weft__conv *s, real *y, const real *x, const real *w,
                  const real *bias, const weft__epilogue *e, void *scratch)
{
    run(s, false, y, x, w, bias, e, scratch);
}

size_t KERNEL(conv_data_scratch)(const weft__conv *s)
{
    return scratch_of(s, true);
}

void KERNEL(conv_data)(const weft__conv *s, real *dx, const real *dy, const real *w,
                       void *scratch)
{
    run(s, true, dx, dy, w, NULL, NULL, scratch);
}
