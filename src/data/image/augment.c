/* augment.c: random changes of a training picture, functions of (seed, epoch, sample)
 * alone.
 *
 * In this order: colour jitter, mirror, shift, rotation, normalisation, cutout. Where
 * there is no picture (shifted in, rotated in, cut out) is the mean colour, zero after
 * normalisation. */
#include "data/image/augment.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"
#include "data/image/color_jitter.h"
#include "data/image/image_dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What was drawn for one sample. */
typedef struct draw {
    bool flip, flip_vertical;
    int dy, dx; /* shift */
    double sine, cosine;
    int cut_y, cut_x; /* the hole's middle */
    weft__color_jitter jitter;
} draw;

/* sin and cos with the same bits on every machine; |x| <= pi. */
static void sine_cosine(double x, double *sine, double *cosine)
{
    double t = x / 8, q = t * t, s, c;
    s = t * (1 - q / 6 * (1 - q / 20 * (1 - q / 42 * (1 - q / 72 * (1 - q / 110)))));
    c = 1 -
        q / 2 * (1 - q / 12 * (1 - q / 30 * (1 - q / 56 * (1 - q / 90 * (1 - q / 132)))));
    for (int i = 0; i < 3; i++) {
        double twice = 2 * s * c;
        c = c * c - s * s;
        s = twice;
    }
    *sine = s;
    *cosine = c;
}

static draw draw_for(const weft__augmenter *a, int epoch, int sample)
{
    const weft_augment *how = &a->how;
    draw d = {.cosine = 1};
    weft__rng r =
        weft__rng_at(a->seed, WEFT_RNG_KEY(WEFT_RNG_AUGMENT, epoch), (uint64_t)sample);
    if (how->flip > 0) d.flip = weft__rng_uniform(&r) < how->flip;
    if (how->flip_vertical > 0)
        d.flip_vertical = weft__rng_uniform(&r) < how->flip_vertical;
    if (how->translate > 0) {
        d.dy = weft__rng_between(&r, -how->translate, how->translate);
        d.dx = weft__rng_between(&r, -how->translate, how->translate);
    }
    if (how->rotate > 0)
        sine_cosine(weft__rng_range(&r, -how->rotate, how->rotate) / 180 *
                        3.14159265358979323846,
                    &d.sine, &d.cosine);
    if (how->cutout > 0) {
        d.cut_y = weft__rng_between(&r, 0, a->height - 1);
        d.cut_x = weft__rng_between(&r, 0, a->width - 1);
    }
    d.jitter = weft__color_jitter_draw(how, &r);
    return d;
}

/* n values of a row that begins at a pixel. */
static void normalise(const weft__augmenter *a, const unsigned char *from, size_t n,
                      float *x)
{
    const float *restrict scale = a->row_scale, *restrict offset = a->row_offset;
    for (size_t i = 0; i < n; i++) x[i] = (float)from[i] * scale[i] + offset[i];
}

/* to[n] is from[n] backwards, pixel by pixel. */
static void mirror(const unsigned char *from, int n, int c, unsigned char *to)
{
    from += (size_t)(n - 1) * (size_t)c;
    for (int i = 0; i < n; i++, from -= c)
        for (int k = 0; k < c; k++) *to++ = from[k];
}

/* Where row or column i of the new picture comes from: shifted, then mirrored. */
static int source(int i, int shift, bool flip, int n)
{
    i += shift;
    if (i < 0 || i >= n) return -1;
    return flip ? n - 1 - i : i;
}

/* The common case: only mirror and shift. Whole rows, from 8 bits straight to x. */
static void move_bytes(const weft__augmenter *a, const draw *d,
                       const unsigned char *pixels, float *x, weft__scratch *s)
{
    int w = a->width, c = a->channels;
    int first = d->dx < 0 ? -d->dx : 0, end = d->dx > 0 ? w - d->dx : w;
    size_t row = (size_t)w * (size_t)c;
    for (int y = 0; y < a->height; y++, x += row) {
        int sy = source(y, d->dy, d->flip_vertical, a->height);
        const unsigned char *from;
        size_t n = (size_t)(end > first ? end - first : 0) * (size_t)c;
        size_t lead = (size_t)first * (size_t)c;
        if (sy < 0 || !n) {
            memset(x, 0, row * sizeof *x);
            continue;
        }
        from = pixels + (size_t)sy * row;
        if (d->flip) {
            mirror(from, w, c, s->row);
            from = s->row;
        }
        memset(x, 0, lead * sizeof *x);
        normalise(a, from + (size_t)(first + d->dx) * (size_t)c, n, x + lead);
        memset(x + lead + n, 0, (row - lead - n) * sizeof *x);
    }
}

