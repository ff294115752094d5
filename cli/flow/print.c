/* print.c: tables with small bars for a terminal, and JSON. */
#include "flow/print.h"

#include "json_number.h"

#include "base/error.h"
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 64, BAR = 12, SPARKS = 40 };

void flow_shape_text(const weft_graph *g, weft_value v, char *text, size_t size)
{
    weft_shape s = weft_shape_of(g, v);
    size_t at = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < s.rank && at < size; i++)
        at += i == 0 && s.dim[0] == 0
                  ? (size_t)snprintf(text + at, size - at, "batch")
                  : (size_t)snprintf(text + at, size - at, i ? ", %d" : "%d", s.dim[i]);
    if (at < size) snprintf(text + at, size - at, "]");
}

/* ---- bars ---- */

/* The range of positive numbers, for bars on a logarithmic scale. */
typedef struct range {
    double low, high; /* logarithms */
} range;

static void widen(range *r, double x)
{
    if (!(x > 0) || !isfinite(x)) return;
    if (log10(x) < r->low) r->low = log10(x);
    if (log10(x) > r->high) r->high = log10(x);
}

static const range nothing = {INFINITY, -INFINITY};

/* 0 for the smallest (or none), 1 for the largest. */
static double part_of(const range *r, double x)
{
    if (!(x > 0) || !isfinite(x)) return 0;
    double span = r->high - r->low < 1 ? 1 : r->high - r->low;
    return 1 - (r->high - log10(x)) / span;
}

static void bar(char text[CELL], double part)
{
    static const char *const eighth[] = {"",
                                         "\xe2\x96\x8f",
                                         "\xe2\x96\x8e",
                                         "\xe2\x96\x8d",
                                         "\xe2\x96\x8c",
                                         "\xe2\x96\x8b",
                                         "\xe2\x96\x8a",
                                         "\xe2\x96\x89"};
    int n = (int)(part * BAR * 8 + 0.5);
    text[0] = 0;
    if (n < 1) n = 1;
    for (int i = 0; i < n / 8; i++) strcat(text, "\xe2\x96\x88");
    strcat(text, eighth[n % 8]);
}

static void small(char text[CELL], double x)
{
    if (isfinite(x))
        snprintf(text, CELL, "%.3g", x);
    else
        snprintf(text, CELL, "\xe2\x80\x93");
}

/* ---- tables ---- */

/* Cells of a table, all of the same room. */
typedef struct cells {
    char (*text)[CELL];
    const char **cell;
} cells;

static bool cells_new(cells *c, int rows, int columns)
{
    size_t n = (size_t)rows * (size_t)columns;
    c->text = calloc(n + 1, sizeof *c->text);
    c->cell = calloc(n + 1, sizeof *c->cell);
    for (size_t i = 0; c->text && c->cell && i < n; i++) c->cell[i] = c->text[i];
    return c->text && c->cell;
}

static void cells_print(cells *c, const weft__column *column, int columns, int rows)
{
    char *table = weft__table(column, columns, c->cell, rows);
    if (table) fputs(table, stdout);
    free(table);
}

static void cells_free(cells *c)
{
    free(c->text);
    free(c->cell);
}

static void layer_cells(const flow_setup *s, int i, const range *forth, const range *back,
                        char (*at)[CELL])
{
    weft_flow_node n = weft_flow_node_at(s->flow, i);
    snprintf(at[0], CELL, "%.60s", n.name);
    flow_shape_text(s->g, n.value, at[1], CELL);
    small(at[2], n.mean);
    small(at[3], n.units ? n.std : NAN);
    if (n.units && n.std > 0) bar(at[4], part_of(forth, n.std));
    if (n.units) snprintf(at[5], CELL, "%.0f %%", 100.0 * n.dead / n.units);
    if (n.units && !n.dead) snprintf(at[5], CELL, "0");
    small(at[6], n.gradient);
    if (n.gradient > 0) bar(at[7], part_of(back, n.gradient));
}

