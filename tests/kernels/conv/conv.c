/* conv.c: convolutions in all three directions against plain loops in double. */
#include "kernels/product.h"

static size_t size_x(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->h * (size_t)s->w * (size_t)s->c;
}
static size_t size_y(const weft__conv *s)
{
    return (size_t)s->n * (size_t)s->oh * (size_t)s->ow * (size_t)s->o;
}
static size_t size_w(const weft__conv *s)
{
    return (size_t)s->kh * (size_t)s->kw * (size_t)(s->c / s->groups) * (size_t)s->o;
}

/* Sums and sums of absolute values, of all three results. */
typedef struct expected {
    double *y, *dx, *dw, *y_size, *dx_size, *dw_size;
} expected;

static double *zeros(size_t n)
{
    double *p = calloc(n, sizeof *p);
    CHECK(p != NULL);
    return p;
}

static void add(double *sum, double *size, size_t at, double value)
{
    sum[at] += value;
    size[at] += fabs(value);
}

/* One pixel and tap: all pairs of channels. */
static void expect_tap(const weft__conv *s, const expected *e, const real *x,
                       const real *w, const real *dy, size_t in, size_t out, int tap)
{
    int cg = s->c / s->groups, og = s->o / s->groups;
    for (int o = 0; o < s->o; o++)
        for (int c = 0; c < cg; c++) {
            size_t xi = in * (size_t)s->c + (size_t)(o / og * cg + c);
            size_t yi = out * (size_t)s->o + (size_t)o;
            size_t wi = (size_t)(tap * cg + c) * (size_t)s->o + (size_t)o;
            add(e->y, e->y_size, yi, (double)x[xi] * (double)w[wi]);
            add(e->dx, e->dx_size, xi, (double)dy[yi] * (double)w[wi]);
            add(e->dw, e->dw_size, wi, (double)dy[yi] * (double)x[xi]);
        }
}

static expected expect(const weft__conv *s, const real *x, const real *w, const real *dy)
{
    expected e = {zeros(size_y(s)), zeros(size_x(s)), zeros(size_w(s)),
                  zeros(size_y(s)), zeros(size_x(s)), zeros(size_w(s))};
    for (int n = 0; n < s->n; n++)
        for (int q = 0; q < s->oh; q++)
            for (int r = 0; r < s->ow; r++)
                for (int tap = 0; tap < s->kh * s->kw; tap++) {
                    int i = q * s->stride_h - s->top + tap / s->kw * s->dilate_h;
                    int j = r * s->stride_w - s->left + tap % s->kw * s->dilate_w;
                    if (i < 0 || i >= s->h || j < 0 || j >= s->w) continue;
                    size_t in = (size_t)((n * s->h + i) * s->w + j);
                    size_t out = (size_t)((n * s->oh + q) * s->ow + r);
                    expect_tap(s, &e, x, w, dy, in, out, tap);
                }
    return e;
}

static void free_expected(expected *e)
{
    free(e->y), free(e->dx), free(e->dw), free(e->y_size), free(e->dx_size),
        free(e->dw_size);
}

static void describe(const weft__conv *s, const char *isa, const char *what)
{
    print_error("%s %s: n%d %dx%dx%d -> %dx%dx%d k%dx%d s%d,%d d%d,%d pad %d,%d g%d\n",
                isa, what, s->n, s->h, s->w, s->c, s->oh, s->ow, s->o, s->kh, s->kw,
                s->stride_h, s->stride_w, s->dilate_h, s->dilate_w, s->top, s->left,
                s->groups);
}

static void compare(const weft__conv *s, const char *isa, const char *what,
                    const real *got, const double *want, const double *size, size_t n,
                    double terms)
{
    for (size_t i = 0; i < n; i++) {
        double tolerance = sum_error(terms, size[i] + 0.01);
        if (!(fabs((double)got[i] - want[i]) <= tolerance)) describe(s, isa, what);
        CHECK_ELEMENT(isa, what, n, i, (double)got[i], want[i], tolerance);
    }
}

static double activated(const weft__epilogue *e, double v)
{
    if (e->act == WEFT_ACT_RELU) return v > 0 ? v : 0;
    if (e->act == WEFT_ACT_LEAKY_RELU) return leaky(v, e->alpha);
    return e->act == WEFT_ACT_TANH ? tanh(v) : v;
}

