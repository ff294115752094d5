/* chart.h: line charts, bar charts and confusion matrices on a canvas. */
#ifndef WEFT_SRC_REPORT_PLOT_CHART_H
#define WEFT_SRC_REPORT_PLOT_CHART_H

#include "report/plot/canvas.h"
#include "report/report.h"

/* ---- chart.c ---- */

void weft__draw_chart(weft__canvas *c, const weft__chart *chart, double x, double y,
                      double w, double h);
/* What the chart shows, in words, for those who cannot see it. */
void weft__describe_chart(weft__text *t, const weft__chart *chart);

/* Horizontal bars, longest first as given; values not below 0. */
void weft__draw_bars(weft__canvas *c, const char *title, const char *const *name,
                     const double *value, int n, double x, double y, double w);
double weft__bars_height(int n);

/* Places for axis labels: at most `room` round numbers in low .. high; their count. */
int weft__ticks(double low, double high, int wanted, double *at, int room);

/* ---- confusion.c ---- */

void weft__confusion_size(const weft__confusion *m, double *w, double *h);
void weft__draw_confusion(weft__canvas *c, const weft__confusion *m);

typedef struct weft__mix_up {
    int truth, predicted;
    int64_t count;
    double share; /* of the samples of that truth */
} weft__mix_up;
/* The commonest mistakes, commonest first; how many were found. */
int weft__mix_ups(const weft__confusion *m, weft__mix_up *out, int room);
/* The name of class c, or its number written to text. */
const char *weft__class_title(const weft__confusion *m, int c, char text[16]);
/* How many classes one field of the drawn matrix stands for. */
int weft__confusion_step(const weft__confusion *m);

#endif
