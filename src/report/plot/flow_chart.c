/* flow_chart.c: the profile through the layers, and the heat map over time. */
#include "report/plot/flow_chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROWS = 160,
    ROW = 19,
    TOP = 74,
    BOTTOM = 14,
    TRACKS = 24,
    BINS = 120,
    LEVELS = 16,
    HEAT_ROW = 26,
    HEAT_TOP = 8,
    HEAT_BOTTOM = 62,
    DEEPEST = 12 /* decades that a figure shows */
};

void weft__decades_widen(weft__decades *d, double x)
{
    if (!(x > 1e-30) || !isfinite(x)) return;
    double v = log10(x);
    if (d->low > d->high)
        d->low = d->high = v;
    else if (v < d->low)
        d->low = v;
    else if (v > d->high)
        d->high = v;
}

/* ---- profile ---- */

typedef struct panel {
    double x, w;      /* on the canvas */
    double low, high; /* logarithms */
} panel;

static panel panel_of(const weft__decades *d, double x, double w)
{
    panel p = {.x = x, .w = w, .low = floor(d->low), .high = ceil(d->high)};
    if (d->low > d->high) p.low = -1, p.high = 0;
    if (p.high - p.low < 1) p.high = p.low + 1;
    if (p.high - p.low > DEEPEST) p.low = p.high - DEEPEST;
    return p;
}

static double place(const panel *p, double value)
{
    double v = (log10(value) - p->low) / (p->high - p->low);
    return p->x + (v < 0 ? 0 : v > 1 ? 1 : v) * p->w;
}

static bool positive(double x)
{
    return isfinite(x) && x > 1e-30;
}

double weft__spread_of(const weft__flow_layer *l)
{
    return l->units > 0 ? l->std : NAN;
}

int weft__profile_rows(const weft__flow_side *s)
{
    return s->layers < 0 ? 0 : s->layers < ROWS ? s->layers : ROWS;
}

double weft__profile_height(const weft__flow_side *s)
{
    return TOP + ROW * weft__profile_rows(s) + BOTTOM;
}

static double row_at(int i)
{
    return TOP + ROW * i + ROW / 2.0;
}

static void draw_frame(weft__canvas *c, const panel *p, const char *title, int rows)
{
    weft__label how = {.size = 11, .anchor = 0, .ink = WEFT_INK_MUTED};
    int every = p->high - p->low > 6 ? 2 : 1;
    c->label(c->to, p->x, 22, title,
             (weft__label){.size = 13, .anchor = -1, .ink = WEFT_INK_TEXT, .bold = true});
    for (int k = (int)p->low; k <= (int)p->high; k++) {
        double x = place(p, pow(10, k));
        char text[16];
        if (abs(k) > 3)
            snprintf(text, sizeof text, "1e%d", k);
        else
            snprintf(text, sizeof text, "%g", pow(10, k));
        c->line(c->to, (double[]){x, TOP - 8, x, TOP + ROW * rows + 4}, 2,
                (weft__pen){.ink = WEFT_INK_GRID, .width = 1});
        if ((k - (int)p->low) % every == 0) c->label(c->to, x, TOP - 14, text, how);
    }
}

/* Dots from layer to layer, joined. */
static void draw_dots(weft__canvas *c, const weft__flow_side *s, const panel *p,
                      bool gradient, weft__ink ink)
{
    double xy[2 * ROWS];
    int n = 0, rows = weft__profile_rows(s);
    for (int i = 0; i < rows; i++) {
        double v = gradient ? s->layer[i].gradient : weft__spread_of(&s->layer[i]);
        if (!positive(v)) continue;
        xy[2 * n] = place(p, v);
        xy[2 * n++ + 1] = row_at(i);
    }
    if (n > 1)
        c->line(c->to, xy, n, (weft__pen){.ink = ink, .width = 1.5, .opacity = 0.45});
    for (int i = 0; i < n; i++)
        c->dot(c->to, xy[2 * i], xy[2 * i + 1], 4, (weft__pen){.ink = ink});
}