static void to_floats(const weft__augmenter *a, const draw *d,
                      const unsigned char *pixels, float *image)
{
    size_t row = (size_t)a->width * (size_t)a->channels;
    size_t n = (size_t)a->height * row;
    if (!d->jitter.any) {
        for (int y = 0; y < a->height; y++, pixels += row, image += row)
            normalise(a, pixels, row, image);
        return;
    }
    for (size_t i = 0; i < n; i++) image[i] = (float)pixels[i] * (1.0f / 255.0f);
    weft__color_jitter_apply(&d->jitter, a->channels, n / (size_t)a->channels, image);
    for (size_t i = 0; i < n;)
        for (int k = 0; k < a->channels; k++, i++)
            image[i] = image[i] * 255.0f * a->scale[k] + a->offset[k];
}

/* Adds weight times the pixel at (y, x) to out; nothing where there is no picture. */
static void add_pixel(const weft__augmenter *a, const draw *d, const float *image, int y,
                      int x, float weight, float *out)
{
    const float *p;
    y = source(y, 0, d->flip_vertical, a->height);
    x = source(x, 0, d->flip, a->width);
    if (y < 0 || x < 0) return;
    p = image + ((size_t)y * (size_t)a->width + (size_t)x) * (size_t)a->channels;
    for (int k = 0; k < a->channels; k++) out[k] += weight * p[k];
}

/* The general case: mirror, shift and rotation about the middle, bilinear. */
static void move_floats(const weft__augmenter *a, const draw *d, const float *image,
                        float *x)
{
    double my = (a->height - 1) / 2.0, mx = (a->width - 1) / 2.0;
    memset(x, 0, (size_t)a->height * (size_t)a->width * (size_t)a->channels * sizeof *x);
    for (int y = 0; y < a->height; y++)
        for (int i = 0; i < a->width; i++, x += a->channels) {
            double oy = y + d->dy - my, ox = i + d->dx - mx;
            double sy = d->cosine * oy - d->sine * ox + my;
            double sx = d->sine * oy + d->cosine * ox + mx;
            double fy = floor(sy), fx = floor(sx);
            float ty = (float)(sy - fy), tx = (float)(sx - fx);
            int y0 = (int)fy, x0 = (int)fx;
            add_pixel(a, d, image, y0, x0, (1 - ty) * (1 - tx), x);
            if (tx > 0) add_pixel(a, d, image, y0, x0 + 1, (1 - ty) * tx, x);
            if (ty > 0) add_pixel(a, d, image, y0 + 1, x0, ty * (1 - tx), x);
            if (ty > 0 && tx > 0) add_pixel(a, d, image, y0 + 1, x0 + 1, ty * tx, x);
        }
}

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

static void cut_out(const weft__augmenter *a, const draw *d, float *x)
{
    int side = a->how.cutout, top = d->cut_y - side / 2, left = d->cut_x - side / 2;
    int y0 = clamp(top, 0, a->height), y1 = clamp(top + side, 0, a->height);
    int x0 = clamp(left, 0, a->width), x1 = clamp(left + side, 0, a->width);
    for (int y = y0; y < y1; y++)
        memset(x + ((size_t)y * (size_t)a->width + (size_t)x0) * (size_t)a->channels, 0,
               (size_t)(x1 - x0) * (size_t)a->channels * sizeof *x);
}

void weft__augment(const weft__augmenter *a, int epoch, int sample,
                   const unsigned char *pixels, float *x, weft__scratch *s)
{
    draw d = draw_for(a, epoch, sample);
    if (!d.jitter.any && !(a->how.rotate > 0)) {
        move_bytes(a, &d, pixels, x, s);
    } else {
        to_floats(a, &d, pixels, s->image);
        move_floats(a, &d, s->image, x);
    }
    if (a->how.cutout > 0) cut_out(a, &d, x);
}

/* Gamma(shape, 1), Marsaglia and Tsang 2000. */
static double gamma_draw(weft__rng *r, double shape)
{
    double boost = 1, d, c;
    if (shape < 1) {
        boost = pow(1 - weft__rng_uniform(r), 1 / shape);
        shape += 1;
    }
    d = shape - 1.0 / 3;
    c = 1 / sqrt(9 * d);
    for (;;) {
        double n = weft__rng_normal(r), v = 1 + c * n, u = 1 - weft__rng_uniform(r);
        if (v <= 0) continue;
        v = v * v * v;
        if (log(u) < 0.5 * n * n + d - d * v + d * log(v)) return boost * d * v;
    }
}

