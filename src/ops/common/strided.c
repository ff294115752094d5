/* strided.c: going through tensors of other layouts, ranks or strides together. */
#include "ops/common/strided.h"

#include <assert.h>
#include <string.h>

#define PIECE 8192 /* elements of a row that one call gets at most */

/* ---- building ---- */

WEFT_SHARED void weft__strided_begin(weft__strided *w, const weft__tensor *out)
{
    int place[WEFT_MAX_RANK], dim[WEFT_MAX_RANK];
    memset(w, 0, sizeof *w);
    weft__storage(out, dim, place);
    w->rank = out->rank;
    for (int i = 0; i < out->rank; i++) w->dim[i] = (size_t)dim[i];
}

WEFT_SHARED void weft__strided_add(weft__strided *w, const weft__tensor *out,
                                   const ptrdiff_t *stride, size_t start)
{
    int place[WEFT_MAX_RANK], dim[WEFT_MAX_RANK];
    assert(w->operands < WEFT_STRIDED_MOST);
    weft__storage(out, dim, place);
    for (int i = 0; i < out->rank; i++) w->step[w->operands][place[i]] = stride[i];
    w->start[w->operands++] = start;
}

WEFT_SHARED void weft__strided_broadcast(weft__strided *w, const weft__tensor *out,
                                         const weft__tensor *operand)
{
    size_t own[WEFT_MAX_RANK];
    ptrdiff_t stride[WEFT_MAX_RANK] = {0};
    weft__strides(operand, own);
    for (int i = 0; i < operand->rank; i++)
        if (operand->dim[i] > 1)
            stride[i + out->rank - operand->rank] = (ptrdiff_t)own[i];
    weft__strided_add(w, out, stride, 0);
}

/* Whether axis j continues axis i for every operand. */
WEFT_SHARED bool weft__walk_continues(const weft__strided *w, int i, int j)
{
    for (int k = 0; k < w->operands; k++)
        if (w->step[k][i] != w->step[k][j] * (ptrdiff_t)w->dim[j]) return false;
    return true;
}

WEFT_SHARED void weft__strided_end(weft__strided *w)
{
    int n = 0;
    for (int i = 0; i < w->rank; i++) {
        if (w->dim[i] == 1) continue;
        if (n > 0 && weft__walk_continues(w, n - 1, i))
            w->dim[n - 1] *= w->dim[i];
        else
            w->dim[n++] = w->dim[i];
        for (int k = 0; k < w->operands; k++) w->step[k][n - 1] = w->step[k][i];
    }
    if (n == 0) {
        for (int k = 0; k < w->operands; k++) w->step[k][0] = 0;
        w->dim[n++] = 1;
    }
    w->rank = n;
    w->row = w->dim[n - 1];
    w->rows = 1;
    for (int i = 0; i < n - 1; i++) w->rows *= w->dim[i];
}

/* ---- running ---- */

WEFT_SHARED size_t weft__strided_at(const weft__strided *w, int k, size_t row)
{
    ptrdiff_t at = (ptrdiff_t)w->start[k];
    for (int i = w->rank - 2; i >= 0; i--) {
        at += (ptrdiff_t)(row % w->dim[i]) * w->step[k][i];
        row /= w->dim[i];
    }
    return (size_t)at;
}

typedef struct run_job {
    const weft__strided *w;
    weft__strided_fn *f;
    void *arg;
    size_t pieces; /* of each row */
} run_job;

WEFT_SHARED void weft__walk_range(void *arg, size_t begin, size_t end)
{
    const run_job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t row = i / j->pieces, first = i % j->pieces * PIECE;
        size_t left = j->w->row - first;
        j->f(j->arg, j->w, row, first, left < PIECE ? left : PIECE);
    }
}

WEFT_SHARED void weft__strided_run(const weft__strided *w, double cost,
                                   weft__strided_fn *f, void *arg)
{
    run_job j = {w, f, arg, (w->row + PIECE - 1) / PIECE};
    double items = (double)(w->row < PIECE ? w->row : PIECE);
    weft__spread(w->rows * j.pieces, cost * items + 8, weft__walk_range, &j);
}

