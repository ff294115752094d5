/* svg.c: a canvas that writes SVG into a page. */
#include "report/plot/canvas.h"

#include "base/width.h"

#include <math.h>

/* A page sets the variables (style.c); alone, the element shows the colours behind the
 * comma. */
static const char *const colour[WEFT_INKS] = {
    [WEFT_INK_TEXT] = "var(--text,#1d2329)", [WEFT_INK_MUTED] = "var(--muted,#5d6771)",
    [WEFT_INK_GRID] = "var(--grid,#e3e6e8)", [WEFT_INK_PAPER] = "var(--panel,#ffffff)",
    [WEFT_INK_1] = "var(--c1,#0a6ab4)",      [WEFT_INK_2] = "var(--c2,#d1570a)",
    [WEFT_INK_3] = "var(--c3,#0a8a68)",      [WEFT_INK_4] = "var(--c4,#a8488f)",
    [WEFT_INK_5] = "var(--c5,#8a6d00)",      [WEFT_INK_6] = "var(--c6,#4a9fd0)"};

double weft__label_width(const char *text, double size, int letters)
{
    weft__text t = {0};
    weft__text_visible(&t, text, letters);
    int columns = t.data ? weft__text_width(t.data) : 0;
    weft__text_free(&t);
    return 0.56 * size * columns;
}

static void number(weft__text *t, const char *name, double x)
{
    weft__text_printf(t, " %s=\"%.4g\"", name, x);
}

static void line(void *to, const double *xy, int points, weft__pen pen)
{
    weft__text *t = to;
    weft__text_add(t, "<path d=\"");
    for (int i = 0; i < points; i++)
        weft__text_printf(t, "%c%.1f %.1f", i ? 'L' : 'M', xy[2 * i], xy[2 * i + 1]);
    weft__text_printf(t, "\" fill=\"none\" stroke=\"%s\"", colour[pen.ink]);
    number(t, "stroke-width", pen.width);
    if (pen.dash > 0)
        weft__text_printf(t, " stroke-dasharray=\"%g %g\"", pen.dash, pen.dash * .8);
    if (pen.opacity > 0) number(t, "opacity", pen.opacity);
    weft__text_add(t, " stroke-linejoin=\"round\" stroke-linecap=\"round\"/>");
}

static void boxes(void *to, const double *xy, int n, double w, double h, weft__pen pen)
{
    weft__text *t = to;
    if (!n) return;
    weft__text_printf(t, "<path fill=\"%s\"", colour[pen.ink]);
    if (pen.opacity > 0) number(t, "fill-opacity", pen.opacity);
    weft__text_add(t, " d=\"");
    for (int i = 0; i < n; i++)
        weft__text_printf(t, "M%.5g %.5gh%.4gv%.4gh-%.4gz", xy[2 * i], xy[2 * i + 1], w,
                          h, w);
    weft__text_add(t, "\"/>");
}

static void dot(void *to, double x, double y, double radius, weft__pen pen)
{
    weft__text_printf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%g\" fill=\"%s\"/>", x, y,
                      radius, colour[pen.ink]);
}

static void label(void *to, double x, double y, const char *text, weft__label how)
{
    static const char *const anchor[] = {"start", "middle", "end"};
    weft__text *t = to;
    weft__text_printf(t, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\" fill=\"%s\"", x, y,
                      how.size, colour[how.ink]);
    if (how.anchor >= 0)
        weft__text_printf(t, " text-anchor=\"%s\"", anchor[how.anchor + 1]);
    if (how.angle != 0)
        weft__text_printf(t, " transform=\"rotate(%g %.1f %.1f)\"", how.angle, x, y);
    if (how.bold) weft__text_add(t, " font-weight=\"600\"");
    weft__text_add(t, ">");
    weft__text_escaped(t, text, how.letters);
    weft__text_add(t, "</text>");
}

static void tip(void *to, double x, double y, double w, double h, const char *text)
{
    weft__text *t = to;
    weft__text_printf(t, "<path class=\"tip\" d=\"M%.5g %.5gh%.4gv%.4gh-%.4gz\"><title>",
                      x, y, w, h, w);
    weft__text_escaped(t, text, 0);
    weft__text_add(t, "</title></path>");
}

weft__canvas weft__svg_begin(weft__text *t, double width, double height, int id,
                             const char *title, const char *description)
{
    weft__text_printf(
        t,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" aria-labelledby=\"t%d d%d\" "
        "font-family=\"system-ui,sans-serif\"><title id=\"t%d\">",
        width, height, width, height, id, id, id);
    weft__text_escaped(t, title, 200);
    weft__text_printf(t, "</title><desc id=\"d%d\">", id);
    weft__text_escaped(t, description, 2000);
    weft__text_add(t, "</desc>\n");
    return (weft__canvas){
        .to = t, .line = line, .boxes = boxes, .dot = dot, .label = label, .tip = tip};
}

void weft__svg_end(weft__canvas *c)
{
    weft__text_add(c->to, "</svg>\n");
}