float weft__mixup_share(const weft__augmenter *a, int epoch, int sample)
{
    weft__rng r =
        weft__rng_at(a->seed, WEFT_RNG_KEY(WEFT_RNG_MIX, epoch), (uint64_t)sample);
    double x = gamma_draw(&r, a->how.mixup), y = gamma_draw(&r, a->how.mixup);
    /* Both vanish for a tiny alpha, whose Beta is a coin. */
    if (!(x + y > 0)) return weft__rng_uniform(&r) < 0.5 ? 0.0f : 1.0f;
    return (float)(x / (x + y));
}

static bool within(double v, double low, double high)
{
    return v >= low && v <= high; /* not so for NaN */
}

static weft_status check(const weft_augment *a)
{
    if (!within(a->flip, 0, 1) || !within(a->flip_vertical, 0, 1))
        return weft__fail(WEFT_EUSAGE, "flip %g, %g: a probability is 0 to 1", a->flip,
                          a->flip_vertical);
    if (a->translate < 0 || a->translate > 65536)
        return weft__fail(WEFT_EUSAGE, "translate %d: 0 to 65536 pixels", a->translate);
    if (!within(a->rotate, 0, 180))
        return weft__fail(WEFT_EUSAGE, "rotate %g: 0 to 180 degrees", a->rotate);
    if (!within(a->brightness, 0, 100) || !within(a->contrast, 0, 100) ||
        !within(a->saturation, 0, 100))
        return weft__fail(WEFT_EUSAGE,
                          "brightness %g, contrast %g, saturation %g: 0 to 100",
                          a->brightness, a->contrast, a->saturation);
    if (!within(a->hue, 0, 0.5))
        return weft__fail(WEFT_EUSAGE, "hue %g: 0 to 0.5", a->hue);
    if (a->cutout < 0 || a->cutout > 65536)
        return weft__fail(WEFT_EUSAGE, "cutout %d: 0 to 65536 pixels", a->cutout);
    if (!within(a->mixup, 0, 1000))
        return weft__fail(WEFT_EUSAGE, "mixup %g: 0 to 1000", a->mixup);
    return WEFT_OK;
}

weft_status weft__augmenter_make(weft__augmenter *a, const weft__image_preprocess *p,
                                 const weft_augment *how, uint64_t seed)
{
    size_t row = (size_t)p->width * (size_t)p->channels;
    weft_status s = check(how);
    if (s) return s;
    for (int k = 0; k < 4; k++)
        if (!isfinite(p->mean[k]) || !within((double)p->std[k], 0, 1e30))
            return weft__fail(WEFT_EUSAGE, "mean %g, std %g of channel %d",
                              (double)p->mean[k], (double)p->std[k], k);
    *a = (weft__augmenter){.channels = p->channels,
                           .height = p->height,
                           .width = p->width,
                           .seed = seed,
                           .how = *how};
    weft__norm_factors(a->channels, p->mean, p->std, a->scale, a->offset);
    a->row_scale = weft__alloc(row, sizeof *a->row_scale);
    a->row_offset = weft__alloc(row, sizeof *a->row_offset);
    if (!a->row_scale || !a->row_offset) {
        weft__augmenter_free(a);
        return weft__fail(WEFT_ENOMEM, "no memory for a loader");
    }
    for (size_t i = 0; i < row; i++) {
        a->row_scale[i] = a->scale[i % (size_t)a->channels];
        a->row_offset[i] = a->offset[i % (size_t)a->channels];
    }
    return WEFT_OK;
}

void weft__augmenter_free(weft__augmenter *a)
{
    free(a->row_scale);
    free(a->row_offset);
    a->row_scale = a->row_offset = NULL;
}

weft_status weft__scratch_make(weft__scratch *s, const weft__augmenter *a)
{
    size_t row = (size_t)a->width * (size_t)a->channels, n = row * (size_t)a->height;
    bool floats = a->how.rotate > 0 || weft__color_jitter_wanted(&a->how);
    *s = (weft__scratch){.pixels = weft__alloc(n, 1), .row = weft__alloc(row, 1)};
    if (floats) s->image = weft__alloc(n, sizeof *s->image);
    if (s->pixels && s->row && (s->image || !floats)) return WEFT_OK;
    weft__scratch_free(s);
    return weft__fail(WEFT_ENOMEM, "no memory for a loader");
}

void weft__scratch_free(weft__scratch *s)
{
    free(s->pixels);
    free(s->row);
    free(s->image);
    *s = (weft__scratch){0};
}
