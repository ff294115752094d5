/* ukernel.c: the register tiles, a function for each number of rows and vectors. */
#include "kernels/ukernel/ukernel.h"

#include <assert.h>

#define ROWS_MOST 14
#define INDIRECT_MOST 28      /* rows of a tile whose A needs one register */
#define OUTER_INDIRECT_MOST 9 /* rows of a tile whose A needs a register for each */
#define AHEAD 128             /* points: B streams from memory */
#define LINE (64 / (int)sizeof(real)) /* elements in a line of the cache */

/* Vector j of row r of B. */
#define B_AT(t, row, j) \
    ((row) + ((j) / TILE_PANEL) * (t)->panel + ((j) % TILE_PANEL) * WEFT_LANES)

/* gcc 12 joins lone floats of two points into one vector and then loads the half
 * that is after the last point as well. Volatile loads stay as they are; four
 * neighbours need none. */
#if WEFT_LANES == 1
#define LOAD(p, nv) ((nv) < TILE_PANEL ? *(const volatile real *)(p) : *(p))
#else
#define LOAD(p, nv) vload(p)
#endif
#define BROADCAST(p) \
    vset1(WEFT_LANES == 1 ? *(const volatile real *)(p) : *(const real *)(p))

/* Two threads of a core share what decodes instructions: fewer of the loop's own
 * help. */
#if WEFT_LANES == 8
#define UNROLL_SOME _Pragma("GCC unroll 4")
#else
#define UNROLL_SOME
#endif

#define EACH_ROW(mr) \
    WEFT_UNROLL \
    for (int i = 0; i < (mr); i++)

/* acc[i][j] += a[i*row + k] * B[k][j]. The columns are separate arrays, and every loop
 * over them has a constant bound, or the compiler would keep them in memory. */

/* Column j of the start: C, plus bias. */
WEFT_INLINE void start_column(const ukernel_gemm *t, const real *c, vec *s, int j,
                              const int mr, int n)
{
    vec bias = t->bias ? vload_tail(t->bias + j * WEFT_LANES, n) : vzero();
    if (t->accumulate)
        EACH_ROW(mr) s[i] = vadd(vload_tail(c + i * t->ldc + j * WEFT_LANES, n), bias);
    else
        EACH_ROW(mr) s[i] = bias;
}

WEFT_INLINE void end_column(const ukernel_gemm *t, real *c, vec *s, int j, const int mr,
                            int n)
{
    vec alpha = vset1(t->alpha);
    if (t->act == WEFT_ACT_RELU)
        EACH_ROW(mr) s[i] = vmax(vzero(), s[i]);
    else if (t->act == WEFT_ACT_LEAKY_RELU)
        EACH_ROW(mr) s[i] = vselect(vlt(s[i], vzero()), vmul(alpha, s[i]), s[i]);
    if (WEFT_NT_STORES && t->nt_stores)
        EACH_ROW(mr) vstore_nt(c + i * t->ldc + j * WEFT_LANES, s[i]);
    else
        EACH_ROW(mr) vstore_tail(c + i * t->ldc + j * WEFT_LANES, s[i], n);
}

WEFT_INLINE void step(const ukernel_gemm *t, const real *a, const real *b, ptrdiff_t lda,
                      vec *s0, vec *s1, vec *s2, vec *s3, const int mr, const int nv)
{
    vec b0 = LOAD(b, nv);
    vec b1 = nv > 1 ? LOAD(B_AT(t, b, 1), nv) : b0;
    vec b2 = nv > 2 ? LOAD(B_AT(t, b, 2), nv) : b0;
    vec b3 = nv > 3 ? LOAD(B_AT(t, b, 3), nv) : b0;
    EACH_ROW(mr)
    {
        vec v = BROADCAST(a + i * lda);
        s0[i] = vfma(v, b0, s0[i]);
        if (nv > 1) s1[i] = vfma(v, b1, s1[i]);
        if (nv > 2) s2[i] = vfma(v, b2, s2[i]);
        if (nv > 3) s3[i] = vfma(v, b3, s3[i]);
    }
}

