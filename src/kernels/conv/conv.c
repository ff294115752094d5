/* conv.c: which algorithm a convolution takes, forward and back to its input. The
 * choice is made by its shape, and by whether its weights are prepacked. */
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
    g->prepacked = s->prepacked;
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

typedef enum algorithm {
    DEPTHWISE,
    GEMM,
    PLANAR,
    WINOGRAD_2X2,
    WINOGRAD_F43,
    DIRECT
} algorithm;

/* g: the product, if it is one. */
static algorithm choose_algorithm(const weft__conv *s, bool data, weft__gemm *g)
{
    if (conv_is_depthwise(s)) return DEPTHWISE;
    if (KERNEL(conv_as_product)(s, g)) {
        if (data) *g = data_product(g);
        return GEMM;
    }
    if (data && KERNEL(planar_bwd_data_fits)(s)) return PLANAR;
    if (KERNEL(winograd_2x2_fits)(s)) return WINOGRAD_2X2;
    return KERNEL(winograd_f43_fits)(s, data) ? WINOGRAD_F43 : DIRECT;
}

/* With prepacked weights; *g is the product that they are made for, not yet
 * prepacked. */
static algorithm choose_prepacked(const weft__conv *s, weft__conv *prepacked,
                                  weft__gemm *g)
{
    *g = (weft__gemm){0};
    *prepacked = *s;
    prepacked->prepacked = true;
    algorithm chosen = choose_algorithm(prepacked, false, g);
    g->prepacked = false;
    return chosen;
}

size_t KERNEL(conv_prepacked_size)(const weft__conv *s)
{
    weft__conv prepacked;
    weft__gemm g;
    switch (choose_prepacked(s, &prepacked, &g)) {
    case DEPTHWISE:
        return 0;
    case GEMM:
        return KERNEL(gemm_prepacked_size)(&g);
    case WINOGRAD_2X2:
        return KERNEL(winograd_2x2_prepacked_size)(s);
    case WINOGRAD_F43:
        return KERNEL(winograd_f43_prepacked_size)(&prepacked);
    case PLANAR: /* is for data gradients */
    case DIRECT:
        break;
    }
    return KERNEL(direct_prepacked_size)(s);
}

void KERNEL(conv_prepack)(const weft__conv *s, real *to, const real *w)
{
    weft__conv prepacked;
    weft__gemm g;
    switch (choose_prepacked(s, &prepacked, &g)) {
    case DEPTHWISE:
        return;
    case GEMM:
        KERNEL(gemm_prepack)(&g, to, w);
        return;
    case WINOGRAD_2X2:
        KERNEL(winograd_2x2_prepack)(s, to, w);
        return;
    case WINOGRAD_F43:
        KERNEL(winograd_f43_prepack)(&prepacked, to, w);
        return;
    case PLANAR:
    case DIRECT:
        KERNEL(direct_prepack)(s, to, w);
    }
}

static size_t scratch_of(const weft__conv *s, bool data)
{
    weft__gemm g;
    switch (choose_algorithm(s, data, &g)) {
    case DEPTHWISE:
        return 0;
    case GEMM:
        return KERNEL(gemm_scratch)(&g);
    case PLANAR:
        return KERNEL(planar_bwd_data_scratch)(s);
    case WINOGRAD_2X2:
        return KERNEL(winograd_2x2_scratch)(s, data);
    case WINOGRAD_F43:
        return KERNEL(winograd_f43_scratch)(s, data);
    case DIRECT:
        break;
    }
    return KERNEL(direct_scratch)(s, data);
}

static void run(const weft__conv *s, bool data, real *y, const real *x, const real *w,
                const real *bias, const weft__epilogue *e, void *scratch)
{
    weft__gemm g;
    switch (choose_algorithm(s, data, &g)) {
    case DEPTHWISE:
        KERNEL(depthwise)(s, data, y, x, w, bias, e);
        return;
    case GEMM:
        if (e) g.epilogue = *e;
        KERNEL(gemm)(&g, y, x, w, bias, scratch);
        return;
    case PLANAR:
        KERNEL(planar_bwd_data)(s, y, x, w, scratch);
        return;
    case WINOGRAD_2X2:
        KERNEL(winograd_2x2)(s, data, y, x, w, bias, e, scratch);
        return;
    case WINOGRAD_F43:
        KERNEL(winograd_f43)(s, data, y, x, w, bias, e, scratch);
        return;
    case DIRECT:
        KERNEL(direct)(s, data, y, x, w, bias, e, scratch);
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

size_t KERNEL(conv_bwd_data_scratch)(const weft__conv *s)
{
    return scratch_of(s, true);
}

void KERNEL(conv_bwd_data)(const weft__conv *s, real *dx, const real *dy, const real *w,
                           void *scratch)
{
    run(s, true, dx, dy, w, NULL, NULL, scratch);
}
