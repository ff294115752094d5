/* color_jitter.c: brightness, contrast, saturation and hue, by the formulas of
 * torchvision's ColorJitter on float pictures. */
#include "data/image/color_jitter.h"

#include <math.h>

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE };

bool weft__color_jitter_wanted(const weft_augment *how)
{
    return how->brightness > 0 || how->contrast > 0 || how->saturation > 0 ||
           how->hue > 0;
}

/* A factor from [max(0, 1-amount), 1+amount]. */
static float factor(weft__rng *r, double amount)
{
    if (!(amount > 0)) return 1.0f;
    return (float)weft__rng_range(r, amount < 1 ? 1 - amount : 0, 1 + amount);
}

weft__color_jitter weft__color_jitter_draw(const weft_augment *how, weft__rng *r)
{
    weft__color_jitter j = {false, {1, 1, 1, 0}, {BRIGHTNESS, CONTRAST, SATURATION, HUE}};
    uint32_t order[4] = {BRIGHTNESS, CONTRAST, SATURATION, HUE};
    j.any = weft__color_jitter_wanted(how);
    if (!j.any) return j;
    weft__rng_shuffle(r, order, 4);
    for (int i = 0; i < 4; i++) j.order[i] = (int)order[i];
    j.factor[BRIGHTNESS] = factor(r, how->brightness);
    j.factor[CONTRAST] = factor(r, how->contrast);
    j.factor[SATURATION] = factor(r, how->saturation);
    if (how->hue > 0) j.factor[HUE] = (float)weft__rng_range(r, -how->hue, how->hue);
    return j;
}

static float clamp(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static float grey(const float *p, int channels)
{
    return channels == 1 ? p[0] : 0.2989f * p[0] + 0.587f * p[1] + 0.114f * p[2];
}

/* v = f*v + (1-f)*to, for n values. */
static void blend(float *v, size_t n, float f, float to)
{
    for (size_t i = 0; i < n; i++) v[i] = clamp(f * v[i] + (1 - f) * to);
}

static float mean_grey(const float *image, int channels, size_t pixels)
{
    double sum = 0;
    for (size_t i = 0; i < pixels; i++)
        sum += (double)grey(image + i * (size_t)channels, channels);
    return (float)(sum / (double)pixels);
}

/* Turns the hue of one RGB pixel by `turn` of a whole turn. */
static void turn_hue(float *p, float turn)
{
    float most = fmaxf(p[0], fmaxf(p[1], p[2])), least = fminf(p[0], fminf(p[1], p[2]));
    float span = most - least, s, h, f, low, fall, rise;
    int sector;
    if (!(span > 0)) return;
    s = span / most;
    if (p[0] == most)
        h = (p[1] - p[2]) / span;
    else if (p[1] == most)
        h = 2 + (p[2] - p[0]) / span;
    else
        h = 4 + (p[0] - p[1]) / span;
    h = h / 6 + turn;
    h = (h - floorf(h)) * 6;
    sector = (int)h;
    f = h - (float)sector;
    low = clamp(most * (1 - s));
    fall = clamp(most * (1 - s * f));
    rise = clamp(most * (1 - s * (1 - f)));
    const float rgb[6][3] = {{most, rise, low}, {fall, most, low}, {low, most, rise},
                             {low, fall, most}, {rise, low, most}, {most, low, fall}};
    for (int k = 0; k < 3; k++) p[k] = rgb[sector % 6][k];
}

static void apply(int what, float f, int c, size_t pixels, float *image)
{
    size_t n = pixels * (size_t)c;
    if (what == BRIGHTNESS && f != 1) blend(image, n, f, 0);
    if (what == CONTRAST && f != 1) blend(image, n, f, mean_grey(image, c, pixels));
    if (c == 1) return;
    for (size_t i = 0; what == SATURATION && f != 1 && i < n; i += 3)
        blend(image + i, 3, f, grey(image + i, 3));
    for (size_t i = 0; what == HUE && f != 0 && i < n; i += 3) turn_hue(image + i, f);
}

void weft__color_jitter_apply(const weft__color_jitter *j, int channels, size_t pixels,
                              float *image)
{
    for (int i = 0; i < 4; i++)
        apply(j->order[i], j->factor[j->order[i]], channels, pixels, image);
}
