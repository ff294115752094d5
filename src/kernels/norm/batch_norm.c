/* batch_norm.c: moments per channel, and batch norm with what stands after it. */
#include "kernels/activation.h"
#include "kernels/norm/column_reduce.h"

/* ---- moments ---- */

typedef struct moments_job {
    columns s;
    const real *x, *origin; /* origin[wide] */
    double *partial;        /* [slices][2][wide]: sums of x - origin and of its square */
} moments_job;

/* Two passes over a block that the first-level cache holds: about the block's own mean,
 * which keeps every digit in real, then moved to the common origin in double. */
WEFT_INLINE void moments_block(const void *arg, const columns *s, size_t row, int rows,
                               size_t j, int vecs, int n, double *sums)
{
    const moments_job *job = arg;
    const real *x = job->x + row * s->wide + j, *p = x;
    const vec inverse = vset1((real)1 / (real)rows);
    vec mean[COLUMNS_VECS], sum[COLUMNS_VECS], square[COLUMNS_VECS];
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) mean[k] = sum[k] = square[k] = vzero();
    for (int i = 0; i < rows; i++, p += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++)
            mean[k] = vfma(vload_tail(p + k * WEFT_LANES, n), inverse, mean[k]);
    }
    p = x;
    for (int i = 0; i < rows; i++, p += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++) {
            vec d = vsub(vload_tail(p + k * WEFT_LANES, n), mean[k]);
            sum[k] = vadd(sum[k], d);
            square[k] = vfma(d, d, square[k]);
        }
    }
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) {
        real m[WEFT_LANES], s1[WEFT_LANES], s2[WEFT_LANES];
        double *to = sums + k * WEFT_LANES;
        const real *origin = job->origin + j + k * WEFT_LANES;
        vstore(m, mean[k]);
        vstore(s1, sum[k]);
        vstore(s2, square[k]);
        for (int i = 0; i < n; i++) {
            const double o = (double)m[i] - (double)origin[i];
            to[i] += (double)s1[i] + rows * o;
            to[(size_t)i + s->wide] +=
                (double)s2[i] + 2 * o * (double)s1[i] + rows * o * o;
        }
    }
}

static void moments_task(void *arg, size_t begin, size_t end, int worker)
{
    const moments_job *job = arg;
    (void)worker;
    for (size_t item = begin; item < end; item++)
        columns_item(job, &job->s, item, 2, job->partial, moments_block);
}

size_t KERNEL(moments_scratch)(size_t rows, size_t c)
{
    columns s = columns_of(rows, c);
    return columns_scratch(&s, 2, 1);
}

void KERNEL(moments)(real *mean, real *rest, real *var, const real *x, size_t rows,
                     size_t c, void *scratch)
{
    moments_job job = {.s = columns_of(rows, c), .x = x, .partial = scratch};
    const columns *s = &job.s;
    if (!rows) {
        memset(mean, 0, c * sizeof *mean);
        memset(var, 0, c * sizeof *var);
        if (rest) memset(rest, 0, c * sizeof *rest);
        return;
    }
    real *origin = (real *)(void *)(job.partial + s->slices * 2 * s->wide);
    columns_repeat(s, origin, x);
    job.origin = origin;
    weft__parallel(s->slices * s->chunks, 1, moments_task, &job);
    const real *tail = x + s->tall * s->wide;
    for (size_t j = 0; j < c; j++) {
        double sum = columns_total(s, job.partial, 2, 0, j);
        double square = columns_total(s, job.partial, 2, 1, j);
        for (size_t i = j; i < s->rest; i += c) {
            const double d = (double)tail[i] - (double)origin[j];
            sum += d;
            square += d * d;
        }
        sum /= (double)rows;
        square = square / (double)rows - sum * sum;
        const double exact = (double)origin[j] + sum;
        mean[j] = (real)exact;
        if (rest) rest[j] = (real)(exact - (double)mean[j]);
        var[j] = square < 0 ? 0 : (real)square; /* rounding only; NaN stays */
    }
}

/* ---- y = act((x - centre) * scale + shift + residual) ---- */

typedef struct affine_job {
    columns s;
    real *y;
    const real *x;
    weft__affine a; /* its rows are wide ones */
    const weft__epilogue *e;
} affine_job;

enum { PLAIN, WITH_RELU, WITH_ANY };

