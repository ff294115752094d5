/* strided_reduce.c: sums over broadcast axes, in an order that depends on shapes
 * only. */
#include "ops/common/strided.h"

#include <string.h>

#define SLICE 4096  /* elements of one partial sum of a whole row */
#define BLOCK 32    /* rows of one partial sum of columns */
#define COLUMNS 128 /* columns that are summed together */

typedef struct sum_job {
    const weft__strided *w;
    real *y;
    const real *x;
    real a;
    double *slice;
    const weft__kernels *k;
    size_t columns; /* pieces of each [rows][row] matrix */
} sum_job;

static bool dropped(const weft__strided *w, int axis)
{
    return w->step[0][axis] == 0;
}

/* How w looks: which of the fast ways fits. */
typedef enum algorithm { NOTHING, WHOLE, ROWS, MATRIX, COLUMNS_OF_EACH, ANY } algorithm;

static algorithm choose_algorithm(const weft__strided *w)
{
    int r = w->rank, out = 0;
    for (int i = 0; i < r; i++) out += dropped(w, i) && w->dim[i] > 1;
    if (out == 0) return NOTHING;
    if (r == 1) return WHOLE;
    if (out == 1 && dropped(w, r - 1)) return ROWS;
    if (out == 1 && dropped(w, r - 2) && w->step[0][r - 1] == 1)
        return r == 2 ? MATRIX : COLUMNS_OF_EACH;
    return ANY;
}

/* ---- all into one ---- */

static void slice_range(void *arg, size_t begin, size_t end)
{
    const sum_job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t left = j->w->row - i * SLICE;
        j->slice[i] = j->k->sum(j->x + i * SLICE, left < SLICE ? left : SLICE);
    }
}

static void sum_whole(sum_job *j)
{
    size_t slices = (j->w->row + SLICE - 1) / SLICE;
    double sum = 0;
    weft__spread(slices, SLICE, slice_range, j);
    for (size_t i = 0; i < slices; i++) sum += j->slice[i];
    j->y[j->w->start[0]] = (real)(sum * j->a);
}

/* ---- each row into one ---- */

static void row_range(void *arg, size_t begin, size_t end)
{
    const sum_job *j = arg;
    for (size_t i = begin; i < end; i++) {
        double sum = j->k->sum(j->x + i * j->w->row, j->w->row);
        j->y[weft__strided_at(j->w, 0, i)] = (real)(sum * j->a);
    }
}

/* ---- the columns of [rows][row] matrices; the sums lie side by side ---- */

static void columns(const sum_job *j, real *y, const real *x, size_t rows, size_t n)
{
    double sum[COLUMNS] = {0};
    real part[COLUMNS];
    for (size_t first = 0; first < rows; first += BLOCK) {
        size_t end = rows - first < BLOCK ? rows : first + BLOCK;
        memcpy(part, x + first * j->w->row, n * sizeof *part);
        for (size_t r = first + 1; r < end; r++)
            j->k->add(part, part, x + r * j->w->row, n, 1, 1);
        for (size_t i = 0; i < n; i++) sum[i] += part[i];
    }
    for (size_t i = 0; i < n; i++) y[i] = (real)(sum[i] * j->a);
}

static void columns_range(void *arg, size_t begin, size_t end)
{
    const sum_job *j = arg;
    const weft__strided *w = j->w;
    size_t rows = w->dim[w->rank - 2];
    for (size_t i = begin; i < end; i++) {
        size_t matrix = i / j->columns, first = i % j->columns * COLUMNS;
        size_t n = w->row - first < COLUMNS ? w->row - first : COLUMNS;
        size_t at = weft__strided_at(w, 0, matrix * rows);
        columns(j, j->y + at + first, j->x + matrix * rows * w->row + first, rows, n);
    }
}

/* ---- anything ---- */

/* The sum that belongs to element i of y; sub is the walk of the dropped axes alone. */
static double sum_of(const sum_job *j, size_t i)
{
    const weft__strided *w = j->w;
    size_t dim[WEFT_MAX_RANK], step[WEFT_MAX_RANK], at = 0, stride = 1, count = 1;
    int n = 0;
    double sum = 0;
    for (int d = w->rank - 1; d >= 0; d--) {
        if (dropped(w, d)) {
            dim[n] = w->dim[d];
            step[n++] = stride;
            count *= w->dim[d];
        } else {
            at += i % w->dim[d] * stride;
            i /= w->dim[d];
        }
        stride *= w->dim[d];
    }
    size_t run = n && step[0] == 1 ? dim[0] : 1;
    for (size_t k = 0; k < count; k += run) {
        size_t rest = k, from = at;
        for (int d = 0; d < n; d++) {
            from += rest % dim[d] * step[d];
            rest /= dim[d];
        }
        sum += run > 1 ? j->k->sum(j->x + from, run) : (double)j->x[from];
    }
    return sum;
}

static void any_range(void *arg, size_t begin, size_t end)
{
    const sum_job *j = arg;
    const weft__strided *w = j->w;
    for (size_t i = begin; i < end; i++) {
        ptrdiff_t at = (ptrdiff_t)w->start[0];
        size_t rest = i;
        for (int d = w->rank - 1; d >= 0; d--) {
            if (dropped(w, d)) continue;
            at += (ptrdiff_t)(rest % w->dim[d]) * w->step[0][d];
            rest /= w->dim[d];
        }
        j->y[at] = (real)(sum_of(j, i) * j->a);
    }
}

static void sum_any(sum_job *j)
{
    size_t out = 1, in = 1;
    for (int d = 0; d < j->w->rank; d++) *(dropped(j->w, d) ? &in : &out) *= j->w->dim[d];
    weft__spread(out, 4.0 * (double)in, any_range, j);
}

/* ---- nothing to sum: another order, perhaps ---- */

static void put_range(void *arg, const weft__strided *w, size_t row, size_t first,
                      size_t n)
{
    const sum_job *j = arg;
    ptrdiff_t step = weft__strided_step(w, 0);
    real *y = j->y + weft__strided_at(w, 0, row) + (ptrdiff_t)first * step;
    const real *x = j->x + row * w->row + first;
    for (size_t i = 0; i < n; i++) y[(ptrdiff_t)i * step] = j->a * x[i];
}

size_t weft__strided_reduce_scratch(const weft__strided *w, const weft__kernels *k)
{
    switch (choose_algorithm(w)) {
    case WHOLE:
        return (w->row + SLICE - 1) / SLICE * sizeof(double);
    case MATRIX:
        return k->sum_rows_scratch(w->dim[0], w->dim[1]);
    default:
        return 0;
    }
}

void weft__strided_reduce(const weft__strided *w, real *y, const real *x, real a,
                          void *scratch, const weft__kernels *k)
{
    sum_job j = {w, y, x, a, scratch, k, (w->row + COLUMNS - 1) / COLUMNS};
    switch (choose_algorithm(w)) {
    case NOTHING:
        weft__strided_run(w, 1, put_range, &j);
        break;
    case WHOLE:
        sum_whole(&j);
        break;
    case ROWS:
        weft__spread(w->rows, (double)w->row, row_range, &j);
        break;
    case MATRIX:
        k->sum_rows(y + w->start[0], x, w->dim[0], w->row, scratch);
        if (a != 1) k->scale(y + w->start[0], y + w->start[0], w->row, a, 0);
        break;
    case COLUMNS_OF_EACH:
        weft__spread(w->rows / w->dim[w->rank - 2] * j.columns,
                     (double)w->dim[w->rank - 2] * COLUMNS, columns_range, &j);
        break;
    case ANY:
        sum_any(&j);
        break;
    }
}
