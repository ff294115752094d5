/* canvas.h: what a chart draws on: a page (SVG, svg.c) or a picture (PNG, cairo.c).
 *
 * Coordinates are in points of 1/96 inch from the upper left corner. Texts are foreign:
 * the canvas makes them safe. Colours have names, because a page shows them in a light
 * and a dark dress. */
#ifndef WEFT_SRC_REPORT_PLOT_CANVAS_H
#define WEFT_SRC_REPORT_PLOT_CANVAS_H

#include "report/text.h"

typedef enum weft__ink {
    WEFT_INK_TEXT,
    WEFT_INK_MUTED,
    WEFT_INK_GRID,
    WEFT_INK_PAPER, /* of the chart: also the letters on a strongly coloured field */
    WEFT_INK_1,     /* the first of six colours that the colour-blind can tell apart */
    WEFT_INK_2,
    WEFT_INK_3,
    WEFT_INK_4,
    WEFT_INK_5,
    WEFT_INK_6,
    WEFT_INKS
} weft__ink;

enum { WEFT_INK_SERIES = 6 };

/* of answers */
#define WEFT_INK_RIGHT WEFT_INK_1
#define WEFT_INK_WRONG WEFT_INK_2

typedef struct weft__pen {
    weft__ink ink;
    double width;   /* of lines */
    double dash;    /* length of dashes; 0: none */
    double opacity; /* 0 means 1 */
} weft__pen;

typedef struct weft__label {
    double size;
    int anchor;   /* -1: begins at x, 0: centred, 1: ends at x */
    double angle; /* degrees, clockwise */
    weft__ink ink;
    bool bold;
    int letters; /* at most; 0: all */
} weft__label;

typedef struct weft__canvas {
    void *to;
    void (*line)(void *to, const double *xy, int points, weft__pen pen);
    /* n fields of the same size, with their upper left corners at xy */
    void (*boxes)(void *to, const double *xy, int n, double w, double h, weft__pen pen);
    void (*dot)(void *to, double x, double y, double radius, weft__pen pen);
    void (*label)(void *to, double x, double y, const char *text, weft__label how);
    /* pixels [ph][pw][channels] in a field; NULL where pictures are no drawings */
    void (*picture)(void *to, double x, double y, double w, double h,
                    const unsigned char *pixels, int channels, int ph, int pw);
    /* text that shows over this field when pointed at; NULL where there is no
     * pointing */
    void (*tip)(void *to, double x, double y, double w, double h, const char *text);
} weft__canvas;

/* About how wide a text will be. */
double weft__label_width(const char *text, double size, int letters);

/* ---- the two canvases ---- */

/* Starts an SVG element in t; the title and the description are for those who hear the
 * page. id must differ from every other one in the page. */
weft__canvas weft__svg_begin(weft__text *t, double width, double height, int id,
                             const char *title, const char *description);
void weft__svg_end(weft__canvas *c);

/* Calls draw with a canvas of that size and writes what it drew to path, as PNG. */
weft_status weft__png_draw(const char *path, double width, double height,
                           void (*draw)(weft__canvas *c, void *what), void *what);
bool weft__png_available(void);

#endif