/* What a result is added to: nothing, or for half of the shapes something. */
static guarded there_before(weft__conv *s, double *want, double *size, size_t n)
{
    s->accumulate = (s->c + s->o + s->w) % 2;
    if (!s->accumulate) return guarded_nan(n);
    guarded g = guarded_random(n, -1, 1, 5);
    for (size_t i = 0; i < n; i++) {
        want[i] += (double)((real *)g.data)[i];
        size[i] += 1;
    }
    return g;
}

/* Kept weights change no bit of plain sums. */
static void check_prepacked(const weft__kernels *k, const weft__conv *s, const real *x,
                            const real *w)
{
    weft__conv t = *s;
    size_t n = size_y(s);
    guarded prepacked = guarded_scratch(k->conv_prepacked_size(s) * sizeof(real));
    guarded a = guarded_scratch(k->conv_scratch(s));
    guarded y = guarded_nan(n), z = guarded_nan(n);
    t.accumulate = false;
    k->conv(&t, y.data, x, w, NULL, NULL, a.data);
    k->conv_prepack(s, prepacked.data, w);
    t.prepacked = true;
    guarded b = guarded_scratch(k->conv_scratch(&t));
    k->conv(&t, z.data, x, prepacked.data, NULL, NULL, b.data);
    if (memcmp(y.data, z.data, n * sizeof(real))) describe(s, k->isa, "kept");
    CHECK(!memcmp(y.data, z.data, n * sizeof(real)));
    guarded_free(prepacked), guarded_free(a), guarded_free(b), guarded_free(y);
    guarded_free(z);
}

static void check_forward(const weft__kernels *k, const weft__conv *s, expected *e,
                          const real *x, const real *w, const weft__epilogue *act,
                          bool biased)
{
    size_t n = size_y(s);
    weft__conv t = *s;
    guarded bias = guarded_random((size_t)s->o, -1, 1, 4);
    guarded y = there_before(&t, e->y, e->y_size, n);
    guarded scratch = guarded_scratch(k->conv_scratch(s));
    const real *b = bias.data;
    for (size_t i = 0; biased && i < n; i++) {
        e->y[i] += (double)b[i % (size_t)s->o];
        e->y_size[i] += fabs((double)b[i % (size_t)s->o]);
    }
    for (size_t i = 0; act && i < n; i++) e->y[i] = activated(act, e->y[i]);
    k->conv(&t, y.data, x, w, biased ? b : NULL, act, scratch.data);
    compare(s, k->isa, "conv", y.data, e->y, e->y_size, n, s->kh * s->kw * s->c);
    if (k->conv_prepacked_size(s)) check_prepacked(k, s, x, w);
    guarded_free(bias), guarded_free(y), guarded_free(scratch);
}

static void check_backward(const weft__kernels *k, const weft__conv *s, expected *e,
                           const real *x, const real *w, const real *dy)
{
    weft__conv t = *s;
    guarded dx = there_before(&t, e->dx, e->dx_size, size_x(s));
    guarded dw = guarded_nan(size_w(s));
    guarded scratch = guarded_scratch(k->conv_bwd_data_scratch(s));
    k->conv_bwd_data(&t, dx.data, dy, w, scratch.data);
    compare(s, k->isa, "conv_data", dx.data, e->dx, e->dx_size, size_x(s),
            s->kh * s->kw * s->o);
    guarded_free(scratch);
    scratch = guarded_scratch(k->conv_bwd_weights_scratch(s));
    k->conv_bwd_weights(s, dw.data, dy, x, scratch.data);
    compare(s, k->isa, "conv_weight", dw.data, e->dw, e->dw_size, size_w(s),
            s->n * s->oh * s->ow);
    guarded_free(scratch), guarded_free(dx), guarded_free(dw);
}

/* Of the plain sums; winograd.c has the rest. */
static void check_one(const weft__kernels *k, const weft__conv *shape,
                      const weft__epilogue *act, bool biased)
{
    weft__conv plain = *shape;
    const weft__conv *s = &plain;
    plain.exact = true;
    guarded x = guarded_random(size_x(s), -1, 1, 1),
            w = guarded_random(size_w(s), -1, 1, 2);
    guarded dy = guarded_random(size_y(s), -1, 1, 3);
    expected e = expect(s, x.data, w.data, dy.data);
    check_forward(k, s, &e, x.data, w.data, act, biased);
    check_backward(k, s, &e, x.data, w.data, dy.data);
    free_expected(&e);
    guarded_free(x), guarded_free(w), guarded_free(dy);
}

/* Positions of a kernel over in pixels with padding on both sides; 0 when it does not
 * fit. */
