/* ukernel.h: the two register tiles that carry every product, and the packed form of
 * their operand B.
 *
 * rows:  C[m][n]  = start + sum over taps and channels of A[row m][tap][k] * B[tap,
 * k][n] sums:  C[m][n] (+)= sum over points of A[point][m] * B[point][n]
 *
 * Convolutions, their data gradients and plain products are calls of the first;
 * weight gradients and products with a transposed A are calls of the second. Each
 * element of C is one chain of multiply-adds in the order of its sum, whatever the
 * shape of the tile it falls into, so results do not depend on how the work is cut. */
#ifndef WEFT_SRC_KERNELS_UKERNEL_UKERNEL_H
#define WEFT_SRC_KERNELS_UKERNEL_UKERNEL_H

#include "kernels/simd/vec.h"

/* A packed panel of B is TILE_PANEL vectors wide: panel p holds columns p*TILE_COLUMNS
 * and on, its rows one after another, the missing columns of the last panel zero. A
 * matrix of at most WEFT_LANES columns is one panel of one vector. A call may take
 * several panels side by side. */
#if WEFT_LANES == 1
#define TILE_PANEL 4
#else
#define TILE_PANEL 2
#endif
#define TILE_COLUMNS (TILE_PANEL * WEFT_LANES)
#define TILE_VECTORS 4 /* a tile is at most this many vectors wide */

/* The most rows that a tile 1, 2, 3 and 4 vectors wide keeps in registers. */
#if WEFT_VREGS >= 32 && WEFT_LANES == 4 /* NEON: the loads in flight need registers too */
#define TILE_ROWS_1 14
#define TILE_ROWS_2 9
#define TILE_ROWS_3 6
#define TILE_ROWS_4 4
#elif WEFT_VREGS >= 32
#define TILE_ROWS_1 14
#define TILE_ROWS_2 14
#define TILE_ROWS_3 9
#define TILE_ROWS_4 6
#else
#define TILE_ROWS_1 12
#define TILE_ROWS_2 6
#define TILE_ROWS_3 4
#define TILE_ROWS_4 3
#endif
/* Where A takes one register for its addresses, and where it takes one for each row. */
#if WEFT_VREGS >= 32
#define TILE_INDIRECT_1 28
#define TILE_OUTER_INDIRECT_1 9
#define TILE_OUTER_INDIRECT_2 9
#else
#define TILE_INDIRECT_1 12
#define TILE_OUTER_INDIRECT_1 9
#define TILE_OUTER_INDIRECT_2 6
#endif

typedef struct ukernel_gemm {
    const real *a; /* row m, tap (i, j) begins at a + m*row + i*tap_h + j*tap_w */
    ptrdiff_t row, tap_h, tap_w;
    int taps_h, taps_w, k; /* k contiguous elements at each tap */
    const real *b; /* row r = (tap, k) begins at b + r*ldb; whole vectors are read */
    ptrdiff_t ldb, panel; /* elements from one panel of B to the next */
    const ptrdiff_t
        *offset; /* of ukernel_gemm_indirect: a + m + offset[r] has row r's element */
    real *c;
    ptrdiff_t ldc;
    int n; /* columns, at most TILE_VECTORS vectors */
    bool prefetch_a,
        prefetch_c;  /* fetch the next tile's A or C early: they stream from memory */
    bool accumulate; /* start from C, not from zero */
    /* of ukernel_gemm_indirect: C goes past the cache; whole vectors, aligned */
    bool nt_stores;
    const real *bias; /* [n], added to the start, or NULL */
    weft__act act;    /* NONE, RELU or LEAKY_RELU, applied before the store */
    real alpha;
} ukernel_gemm;

/* Any number of rows m; any taps, none included (C is then the start). */
void KERNEL(ukernel_gemm)(const ukernel_gemm *t, int m);

/* Of at most a panel of columns, where row m, element r of A is at a + m +
 * offset[r], for r < k. */
void KERNEL(ukernel_gemm_indirect)(const ukernel_gemm *t, int m);

typedef struct ukernel_outer {
    const real *a; /* element (m) of point (i, j, k) at a + m + i*a_step[0] + ... */
    const real *b; /* its row of B at b + i*b_step[0] + ...; whole vectors are read */
    const ptrdiff_t *offset; /* unless NULL: element m is at a + offset[m] + ... instead,
                                a_step[2] is 1, n at most a panel */
    ptrdiff_t a_step[3], b_step[3], panel;
    int count[3]; /* the points are a box */
    real *c;
    ptrdiff_t ldc;
    int n;           /* columns, at most TILE_VECTORS vectors */
    bool accumulate; /* C += sum, not C = sum */
} ukernel_outer;

void KERNEL(ukernel_outer)(const ukernel_outer *t, int m);

/* Columns of the packed form of n columns; panel width; floats of a packed [k][n]. */
static inline int panel_width(int n)
{
    return n <= WEFT_LANES ? WEFT_LANES : TILE_COLUMNS;
}
static inline int panel_padded(int n)
{
    int width = panel_width(n);
    return (n + width - 1) / width * width;
}

/* One panel: dst[r][width] = src[r*ld + j] for j < n, then zeros. */
void KERNEL(ukernel_pack)(real *dst, const real *src, size_t rows, int n, int width,
                          ptrdiff_t ld);
/* Of more columns than one panel has; panel: elements from one to the next. */
void KERNEL(ukernel_pack_panels)(real *dst, ptrdiff_t panel, const real *src, size_t rows,
                                 int n, int width, ptrdiff_t ld);
/* dst[r][width] = src[j*ld + r]. */
void KERNEL(ukernel_pack_transposed)(real *dst, const real *src, size_t rows, int n,
                                     int width, ptrdiff_t ld);

WEFT_INLINE void add_into(real *to, const real *from, int n)
{
    int i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES)
        vstore(to + i, vadd(vload(to + i), vload(from + i)));
    for (; i < n; i++) to[i] += from[i];
}

/* Whether the tile applies this activation itself. */
static inline bool ukernel_applies(weft__act act)
{
    return act == WEFT_ACT_NONE || act == WEFT_ACT_RELU || act == WEFT_ACT_LEAKY_RELU;
}

/* Such an activation of what a transform has brought back. */
WEFT_INLINE vec tile_activated(const weft__epilogue *e, vec v)
{
    if (e->act == WEFT_ACT_RELU) return vmax(vzero(), v);
    if (e->act == WEFT_ACT_LEAKY_RELU)
        return vselect(vlt(v, vzero()), vmul(vset1((real)e->alpha), v), v);
    return v;
}

/* Work of fewer multiply-adds than this is not worth waking another thread. */
#define TILE_SMALL_WORK 500000.0

#endif