static void print_layers(const flow_setup *s)
{
    static const weft__column column[] = {{"layer", false, 28},
                                          {"output", false, 24},
                                          {"mean", true, 0},
                                          {"spread", true, 0},
                                          {"forth \xe2\x86\x93", false, 0},
                                          {"dead", true, 0},
                                          {"gradient", true, 0},
                                          {"back \xe2\x86\x91", false, 0}};
    enum { COLUMNS = 8 };
    int n = weft_flow_nodes(s->flow);
    range forth = nothing, back = nothing;
    cells c;
    for (int i = 0; i < n; i++) {
        weft_flow_node node = weft_flow_node_at(s->flow, i);
        if (node.units) widen(&forth, node.std);
        widen(&back, node.gradient);
    }
    if (cells_new(&c, n, COLUMNS)) {
        for (int i = 0; i < n; i++)
            layer_cells(s, i, &forth, &back, c.text + (size_t)i * COLUMNS);
        cells_print(&c, column, COLUMNS, n);
    }
    cells_free(&c);
}

static void print_params(const flow_setup *s)
{
    static const weft__column column[] = {
        {"parameter", false, 36}, {"shape", false, 24}, {"|w|", true, 0},
        {"|gradient|", true, 0},  {"ratio", true, 0},   {"", false, 0}};
    enum { COLUMNS = 6 };
    int n = weft_flow_params(s->flow);
    range r = nothing;
    cells c;
    for (int i = 0; i < n; i++) widen(&r, weft_flow_param_at(s->flow, i).gradient);
    if (cells_new(&c, n, COLUMNS)) {
        for (int i = 0; i < n; i++) {
            weft_flow_param p = weft_flow_param_at(s->flow, i);
            char(*at)[CELL] = c.text + (size_t)i * COLUMNS;
            snprintf(at[0], CELL, "%.60s", p.name);
            flow_shape_text(s->g, p.value, at[1], CELL);
            small(at[2], p.norm);
            small(at[3], p.gradient);
            small(at[4], p.ratio);
            if (p.gradient > 0) bar(at[5], part_of(&r, p.gradient));
        }
        cells_print(&c, column, COLUMNS, n);
    }
    cells_free(&c);
}

/* ---- sequences ---- */

/* The gradient by distance as a row of blocks, larger is taller, on a logarithmic
 * scale; a block stands for the mean of several steps. */
static void spark(const weft_flow_series *s, char *text)
{
    range r = nothing;
    int n = s->steps < SPARKS ? s->steps : SPARKS;
    double value[SPARKS];
    text[0] = 0;
    for (int b = 0; b < n; b++) {
        int from = b * s->steps / n, to = (b + 1) * s->steps / n, count = 0;
        value[b] = 0;
        for (int t = from; t < to; t++)
            if (isfinite(s->by_distance[t])) value[b] += s->by_distance[t], count++;
        value[b] = count ? value[b] / count : NAN;
        widen(&r, value[b]);
    }
    if (r.high - r.low < 2) r.low = r.high - 2;
    for (int b = 0; b < n; b++) {
        char block[4] = "\xe2\x96\x81";
        int level = (int)(part_of(&r, value[b]) * 7 + 0.5);
        block[2] = (char)(0x81 + (level < 0 ? 0 : level > 7 ? 7 : level));
        strcat(text, isfinite(value[b]) ? block : " ");
    }
}

static void print_series(const flow_setup *s)
{
    int n = weft_flow_series_total(s->flow);
    if (!n) return;
    printf("\nGradient of one step, from the end (left) to the start (right), "
           "logarithmic:\n");
    for (int i = 0; i < n; i++) {
        weft_flow_series one = weft_flow_series_at(s->flow, i);
        char text[SPARKS * 3 + 1], first[CELL], last[CELL], name[64];
        int end = one.steps - 1;
        while (end > 0 && !isfinite(one.by_distance[end])) end--;
        weft__escape(name, sizeof name, one.node);
        spark(&one, text);
        small(first, one.by_distance[0]);
        small(last, one.by_distance[end]);
        printf("%-20s %-10s  %s  at the end %s, %d steps back %s\n", name,
               !one.state    ? "each step"
               : one.reverse ? "h backward"
                             : "h forward",
               text, first, end, last);
    }
}

