/* colour.c: numbers as colours, and grids of small maps. */
#include "flow/colour.h"

#include "base/checked.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STOPS = 5, GAP_GREY = 232 };

typedef unsigned char stop[3];

/* Between evenly spaced colours. */
static void between(const stop *at, double t, unsigned char rgb[3])
{
    double x = (!(t > 0) ? 0 : t > 1 ? 1 : t) * (STOPS - 1);
    int i = x >= STOPS - 1 ? STOPS - 2 : (int)x;
    for (int k = 0; k < 3; k++)
        rgb[k] = (unsigned char)(at[i][k] + (x - i) * (at[i + 1][k] - at[i][k]) + 0.5);
}

void colour_level(double t, unsigned char rgb[3])
{
    static const stop at[STOPS] = {
        {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    between(at, t, rgb);
}

void colour_heat(double t, unsigned char rgb[3])
{
    static const stop at[STOPS] = {
        {48, 48, 130}, {40, 130, 220}, {90, 220, 140}, {250, 190, 40}, {215, 30, 20}};
    between(at, t, rgb);
}

void colour_sign(double t, unsigned char rgb[3])
{
    static const stop at[STOPS] = {
        {10, 70, 150}, {120, 170, 215}, {247, 247, 247}, {240, 150, 110}, {170, 30, 25}};
    between(at, (t + 1) / 2, rgb);
}

weft_status tiles_new(tile_sheet *s, int tiles, int w, int h, int columns)
{
    int across = tiles < columns ? tiles : columns,
        down = (tiles + columns - 1) / columns;
    *s = (tile_sheet){.w = w, .h = h, .columns = columns};
    s->width = across * (w + 1) - 1;
    s->height = down * (h + 1) - 1;
    s->pixels = weft__alloc((size_t)s->width * (size_t)s->height, 3);
    if (!s->pixels) return weft__fail(WEFT_ENOMEM, "flow: out of memory");
    memset(s->pixels, GAP_GREY, (size_t)s->width * (size_t)s->height * 3);
    return WEFT_OK;
}

unsigned char *tiles_at(const tile_sheet *s, int i, int x, int y)
{
    size_t column = (size_t)(i % s->columns * (s->w + 1) + x);
    size_t row = (size_t)(i / s->columns * (s->h + 1) + y);
    return s->pixels + (row * (size_t)s->width + column) * 3;
}

void tiles_free(tile_sheet *s)
{
    free(s->pixels);
    *s = (tile_sheet){0};
}
