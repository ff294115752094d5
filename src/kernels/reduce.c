/* reduce.c: sums, extremes and the transpose. */
#include "kernels/norm/column_reduce.h"

/* ---- over a whole array ---- */

/* SUM_BLOCK elements at a time are summed in SUM_WAYS vectors of partial sums (64
 * numbers where the registers allow), which are added in pairs, and the blocks in
 * double. */
#define SUM_BLOCK 1024
#if WEFT_LANES >= 16
#define SUM_WAYS 4
#elif WEFT_LANES >= 8
#define SUM_WAYS 8
#else
#define SUM_WAYS 16
#endif

typedef vec term_fn(vec a, vec b, vec sum);

WEFT_INLINE vec plain_term(vec a, __attribute__((unused)) vec b, vec sum)
{
    return vadd(sum, a);
}
WEFT_INLINE vec product_term(vec a, vec b, vec sum)
{
    return vfma(a, b, sum);
}

WEFT_INLINE double block_sum(const real *a, const real *b, size_t n, term_fn *term)
{
    vec sum[SUM_WAYS];
    size_t i = 0;
    WEFT_UNROLL
    for (int k = 0; k < SUM_WAYS; k++) sum[k] = vzero();
    for (; i + SUM_WAYS * WEFT_LANES <= n; i += SUM_WAYS * WEFT_LANES) {
        WEFT_UNROLL
        for (int k = 0; k < SUM_WAYS; k++)
            sum[k] = term(vload(a + i + k * WEFT_LANES), vload(b + i + k * WEFT_LANES),
                          sum[k]);
    }
    for (; i + WEFT_LANES <= n; i += WEFT_LANES)
        sum[0] = term(vload(a + i), vload(b + i), sum[0]);
    if (i < n) {
        int rest = (int)(n - i);
        sum[1] = term(vload_n(a + i, rest), vload_n(b + i, rest), sum[1]);
    }
    WEFT_UNROLL
    for (int half = SUM_WAYS / 2; half; half /= 2) {
        WEFT_UNROLL
        for (int k = 0; k < half; k++) sum[k] = vadd(sum[k], sum[k + half]);
    }
    return (double)vsum(sum[0]);
}

WEFT_INLINE double array_sum(const real *a, const real *b, size_t n, term_fn *term)
{
    double total = 0;
    for (size_t i = 0; i < n; i += SUM_BLOCK)
        total += block_sum(a + i, b + i, n - i < SUM_BLOCK ? n - i : SUM_BLOCK, term);
    return total;
}

double KERNEL(sum)(const real *x, size_t n)
{
    return array_sum(x, x, n, plain_term);
}

double KERNEL(sum_squares)(const real *x, size_t n)
{
    return array_sum(x, x, n, product_term);
}

double KERNEL(dot)(const real *a, const real *b, size_t n)
{
    return array_sum(a, b, n, product_term);
}

/* -infinity of nothing; NaN when there is one. */
real KERNEL(reduce_max)(const real *x, size_t n)
{
    vec most[4];
    vmask number[4]; /* no NaN seen */
    const vec least = vset1((real)-INFINITY);
    size_t i = 0;
    for (int k = 0; k < 4; k++) {
        most[k] = least;
        number[k] = veq(least, least);
    }
    for (; i + 4 * WEFT_LANES <= n; i += 4 * WEFT_LANES) {
        WEFT_UNROLL
        for (int k = 0; k < 4; k++) {
            vec v = vload(x + i + k * WEFT_LANES);
            most[k] = vmax(v, most[k]);
            number[k] = vmand(number[k], veq(v, v));
        }
    }
    while (i < n) {
        int some = n - i < WEFT_LANES ? (int)(n - i) : WEFT_LANES;
        vec v = vselect(vfirst(some), vload_n(x + i, some), least);
        most[0] = vmax(v, most[0]);
        number[0] = vmand(number[0], veq(v, v));
        i += (size_t)some;
    }
    number[0] = vmand(vmand(number[0], number[1]), vmand(number[2], number[3]));
    if (vany(vmnot(number[0]))) return (real)NAN;
    return vreduce_max(vmax(vmax(most[0], most[1]), vmax(most[2], most[3])));
}

