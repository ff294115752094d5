/* chart.c: line charts and bar charts. */
#include "report/plot/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKS = 12, MOST_POINTS = 600 };

static const double LARGEST = 1e30; /* beyond, a number is as good as infinite */

typedef struct axis {
    double low, high;  /* of the data, or of their logarithms */
    double from, size; /* on the canvas; size is negative upwards */
    bool log;
} axis;

static double place(const axis *a, double v)
{
    double at = a->log ? log10(v) : v;
    return a->from + (at - a->low) / (a->high - a->low) * a->size;
}

/* Can be drawn on a chart of this kind. */
static bool drawable(const weft__chart *chart, const weft__series *s, int i)
{
    double x = s->x[i], y = s->y[i];
    return isfinite(x) && isfinite(y) && fabs(x) < LARGEST && fabs(y) < LARGEST &&
           (!chart->log || y > 1e-30);
}

/* ---- ticks ---- */

int weft__ticks(double low, double high, int wanted, double *at, int room)
{
    double span = high - low;
    if (!(span > 0) || !isfinite(span) || wanted < 1) return 0;
    double power = pow(10, floor(log10(span / wanted))), rest = span / wanted / power;
    double step = power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
    int n = 0;
    for (double k = ceil(low / step - 1e-9); k * step <= high + step * 1e-9 && n < room;
         k++)
        at[n++] = k * step;
    return n;
}

/* Powers of ten, with 2 and 5 between them where there is room. */
static int log_ticks(double low, double high, double *at, int room)
{
    static const double between[] = {1, 2, 5};
    double decades = high - low;
    int parts = decades < 2.2 ? 3 : 1, every = decades > 10 ? (int)ceil(decades / 6) : 1,
        n = 0;
    for (int k = (int)floor(low); k <= (int)ceil(high); k++) {
        if (k % every) continue;
        for (int i = 0; i < parts && n < room; i++) {
            double v = between[i] * pow(10, k);
            if (log10(v) >= low - 1e-9 && log10(v) <= high + 1e-9) at[n++] = v;
        }
    }
    return n;
}

static void tick_text(char text[32], double v, double step, bool percent, bool log)
{
    if (percent) v *= 100, step *= 100;
    if (fabs(v) < step * 1e-6) v = 0; /* no -0 and no 1e-17 */
    int digits = step > 0 && step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    if (log || digits > 6 || fabs(v) >= 1e6)
        snprintf(text, 32, "%.3g%s", v, percent ? "%" : "");
    else
        snprintf(text, 32, "%.*f%s", digits, v, percent ? "%" : "");
}

/* ---- ranges ---- */

static bool find_range(const weft__chart *chart, axis *x, axis *y)
{
    bool found = false;
    for (int k = 0; k < chart->n; k++)
        for (int i = 0; i < chart->series[k].n; i++) {
            const weft__series *s = &chart->series[k];
            if (!drawable(chart, s, i)) continue;
            double v = chart->log ? log10(s->y[i]) : s->y[i];
            x->low = found ? fmin(x->low, s->x[i]) : s->x[i];
            x->high = found ? fmax(x->high, s->x[i]) : s->x[i];
            y->low = found ? fmin(y->low, v) : v;
            y->high = found ? fmax(y->high, v) : v;
            found = true;
        }
    return found;
}

static void widen(axis *a, double part, double least)
{
    double span = a->high - a->low, size = fmax(fabs(a->high), fabs(a->low));
    double more = span > size * 1e-9 ? span * part : fmax(size * 0.05, least);
    a->low -= more;
    a->high += more;
}

/* Between two columns. */
static double pitch(const weft__chart *chart)
{
    const weft__series *s = chart->series;
    return s->n > 1 && s->x[1] > s->x[0] ? s->x[1] - s->x[0] : 1;
}

static void widen_columns(const weft__chart *chart, axis *x)
{
    x->low -= pitch(chart) / 2;
    x->high += pitch(chart) / 2;
}

static void choose_ranges(const weft__chart *chart, axis *x, axis *y)
{
    bool positive = y->low >= 0, below_one = y->high <= 1;
    if (chart->columns) widen_columns(chart, x);
    if (!(x->high - x->low > fabs(x->high) * 1e-9)) widen(x, 0, 0.5);
    widen(y, 0.06, chart->log ? 0.3 : chart->percent ? 0.01 : 1e-6);
    if (!chart->log && positive && y->low < 0) y->low = 0;
    if (!chart->log && chart->percent && below_one && y->high > 1) y->high = 1;
    if (!chart->log && positive && (chart->columns || y->low < 0.35 * y->high))
        y->low = 0;
}

