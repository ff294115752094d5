/* resize.c: scales the axes after the second, to the nearest pixel or between two. */
#include "ops/common/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct options {
    int axes, size[2]; /* of the result */
    bool bilinear, align_corners;
} options;

WEFT_API weft_value weft_resize(weft_graph *g, weft_value x, const weft_resize_opts *opts)
{
    weft_resize_opts given = opts ? *opts : (weft_resize_opts){.size = {0}};
    options o = {.axes = weft__nominal_shape(g, x).rank - 2,
                 .size = {given.size[0], given.size[1]},
                 .bilinear = given.mode == WEFT_BILINEAR,
                 .align_corners = given.align_corners};
    return weft__node_add(g, "resize", &o, sizeof o, &x, 1, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const options *o = node->attr;
    weft_status s = weft__need(node, in, 0, "x", 3, 4);
    if (s) return s;
    for (int i = 0; i < in[0].rank - 2; i++)
        if (o->size[i] > WEFT_WINDOW_LIMIT)
            return weft__fail(WEFT_ESHAPE, "%s: a size of %d is too large", node->name,
                              o->size[i]);
    int dim[4] = {in[0].dim[0], in[0].dim[1], o->size[0], o->size[1]};
    return weft__set_result(node, out, in[0].rank, dim);
}

/* Pictures of x and y: [n][h][w][c] and [n][oh][ow][c]. */
typedef struct job {
    const weft__kernels *k;
    bool bilinear, align;
    size_t h, w, c, oh, ow;
    real *to;
    const real *from;
} job;

/* The job without pointers to x and y. */
static weft_status prepare(const weft__setup *s)
{
    const options *o = s->node->attr;
    const weft__tensor *x = &s->in[0], *y = &s->out[0];
    bool plane = x->rank == 4;
    *(job *)s->prepared = (job){.k = s->kernels,
                                .bilinear = o->bilinear,
                                .align = o->align_corners,
                                .h = plane ? (size_t)x->dim[2] : 1,
                                .w = (size_t)x->dim[plane ? 3 : 2],
                                .c = (size_t)x->dim[1],
                                .oh = plane ? (size_t)y->dim[2] : 1,
                                .ow = (size_t)y->dim[plane ? 3 : 2]};
    return WEFT_OK;
}

/* The place in 0 .. in-1 that position i of `out` shows, for bilinear. */
static double source_of(int i, int in, int out, bool align_corners)
{
    if (align_corners) return out > 1 ? (double)i * (in - 1) / (out - 1) : 0;
    double at = (i + 0.5) * in / out - 0.5;
    return at < 0 ? 0 : at > in - 1 ? in - 1 : at;
}

/* What position i of an axis of y takes from x: (1 - share) of `low`, share of
 * `high`. */
typedef struct taps {
    size_t low, high;
    double share;
} taps;

static taps taps_of(const job *b, size_t i, size_t in, size_t out)
{
    taps t = {i * in / out, i * in / out, 0};
    if (!b->bilinear || in == 1) return t;
    double at = source_of((int)i, (int)in, (int)out, b->align);
    t.low = (size_t)at;
    if (t.low > in - 1) t.low = in - 1;
    t.high = t.low + 1 < in ? t.low + 1 : in - 1;
    t.share = at - (double)t.low;
    return t;
}

/* to += a * from, or to = a * from the first time */
static void blend(const job *b, real *to, const real *from, double a, bool first)
{
    if (first)
        b->k->scale(to, from, b->c, (real)a, 0);
    else if (a != 0)
        b->k->axpy(to, from, b->c, (real)a);
}

/* Rows begin .. end-1 of all pictures of y. */
static void rows(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    for (size_t row = begin; row < end; row++) {
        taps v = taps_of(b, row % b->oh, b->h, b->oh);
        const real *x = b->from + row / b->oh * b->h * b->w * b->c;
        const real *top = x + v.low * b->w * b->c, *bottom = x + v.high * b->w * b->c;
        for (size_t j = 0; j < b->ow; j++) {
            real *y = b->to + (row * b->ow + j) * b->c;
            taps u = taps_of(b, j, b->w, b->ow);
            if (!b->bilinear) {
                memcpy(y, top + u.low * b->c, b->c * sizeof *y);
                continue;
            }
            blend(b, y, top + u.low * b->c, (1 - v.share) * (1 - u.share), true);
            blend(b, y, top + u.high * b->c, (1 - v.share) * u.share, false);
            blend(b, y, bottom + u.low * b->c, v.share * (1 - u.share), false);
            blend(b, y, bottom + u.high * b->c, v.share * u.share, false);
        }
    }
}

/* Pictures begin .. end-1: several pixels of y may come from one of x, but pictures
 * share none. */
static void pictures_back(void *arg, size_t begin, size_t end)
{
    const job *b = arg;
    size_t picture = b->h * b->w * b->c;
    memset(b->to + begin * picture, 0, (end - begin) * picture * sizeof *b->to);
    for (size_t row = begin * b->oh; row < end * b->oh; row++) {
        taps v = taps_of(b, row % b->oh, b->h, b->oh);
        real *x = b->to + row / b->oh * picture;
        real *top = x + v.low * b->w * b->c, *bottom = x + v.high * b->w * b->c;
        for (size_t j = 0; j < b->ow; j++) {
            const real *y = b->from + (row * b->ow + j) * b->c;
            taps u = taps_of(b, j, b->w, b->ow);
            blend(b, top + u.low * b->c, y, (1 - v.share) * (1 - u.share), false);
            blend(b, top + u.high * b->c, y, (1 - v.share) * u.share, false);
            blend(b, bottom + u.low * b->c, y, v.share * (1 - u.share), false);
            blend(b, bottom + u.high * b->c, y, v.share * u.share, false);
        }
    }
}

static void forward(const weft__op_args *r)
{
    job b = *(const job *)r->prepared;
    b.to = r->out[0].data;
    b.from = r->in[0].data;
    weft__spread((size_t)r->in[0].dim[0] * b.oh, 4.0 * (double)(b.ow * b.c), rows, &b);
}

static void backward(const weft__op_args *r)
{
    job b = *(const job *)r->prepared;
    b.to = r->din[0].data;
    b.from = r->dout[0].data;
    if (b.to)
        weft__spread((size_t)r->in[0].dim[0], 4.0 * (double)(b.oh * b.ow * b.c),
                     pictures_back, &b);
}

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    const options *o = node->attr;
    (void)in;
    return (o->bilinear ? 8.0 : 0.0) * (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const options *o = node->attr;
    const char *mode = o->bilinear ? "bilinear" : "nearest";
    const char *corners = o->bilinear && o->align_corners ? ", corners aligned" : "";
    if (o->axes == 2)
        snprintf(text, size, "to %dx%d %s%s", o->size[0], o->size[1], mode, corners);
    else
        snprintf(text, size, "to %d %s%s", o->size[0], mode, corners);
}

/* ---- ONNX ---- */

/* Does this scale, as a float, give `out` positions, and for nearest the same ones?
 * ONNX counts floor(in * scale) positions, and position i shows floor(i / scale). */
static bool scale_fits(float scale, int in, int out, bool nearest, bool exactly)
{
    if (floorf((float)in * scale) != (float)out) return false;
    if (exactly && floor((double)in * scale) != (double)out) return false;
    for (int i = 0; i < out && nearest; i++)
        if ((int64_t)floorf((float)i / scale) != (int64_t)i * in / out) return false;
    return true;
}

/* A float near out / in that fits, preferably in double precision too: 0 when there is
 * none. */
static float scale_for(int in, int out, bool nearest)
{
    float middle = (float)out / (float)in;
    for (int exactly = 1; exactly >= 0; exactly--) {
        float up = middle, down = middle;
        for (int i = 0; i < 4; i++) {
            if (scale_fits(up, in, out, nearest, exactly)) return up;
            if (scale_fits(down, in, out, nearest, exactly)) return down;
            up = nextafterf(up, INFINITY);
            down = nextafterf(down, 0);
        }
    }
    return 0;
}

/* Scales leave the batch open; sizes would fix it, and serve only where no scale
 * fits. */
static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const options *o = node->attr;
    const weft__tensor *x = weft__onnx_in(w, 0), *y = weft__onnx_out(w, 0);
    double scale[4] = {1, 1, 1, 1};
    bool fits = true;
    for (int i = 2; i < x->rank; i++) {
        scale[i] = scale_for(x->dim[i], y->dim[i], !o->bilinear);
        fits &= scale[i] > 0;
    }
    weft__onnx_put_text(w, "mode", o->bilinear ? "linear" : "nearest");
    weft__onnx_put_text(w, "coordinate_transformation_mode",
                        !o->bilinear       ? "asymmetric"
                        : o->align_corners ? "align_corners"
                                           : "half_pixel");
    if (!o->bilinear) weft__onnx_put_text(w, "nearest_mode", "floor");
    weft__onnx_add_absent(w); /* roi */
    if (fits) {
        weft__onnx_add_floats(w, "scales", scale, x->rank);
    } else {
        weft__onnx_add_absent(w);
        weft__onnx_add_ints(w, "sizes", y->dim, y->rank);
    }
}