/* ---- copying ---- */

typedef struct copy_job {
    real *y;
    const real *x;
    real a;
    const weft__kernels *k;
} copy_job;

static void copy_piece(void *arg, const weft__strided *w, size_t row, size_t first,
                       size_t n)
{
    const copy_job *j = arg;
    ptrdiff_t step = weft__strided_step(w, 0);
    const real *x = j->x + weft__strided_at(w, 0, row) + (ptrdiff_t)first * step;
    real *y = j->y + row * w->row + first;
    if (step == 1 && j->a == 1)
        memcpy(y, x, n * sizeof *y);
    else if (step == 1)
        for (size_t i = 0; i < n; i++) y[i] = j->a * x[i];
    else if (step == 0)
        for (size_t i = 0; i < n; i++) y[i] = j->a * *x;
    else
        for (size_t i = 0; i < n; i++) y[i] = j->a * x[(ptrdiff_t)i * step];
}

typedef struct transpose_job {
    copy_job copy;
    const weft__strided *w;
    size_t rows, cols; /* of the matrices in x: rows of stride lead */
    size_t lead, block, blocks;
} transpose_job;

static void transpose_range(void *arg, size_t begin, size_t end)
{
    const transpose_job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t matrix = i / j->blocks, r = i % j->blocks * j->block;
        size_t n = j->rows - r < j->block ? j->rows - r : j->block;
        size_t at = weft__strided_at(j->w, 0, matrix * j->cols);
        j->copy.k->transpose(j->copy.y + matrix * j->rows * j->cols + r,
                             j->copy.x + at + r * j->lead, n, j->cols, j->rows, j->lead);
    }
}

void weft__strided_copy(const weft__strided *w, real *y, const real *x, real a,
                        const weft__kernels *k)
{
    copy_job j = {y, x, a, k};
    int r = w->rank;
    /* the axis before the last is the one along which x is contiguous */
    if (a == 1 && r > 1 && w->step[0][r - 2] == 1 &&
        w->step[0][r - 1] >= (ptrdiff_t)w->dim[r - 2]) {
        transpose_job m = {.copy = j,
                           .w = w,
                           .rows = w->dim[r - 1],
                           .cols = w->dim[r - 2],
                           .lead = (size_t)w->step[0][r - 1]};
        m.block = m.rows > 64 ? 64 : m.rows;
        m.blocks = (m.rows + m.block - 1) / m.block;
        weft__spread(w->rows / m.cols * m.blocks, (double)(m.block * m.cols),
                     transpose_range, &m);
    } else {
        weft__strided_run(w, 1, copy_piece, &j);
    }
}

static void put_piece(void *arg, const weft__strided *w, size_t row, size_t first,
                      size_t n)
{
    const copy_job *j = arg;
    ptrdiff_t step = weft__strided_step(w, 0);
    real *x = j->y + weft__strided_at(w, 0, row) + (ptrdiff_t)first * step;
    const real *dy = j->x + row * w->row + first;
    for (size_t i = 0; i < n; i++) x[(ptrdiff_t)i * step] = dy[i];
}

void weft__strided_scatter(const weft__strided *w, real *x, const real *dy)
{
    weft__strided_run(w, 1, put_piece, &(copy_job){.y = x, .x = dy});
}

static void flat_range(void *arg, size_t begin, size_t end)
{
    const copy_job *j = arg;
    memcpy(j->y + begin, j->x + begin, (end - begin) * sizeof(real));
}

void weft__copy_flat(real *y, const real *x, size_t n)
{
    if (y != x) weft__spread(n, 0.5, flat_range, &(copy_job){.y = y, .x = x});
}

static void zero_range(void *arg, size_t begin, size_t end)
{
    const copy_job *j = arg;
    memset(j->y + begin, 0, (end - begin) * sizeof(real));
}

void weft__fill_zero(real *y, size_t n)
{
    weft__spread(n, 0.5, zero_range, &(copy_job){.y = y});
}