static void draw_dead(weft__canvas *c, const weft__flow_layer *l, const panel *p, int i)
{
    char text[40];
    double share = l->units > 0 ? 100.0 * l->dead / l->units : 0;
    if (!(share > 0)) return;
    snprintf(text, sizeof text, share < 1 ? "%.1f %% dead" : "%.0f %% dead", share);
    double x = positive(l->std) ? place(p, l->std) : p->x;
    bool left = x > p->x + p->w * 0.6;
    c->label(c->to, x + (left ? -9 : 9), row_at(i) + 4, text,
             (weft__label){.size = 10.5, .anchor = left ? 1 : -1, .ink = WEFT_INK_4});
}

static void draw_row(weft__canvas *c, const weft__flow_side *s, int i, double names,
                     double w)
{
    const weft__flow_layer *l = &s->layer[i];
    char text[300], std[32] = "\xe2\x80\x93", gradient[32] = "none";
    c->label(c->to, 4, row_at(i) + 4, l->name,
             (weft__label){.size = 11.5,
                           .anchor = -1,
                           .ink = WEFT_INK_TEXT,
                           .letters = (int)(names / 6.6)});
    if (!c->tip) return;
    if (isfinite(l->std)) snprintf(std, sizeof std, "%.4g", l->std);
    if (isfinite(l->gradient)) snprintf(gradient, sizeof gradient, "%.4g", l->gradient);
    snprintf(text, sizeof text, "%.60s (%.24s): mean %.4g, spread %s, gradient %s",
             l->name ? l->name : "", l->op ? l->op : "", l->mean, std, gradient);
    c->tip(c->to, 0, TOP + ROW * i, w, ROW, text);
}

void weft__draw_profile(weft__canvas *c, const weft__flow_side *s,
                        const weft__decades *forth, const weft__decades *back, double w)
{
    const double names = w > 700 ? 200 : 118, gap = 40, side = (w - names - gap - 24) / 2;
    panel left = panel_of(forth, names + 8, side);
    panel right = panel_of(back, names + 8 + side + gap, side);
    int rows = weft__profile_rows(s);
    bool wide = w > 700;
    c->label(c->to, 4, 22, "Layer",
             (weft__label){.size = 13, .anchor = -1, .ink = WEFT_INK_TEXT, .bold = true});
    draw_frame(c, &left,
               wide ? "Forward \xe2\x86\x93 spread of the output"
                    : "Forward \xe2\x86\x93",
               rows);
    draw_frame(c, &right,
               wide ? "Backward \xe2\x86\x91 gradient of the loss"
                    : "Backward \xe2\x86\x91",
               rows);
    draw_dots(c, s, &left, false, WEFT_INK_1);
    draw_dots(c, s, &right, true, WEFT_INK_2);
    for (int i = 0; i < rows; i++) {
        draw_dead(c, &s->layer[i], &left, i);
        draw_row(c, s, i, names, w);
    }
}

/* ---- heat map ---- */

int weft__heat_rows(const weft__flow_side *s)
{
    return s->tracks < 0 ? 0 : s->tracks < TRACKS ? s->tracks : TRACKS;
}

double weft__heat_height(const weft__flow_side *s)
{
    return HEAT_TOP + HEAT_ROW * weft__heat_rows(s) + HEAT_BOTTOM;
}

/* The mean of the steps that field b of `bins` stands for; NaN when there are none. */
static double binned(const weft__flow_track *t, int b, int bins)
{
    int from = (int)((int64_t)b * t->steps / bins), count = 0;
    int to = (int)((int64_t)(b + 1) * t->steps / bins);
    double sum = 0;
    for (int i = from; i < to; i++)
        if (isfinite(t->by_step[i])) sum += t->by_step[i], count++;
    return count ? sum / count : NAN;
}

static int level_of(const weft__decades *d, double x)
{
    double low = d->high - d->low > DEEPEST ? d->high - DEEPEST : d->low;
    double span = d->high - low < 1e-9 ? 1 : d->high - low;
    if (!positive(x)) return -1;
    int level = (int)((log10(x) - low) / span * (LEVELS - 1) + 0.5);
    return level < 0 ? 0 : level > LEVELS - 1 ? LEVELS - 1 : level;
}

static weft__pen heat_pen(int level)
{
    return (weft__pen){.ink = WEFT_INK_2, .opacity = 0.05 + 0.95 * level / (LEVELS - 1)};
}