/* One axis of an ONNX Resize. */
typedef struct map {
    int in, out;
    double step; /* positions of x from one of y to the next */
    const char *coordinates, *nearest;
} map;

static double onnx_source(const map *g, int i)
{
    const char *m = g->coordinates;
    if (!strcmp(m, "align_corners"))
        return g->out > 1 ? (double)i * (g->in - 1) / (g->out - 1) : 0;
    if (!strcmp(m, "asymmetric")) return i * g->step;
    if (!strcmp(m, "tf_half_pixel_for_nn")) return (i + 0.5) * g->step;
    if (!strcmp(m, "pytorch_half_pixel") && g->out == 1) return 0;
    double at = (i + 0.5) * g->step - 0.5;
    if (!strcmp(m, "half_pixel_symmetric"))
        at += g->in / 2.0 * (1 - g->out * g->step / g->in);
    return at;
}

static int64_t onnx_nearest(const map *g, int i)
{
    double at = onnx_source(g, i);
    const char *m = g->nearest;
    double chosen = !strcmp(m, "floor")               ? floor(at)
                    : !strcmp(m, "ceil")              ? ceil(at)
                    : !strcmp(m, "round_prefer_ceil") ? floor(at + 0.5)
                                                      : ceil(at - 0.5);
    return chosen < 0 ? 0 : chosen > g->in - 1 ? g->in - 1 : (int64_t)chosen;
}

