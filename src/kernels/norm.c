/* norm.c: moments per channel, batch norm and layer norm. */
#include "kernels/activation.h"
#include "kernels/columns.h"

/* ---- moments ---- */

typedef struct moments_job {
    columns s;
    const real *x, *origin; /* origin[wide] */
    double *partial;        /* [leaves][2][wide]: sums of x - origin and of its square */
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
            mean[k] = vfma(load_lanes(p + k * WEFT_LANES, n), inverse, mean[k]);
    }
    p = x;
    for (int i = 0; i < rows; i++, p += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++) {
            vec d = vsub(load_lanes(p + k * WEFT_LANES, n), mean[k]);
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
            to[i + s->wide] += (double)s2[i] + 2 * o * (double)s1[i] + rows * o * o;
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

void KERNEL(moments)(real *mean, real *var, const real *x, size_t rows, size_t c,
                     void *scratch)
{
    moments_job job = {.s = columns_of(rows, c), .x = x, .partial = scratch};
    const columns *s = &job.s;
    if (!rows) {
        memset(mean, 0, c * sizeof *mean);
        memset(var, 0, c * sizeof *var);
        return;
    }
    real *origin = (real *)(void *)(job.partial + s->leaves * 2 * s->wide);
    columns_repeat(s, origin, x);
    job.origin = origin;
    weft__parallel(s->leaves * s->chunks, 1, moments_task, &job);
    const real *rest = x + s->tall * s->wide;
    for (size_t j = 0; j < c; j++) {
        double sum = columns_total(s, job.partial, 2, 0, j);
        double square = columns_total(s, job.partial, 2, 1, j);
        for (size_t i = j; i < s->rest; i += c) {
            const double d = (double)rest[i] - (double)origin[j];
            sum += d;
            square += d * d;
        }
        sum /= (double)rows;
        square = square / (double)rows - sum * sum;
        mean[j] = (real)((double)origin[j] + sum);
        var[j] = square < 0 ? 0 : (real)square; /* rounding only; NaN stays */
    }
}

/* ---- y = act(x * scale + shift) ---- */

typedef struct affine_job {
    columns s;
    real *y;
    const real *x, *scale, *shift; /* scale[wide], shift[wide] */
    const weft__epilogue *e;
} affine_job;

enum { PLAIN, WITH_RELU, WITH_ANY };

WEFT_INLINE vec affine_word(const affine_job *job, vec x, vec scale, vec shift, int kind)
{
    vec y = vfma(x, scale, shift);
    if (kind == WITH_RELU) return vmax(vzero(), y);
    return kind == PLAIN ? y : vactivate(y, job->e);
}

/* One wide row, the first `width` columns. */
WEFT_INLINE void affine_row(const affine_job *job, size_t row, size_t width, int kind)
{
    const real *x = job->x + row * job->s.wide, *scale = job->scale, *shift = job->shift;
    real *y = job->y + row * job->s.wide;
    size_t j = 0;
    for (; j + WEFT_LANES <= width; j += WEFT_LANES)
        vstore(y + j,
               affine_word(job, vload(x + j), vload(scale + j), vload(shift + j), kind));
    if (j < width) {
        const int n = (int)(width - j);
        vec v = affine_word(job, vload_n(x + j, n), vload_n(scale + j, n),
                            vload_n(shift + j, n), kind);
        vstore_n(y + j, v, n);
    }
}

/* Item `tall` is the rest. */
WEFT_INLINE void affine_rows(const affine_job *job, size_t begin, size_t end, int kind)
{
    for (size_t row = begin; row < end; row++)
        affine_row(job, row, row < job->s.tall ? job->s.wide : job->s.rest, kind);
}

static void affine_task(void *arg, size_t begin, size_t end, int worker)
{
    const affine_job *job = arg;
    const weft__act act = job->e ? job->e->act : WEFT_ACT_NONE;
    (void)worker;
    if (act == WEFT_ACT_NONE)
        affine_rows(job, begin, end, PLAIN);
    else if (act == WEFT_ACT_RELU)
        affine_rows(job, begin, end, WITH_RELU);
    else
        affine_rows(job, begin, end, WITH_ANY);
}

static size_t wide_rows(const columns *s)
{
    return s->tall + (s->rest != 0);
}

static size_t wide_grain(const columns *s)
{
    return (COLUMNS_GRAIN + s->wide - 1) / s->wide;
}

void KERNEL(channel_affine)(real *y, const real *x, const real *scale, const real *shift,
                            size_t rows, size_t c, const weft__epilogue *e)
{
    real repeated[2][COLUMNS_FOLDED];
    affine_job job = {columns_of(rows, c), y, x, scale, shift, e};
    if (!rows || !c) return;
    if (job.s.fold > 1) {
        columns_repeat(&job.s, repeated[0], scale);
        columns_repeat(&job.s, repeated[1], shift);
        job.scale = repeated[0];
        job.shift = repeated[1];
    }
    weft__parallel(wide_rows(&job.s), wide_grain(&job.s), affine_task, &job);
}

/* ---- batch norm, backward ---- */

typedef struct sums_job {
    columns s;
    const real *dy, *x, *mean; /* mean[wide] */
    double *partial;           /* [leaves][2][wide]: sums of dy and of dy (x - mean) */
} sums_job;

WEFT_INLINE void sums_block(const void *arg, const columns *s, size_t row, int rows,
                            size_t j, int vecs, int n, double *sums)
{
    const sums_job *job = arg;
    const real *dy = job->dy + row * s->wide + j, *x = job->x + row * s->wide + j;
    vec mean[COLUMNS_VECS], plain[COLUMNS_VECS], scaled[COLUMNS_VECS];
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) {
        mean[k] = load_lanes(job->mean + j + k * WEFT_LANES, n);
        plain[k] = scaled[k] = vzero();
    }
    for (int i = 0; i < rows; i++, dy += s->wide, x += s->wide) {
        WEFT_UNROLL
        for (int k = 0; k < vecs; k++) {
            vec d = load_lanes(dy + k * WEFT_LANES, n);
            vec from_mean = vsub(load_lanes(x + k * WEFT_LANES, n), mean[k]);
            plain[k] = vadd(plain[k], d);
            scaled[k] = vfma(d, from_mean, scaled[k]);
        }
    }
    WEFT_UNROLL
    for (int k = 0; k < vecs; k++) {
        add_lanes(sums + k * WEFT_LANES, plain[k], n);
        add_lanes(sums + s->wide + k * WEFT_LANES, scaled[k], n);
    }
}

