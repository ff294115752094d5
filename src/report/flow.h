/* flow.h: the page of what flows: activations forth, gradients back.
 *
 * Everything is borrowed during the call, texts may hold any bytes, numbers may be
 * anything; what is missing or too much is left out and said, as in report.h. */
#ifndef WEFT_SRC_REPORT_FLOW_H
#define WEFT_SRC_REPORT_FLOW_H

#include "report/report.h"

typedef struct weft__flow_layer {
    const char *name, *op, *shape;
    double mean, std, low, high;
    int units, dead;
    double gradient; /* NaN: none */
} weft__flow_layer;

typedef struct weft__flow_weight {
    const char *name, *shape;
    double norm, gradient, ratio;
} weft__flow_weight;

typedef struct weft__flow_track { /* a gradient along a sequence */
    const char *name;
    bool state, reverse;
    int steps;
    const double *by_step, *by_distance; /* [steps] */
} weft__flow_track;

typedef struct weft__flow_image {
    const unsigned char *png;
    size_t bytes;
    int width, height;            /* in the page */
    const char *caption, *detail; /* detail may be NULL */
} weft__flow_image;

typedef struct weft__flow_gallery {
    const char *title, *note; /* note is ours */
    bool small;               /* images beside each other */
    int n;
    const weft__flow_image *image;
} weft__flow_gallery;

/* One model. */
typedef struct weft__flow_side {
    const char *name;
    int facts;
    const weft__fact *fact;
    int layers, weights, tracks, galleries;
    const weft__flow_layer *layer;
    const weft__flow_weight *weight;
    const weft__flow_track *track;
    const weft__flow_gallery *gallery;
} weft__flow_side;

typedef struct weft__flow_report {
    const char *title, *subtitle;
    int sides; /* 1, or 2 beside each other */
    const weft__flow_side *side;
} weft__flow_report;

/* Writes the page: one file, no script, nothing from elsewhere. Atomic. WEFT_EIO,
 * WEFT_ENOMEM. */
weft_status weft__flow_write(const weft__flow_report *r, const char *path);

#endif
