/* flow_chart.h: figures of what flows. */
#ifndef WEFT_SRC_REPORT_PLOT_FLOW_CHART_H
#define WEFT_SRC_REPORT_PLOT_FLOW_CHART_H

#include "report/plot/chart.h"
#include "report/flow.h"

/* Decades that hold all positive numbers it was widened by. */
typedef struct weft__decades {
    double low, high; /* logarithms; low > high: nothing yet */
} weft__decades;
#define WEFT__NO_DECADES ((weft__decades){1, 0})
void weft__decades_widen(weft__decades *d, double x);

/* Layers from top to bottom: the spread of what each computes, and the gradient that
 * comes back to it, both on logarithmic axes. */
double weft__profile_height(const weft__flow_side *s);
void weft__draw_profile(weft__canvas *c, const weft__flow_side *s,
                        const weft__decades *forth, const weft__decades *back, double w);

/* A row of fields per track, a field per step, the darker the larger the gradient. */
double weft__heat_height(const weft__flow_side *s);
void weft__draw_heat(weft__canvas *c, const weft__flow_side *s, const weft__decades *d,
                     double w);

/* NaN for a single number, such as the loss. */
double weft__spread_of(const weft__flow_layer *l);
/* The layers and tracks that a figure has room for. */
int weft__profile_rows(const weft__flow_side *s);
int weft__heat_rows(const weft__flow_side *s);

#endif