static int positions(int in, int k, int stride, int dilate, int before, int after)
{
    int room = in + before + after - dilate * (k - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

static bool random_axis(weft__rng *r, int *in, int *out, int *k, int *stride, int *dilate,
                        int *before)
{
    *in = weft__rng_between(r, 1, weft__rng_below(r, 3) ? 12 : 40);
    *k = weft__rng_between(r, 1, weft__rng_below(r, 2) ? 3 : 7);
    *stride = weft__rng_below(r, 2) ? 1 : weft__rng_between(r, 1, 4);
    *dilate = weft__rng_below(r, 2) ? 1 : weft__rng_between(r, 1, 3);
    *before =
        weft__rng_below(r, 2) ? weft__rng_between(r, 0, *k) : (*k - 1) * *dilate / 2;
    int after = weft__rng_below(r, 2) ? weft__rng_between(r, 0, *k) : *before;
    if (!weft__rng_below(r, 8)) *before = -weft__rng_between(r, 0, 2); /* cropped */
    *out = positions(*in, *k, *stride, *dilate, *before, after);
    return *out > 0;
}

static weft__conv random_conv(weft__rng *r)
{
    weft__conv s;
    do {
        s = (weft__conv){.n = weft__rng_between(r, 1, 3), .groups = 1};
        if (!random_axis(r, &s.w, &s.ow, &s.kw, &s.stride_w, &s.dilate_w, &s.left))
            continue;
        if (weft__rng_below(r, 4) == 0) { /* one axis: text */
            s.h = s.oh = s.kh = s.stride_h = s.dilate_h = 1;
            break;
        }
        if (random_axis(r, &s.h, &s.oh, &s.kh, &s.stride_h, &s.dilate_h, &s.top)) break;
    } while (true);
    s.c = skewed(r, 1, 67);
    s.o = skewed(r, 1, 67);
    if (weft__rng_below(r, 4) == 0) {
        s.groups = weft__rng_between(r, 1, 5);
        s.c = (s.c / 4 + 1) * s.groups;
        s.o = (s.o / 4 + 1) * s.groups;
    } else if (weft__rng_below(r, 5) == 0) { /* each channel by itself */
        s.groups = s.o = s.c;
    }
    return s;
}

/* The plain loops take most of the time: leave the largest out. */
static bool affordable(const weft__conv *s)
{
    return (double)size_w(s) * s->n * s->oh * s->ow < 3e6;
}

static void any_geometry_is_right_in_all_directions(void **state)
{
    static const weft__epilogue acts[] = {{.act = WEFT_ACT_NONE},
                                          {.act = WEFT_ACT_RELU},
                                          {.act = WEFT_ACT_LEAKY_RELU, .alpha = 0.1},
                                          {.act = WEFT_ACT_TANH}};
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++) {
        weft__rng r = random_at(2);
        for (int done = 0; done < 400;) {
            weft__conv s = random_conv(&r);
            const weft__epilogue *act = &acts[weft__rng_below(&r, 4)];
            bool biased = weft__rng_below(&r, 2), epilogue = weft__rng_below(&r, 4) > 0;
            if (!affordable(&s)) continue;
            check_one(*k, &s, epilogue ? act : NULL, biased);
            done++;
        }
    }
}

#define SQUARE(n_, hw, c_, ohw, o_, k, s, p) \
    { \
        .n = n_, .h = hw, .w = hw, .c = c_, .oh = ohw, .ow = ohw, .o = o_, .kh = k, \
        .kw = k, .stride_h = s, .stride_w = s, .dilate_h = 1, .dilate_w = 1, .top = p, \
        .left = p, .groups = 1 \
    }

/* Shapes that take the blocked paths: many channels, several strips, several images a
 * strip, patches, products, rows that collide in the cache. */
static const weft__conv large[] = {
    SQUARE(2, 9, 144, 9, 160, 3, 1, 1),
    SQUARE(1, 6, 520, 6, 136, 3, 1, 1),
    SQUARE(17, 4, 40, 4, 33, 3, 1, 1),
    SQUARE(5, 2, 96, 2, 70, 3, 1, 1),
    SQUARE(3, 3, 130, 1, 64, 3, 1, 0),
    SQUARE(1, 8, 1024, 8, 40, 1, 1, 0),
    SQUARE(2, 16, 512, 8, 24, 1, 2, 0),
    SQUARE(1, 40, 20, 20, 48, 3, 2, 1),
    SQUARE(40, 5, 3, 5, 7, 5, 1, 2),
    SQUARE(1, 7, 300, 7, 80, 3, 1, 1),
    SQUARE(2, 70, 3, 70, 16, 3, 1, 1),
    SQUARE(1, 56, 4, 14, 96, 4, 4, 0),
    /* few outputs, or few channels: several pixels in a vector */
    SQUARE(3, 28, 1, 28, 6, 5, 1, 2),
    SQUARE(5, 14, 6, 10, 16, 5, 1, 0),
    SQUARE(2, 32, 5, 16, 3, 3, 2, 1),
    SQUARE(2, 24, 19, 24, 1, 3, 1, 1),
    /* strips as planes: strides, taps in several parts, several pictures a strip */
    SQUARE(1, 60, 3, 30, 64, 7, 2, 3),
    SQUARE(3, 33, 4, 11, 17, 5, 3, 1),
    SQUARE(9, 12, 2, 12, 40, 3, 1, 1),
    SQUARE(1, 90, 1, 30, 20, 3, 3, 0),
};

/* Of so many results that they go past the cache. */
static const weft__conv huge = SQUARE(9, 250, 1, 250, 16, 3, 1, 1);

static void blocked_shapes_are_right_in_all_directions(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++)
        for (size_t i = 0; i < sizeof large / sizeof *large; i++)
            check_one(*k, &large[i], NULL, i % 2);
}