static void sums_task(void *arg, size_t begin, size_t end, int worker)
{
    const sums_job *job = arg;
    (void)worker;
    for (size_t item = begin; item < end; item++)
        columns_item(job, &job->s, item, 2, job->partial, sums_block);
}

size_t KERNEL(batch_norm_sums_scratch)(size_t rows, size_t c)
{
    columns s = columns_of(rows, c);
    return columns_scratch(&s, 2, 1);
}

void KERNEL(batch_norm_sums)(real *dgamma, real *dbeta, const real *dy, const real *x,
                             const real *mean, const real *rstd, size_t rows, size_t c,
                             void *scratch)
{
    sums_job job = {.s = columns_of(rows, c), .dy = dy, .x = x, .partial = scratch};
    const columns *s = &job.s;
    if (rows) {
        real *repeated = (real *)(void *)(job.partial + s->leaves * 2 * s->wide);
        columns_repeat(s, repeated, mean);
        job.mean = repeated;
    }
    weft__parallel(s->leaves * s->chunks, 1, sums_task, &job);
    const size_t done = s->tall * s->wide;
    for (size_t j = 0; j < c; j++) {
        double plain = columns_total(s, job.partial, 2, 0, j);
        double scaled = columns_total(s, job.partial, 2, 1, j);
        for (size_t i = done + j; i < done + s->rest; i += c) {
            plain += (double)dy[i];
            scaled += (double)dy[i] * ((double)x[i] - (double)mean[j]);
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
} data_job;

/* The width of the stretch of columns whose coefficients are made at a time. */
enum { STRETCH = COLUMNS_FOLDED > 512 ? COLUMNS_FOLDED : 512 };

typedef struct coefficients {
    real a[STRETCH], b[STRETCH], mean[STRETCH], d[STRETCH];
} coefficients;

static void data_coefficients(const data_job *job, coefficients *k, size_t first,
                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t j = (first + i) % job->s.c;
        const double a = (job->gamma ? (double)job->gamma[j] : 1) * (double)job->rstd[j];
        k->a[i] = (real)a;
        if (job->fixed) continue;
        const double share = a / (double)job->rows;
        k->b[i] = (real)(-share * (double)job->rstd[j] * (double)job->dgamma[j]);
        k->mean[i] = job->mean[j];
        k->d[i] = (real)(-share * (double)job->dbeta[j]);
    }
}

WEFT_INLINE void data_vec(const data_job *job, const coefficients *k, size_t at, size_t j,
                          int n, bool fixed)
{
    vec a = load_lanes(k->a + j, n), dy = load_lanes(job->dy + at + j, n), dx;
    if (fixed) {
        dx = vmul(a, dy);
    } else {
        vec x = vsub(load_lanes(job->x + at + j, n), load_lanes(k->mean + j, n));
        dx = vfma(load_lanes(k->b + j, n), x, load_lanes(k->d + j, n));
        dx = vfma(a, dy, dx);
    }
    if (n == WEFT_LANES)
        vstore(job->dx + at + j, dx);
    else
        vstore_n(job->dx + at + j, dx, n);
}

WEFT_INLINE void data_stretch(const data_job *job, const coefficients *k, size_t at,
                              size_t n, bool fixed)
{
    size_t j = 0;
    for (; j + WEFT_LANES <= n; j += WEFT_LANES)
        data_vec(job, k, at, j, WEFT_LANES, fixed);
    if (j < n) data_vec(job, k, at, j, (int)(n - j), fixed);
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
            if (job->fixed)
                data_stretch(job, &k, at, stop - first, true);
            else
                data_stretch(job, &k, at, stop - first, false);
        }
    }
}