/* Truth against prediction: both axes alike, so that the diagonal is one. */
static void same_range(axis *x, axis *y)
{
    x->low = y->low = fmin(x->low, y->low);
    x->high = y->high = fmax(x->high, y->high);
    if (!(x->high > x->low)) widen(x, 0, 0.5);
    widen(x, 0.04, 1e-6);
    y->low = x->low;
    y->high = x->high;
}

/* ---- drawing ---- */

static const weft__pen GRID = {.ink = WEFT_INK_GRID, .width = 1};

static weft__pen series_pen(int k)
{
    static const double dash[] = {0, 0, 5, 2};
    return (weft__pen){.ink = (weft__ink)(WEFT_INK_1 + k % WEFT_INK_SERIES),
                       .width = 2,
                       .dash = dash[k / WEFT_INK_SERIES % 4]};
}

static void draw_y_axis(weft__canvas *c, const weft__chart *chart, const axis *x,
                        const axis *y)
{
    double at[TICKS];
    int n = chart->log ? log_ticks(y->low, y->high, at, TICKS)
                       : weft__ticks(y->low, y->high, 5, at, TICKS);
    for (int i = 0; i < n; i++) {
        char text[32];
        double v = place(y, at[i]);
        tick_text(text, at[i], n > 1 ? at[1] - at[0] : at[0], chart->percent, chart->log);
        c->line(c->to, (double[]){x->from, v, x->from + x->size, v}, 2, GRID);
        c->label(c->to, x->from - 8, v + 4, text,
                 (weft__label){.size = 11.5, .anchor = 1, .ink = WEFT_INK_MUTED});
    }
}

static void draw_x_axis(weft__canvas *c, const weft__chart *chart, const axis *x,
                        const axis *y)
{
    double at[TICKS], span = x->high - x->low;
    weft__label how = {.size = 11.5, .anchor = 0, .ink = WEFT_INK_MUTED};
    int n = weft__ticks(x->low, x->high, span < 6 ? (int)fmax(span, 1) : 6, at, TICKS);
    for (int i = 0; i < n; i++) {
        char text[32];
        tick_text(text, at[i], n > 1 ? at[1] - at[0] : 1, false, false);
        c->line(c->to, (double[]){place(x, at[i]), y->from, place(x, at[i]), y->from + 4},
                2, (weft__pen){.ink = WEFT_INK_MUTED, .width = 1});
        c->label(c->to, place(x, at[i]), y->from + 18, text, how);
    }
    c->line(c->to, (double[]){x->from, y->from, x->from + x->size, y->from}, 2,
            (weft__pen){.ink = WEFT_INK_MUTED, .width = 1});
    c->label(c->to, x->from + x->size / 2, y->from + 34,
             chart->x_title ? chart->x_title : "epoch", how);
}

/* The points from i on that hang together, thinned: of each bin the lowest and the
 * highest stay. Returns how many were written to xy; *next is where to go on. */
static int run_of(const weft__chart *chart, const weft__series *s, int i, const axis *x,
                  const axis *y, double *xy, int *next)
{
    int end = i, n = 0;
    while (end < s->n && drawable(chart, s, end)) end++;
    int bin = (end - i + MOST_POINTS / 2 - 1) / (MOST_POINTS / 2);
    for (int from = i; from < end; from += bin) {
        int to = end - from < bin ? end : from + bin, low = from, high = from;
        for (int k = from; k < to; k++) {
            if (s->y[k] < s->y[low]) low = k;
            if (s->y[k] > s->y[high]) high = k;
        }
        for (int k = 0; k < (low == high ? 1 : 2); k++) {
            int which = (k == 0) == (low < high) ? low : high;
            xy[2 * n] = place(x, s->x[which]);
            xy[2 * n++ + 1] = place(y, s->y[which]);
        }
    }
    *next = end;
    return n;
}