/* Columns j and on of the row that begins at `row`, n of them. */
WEFT_INLINE void affine_word(const affine_job *job, size_t row, size_t j, int n, int kind,
                             bool more, bool about_mean)
{
    vec x = vload_tail(job->x + row + j, n);
    if (about_mean) x = vsub(x, vload_tail(job->a.mean + j, n));
    vec y = vfma(x, vload_tail(job->a.scale + j, n), vload_tail(job->a.shift + j, n));
    if (more) y = vadd(y, vload_tail(job->a.residual + row + j, n));
    if (kind == WITH_RELU)
        y = vmax(vzero(), y);
    else if (kind == WITH_ANY)
        y = vactivate(y, job->e);
    vstore_tail(job->y + row + j, y, n);
}

/* Wide rows; number `tall` is the rest. */
WEFT_INLINE void affine_rows(const affine_job *job, size_t begin, size_t end, int kind,
                             bool more, bool about_mean)
{
    const columns *s = &job->s;
    for (size_t i = begin; i < end; i++) {
        const size_t row = i * s->wide, width = i < s->tall ? s->wide : s->rest;
        size_t j = 0;
        for (; j + WEFT_LANES <= width; j += WEFT_LANES)
            affine_word(job, row, j, WEFT_LANES, kind, more, about_mean);
        if (j < width) affine_word(job, row, j, (int)(width - j), kind, more, about_mean);
    }
}

WEFT_INLINE void affine_kind(const affine_job *job, size_t begin, size_t end, int kind)
{
    if (job->a.mean && job->a.residual)
        affine_rows(job, begin, end, kind, true, true);
    else if (job->a.mean)
        affine_rows(job, begin, end, kind, false, true);
    else if (job->a.residual)
        affine_rows(job, begin, end, kind, true, false);
    else
        affine_rows(job, begin, end, kind, false, false);
}

static void affine_task(void *arg, size_t begin, size_t end, int worker)
{
    const affine_job *job = arg;
    const weft__act act = job->e ? job->e->act : WEFT_ACT_NONE;
    (void)worker;
    if (act == WEFT_ACT_NONE)
        affine_kind(job, begin, end, PLAIN);
    else if (act == WEFT_ACT_RELU)
        affine_kind(job, begin, end, WITH_RELU);
    else
        affine_kind(job, begin, end, WITH_ANY);
}

static size_t wide_rows(const columns *s)
{
    return s->tall + (s->rest != 0);
}

static size_t wide_grain(const columns *s)
{
    return (COLUMNS_GRAIN + s->wide - 1) / s->wide;
}

void KERNEL(channel_affine)(real *y, const real *x, const weft__affine *a, size_t rows,
                            size_t c, const weft__epilogue *e)
{
    real repeated[3][COLUMNS_FOLDED];
    affine_job job = {columns_of(rows, c), y, x, *a, e};
    if (!rows || !c) return;
    if (job.s.fold > 1) {
        columns_repeat(&job.s, repeated[0], a->scale);
        columns_repeat(&job.s, repeated[1], a->shift);
        job.a.scale = repeated[0];
        job.a.shift = repeated[1];
        if (a->mean) columns_repeat(&job.s, repeated[2], a->mean);
        if (a->mean) job.a.mean = repeated[2];
    }
    weft__parallel(wide_rows(&job.s), wide_grain(&job.s), affine_task, &job);
}

/* ---- batch norm, backward ---- */

/* How the gradient that a relu lets through is told: there is no relu, by its
 * result, or by what went into it, computed again. */
enum { UNMASKED, BY_RESULT, BY_INPUT };

static int kind_of(const weft__relu_gate *g)
{
    return !g ? UNMASKED : g->y ? BY_RESULT : g->scale ? BY_INPUT : UNMASKED;
}

typedef struct sums_job {
    columns s;
    const real *dy, *x, *mean; /* mean[wide] */
    const real *y;             /* BY_RESULT */
    const real *scale, *shift; /* [wide], BY_INPUT */
    real *masked_dy;           /* or NULL */
    double *partial;           /* [slices][2][wide]: sums of dy and of dy (x - mean) */
} sums_job;