/* A line of each vector: enough, whatever their alignment, because neighbours fetch the
 * others. */
WEFT_INLINE void prefetch_rows(const real *c, ptrdiff_t ldc, const int mr, const int nv)
{
    EACH_ROW(mr)
    {
        for (int j = 0; j < nv * WEFT_LANES; j += LINE)
            __builtin_prefetch(c + i * ldc + j, 1);
    }
}

WEFT_INLINE void gemm_tile(const ukernel_gemm *t, const real *a, real *c, const int mr,
                           const int nv)
{
    vec s0[ROWS_MOST], s1[ROWS_MOST], s2[ROWS_MOST], s3[ROWS_MOST];
    int last = t->n - (nv - 1) * WEFT_LANES;
    if (t->prefetch_c) prefetch_rows(c + mr * t->ldc, t->ldc, mr, nv);
    start_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) start_column(t, c, s1, 1, mr, nv > 2 ? WEFT_LANES : last);
    if (nv > 2) start_column(t, c, s2, 2, mr, nv > 3 ? WEFT_LANES : last);
    if (nv > 3) start_column(t, c, s3, 3, mr, last);
    const real *b = t->b;
    ptrdiff_t row = t->row, ldb = t->ldb;
    for (int h = 0; h < t->taps_h; h++)
        for (int w = 0; w < t->taps_w; w++) {
            const real *p = a + h * t->tap_h + w * t->tap_w, *end = p + t->k;
            while (p < end) {
                const real *stop = end - p > LINE ? p + LINE : end;
                if (t->prefetch_a) EACH_ROW(mr) vprefetch(p + (mr + i) * row);
                UNROLL_SOME
                for (; p < stop; p++, b += ldb)
                    step(t, p, b, row, s0, s1, s2, s3, mr, nv);
            }
        }
    end_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) end_column(t, c, s1, 1, mr, nv > 2 ? WEFT_LANES : last);
    if (nv > 2) end_column(t, c, s2, 2, mr, nv > 3 ? WEFT_LANES : last);
    if (nv > 3) end_column(t, c, s3, 3, mr, last);
}

/* As gemm_tile, by a table of offsets. */
WEFT_INLINE void gemm_indirect_tile(const ukernel_gemm *t, const real *a, real *c,
                                    const int mr, const int nv)
{
    vec s0[INDIRECT_MOST], s1[INDIRECT_MOST];
    int last = t->n - (nv - 1) * WEFT_LANES;
    start_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) start_column(t, c, s1, 1, mr, last);
    const real *b = t->b;
    for (int k = 0; k < t->k; k++, b += t->ldb)
        step(t, a + t->offset[k], b, 1, s0, s1, s0, s0, mr, nv);
    end_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) end_column(t, c, s1, 1, mr, last);
}

WEFT_INLINE void add_column(const ukernel_outer *t, real *c, vec *s, int j, const int mr,
                            int n)
{
    if (t->accumulate)
        EACH_ROW(mr) s[i] = vadd(vload_tail(c + i * t->ldc + j * WEFT_LANES, n), s[i]);
    EACH_ROW(mr) vstore_tail(c + i * t->ldc + j * WEFT_LANES, s[i], n);
}

WEFT_INLINE void outer_points(const ukernel_outer *t, const real *a, const real *b,
                              vec *s0, vec *s1, vec *s2, vec *s3, const int mr,
                              const int nv)
{
    ptrdiff_t da = t->a_step[2], db = t->b_step[2];
    UNROLL_SOME
    for (int k = t->count[2]; k > 0; k--, a += da, b += db) {
        vec b0 = LOAD(b, nv);
        vec b1 = nv > 1 ? LOAD(B_AT(t, b, 1), nv) : b0;
        vec b2 = nv > 2 ? LOAD(B_AT(t, b, 2), nv) : b0;
        vec b3 = nv > 3 ? LOAD(B_AT(t, b, 3), nv) : b0;
        EACH_ROW(mr)
        {
            vec v = BROADCAST(a + i);
            s0[i] = vfma(v, b0, s0[i]);
            if (nv > 1) s1[i] = vfma(v, b1, s1[i]);
            if (nv > 2) s2[i] = vfma(v, b2, s2[i]);
            if (nv > 3) s3[i] = vfma(v, b3, s3[i]);
        }
    }
}

