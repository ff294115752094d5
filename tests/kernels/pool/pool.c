/* pool.c: max and average pooling against plain loops. */
#include "kernels/product.h"

static size_t size_x(const weft__pool *p)
{
    return (size_t)p->n * (size_t)p->h * (size_t)p->w * (size_t)p->c;
}
static size_t size_y(const weft__pool *p)
{
    return (size_t)p->n * (size_t)p->oh * (size_t)p->ow * (size_t)p->c;
}

/* The elements of one window: positions inside the picture in row-major order; returns
 * how many there are, and in *padded how many lie in the padded picture. */
static int window(const weft__pool *p, int q, int r, int *at, int *padded)
{
    int count = 0;
    *padded = 0;
    for (int i = 0; i < p->kh; i++)
        for (int j = 0; j < p->kw; j++) {
            int y = q * p->stride_h - p->top + i * p->dilate_h;
            int x = r * p->stride_w - p->left + j * p->dilate_w;
            if (y >= -p->top && y < p->h + p->bottom && x >= -p->left &&
                x < p->w + p->right)
                ++*padded;
            if (y >= 0 && y < p->h && x >= 0 && x < p->w) at[count++] = y * p->w + x;
        }
    return count;
}

static int best_of(const weft__pool *p, const real *x, int c, const int *at, int count)
{
    int best = count ? at[0] : -1;
    for (int i = 1; i < count; i++) {
        real v = x[(size_t)at[i] * (size_t)p->c + (size_t)c];
        real top = x[(size_t)best * (size_t)p->c + (size_t)c];
        if (v > top || (isnan(v) && !isnan(top))) best = at[i];
    }
    return best;
}

static void axis(weft__rng *r, int *in, int *out, int *k, int *stride, int *dilate,
                 int *before, int *after)
{
    do {
        *in = weft__rng_between(r, 1, 15);
        *k = weft__rng_between(r, 1, 5);
        *stride = weft__rng_between(r, 1, 4);
        *dilate = weft__rng_below(r, 3) ? 1 : weft__rng_between(r, 1, 3);
        *before = weft__rng_between(r, 0, *k / 2);
        *after = weft__rng_between(r, 0, *k / 2);
        int room = *in + *before + *after - *dilate * (*k - 1) - 1;
        bool ceil_mode = weft__rng_below(r, 2); /* windows may run over the end */
        *out = room < 0 ? 0 : (room + (ceil_mode ? *stride - 1 : 0)) / *stride + 1;
    } while (*out < 1);
}

static weft__pool random_pool(weft__rng *r)
{
    weft__pool p = {.n = weft__rng_between(r, 1, 3), .c = skewed(r, 1, 150)};
    axis(r, &p.w, &p.ow, &p.kw, &p.stride_w, &p.dilate_w, &p.left, &p.right);
    p.h = p.oh = p.kh = p.stride_h = p.dilate_h = 1;
    if (weft__rng_below(r, 4))
        axis(r, &p.h, &p.oh, &p.kh, &p.stride_h, &p.dilate_h, &p.top, &p.bottom);
    p.count_pad = weft__rng_below(r, 2);
    return p;
}

static void check_max(const weft__kernels *k, const weft__pool *p, const real *x,
                      const real *dy)
{
    guarded y = guarded_nan(size_y(p)), plain = guarded_nan(size_y(p));
    guarded index = guarded_new(size_y(p) * sizeof(int32_t)), dx = guarded_nan(size_x(p));
    double *want = calloc(size_x(p), sizeof *want);
    const weft__epilogue clip = {WEFT_ACT_CLIP, -0.5, 0.5};
    CHECK(want != NULL);
    k->max_pool(p, y.data, x, index.data, NULL);
    k->max_pool(p, plain.data, x, NULL, &clip);
    k->max_pool_backward(p, dx.data, dy, index.data);
    const int32_t *winner = index.data;
    for (size_t i = 0; i < size_y(p); i++) {
        int at[25], padded, c = (int)(i % (size_t)p->c);
        size_t pixel = i / (size_t)p->c, plane = (size_t)p->oh * (size_t)p->ow;
        size_t image = pixel / plane * (size_t)p->h * (size_t)p->w * (size_t)p->c;
        int q = (int)(pixel % plane) / p->ow, r = (int)(pixel % plane) % p->ow;
        int best = best_of(p, x + image, c, at, window(p, q, r, at, &padded));
        real top = best < 0 ? -(real)INFINITY
                            : x[image + (size_t)best * (size_t)p->c + (size_t)c];
        CHECK(winner[i] == best);
        CHECK_ELEMENT(k->isa, "max_pool", size_y(p), i, (double)((real *)y.data)[i],
                      (double)top, 0);
        CHECK_ELEMENT(k->isa, "max_pool", size_y(p), i, (double)((real *)plain.data)[i],
                      (double)(top < -0.5  ? -(real)0.5
                               : top > 0.5 ? (real)0.5
                                           : top),
                      0);
        if (best >= 0)
            want[image + (size_t)best * (size_t)p->c + (size_t)c] += (double)dy[i];
    }
    for (size_t i = 0; i < size_x(p); i++)
        CHECK_ELEMENT(k->isa, "max_pool_backward", size_x(p), i,
                      (double)((real *)dx.data)[i], want[i], 32 * REAL_EPSILON);
    free(want);
    guarded_free(y), guarded_free(plain), guarded_free(index), guarded_free(dx);
}