WEFT_INLINE void sums_any(const sums_job *job, const columns *s, size_t row, int rows,
                          size_t j, int vecs, int n, double *sums, int kind, bool stored)
{
    size_t at = row * s->wide + j;
    vec mean[COLUMNS_VECS], plain[COLUMNS_VECS], scaled[COLUMNS_VECS];
    vec scale[COLUMNS_VECS], shift[COLUMNS_VECS];
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) {
        const size_t column = j + (size_t)k * WEFT_LANES;
        mean[k] = vload_tail(job->mean + column, n);
        plain[k] = scaled[k] = scale[k] = shift[k] = vzero();
        if (kind == BY_INPUT) {
            scale[k] = vload_tail(job->scale + column, n);
            shift[k] = vload_tail(job->shift + column, n);
        }
    }
    for (int i = 0; i < rows; i++, at += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++) {
            const size_t to = at + (size_t)k * WEFT_LANES;
            vec d = vload_tail(job->dy + to, n), x = vload_tail(job->x + to, n);
            if (kind == BY_RESULT)
                d = relu_derivative(d, d, vload_tail(job->y + to, n), d, d);
            else if (kind == BY_INPUT)
                d = relu_derivative(d, d, vfma(x, scale[k], shift[k]), d, d);
            plain[k] = vadd(plain[k], d);
            scaled[k] = vfma(d, vsub(x, mean[k]), scaled[k]);
            if (stored) vstore_tail(job->masked_dy + to, d, n);
        }
    }
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) {
        add_lanes(sums + k * WEFT_LANES, plain[k], n);
        add_lanes(sums + s->wide + k * WEFT_LANES, scaled[k], n);
    }
}

#define SUMS(name, kind, stored) \
    WEFT_INLINE void name(const void *arg, const columns *s, size_t row, int rows, \
                          size_t j, int vecs, int n, double *sums) \
    { \
        sums_any(arg, s, row, rows, j, vecs, n, sums, kind, stored); \
    }
SUMS(sums_plain, UNMASKED, false)
SUMS(sums_stored, UNMASKED, true)
SUMS(sums_by_result, BY_RESULT, false)
SUMS(sums_by_result_stored, BY_RESULT, true)
SUMS(sums_by_input, BY_INPUT, false)
SUMS(sums_by_input_stored, BY_INPUT, true)
#undef SUMS

static void sums_task(void *arg, size_t begin, size_t end, int worker)
{
    const sums_job *job = arg;
    const int kind = job->y ? BY_RESULT : job->scale ? BY_INPUT : UNMASKED;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        if (kind == UNMASKED && !job->masked_dy)
            columns_item(job, &job->s, item, 2, job->partial, sums_plain);
        else if (kind == UNMASKED)
            columns_item(job, &job->s, item, 2, job->partial, sums_stored);
        else if (kind == BY_RESULT && !job->masked_dy)
            columns_item(job, &job->s, item, 2, job->partial, sums_by_result);
        else if (kind == BY_RESULT)
            columns_item(job, &job->s, item, 2, job->partial, sums_by_result_stored);
        else if (!job->masked_dy)
            columns_item(job, &job->s, item, 2, job->partial, sums_by_input);
        else
            columns_item(job, &job->s, item, 2, job->partial, sums_by_input_stored);
    }
}

/* Element i of the gradient, of channel j, outside the whole wide rows. */
static real gated(const sums_job *job, const weft__relu_gate *g, size_t i, size_t j)
{
    real d = job->dy[i];
    if (kind_of(g) == BY_RESULT) {
        if (g->y[i] <= 0) d = 0;
    } else if (kind_of(g) == BY_INPUT) {
        real y[WEFT_LANES]; /* as a vector does it: rounded once or twice */
        vstore(y, vfma(vset1(job->x[i]), vset1(g->scale[j]), vset1(g->shift[j])));
        if (y[0] <= 0) d = 0;
    }
    if (job->masked_dy) job->masked_dy[i] = d;
    return d;
}

size_t KERNEL(batch_norm_sums_scratch)(size_t rows, size_t c)
{
    columns s = columns_of(rows, c);
    return columns_scratch(&s, 2, 3);
}

void KERNEL(batch_norm_sums)(real *dgamma, real *dbeta, const real *dy, const real *x,
                             const real *mean, const real *rstd, size_t rows, size_t c,
                             const weft__relu_gate *g, void *scratch)
{
    sums_job job = {.s = columns_of(rows, c), .dy = dy, .x = x, .partial = scratch};
    const columns *s = &job.s;
    if (g) {
        job.y = g->y;
        job.masked_dy = g->masked_dy;
    }
    if (rows) {
        real *repeated = (real *)(void *)(job.partial + s->slices * 2 * s->wide);
        columns_repeat(s, repeated, mean);
        job.mean = repeated;
        if (kind_of(g) == BY_INPUT) {
            columns_repeat(s, repeated + s->wide, g->scale);
            columns_repeat(s, repeated + 2 * s->wide, g->shift);
            job.scale = repeated + s->wide;
            job.shift = repeated + 2 * s->wide;
        }
    }
    weft__parallel(s->slices * s->chunks, 1, sums_task, &job);
    const size_t done = s->tall * s->wide;
    for (size_t j = 0; j < c; j++) {
        double plain = columns_total(s, job.partial, 2, 0, j);
        double scaled = columns_total(s, job.partial, 2, 1, j);
        for (size_t i = done + j; i < done + s->rest; i += c) {
            const real d = gated(&job, g, i, j);
            plain += (double)d;
            scaled += (double)d * ((double)x[i] - (double)mean[j]);
        }
        dbeta[j] = (real)plain;
        dgamma[j] = (real)(scaled * (double)rstd[j]);
    }
}