static void heat_tip(weft__canvas *c, const weft__flow_track *t, int b, int bins,
                     double x, double y, double w)
{
    char text[160];
    int from = (int)((int64_t)b * t->steps / bins);
    if (!c->tip) return;
    snprintf(text, sizeof text, "%.60s, step %d: %.4g", t->name ? t->name : "", from + 1,
             binned(t, b, bins));
    c->tip(c->to, x, y, w, HEAT_ROW - 4, text);
}

static void heat_row(weft__canvas *c, const weft__flow_track *t, const weft__decades *d,
                     double x, double y, double w)
{
    int bins = t->steps < BINS ? t->steps : BINS;
    double cell = w / bins;
    for (int level = 0; level < LEVELS; level++) {
        double xy[2 * BINS];
        int n = 0;
        for (int b = 0; b < bins; b++)
            if (level_of(d, binned(t, b, bins)) == level) {
                xy[2 * n] = x + b * cell;
                xy[2 * n++ + 1] = y;
            }
        if (n)
            c->boxes(c->to, xy, n, cell > 3 ? cell - 1 : cell, HEAT_ROW - 4,
                     heat_pen(level));
    }
    for (int b = 0; b < bins; b++) heat_tip(c, t, b, bins, x + b * cell, y, cell);
}

static void heat_label(weft__canvas *c, const weft__flow_track *t, double y, double names)
{
    weft__text text = {0};
    weft__text_visible(&text, t->name, (int)(names / 6.6) - 2);
    if (t->state) weft__text_add(&text, t->reverse ? " \xe2\x86\x90" : " \xe2\x86\x92");
    c->label(c->to, names, y + HEAT_ROW / 2.0 + 2, text.data ? text.data : "",
             (weft__label){.size = 11.5, .anchor = 1, .ink = WEFT_INK_TEXT});
    weft__text_free(&text);
}

static void heat_axis(weft__canvas *c, int steps, double x, double y, double w)
{
    double at[12];
    weft__label how = {.size = 11, .anchor = 0, .ink = WEFT_INK_MUTED};
    int n = weft__ticks(1, steps, w > 500 ? 10 : 5, at, 12);
    for (int i = 0; i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%.0f", at[i]);
        if (at[i] >= 1) c->label(c->to, x + (at[i] - 0.5) / steps * w, y + 14, text, how);
    }
    c->label(c->to, x + w / 2, y + 30, "step of the sequence", how);
}

static void heat_scale(weft__canvas *c, const weft__decades *d, double x, double y)
{
    const double cell = 9;
    char low[24], high[24];
    double from = d->high - d->low > DEEPEST ? d->high - DEEPEST : d->low;
    weft__label how = {.size = 11, .anchor = 1, .ink = WEFT_INK_MUTED};
    snprintf(low, sizeof low, "%.1e", pow(10, from));
    snprintf(high, sizeof high, "%.1e", pow(10, d->high));
    c->label(c->to, x - 6, y + 10, low, how);
    for (int k = 0; k < LEVELS; k++)
        c->boxes(c->to, (double[]){x + k * cell, y}, 1, cell, 12, heat_pen(k));
    how.anchor = -1;
    c->label(c->to, x + LEVELS * cell + 6, y + 10, high, how);
}

void weft__draw_heat(weft__canvas *c, const weft__flow_side *s, const weft__decades *d,
                     double w)
{
    const double names = w > 700 ? 150 : 100, x = names + 8, wide = w - x - 10;
    int rows = weft__heat_rows(s), most = 1;
    for (int i = 0; i < rows; i++)
        if (s->track[i].steps > most) most = s->track[i].steps;
    for (int i = 0; i < rows; i++) {
        double y = HEAT_TOP + HEAT_ROW * i;
        heat_label(c, &s->track[i], y, names);
        if (s->track[i].steps > 0) heat_row(c, &s->track[i], d, x, y, wide);
    }
    heat_axis(c, most, x, HEAT_TOP + HEAT_ROW * rows - 4, wide);
    if (d->low <= d->high)
        heat_scale(c, d, x + wide - 16 * 9 - 60, HEAT_TOP + HEAT_ROW * rows + 40);
}