static void draw_series(weft__canvas *c, const weft__chart *chart, int k, const axis *x,
                        const axis *y)
{
    const weft__series *s = &chart->series[k];
    double xy[2 * (MOST_POINTS + 2)];
    int last = -1, next, runs = 0;
    for (int i = 0; i < s->n; i = next) {
        next = i + 1;
        if (!drawable(chart, s, i)) continue;
        int n = run_of(chart, s, i, x, y, xy, &next);
        last = next - 1;
        if (runs++ > MOST_POINTS) continue; /* more holes than anybody can see */
        if (n > 1)
            c->line(c->to, xy, n, series_pen(k));
        else
            c->dot(c->to, xy[0], xy[1], 2.5, series_pen(k));
    }
    if (last >= 0)
        c->dot(c->to, place(x, s->x[last]), place(y, s->y[last]), 3.5, series_pen(k));
}

/* Every so many-th point, where there are more than anybody can tell apart. */
static void draw_points(weft__canvas *c, const weft__chart *chart, int k, const axis *x,
                        const axis *y)
{
    enum { DOTS = 4 * MOST_POINTS };
    const weft__series *s = &chart->series[k];
    int every = s->n / DOTS + 1;
    weft__pen pen = series_pen(k);
    pen.opacity = s->n > 200 ? 0.45 : 0.7;
    c->line(c->to, (double[]){x->from, y->from, x->from + x->size, y->from + y->size}, 2,
            (weft__pen){.ink = WEFT_INK_MUTED, .width = 1.2, .dash = 4});
    for (int i = 0; i < s->n; i += every)
        if (drawable(chart, s, i))
            c->dot(c->to, place(x, s->x[i]), place(y, s->y[i]), 2.5, pen);
}

static void draw_columns(weft__canvas *c, const weft__chart *chart, int k, const axis *x,
                         const axis *y)
{
    const weft__series *s = &chart->series[k];
    double wide = (place(x, pitch(chart)) - place(x, 0)) * 0.86;
    for (int i = 0; i < s->n && i < MOST_POINTS; i++) {
        if (!drawable(chart, s, i)) continue;
        double top = place(y, s->y[i]), high = y->from - top;
        if (!(high > 0)) continue;
        weft__pen pen = series_pen(k);
        pen.opacity = k ? 0.55 : 1;
        c->boxes(c->to, (double[]){place(x, s->x[i]) - wide / 2, top}, 1, fmax(wide, 0.6),
                 high, pen);
    }
}

static void draw_mark(weft__canvas *c, const weft__chart *chart, const axis *x,
                      const axis *y)
{
    if (!chart->mark_text || !(chart->mark >= x->low && chart->mark <= x->high)) return;
    double at = place(x, chart->mark), top = y->from + y->size;
    bool left = at > x->from + x->size / 2;
    c->line(c->to, (double[]){at, top, at, y->from}, 2,
            (weft__pen){.ink = WEFT_INK_MUTED, .width = 1.2, .dash = 4});
    /* at the end of the axis where the curves are least likely to be: see draw_chart */
    c->label(
        c->to, at + (left ? -6 : 6), chart->percent ? y->from - 8 : top + 12,
        chart->mark_text,
        (weft__label){
            .size = 11.5, .anchor = left ? 1 : -1, .ink = WEFT_INK_MUTED, .letters = 24});
}

/* Names with a stroke of their colour, after the title or, when that is too narrow,
 * below. */
static void draw_legend(weft__canvas *c, const weft__chart *chart, double x, double y,
                        double w)
{
    double at = x;
    for (int k = 0; k < chart->n; k++) {
        double need = 24 + weft__label_width(chart->series[k].name, 12, 18) + 16;
        if (at > x && at + need > x + w) { /* no room: say how many are not named */
            char more[32];
            snprintf(more, sizeof more, "+%d", chart->n - k);
            c->label(c->to, at, y, more,
                     (weft__label){.size = 12, .anchor = -1, .ink = WEFT_INK_MUTED});
            return;
        }
        c->line(c->to, (double[]){at, y - 4, at + 18, y - 4}, 2, series_pen(k));
        c->label(
            c->to, at + 24, y, chart->series[k].name,
            (weft__label){.size = 12, .anchor = -1, .ink = WEFT_INK_TEXT, .letters = 18});
        at += need;
    }
}