/* dx = a dy + b (x - mean) + d, column by column. */
typedef struct data_job {
    columns s;
    real *dx;
    const real *dy, *x, *gamma, *mean, *rstd, *dgamma, *dbeta;
    size_t rows;
    bool fixed;
    const weft__relu_gate *gate; /* by input, or NULL */
} data_job;

/* The width of the stretch of columns whose coefficients are made at a time. */
enum { STRETCH = COLUMNS_FOLDED > 512 ? COLUMNS_FOLDED : 512 };

typedef struct coefficients {
    real a[STRETCH], b[STRETCH], mean[STRETCH], d[STRETCH];
    real scale[STRETCH], shift[STRETCH]; /* of the gate */
} coefficients;

static void data_coefficients(const data_job *job, coefficients *k, size_t first,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t j = (first + i) % job->s.c;
        const double a = (job->gamma ? (double)job->gamma[j] : 1) * (double)job->rstd[j];
        k->a[i] = (real)a;
        if (job->gate) {
            k->scale[i] = job->gate->scale[j];
            k->shift[i] = job->gate->shift[j];
        }
        if (job->fixed) continue;
        const double share = a / (double)job->rows;
        k->b[i] = (real)(-share * (double)job->rstd[j] * (double)job->dgamma[j]);
        k->mean[i] = job->mean[j];
        k->d[i] = (real)(-share * (double)job->dbeta[j]);
    }
}

WEFT_INLINE void data_vec(const data_job *job, const coefficients *k, size_t at, size_t j,
                          int n, bool fixed, bool gate)
{
    vec a = vload_tail(k->a + j, n), dy = vload_tail(job->dy + at + j, n), dx, x = dy;
    if (gate || !fixed) x = vload_tail(job->x + at + j, n);
    if (gate) {
        vec y = vfma(x, vload_tail(k->scale + j, n), vload_tail(k->shift + j, n));
        dy = relu_derivative(dy, x, y, dy, dy);
    }
    if (fixed) {
        dx = vmul(a, dy);
    } else {
        x = vsub(x, vload_tail(k->mean + j, n));
        dx = vfma(vload_tail(k->b + j, n), x, vload_tail(k->d + j, n));
        dx = vfma(a, dy, dx);
    }
    vstore_tail(job->dx + at + j, dx, n);
}

WEFT_INLINE void data_stretch(const data_job *job, const coefficients *k, size_t at,
                              size_t n, bool fixed, bool gate)
{
    size_t j = 0;
    for (; j + WEFT_LANES <= n; j += WEFT_LANES)
        data_vec(job, k, at, j, WEFT_LANES, fixed, gate);
    if (j < n) data_vec(job, k, at, j, (int)(n - j), fixed, gate);
}

static void data_task(void *arg, size_t begin, size_t end, int worker)
{
    const data_job *job = arg;
    const columns *s = &job->s;
    coefficients k;
    (void)worker;
    for (size_t first = 0; first < s->wide; first += STRETCH) {
        const size_t last = s->wide - first < STRETCH ? s->wide : first + STRETCH;
        data_coefficients(job, &k, first, last - first);
        for (size_t row = begin; row < end; row++) {
            const size_t width = row < s->tall ? s->wide : s->rest;
            const size_t stop = width < last ? width : last, at = row * s->wide + first;
            if (stop <= first) continue;
            if (job->gate && job->fixed)
                data_stretch(job, &k, at, stop - first, true, true);
            else if (job->gate)
                data_stretch(job, &k, at, stop - first, false, true);
            else if (job->fixed)
                data_stretch(job, &k, at, stop - first, true, false);
            else
                data_stretch(job, &k, at, stop - first, false, false);
        }
    }
}

void KERNEL(batch_norm_data)(real *dx, const real *dy, const real *x, const real *gamma,
                             const real *mean, const real *rstd, const real *dgamma,
                             const real *dbeta, size_t rows, size_t c, bool fixed,
                             const weft__relu_gate *g)
{
    data_job job = {
        columns_of(rows, c), dx, dy, x, gamma, mean, rstd, dgamma, dbeta, rows, fixed, g};
    if (!rows || !c) return;
    const size_t grain = wide_grain(&job.s);
    weft__parallel(wide_rows(&job.s), grain < 16 ? 16 : grain, data_task, &job);
}
