/* tiles.c: pictures in rows, each with what it is and what it was taken for. */
#include "report/plot/chart.h"

#include "base/width.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ACROSS = 8, MOST = 64, NAME = 12, TRUTH = 15 }; /* names: columns of letters */

static const double SIDE = 112, GAP = 12, CAPTION = 42, TITLE = 34;

typedef struct tiles {
    const weft__tile *tile;
    int n;
} tiles;

/* As much of a name as a tile is wide, so that what stands after it is seen too. */
static const char *shortened(char text[128], const char *name, int columns)
{
    if (!name) name = "";
    bool whole = weft__text_width(name) <= columns;
    size_t bytes = weft__text_fit(name, whole ? columns : columns - 1, NULL);
    snprintf(text, 128, "%.*s%s", (int)(bytes < 120 ? bytes : 120), name,
             whole ? "" : "\xe2\x80\xa6");
    return text;
}

static void draw_tile(weft__canvas *c, const weft__tile *p, double x, double y)
{
    double scale = fmin(SIDE / p->width, SIDE / p->height), w = p->width * scale,
           h = p->height * scale;
    bool right = p->truth && p->predicted && !strcmp(p->truth, p->predicted);
    char text[200], name[128];
    if (c->picture)
        c->picture(c->to, x + (SIDE - w) / 2, y + (SIDE - h) / 2, w, h, p->pixels,
                   p->channels, p->height, p->width);
    snprintf(text, sizeof text, "%s %.0f%%", shortened(name, p->predicted, NAME),
             isfinite(p->probability) ? 100 * p->probability : 0);
    weft__label how = {.size = 11.5, .anchor = 0, .bold = !right};
    how.ink = right ? WEFT_INK_TEXT : WEFT_INK_WRONG;
    c->label(c->to, x + SIDE / 2, y + SIDE + 14, text, how);
    if (right) return;
    snprintf(text, sizeof text, "is %s", shortened(name, p->truth, TRUTH));
    c->label(c->to, x + SIDE / 2, y + SIDE + 28, text,
             (weft__label){.size = 11.5, .anchor = 0, .ink = WEFT_INK_MUTED});
}

static void draw(weft__canvas *c, void *what)
{
    const tiles *all = what;
    c->label(c->to, GAP, 22, "Predictions; in colour what is wrong",
             (weft__label){.size = 14, .anchor = -1, .ink = WEFT_INK_TEXT, .bold = true});
    for (int i = 0; i < all->n; i++)
        draw_tile(c, &all->tile[i], GAP + i % ACROSS * (SIDE + GAP),
                  TITLE + i / ACROSS * (SIDE + CAPTION));
}

weft_status weft__report_tiles_png(const weft__tile *tile, int n, const char *path)
{
    tiles all = {tile, n < MOST ? n : MOST};
    int rows = (all.n + ACROSS - 1) / ACROSS, across = all.n < ACROSS ? all.n : ACROSS;
    if (n < 1) return weft__fail(WEFT_EUSAGE, "%s: there are no pictures to draw", path);
    double wide = fmax(across * (SIDE + GAP) + GAP, 320);
    return weft__png_draw(path, wide, TITLE + rows * (SIDE + CAPTION) + GAP, draw, &all);
}