/* Do we, with these options, take the same pixels? */
static bool agrees(const map *g, bool bilinear, bool align)
{
    for (int i = 0; i < g->out; i++) {
        if (!bilinear) {
            if (onnx_nearest(g, i) != (int64_t)i * g->in / g->out) return false;
            continue;
        }
        double at = onnx_source(g, i);
        at = at < 0 ? 0 : at > g->in - 1 ? g->in - 1 : at;
        if (fabs(at - source_of(i, g->in, g->out, align)) > 1e-4) return false;
    }
    return true;
}

/* Which axis each number is about. */
static weft_status read_axes(weft__onnx_node *n, int rank, int axis[4], int *count)
{
    int got = weft__onnx_get_ints(n, "axes", axis, 4);
    *count = got < 0 ? rank : got;
    if (got > rank)
        return weft__onnx_fail(n, "attribute axes has %d numbers for rank %d", got, rank);
    for (int i = 0; i < *count; i++) {
        if (got < 0) axis[i] = i;
        if (axis[i] < -rank || axis[i] >= rank)
            return weft__onnx_fail(n, "attribute axes holds %d, x has rank %d", axis[i],
                                   rank);
        if (axis[i] < 0) axis[i] += rank;
    }
    return WEFT_OK;
}

/* Fills at[axis] with sizes and steps from the constant inputs `scales` or `sizes`. */
static weft_status read_sizes(weft__onnx_node *n, int scales, int sizes, weft_shape x,
                              map *at)
{
    int64_t size[4];
    double scale[4];
    int axis[4], count;
    weft_status s = read_axes(n, x.rank, axis, &count);
    int have_sizes = sizes ? weft__onnx_const_ints(n, sizes, size, 4) : -1;
    int have_scales = have_sizes > 0 ? -1 : weft__onnx_const_floats(n, scales, scale, 4);
    if (!s && have_sizes != count && have_scales != count)
        s = weft__onnx_fail(n, "sizes or scales must be a constant of %d numbers", count);
    for (int i = 0; i < count && !s; i++) {
        int a = axis[i], in = x.dim[a];
        double out = have_sizes == count ? (double)size[i]
                                         : (double)floorf((float)in * (float)scale[i]);
        if (!(out >= 1 && out <= WEFT_WINDOW_LIMIT))
            return weft__onnx_fail(n, "axis %d would get %g positions", a, out);
        at[a].out = (int)out;
        at[a].step = in / out;
        /* scales that give no whole number of positions still set the step */
        if (have_sizes != count && fabs(1 / scale[i] - at[a].step) > 1e-6 * at[a].step)
            at[a].step = 1 / scale[i];
        if (a == 1 ? at[a].out != in : a == 0 && have_sizes != count && at[a].out != in)
            s = weft__onnx_fail(n,
                                "axis %d (%s) is resized, only the axes after it can be",
                                a, a ? "channels" : "batch");
    }
    return s;
}