void KERNEL(batch_norm_data)(real *dx, const real *dy, const real *x, const real *gamma,
                             const real *mean, const real *rstd, const real *dgamma,
                             const real *dbeta, size_t rows, size_t c, bool fixed)
{
    data_job job = {
        columns_of(rows, c), dx, dy, x, gamma, mean, rstd, dgamma, dbeta, rows, fixed};
    if (!rows || !c) return;
    const size_t grain = wide_grain(&job.s);
    weft__parallel(wide_rows(&job.s), grain < 16 ? 16 : grain, data_task, &job);
}

/* ---- layer norm ---- */

/* The sums over a row of x - origin and of its square: in vectors over a block, then in
 * double. */
static void row_sums(const real *x, size_t n, real origin, double *sum, double *square)
{
    const vec from = vset1(origin);
    *sum = *square = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < 1024 ? n : i + 1024;
        vec s = vzero(), q = vzero();
        for (; i + WEFT_LANES <= end; i += WEFT_LANES) {
            vec d = vsub(vload(x + i), from);
            s = vadd(s, d);
            q = vfma(d, d, q);
        }
        if (i < end) {
            const int rest = (int)(end - i);
            vec d = vsub(vload_n(x + i, rest), from);
            d = vselect(vfirst(rest), d, vzero());
            s = vadd(s, d);
            q = vfma(d, d, q);
        }
        *sum += (double)vsum(s);
        *square += (double)vsum(q);
        i = end;
    }
}

/* ((x - origin) rstd - drift) gamma + beta */
WEFT_INLINE vec layer_word(vec x, vec origin, vec rstd, vec drift, const real *gamma,
                           const real *beta, int n)
{
    vec y = vsub(vmul(vsub(x, origin), rstd), drift);
    if (gamma) y = vmul(y, load_lanes(gamma, n));
    return beta ? vadd(y, load_lanes(beta, n)) : y;
}