static void print_one(const flow_setup *s)
{
    char model[200], data[200];
    weft__escape(model, sizeof model, s->model);
    weft__escape(data, sizeof data, s->path);
    printf("%s on %s (%s): %lld samples, loss %.4f, gradient norm %.4g\n\n", model, data,
           s->split, (long long)weft_flow_samples(s->flow), weft_flow_loss(s->flow),
           weft_flow_gradient(s->flow));
    print_layers(s);
    printf("\n");
    print_params(s);
    print_series(s);
}

void flow_print_text(const flow_setup *s, int n)
{
    for (int i = 0; i < n; i++) {
        if (i) printf("\n");
        print_one(&s[i]);
    }
    printf(
        "\nmean, spread: of a layer's output. dead: units that are 0 (or saturated) on "
        "all samples.\ngradient: |d loss / d output| of one sample, mean over samples. "
        "Bars are logarithmic.\n");
}

/* ---- JSON ---- */

static json_t *shape_json(const weft_graph *g, weft_value v)
{
    json_t *a = json_array();
    weft_shape s = weft_shape_of(g, v);
    for (int i = 0; i < s.rank; i++) json_array_append_new(a, json_integer(s.dim[i]));
    return a;
}

static json_t *numbers_json(const double *x, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(a, json_number(x[i]));
    return a;
}

static json_t *layer_json(const flow_setup *s, int i)
{
    weft_flow_node n = weft_flow_node_at(s->flow, i);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:o}", "name", n.name,
                     "op", n.op, "shape", shape_json(s->g, n.value), "mean",
                     json_number(n.mean), "spread", json_number(n.std), "min",
                     json_number(n.low), "max", json_number(n.high), "units", n.units,
                     "dead", n.dead, "gradient", json_number(n.gradient));
}

static json_t *param_json(const flow_setup *s, int i)
{
    weft_flow_param p = weft_flow_param_at(s->flow, i);
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", p.name, "shape",
                     shape_json(s->g, p.value), "norm", json_number(p.norm), "gradient",
                     json_number(p.gradient), "ratio", json_number(p.ratio));
}

static json_t *series_json(const flow_setup *s, int i)
{
    weft_flow_series x = weft_flow_series_at(s->flow, i);
    json_t *samples = json_array();
    for (int t = 0; t < x.steps; t++)
        json_array_append_new(samples, json_integer((json_int_t)x.samples[t]));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "layer", x.node, "of",
                     x.state ? "state" : "output", "direction",
                     x.reverse ? "backward" : "forward", "by_step",
                     numbers_json(x.by_step, x.steps), "by_distance",
                     numbers_json(x.by_distance, x.steps), "samples", samples);
}

static json_t *setup_json(const flow_setup *s)
{
    char model[300], data[300];
    json_t *layers = json_array(), *params = json_array(), *series = json_array();
    for (int i = 0; i < weft_flow_nodes(s->flow); i++)
        json_array_append_new(layers, layer_json(s, i));
    for (int i = 0; i < weft_flow_params(s->flow); i++)
        json_array_append_new(params, param_json(s, i));
    for (int i = 0; i < weft_flow_series_total(s->flow); i++)
        json_array_append_new(series, series_json(s, i));
    weft__escape(model, sizeof model, s->model);
    weft__escape(data, sizeof data, s->path);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "model", model,
                     "data", data, "split", s->split, "samples",
                     (json_int_t)weft_flow_samples(s->flow), "loss",
                     json_number(weft_flow_loss(s->flow)), "gradient",
                     json_number(weft_flow_gradient(s->flow)), "layers", layers, "params",
                     params, "series", series);
}

void flow_print_json(const flow_setup *s, int n)
{
    json_t *root = setup_json(&s[0]);
    if (n > 1) json_object_set_new(root, "compare", setup_json(&s[1]));
    json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}