WEFT_INLINE void outer_tile(const ukernel_outer *t, const real *a, real *c, const int mr,
                            const int nv)
{
    vec s0[ROWS_MOST], s1[ROWS_MOST], s2[ROWS_MOST], s3[ROWS_MOST];
    if (t->accumulate) prefetch_rows(c, t->ldc, mr, nv);
    EACH_ROW(mr) s0[i] = vzero();
    if (nv > 1) EACH_ROW(mr) s1[i] = vzero();
    if (nv > 2) EACH_ROW(mr) s2[i] = vzero();
    if (nv > 3) EACH_ROW(mr) s3[i] = vzero();
    for (int i = 0; i < t->count[0]; i++)
        for (int j = 0; j < t->count[1]; j++)
            outer_points(t, a + i * t->a_step[0] + j * t->a_step[1],
                         t->b + i * t->b_step[0] + j * t->b_step[1], s0, s1, s2, s3, mr,
                         nv);
    int last = t->n - (nv - 1) * WEFT_LANES;
    add_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) add_column(t, c, s1, 1, mr, nv > 2 ? WEFT_LANES : last);
    if (nv > 2) add_column(t, c, s2, 2, mr, nv > 3 ? WEFT_LANES : last);
    if (nv > 3) add_column(t, c, s3, 3, mr, last);
}

/* As outer_tile, rows of A by a table of offsets. */
WEFT_INLINE void outer_indirect_tile(const ukernel_outer *t, const ptrdiff_t *offset,
                                     real *c, const int mr, const int nv)
{
    vec s0[OUTER_INDIRECT_MOST], s1[OUTER_INDIRECT_MOST];
    const real *a[OUTER_INDIRECT_MOST];
    if (t->accumulate) prefetch_rows(c, t->ldc, mr, nv);
    EACH_ROW(mr) s0[i] = vzero();
    if (nv > 1) EACH_ROW(mr) s1[i] = vzero();
    for (int image = 0; image < t->count[0]; image++)
        for (int row = 0; row < t->count[1]; row++) {
            const real *b = t->b + image * t->b_step[0] + row * t->b_step[1];
            ptrdiff_t at = image * t->a_step[0] + row * t->a_step[1];
            EACH_ROW(mr) a[i] = t->a + offset[i] + at;
            for (ptrdiff_t k = 0; k < t->count[2]; k++, b += t->b_step[2]) {
                vec b0 = LOAD(b, nv), b1 = nv > 1 ? LOAD(B_AT(t, b, 1), nv) : b0;
                __builtin_prefetch(b + AHEAD * t->b_step[2], 0, 3);
                EACH_ROW(mr)
                {
                    vec v = BROADCAST(a[i] + k);
                    s0[i] = vfma(v, b0, s0[i]);
                    if (nv > 1) s1[i] = vfma(v, b1, s1[i]);
                }
            }
        }
    int last = t->n - (nv - 1) * WEFT_LANES;
    add_column(t, c, s0, 0, mr, nv > 1 ? WEFT_LANES : last);
    if (nv > 1) add_column(t, c, s1, 1, mr, last);
}