static weft_status check_attributes(weft__onnx_node *n)
{
    const char *aspect = weft__onnx_get_text(n, "keep_aspect_ratio_policy", "stretch");
    (void)weft__onnx_get_float(n, "cubic_coeff_a", 0); /* of modes that are refused, */
    (void)weft__onnx_get_float(n, "extrapolation_value", 0); /* and harmless otherwise */
    if (weft__onnx_get_int(n, "exclude_outside", 0) ||
        weft__onnx_get_int(n, "antialias", 0))
        return weft__onnx_fail(
            n, "attributes exclude_outside and antialias are not supported");
    if (strcmp(aspect, "stretch"))
        return weft__onnx_fail(
            n, "attribute keep_aspect_ratio_policy \"%.40s\" is not supported", aspect);
    return WEFT_OK;
}

/* Resize, and Upsample of opset 9. What they do must be one of ours, whatever it is
 * called. */
static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    weft_shape x = weft__onnx_shape(n, 0);
    bool old = weft__onnx_opset(n) < 11 || !strcmp(weft__onnx_op_type(n), "Upsample");
    const char *mode = weft__onnx_get_text(n, "mode", "nearest");
    const char *coordinates = weft__onnx_get_text(n, "coordinate_transformation_mode",
                                                  old ? "asymmetric" : "half_pixel");
    const char *rounding =
        weft__onnx_get_text(n, "nearest_mode", old ? "floor" : "round_prefer_floor");
    bool bilinear = !strcmp(mode, "linear") || !strcmp(mode, "bilinear");
    map at[4];
    bool same = true, aligned = true;
    int axes;
    weft_status s = weft__onnx_axes(n, &axes);
    if (!s) s = check_attributes(n);
    if (!s && ((!bilinear && strcmp(mode, "nearest")) ||
               !strcmp(coordinates, "tf_crop_and_resize")))
        s = weft__onnx_fail(n,
                            "mode \"%.40s\" with coordinates \"%.40s\" is not supported",
                            mode, coordinates);
    for (int i = 0; i < x.rank && !s; i++)
        at[i] = (map){x.dim[i], x.dim[i], 1, coordinates, rounding};
    if (!s) s = read_sizes(n, old ? 1 : 2, old ? 0 : 3, x, at);
    for (int i = 2; i < x.rank && !s; i++) {
        same &= agrees(&at[i], bilinear, false);
        aligned &= bilinear && agrees(&at[i], bilinear, true);
    }
    if (!s && !same && !aligned)
        s = weft__onnx_fail(
            n,
            "mode \"%.40s\" with coordinates \"%.40s\" and rounding \"%.40s\" "
            "is not supported for these sizes",
            mode, coordinates, rounding);
    if (s) return s;
    weft__onnx_set(
        n, 0,
        weft_resize(g, weft__onnx_value(n, 0),
                    &(weft_resize_opts){.size = {at[2].out, axes == 2 ? at[3].out : 0},
                                        .mode = bilinear ? WEFT_BILINEAR : WEFT_NEAREST,
                                        .align_corners = !same}));
    return weft_graph_status(g);
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int axes = weft__rng_between(rng, 1, 2), n = weft__rng_between(rng, 1, 3);
    int size[2], c = weft__rng_between(rng, 1, 3);
    weft_resize_opts o;
    for (int i = 0; i < 2; i++) {
        size[i] = weft__rng_between(rng, 1, 5);
        o.size[i] = weft__rng_below(rng, 2) ? size[i] * weft__rng_between(rng, 1, 3)
                                            : weft__rng_between(rng, 1, 9);
    }
    weft_value x = weft_input(g, "x", weft__picture(n, c, axes, size));
    o.align_corners = weft__rng_below(rng, 2);
    o.mode = weft__rng_below(rng, 2) ? WEFT_BILINEAR : WEFT_NEAREST;
    return weft_resize(g, x, &o);
}

const weft_op WEFT_OP(resize) = {
    .name = "resize",
    .onnx = WEFT_ONNX("Resize", 13, .also = "Upsample", .read = from_onnx,
                      .write = to_onnx),
    .arity = 1,
    .summary = "scales the axes after the second: nearest or bilinear",
    .shape = shape,
    .layout = weft__layout_spatial,
    .prepare = prepare,
    .prepared = sizeof(job),
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