static void check_avg(const weft__kernels *k, const weft__pool *p, const real *x,
                      const real *dy)
{
    guarded y = guarded_nan(size_y(p)), dx = guarded_nan(size_x(p));
    double *want = calloc(size_x(p), sizeof *want);
    CHECK(want != NULL);
    k->avg_pool(p, y.data, x);
    k->avg_pool_backward(p, dx.data, dy);
    for (size_t i = 0; i < size_y(p); i++) {
        int at[25], padded, c = (int)(i % (size_t)p->c);
        size_t pixel = i / (size_t)p->c, plane = (size_t)p->oh * (size_t)p->ow;
        size_t image = pixel / plane * (size_t)p->h * (size_t)p->w * (size_t)p->c;
        int count = window(p, (int)(pixel % plane) / p->ow, (int)(pixel % plane) % p->ow,
                           at, &padded);
        int divisor = p->count_pad ? padded : count;
        double sum = 0;
        for (int j = 0; j < count; j++) {
            size_t from = image + (size_t)at[j] * (size_t)p->c + (size_t)c;
            sum += (double)x[from];
            want[from] += (double)dy[i] / divisor;
        }
        CHECK_ELEMENT(k->isa, "avg_pool", size_y(p), i, (double)((real *)y.data)[i],
                      divisor ? sum / divisor : 0, 32 * REAL_EPSILON);
    }
    for (size_t i = 0; i < size_x(p); i++)
        CHECK_ELEMENT(k->isa, "avg_pool_backward", size_x(p), i,
                      (double)((real *)dx.data)[i], want[i], 64 * REAL_EPSILON);
    free(want);
    guarded_free(y), guarded_free(dx);
}

static void any_window_is_right_in_both_directions(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++) {
        weft__rng r = random_at(3);
        for (int i = 0; i < 400; i++) {
            weft__pool p = random_pool(&r);
            guarded x = guarded_random(size_x(&p), -1, 1, 1);
            guarded dy = guarded_random(size_y(&p), -1, 1, 2);
            if (i % 2) /* many ties */
                for (size_t j = 0; j < size_x(&p); j++)
                    ((real *)x.data)[j] = (real)floor(2 * (double)((real *)x.data)[j]);
            check_avg(*k, &p, x.data, dy.data);
            if (i % 7 == 0)
                ((real *)x.data)[weft__rng_below(&r, (uint32_t)size_x(&p))] = (real)NAN;
            check_max(*k, &p, x.data, dy.data);
            guarded_free(x), guarded_free(dy);
        }
    }
}

/* A window that spans more positions than a float can count. */
static void far_windows_find_their_winner(void **state)
{
    (void)state;
    weft__pool p = {.n = 1,
                    .h = 3,
                    .w = 1 << 23,
                    .c = 1,
                    .oh = 1,
                    .ow = 1,
                    .kh = 3,
                    .kw = 1,
                    .stride_h = 1,
                    .stride_w = 1,
                    .dilate_h = 1,
                    .dilate_w = 1};
    real *x = calloc(size_x(&p), sizeof *x), y;
    int32_t index;
    CHECK(x != NULL);
    x[2 << 23] = 1;
    for (const weft__kernels *const *k = sets(); *k; k++) {
        (*k)->max_pool(&p, &y, x, &index, NULL);
        CHECK(y == 1);
        CHECK(index == 2 << 23);
    }
    free(x);
}

typedef struct operands {
    weft__pool p;
    const real *x, *dy;
} operands;

static void compute(const weft__kernels *k, void *arg, real *out)
{
    const operands *o = arg;
    const weft__pool *p = &o->p;
    size_t x = size_x(p), y = size_y(p);
    int32_t *index = malloc(y * sizeof *index);
    CHECK(index != NULL);
    k->max_pool(p, out, o->x, index, NULL);
    k->max_pool_backward(p, out + y, o->dy, index);
    k->avg_pool(p, out + y + x, o->x);
    k->avg_pool_backward(p, out + 2 * y + x, o->dy);
    free(index);
}

static void threads_do_not_change_a_bit(void **state)
{
    weft__pool p = {.n = 3,
                    .h = 40,
                    .w = 41,
                    .c = 70,
                    .oh = 20,
                    .ow = 21,
                    .kh = 3,
                    .kw = 3,
                    .stride_h = 2,
                    .stride_w = 2,
                    .dilate_h = 1,
                    .dilate_w = 1,
                    .top = 1,
                    .left = 1,
                    .bottom = 1,
                    .right = 1};
    (void)state;
    guarded x = guarded_random(size_x(&p), -1, 1, 1),
            dy = guarded_random(size_y(&p), -1, 1, 2);
    for (const weft__kernels *const *k = sets(); *k; k++) {
        operands o = {p, x.data, dy.data};
        check_same_bits(*k, 2 * (size_x(&p) + size_y(&p)), compute, &o);
    }
    guarded_free(x), guarded_free(dy);
}

RUN_TESTS(TEST(any_window_is_right_in_both_directions),
          TEST(far_windows_find_their_winner), TEST(threads_do_not_change_a_bit))