#define UP_TO_3(X, nv) X(1, nv) X(2, nv) X(3, nv)
#define UP_TO_4(X, nv) UP_TO_3(X, nv) X(4, nv)
#define UP_TO_6(X, nv) UP_TO_4(X, nv) X(5, nv) X(6, nv)
#define UP_TO_9(X, nv) UP_TO_6(X, nv) X(7, nv) X(8, nv) X(9, nv)
#define UP_TO_12(X, nv) UP_TO_9(X, nv) X(10, nv) X(11, nv) X(12, nv)
#define UP_TO_14(X, nv) UP_TO_12(X, nv) X(13, nv) X(14, nv)
#define UP_TO_18(X, nv) UP_TO_14(X, nv) X(15, nv) X(16, nv) X(17, nv) X(18, nv)
#define UP_TO_22(X, nv) UP_TO_18(X, nv) X(19, nv) X(20, nv) X(21, nv) X(22, nv)
#define UP_TO_25(X, nv) UP_TO_22(X, nv) X(23, nv) X(24, nv) X(25, nv)
#define UP_TO_28(X, nv) UP_TO_25(X, nv) X(26, nv) X(27, nv) X(28, nv)
#define UP_TO(rows, X, nv) WEFT_PASTE(UP_TO_, rows, )(X, nv)

#define DEFINE(mr, nv) \
    static void gemm_##mr##_##nv(const ukernel_gemm *t, const real *a, real *c) \
    { \
        gemm_tile(t, a, c, mr, nv); \
    } \
    static void outer_##mr##_##nv(const ukernel_outer *t, const real *a, real *c) \
    { \
        outer_tile(t, a, c, mr, nv); \
    }
#define NAME_GEMM(mr, nv) gemm_##mr##_##nv,
#define NAME_OUTER(mr, nv) outer_##mr##_##nv,

UP_TO(TILE_ROWS_1, DEFINE, 1)
UP_TO(TILE_ROWS_2, DEFINE, 2)
UP_TO(TILE_ROWS_3, DEFINE, 3)
UP_TO(TILE_ROWS_4, DEFINE, 4)

#define DEFINE_INDIRECT(mr, nv) \
    static void indirect_##mr##_##nv(const ukernel_gemm *t, const real *a, real *c) \
    { \
        gemm_indirect_tile(t, a, c, mr, nv); \
    }
#define DEFINE_OUTER_INDIRECT(mr, nv) \
    static void outer_indirect_##mr##_##nv(const ukernel_outer *t, \
                                           const ptrdiff_t *offset, real *c) \
    { \
        outer_indirect_tile(t, offset, c, mr, nv); \
    }
#define NAME_INDIRECT(mr, nv) indirect_##mr##_##nv,
#define NAME_OUTER_INDIRECT(mr, nv) outer_indirect_##mr##_##nv,

UP_TO(TILE_INDIRECT_1, DEFINE_INDIRECT, 1)
UP_TO(TILE_ROWS_2, DEFINE_INDIRECT, 2)
UP_TO(TILE_OUTER_INDIRECT_1, DEFINE_OUTER_INDIRECT, 1)
UP_TO(TILE_OUTER_INDIRECT_2, DEFINE_OUTER_INDIRECT, 2)

typedef void gemm_function(const ukernel_gemm *t, const real *a, real *c);
typedef void outer_function(const ukernel_outer *t, const real *a, real *c);
typedef void outer_indirect_function(const ukernel_outer *t, const ptrdiff_t *offset,
                                     real *c);

static gemm_function *const gemm_of[TILE_VECTORS][ROWS_MOST] = {
    {UP_TO(TILE_ROWS_1, NAME_GEMM, 1)},
    {UP_TO(TILE_ROWS_2, NAME_GEMM, 2)},
    {UP_TO(TILE_ROWS_3, NAME_GEMM, 3)},
    {UP_TO(TILE_ROWS_4, NAME_GEMM, 4)},
};
static outer_function *const outer_of[TILE_VECTORS][ROWS_MOST] = {
    {UP_TO(TILE_ROWS_1, NAME_OUTER, 1)},
    {UP_TO(TILE_ROWS_2, NAME_OUTER, 2)},
    {UP_TO(TILE_ROWS_3, NAME_OUTER, 3)},
    {UP_TO(TILE_ROWS_4, NAME_OUTER, 4)},
};
static gemm_function *const indirect_of[2][INDIRECT_MOST] = {
    {UP_TO(TILE_INDIRECT_1, NAME_INDIRECT, 1)},
    {UP_TO(TILE_ROWS_2, NAME_INDIRECT, 2)},
};
static outer_indirect_function *const outer_indirect_of[2][OUTER_INDIRECT_MOST] = {
    {UP_TO(TILE_OUTER_INDIRECT_1, NAME_OUTER_INDIRECT, 1)},
    {UP_TO(TILE_OUTER_INDIRECT_2, NAME_OUTER_INDIRECT, 2)},
};
static const int gemm_most[TILE_VECTORS] = {TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3,
                                            TILE_ROWS_4};