void KERNEL(layer_norm)(real *y, real *mean, real *rstd, const real *x, const real *gamma,
                        const real *beta, size_t rows, size_t cols, real eps)
{
    for (size_t r = 0; r < rows; r++, x += cols, y += cols) {
        const real origin = (real)(KERNEL(sum)(x, cols) / (double)cols);
        double drift, square; /* of the true mean from its rounded value */
        row_sums(x, cols, origin, &drift, &square);
        drift /= (double)cols;
        square = square / (double)cols - drift * drift;
        const double inverse = 1 / sqrt((square < 0 ? 0 : square) + (double)eps);
        if (mean) mean[r] = (real)((double)origin + drift);
        if (rstd) rstd[r] = (real)inverse;
        const vec o = vset1(origin), scale = vset1((real)inverse);
        const vec d = vset1((real)(drift * inverse));
        size_t j = 0;
        for (; j + WEFT_LANES <= cols; j += WEFT_LANES) {
            const real *g = gamma ? gamma + j : NULL, *b = beta ? beta + j : NULL;
            vstore(y + j, layer_word(vload(x + j), o, scale, d, g, b, WEFT_LANES));
        }
        if (j < cols) {
            const int n = (int)(cols - j);
            const real *g = gamma ? gamma + j : NULL, *b = beta ? beta + j : NULL;
            vstore_n(y + j, layer_word(vload_n(x + j, n), o, scale, d, g, b, n), n);
        }
    }
}

/* One vector of g = dy gamma and of xhat; lanes from n on are 0 in g. */
WEFT_INLINE vec layer_terms(const real *dy, const real *x, const real *gamma, vec mean,
                            vec rstd, int n, vec *xhat)
{
    vec g = load_lanes(dy, n);
    *xhat = vmul(vsub(load_lanes(x, n), mean), rstd);
    return gamma ? vmul(g, load_lanes(gamma, n)) : g;
}

/* Sums over a row of g and of g xhat. */
static void layer_sums(const real *dy, const real *x, const real *gamma, size_t n,
                       vec mean, vec rstd, double *plain, double *scaled)
{
    *plain = *scaled = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i < 1024 ? n : i + 1024;
        vec s = vzero(), q = vzero(), xhat;
        while (i < end) {
            const int some = end - i < WEFT_LANES ? (int)(end - i) : WEFT_LANES;
            vec g = layer_terms(dy + i, x + i, gamma ? gamma + i : NULL, mean, rstd, some,
                                &xhat);
            if (some < WEFT_LANES) xhat = vselect(vfirst(some), xhat, vzero());
            s = vadd(s, g);
            q = vfma(g, xhat, q);
            i += (size_t)some;
        }
        *plain += (double)vsum(s);
        *scaled += (double)vsum(q);
    }
}

/* dx = rstd (g - mean(g) - xhat mean(g xhat)), g = dy gamma */
void KERNEL(layer_norm_backward)(real *dx, const real *dy, const real *x,
                                 const real *gamma, const real *mean, const real *rstd,
                                 size_t rows, size_t cols)
{
    for (size_t r = 0; r < rows; r++, x += cols, dy += cols, dx += cols) {
        const vec m = vset1(mean[r]), scale = vset1(rstd[r]);
        double plain, scaled;
        layer_sums(dy, x, gamma, cols, m, scale, &plain, &scaled);
        const vec p = vset1((real)(plain / (double)cols));
        const vec q = vset1((real)(scaled / (double)cols));
        for (size_t j = 0; j < cols; j += WEFT_LANES) {
            const int n = cols - j < WEFT_LANES ? (int)(cols - j) : WEFT_LANES;
            vec xhat, g = layer_terms(dy + j, x + j, gamma ? gamma + j : NULL, m, scale,
                                      n, &xhat);
            vec d = vmul(scale, vsub(vfnma(xhat, q, g), p));
            vstore_n(dx + j, d, n);
        }
    }
}
