/* layers.c: a step's time layer by layer, and what bounds each. */
#include "bench/layers.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_trace(void *user, const weft_trace *t)
{
    layer_table *table = user;
    if (t->slot || t->step >= table->room) return;
    layer_row *r = &table->row[t->step];
    if (t->step >= table->rows) table->rows = t->step + 1;
    r->name = t->layer;
    r->op = t->op;
    r->seconds[t->phase] += t->seconds;
    r->flops[t->phase] += t->flops;
    r->bytes[t->phase] += t->bytes;
}

weft_status layers_trace(bench_model *b, bool training, double seconds, layer_table *out)
{
    int failed = 0;
    *out = (layer_table){.room = 4 * weft_node_count(b->model.g) + 64};
    out->row = weft__alloc((size_t)out->room, sizeof *out->row);
    if (!out->row) return weft__fail(WEFT_ENOMEM, "bench: out of memory");
    memset(b->part, 0, sizeof b->part);
    weft_plan_trace(b->plan, on_trace, out);
    double start = weft__seconds();
    while (!failed && (out->steps < 3 || weft__seconds() - start < seconds))
        failed = (training ? bench_train_step : bench_infer_step)(b, out->steps++);
    weft_plan_trace(b->plan, NULL, NULL);
    return (weft_status)failed;
}

void layers_free(layer_table *t)
{
    free(t->row);
    t->row = NULL;
}

static double rate(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

/* The larger of what arithmetic and memory alone would take; when that is less than a
 * quarter of the time, neither is what holds the layer up. */
static const char *bound(const layer_table *t, const layer_row *r)
{
    double seconds = r->seconds[0] + r->seconds[1];
    double compute = rate(r->flops[0] + r->flops[1], t->peak);
    double memory = rate(r->bytes[0] + r->bytes[1], t->rate);
    double most = compute > memory ? compute : memory;
    if (most < seconds / 4) return "overhead";
    return compute >= memory ? "compute" : "memory";
}

static void print_phase(const layer_table *t, const layer_row *r, int phase)
{
    double speed = rate(r->flops[phase], r->seconds[phase]);
    if (r->seconds[phase] <= 0)
        printf("  %9s %7s %5s", "-", "-", "-");
    else if (r->flops[phase] <= 0)
        printf("  %9.4f %7s %5s", r->seconds[phase] / t->steps * 1e3, "-", "-");
    else
        printf("  %9.4f %7.1f %5.0f", r->seconds[phase] / t->steps * 1e3, speed * 1e-9,
               100 * rate(speed, t->peak));
}

static void print_row(const layer_table *t, const layer_row *r, const char *name,
                      bool training, const char *bound_by)
{
    printf("%-30.30s %-14.14s", name, r->op);
    for (int phase = 0; phase <= training; phase++) print_phase(t, r, phase);
    printf("  %9.3f  %s\n", (r->bytes[0] + r->bytes[1]) / t->steps * 1e-6, bound_by);
}

void layers_print(const layer_table *t, bool training)
{
    layer_row all = {.op = ""};
    printf("\n%-30s %-14s  %9s %7s %5s", "layer", "operator", "fwd ms", "GF/s", "%peak");
    if (training) printf("  %9s %7s %5s", "bwd ms", "GF/s", "%peak");
    printf("  %9s  %s\n", "MB", "bound by");
    for (int i = 0; i < t->rows; i++) {
        const layer_row *r = &t->row[i];
        char shown[120];
        if (!r->name) continue;
        print_row(t, r, weft__escape(shown, sizeof shown, r->name), training,
                  bound(t, r));
        for (int phase = 0; phase < 2; phase++) {
            all.seconds[phase] += r->seconds[phase];
            all.flops[phase] += r->flops[phase];
            all.bytes[phase] += r->bytes[phase];
        }
    }
    print_row(t, &all, "all layers", training, bound(t, &all));
}

json_t *layers_json(const layer_table *t)
{
    json_t *rows = json_array();
    for (int i = 0; i < t->rows; i++) {
        const layer_row *r = &t->row[i];
        char shown[400];
        if (!r->name) continue;
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "name",
                            weft__escape(shown, sizeof shown, r->name), "op", r->op,
                            "forward_ms", r->seconds[0] / t->steps * 1e3, "forward_gflop",
                            r->flops[0] / t->steps * 1e-9, "forward_bytes",
                            r->bytes[0] / t->steps, "backward_ms",
                            r->seconds[1] / t->steps * 1e3, "backward_gflop",
                            r->flops[1] / t->steps * 1e-9, "backward_bytes",
                            r->bytes[1] / t->steps, "bound", bound(t, r)));
    }
    return rows;
}