bool KERNEL(all_finite)(const real *x, size_t n)
{
    const vec inf = vset1((real)INFINITY);
    for (size_t i = 0; i < n;) {
        size_t end = n - i < SUM_BLOCK ? n : i + SUM_BLOCK;
        vmask fine = vlt(vzero(), inf);
        for (; i + WEFT_LANES <= end; i += WEFT_LANES)
            fine = vmand(fine, vlt(vabs(vload(x + i)), inf));
        if (i < end) fine = vmand(fine, vlt(vabs(vload_n(x + i, (int)(end - i))), inf));
        if (vany(vmnot(fine))) return false;
        i = end;
    }
    return true;
}

/* ---- over rows ---- */

typedef struct sum_job {
    columns s;
    const real *x;
    double *partial;
} sum_job;

WEFT_INLINE void sum_rows_block(const void *arg, const columns *s, size_t row, int rows,
                                size_t j, int vecs, int n, double *sums)
{
    const sum_job *job = arg;
    const real *x = job->x + row * s->wide + j;
    vec sum[COLUMNS_VECS];
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) sum[k] = vzero();
    for (int i = 0; i < rows; i++, x += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++)
            sum[k] = vadd(sum[k], vload_tail(x + k * WEFT_LANES, n));
    }
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) add_lanes(sums + k * WEFT_LANES, sum[k], n);
}

static void sum_rows_task(void *arg, size_t begin, size_t end, int worker)
{
    const sum_job *job = arg;
    (void)worker;
    for (size_t item = begin; item < end; item++)
        columns_item(job, &job->s, item, 1, job->partial, sum_rows_block);
}

size_t KERNEL(sum_rows_scratch)(size_t rows, size_t cols)
{
    columns s = columns_of(rows, cols);
    return columns_scratch(&s, 1, 0);
}

void KERNEL(sum_rows)(real *y, const real *x, size_t rows, size_t cols, void *scratch)
{
    sum_job job = {.s = columns_of(rows, cols), .x = x, .partial = scratch};
    const columns *s = &job.s;
    weft__parallel(s->slices * s->chunks, 1, sum_rows_task, &job);
    const real *rest = x + s->tall * s->wide;
    for (size_t j = 0; j < cols; j++) {
        double total = columns_total(s, job.partial, 1, 0, j);
        for (size_t i = j; i < s->rest; i += cols) total += (double)rest[i];
        y[j] = (real)total;
    }
}

/* ---- transpose ---- */

enum { AHEAD = 256 / (int)sizeof(real) }; /* of a row, that are fetched early */

/* A square of LANES rows. Zipping row i with row i + LANES/2 moves the highest bit of a
 * row's number to the lowest of the column's, and the highest of that back: as often as
 * there are bits, and rows are columns. */
WEFT_INLINE void transpose_square(real *y, const real *x, size_t ldy, size_t ldx)
{
    const int half = WEFT_LANES > 1 ? WEFT_LANES / 2 : 1;
    vec a[WEFT_LANES], b[WEFT_LANES];
    WEFT_UNROLL
    for (int i = 0; i < WEFT_LANES; i++) {
        a[i] = vload(x + (size_t)i * ldx);
        vprefetch(x + (size_t)i * ldx + AHEAD);
    }
    WEFT_UNROLL
    for (int bits = 1; bits < WEFT_LANES; bits *= 2) {
        WEFT_UNROLL
        for (int i = 0; i < WEFT_LANES / 2; i++) {
            b[2 * i] = vzip_low(a[i], a[i + half]);
            b[2 * i + 1] = vzip_high(a[i], a[i + half]);
        }
        WEFT_UNROLL
        for (int i = 0; i < WEFT_LANES; i++) a[i] = b[i];
    }
    WEFT_UNROLL
    for (int i = 0; i < WEFT_LANES; i++) vstore(y + (size_t)i * ldy, a[i]);
}

void KERNEL(transpose)(real *y, const real *x, size_t rows, size_t cols, size_t ldy,
                       size_t ldx)
{
    const size_t side = WEFT_LANES > 1 ? WEFT_LANES : 16;
    for (size_t c = 0; c < cols; c += side) {
        const size_t across = cols - c < side ? cols - c : side;
        for (size_t r = 0; r < rows; r += side) {
            const size_t down = rows - r < side ? rows - r : side;
            const real *from = x + r * ldx + c;
            real *to = y + c * ldy + r;
            if (WEFT_LANES > 1 && across == WEFT_LANES && down == WEFT_LANES) {
                transpose_square(to, from, ldy, ldx);
                continue;
            }
            for (size_t j = 0; j < across; j++)
                for (size_t i = 0; i < down; i++) to[j * ldy + i] = from[i * ldx + j];
        }
    }
}