static const int indirect_most[2] = {TILE_INDIRECT_1, TILE_ROWS_2};
static const int outer_indirect_most[2] = {TILE_OUTER_INDIRECT_1, TILE_OUTER_INDIRECT_2};

/* Rows 0 .. m-1 in even parts of at most `most`, in turn rows from .. from+n-1. */
#define EACH_PART(m, most, from, n) \
    for (int from = 0, left = ((m) + (most)-1) / (most), n; \
         left && (n = ((m)-from) / left, true); from += n, left--)

void KERNEL(ukernel_gemm)(const ukernel_gemm *t, int m)
{
    int v = (t->n + WEFT_LANES - 1) / WEFT_LANES - 1, most = gemm_most[v];
    assert(v >= 0 && v < TILE_VECTORS);
    EACH_PART(m, most, from, n)
    gemm_of[v][n - 1](t, t->a + from * t->row, t->c + from * t->ldc);
}

void KERNEL(ukernel_gemm_indirect)(const ukernel_gemm *t, int m)
{
    int v = (t->n + WEFT_LANES - 1) / WEFT_LANES - 1, most = indirect_most[v];
    assert(v >= 0 && v < 2);
    EACH_PART(m, most, from, n)
    indirect_of[v][n - 1](t, t->a + from, t->c + from * t->ldc);
}

void KERNEL(ukernel_outer)(const ukernel_outer *t, int m)
{
    int v = (t->n + WEFT_LANES - 1) / WEFT_LANES - 1;
    assert(v >= 0 && v < (t->offset ? 2 : TILE_VECTORS));
    if (t->offset) {
        EACH_PART(m, outer_indirect_most[v], from, n)
        outer_indirect_of[v][n - 1](t, t->offset + from, t->c + from * t->ldc);
    } else {
        EACH_PART(m, gemm_most[v], from, n)
        outer_of[v][n - 1](t, t->a + from, t->c + from * t->ldc);
    }
}

/* Rows that are fetched early: far apart, the processor does not see them coming. */
enum { PACK_AHEAD = 16 };

void KERNEL(ukernel_pack)(real *dst, const real *src, size_t rows, int n, int width,
                          ptrdiff_t ld)
{
    for (size_t r = 0; r < rows; r++, src += ld, dst += width)
        for (int j = 0; j < width; j += WEFT_LANES) {
            int left = n - j < 0 ? 0 : n - j;
            vprefetch(src + j + PACK_AHEAD * ld);
            vstore(dst + j, left >= WEFT_LANES ? vload(src + j) : vload_n(src + j, left));
        }
}

void KERNEL(ukernel_pack_panels)(real *dst, ptrdiff_t panel, const real *src, size_t rows,
                                 int n, int width, ptrdiff_t ld)
{
    for (size_t r = 0; r < rows; r++, src += ld, dst += width)
        for (int j = 0; j < n; j += width) KERNEL(ukernel_pack)
    (dst + j / width * panel, src + j, 1, n - j < width ? n - j : width, width, ld);
}

void KERNEL(ukernel_pack_transposed)(real *dst, const real *src, size_t rows, int n,
                                     int width, ptrdiff_t ld)
{
    KERNEL(transpose)(dst, src, (size_t)n, rows, (size_t)width, (size_t)ld);
    if (n < width)
        for (size_t r = 0; r < rows; r++)
            memset(dst + r * (size_t)width + n, 0, (size_t)(width - n) * sizeof *dst);
}