void weft__draw_chart(weft__canvas *c, const weft__chart *chart, double x, double y,
                      double w, double h)
{
    const double left = 52, right = 16, top = 54, bottom = 42;
    axis across = {.from = x + left, .size = w - left - right};
    axis up = {.from = y + h - bottom, .size = -(h - top - bottom), .log = chart->log};
    bool found = find_range(chart, &across, &up);
    c->label(
        c->to, x + 4, y + 18, chart->title,
        (weft__label){
            .size = 14, .anchor = -1, .ink = WEFT_INK_TEXT, .bold = true, .letters = 48});
    if (!found) {
        c->label(c->to, x + w / 2, y + h / 2, "no finite values to draw",
                 (weft__label){.size = 12, .anchor = 0, .ink = WEFT_INK_MUTED});
        return;
    }
    if (!(chart->columns || chart->points) || chart->n > 1)
        draw_legend(c, chart, x + 4, y + 38, w - 8);
    if (chart->points)
        same_range(&across, &up);
    else
        choose_ranges(chart, &across, &up);
    draw_y_axis(c, chart, &across, &up);
    draw_x_axis(c, chart, &across, &up);
    draw_mark(c, chart, &across, &up);
    for (int k = chart->n - 1; k >= 0; k--)
        (chart->points    ? draw_points
         : chart->columns ? draw_columns
                          : draw_series)(c, chart, k, &across, &up);
}

static void describe_value(weft__text *t, const weft__chart *chart, double v)
{
    weft__text_printf(t, chart->percent ? "%.2f %%" : "%.4g",
                      chart->percent ? 100 * v : v);
}

void weft__describe_chart(weft__text *t, const weft__chart *chart)
{
    weft__text_printf(t, "%s chart over %s%s.",
                      chart->points    ? "Scatter"
                      : chart->columns ? "Column"
                                       : "Line",
                      chart->x_title ? chart->x_title : "epoch",
                      chart->log ? ", logarithmic" : "");
    for (int k = 0; k < chart->n && k < 12; k++) {
        const weft__series *s = &chart->series[k];
        int first = 0, last = s->n - 1;
        while (first <= last && !drawable(chart, s, first)) first++;
        while (last >= first && !drawable(chart, s, last)) last--;
        weft__text_printf(t, " %s: ", s->name ? s->name : "");
        if (first > last) {
            weft__text_add(t, "no finite values.");
            continue;
        }
        if (chart->points) {
            weft__text_printf(t, "%d points.", s->n);
            continue;
        }
        weft__text_add(t, "from ");
        describe_value(t, chart, s->y[first]);
        weft__text_add(t, " to ");
        describe_value(t, chart, s->y[last]);
        weft__text_add(t, ".");
    }
}

/* ---- bars ---- */

enum { BAR_PITCH = 26 };

double weft__bars_height(int n)
{
    return 34 + BAR_PITCH * n;
}

void weft__draw_bars(weft__canvas *c, const char *title, const char *const *name,
                     const double *value, int n, double x, double y, double w)
{
    double names = 60, most = 0;
    for (int i = 0; i < n; i++) {
        names = fmax(names, weft__label_width(name[i], 12, 24));
        if (isfinite(value[i])) most = fmax(most, value[i]);
    }
    double room = w - names - 90;
    c->label(c->to, x + 4, y + 18, title,
             (weft__label){.size = 14, .anchor = -1, .ink = WEFT_INK_TEXT, .bold = true});
    for (int i = 0; i < n; i++) {
        char text[32] = "\xe2\x80\x93";
        double at = y + 34 + BAR_PITCH * i, size = 0;
        if (isfinite(value[i]) && value[i] >= 0) {
            size = most > 0 ? value[i] / most * room : 0;
            snprintf(text, sizeof text, "%.4g", value[i]);
        }
        c->label(
            c->to, x + names + 4, at + 14, name[i],
            (weft__label){.size = 12, .anchor = 1, .ink = WEFT_INK_TEXT, .letters = 24});
        c->boxes(c->to, (double[]){x + names + 12, at + 2}, 1, fmax(size, 1),
                 BAR_PITCH - 8, (weft__pen){.ink = WEFT_INK_1});
        c->label(c->to, x + names + 20 + size, at + 14, text,
                 (weft__label){.size = 12, .anchor = -1, .ink = WEFT_INK_MUTED});
    }
}