typedef struct operands {
    const weft__conv *s;
    const real *x, *w, *dy;
} operands;

/* All three results, one behind the other. */
static void compute(const weft__kernels *k, void *arg, real *out)
{
    const operands *o = arg;
    const weft__conv *s = o->s;
    size_t a = k->conv_scratch(s), b = k->conv_bwd_data_scratch(s),
           c = k->conv_bwd_weights_scratch(s);
    void *scratch = malloc((a > b ? a : b) + c);
    CHECK(scratch != NULL);
    k->conv(s, out, o->x, o->w, NULL, NULL, scratch);
    k->conv_bwd_data(s, out + size_y(s), o->dy, o->w, scratch);
    k->conv_bwd_weights(s, out + size_y(s) + size_x(s), o->dy, o->x, scratch);
    free(scratch);
}

static void threads_do_not_change_a_bit(void **state)
{
    weft__conv depthwise = SQUARE(3, 30, 70, 30, 70, 3, 1, 1);
    depthwise.groups = 70;
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++)
        for (size_t i = 0; i <= sizeof large / sizeof *large; i++) {
            const weft__conv *s = i ? &large[i - 1] : &depthwise;
            guarded x = guarded_random(size_x(s), -1, 1, 1);
            guarded w = guarded_random(size_w(s), -1, 1, 2);
            guarded dy = guarded_random(size_y(s), -1, 1, 3);
            operands o = {s, x.data, w.data, dy.data};
            check_same_bits(*k, size_y(s) + size_x(s) + size_w(s), compute, &o);
            guarded_free(x), guarded_free(w), guarded_free(dy);
        }
}

/* What a sample gives by plain sums does not depend on the batch it is in (whether the
 * transforms pay does). */
static void images_do_not_depend_on_their_neighbours(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++)
        for (size_t i = 0; i <= sizeof large / sizeof *large; i++) {
            weft__conv s = i ? large[i - 1] : huge, one = s;
            one.n = 1;
            s.exact = one.exact = true;
            guarded x = guarded_random(size_x(&s), -1, 1, 1);
            guarded w = guarded_random(size_w(&s), -1, 1, 2);
            guarded all = guarded_nan(size_y(&s)), y = guarded_nan(size_y(&one));
            guarded a = guarded_scratch((*k)->conv_scratch(&s));
            guarded b = guarded_scratch((*k)->conv_scratch(&one));
            size_t last = (size_t)(s.n - 1);
            (*k)->conv(&s, all.data, x.data, w.data, NULL, NULL, a.data);
            (*k)->conv(&one, y.data, (real *)x.data + last * size_x(&one), w.data, NULL,
                       NULL, b.data);
            CHECK(!memcmp(y.data, (real *)all.data + last * size_y(&one),
                          size_y(&one) * sizeof(real)));
            guarded_free(x), guarded_free(w), guarded_free(all), guarded_free(y);
            guarded_free(a), guarded_free(b);
        }
}

RUN_TESTS(TEST(any_geometry_is_right_in_all_directions),
          TEST(blocked_shapes_are_right_in_all_directions),
          TEST(threads_do_not_change_a_bit),
          TEST(images_do_not_depend_on_their_neighbours))
