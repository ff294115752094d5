/* values.c: numbers into and out of a plan. */
#include "plan/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static weft_status check_value(const weft_plan *p, weft_value v, size_t count)
{
    if (v.id < 1 || v.id >= p->g->values)
        return weft__fail(WEFT_EUSAGE, "plan: not a value of this graph");
    const weft__tensor *t = &p->val[v.id].t;
    if (t->count != count)
        return weft__fail(WEFT_ESHAPE, "%s: has %zu elements at batch %d, %zu given",
                          p->g->value[v.id].name, t->count, p->batch, count);
    return WEFT_OK;
}

static weft_status check_input(const weft_plan *p, weft_value v, size_t count,
                               bool integer)
{
    weft_status s = check_value(p, v, count);
    if (s) return s;
    const weft__value *value = &p->g->value[v.id];
    if (value->kind != WEFT_KIND_INPUT)
        return weft__fail(WEFT_EUSAGE, "%s: is not an input", value->name);
    if ((value->type == WEFT_I32) != integer)
        return weft__fail(WEFT_EUSAGE, "%s: takes %s", value->name,
                          integer ? "floats" : "integers");
    return WEFT_OK;
}

weft_status weft_plan_set(weft_plan *p, weft_value v, const float *data, size_t count)
{
    weft_status s = check_input(p, v, count, false);
    if (s || !p->val[v.id].t.data)
        return s; /* an input that nothing needs has no memory */
    weft__to_storage(&p->val[v.id].t, p->g->f64, data);
    return WEFT_OK;
}

weft_status weft_plan_set_nhwc(weft_plan *p, weft_value v, const float *data,
                               size_t count)
{
    weft_status s = check_input(p, v, count, false);
    weft__tensor *t = s ? NULL : &p->val[v.id].t;
    if (s || !t->data) return s;
    if (t->layout == WEFT_CHANNELS_LAST || t->rank < 3) {
        if (!p->g->f64)
            memcpy(t->data, data, count * sizeof *data);
        else
            for (size_t i = 0; i < count; i++) ((double *)t->data)[i] = data[i];
        return WEFT_OK;
    }
    size_t n = (size_t)t->dim[0], c = (size_t)t->dim[1], inner = count / n / c;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < c; k++)
            for (size_t j = 0; j < inner; j++) {
                float x = data[(i * inner + j) * c + k];
                size_t to = (i * c + k) * inner + j;
                if (p->g->f64)
                    ((double *)t->data)[to] = x;
                else
                    ((float *)t->data)[to] = x;
            }
    return WEFT_OK;
}

weft_status weft_plan_set_int(weft_plan *p, weft_value v, const int32_t *data,
                              size_t count)
{
    weft_status s = check_input(p, v, count, true);
    if (s) return s;
    int limit = p->g->value[v.id].limit;
    for (size_t i = 0; i < count && limit > 0; i++)
        if (data[i] >= limit)
            return weft__fail(WEFT_EDATA, "%s: element %zu is %d, must be below %d",
                              p->g->value[v.id].name, i, (int)data[i], limit);
    if (p->val[v.id].t.data) weft__to_storage(&p->val[v.id].t, p->g->f64, data);
    return WEFT_OK;
}

/* Is the memory of v still its own after the pass? */
static bool still_there(const weft_plan *p, int v, bool gradient)
{
    const weft__pval *x = &p->val[v];
    int block = gradient ? x->gradient_block : x->block;
    if (!(gradient ? x->gradient.data : x->t.data)) return false;
    return block < 0 || p->block[block].last >= weft__plan_end(p);
}

static weft_status copy_out(const weft_plan *p, weft_value v, float *data, size_t count,
                            bool gradient)
{
    weft_status s = check_value(p, v, count);
    if (s) return s;
    const weft__tensor *t = gradient ? &p->val[v.id].gradient : &p->val[v.id].t;
    if (t->type == WEFT_I32)
        return weft__fail(WEFT_EUSAGE, "%s: holds integers", p->g->value[v.id].name);
    if (!still_there(p, v.id, gradient))
        return weft__fail(WEFT_EUSAGE, "%s: %s was not kept by this plan",
                          p->g->value[v.id].name,
                          gradient ? "its gradient" : "its value");
    weft__from_storage(t, p->g->f64, data);
    return WEFT_OK;
}

weft_status weft_plan_get(const weft_plan *p, weft_value v, float *data, size_t count)
{
    return copy_out(p, v, data, count, false);
}

weft_status weft_plan_gradient(const weft_plan *p, weft_value v, float *data,
                               size_t count)
{
    return copy_out(p, v, data, count, true);
}

float weft_plan_scalar(const weft_plan *p, weft_value v)
{
    float x = NAN;
    return weft_plan_get(p, v, &x, 1) ? NAN : x;
}

weft_shape weft_plan_shape(const weft_plan *p, weft_value v)
{
    weft_shape s = {0};
    if (v.id < 1 || v.id >= p->g->values) return s;
    s.rank = p->val[v.id].t.rank;
    memcpy(s.dim, p->val[v.id].t.dim, sizeof s.dim);
    return s;
}

void weft_plan_random(weft_plan *p, uint64_t seed, uint64_t step)
{
    for (int i = 0; i < p->steps; i++) {
        p->step[i].args.seed = seed;
        p->step[i].args.step = step;
    }
}

void weft_plan_loss_scale(weft_plan *p, float scale)
{
    p->loss_scale = scale;
}

void weft_plan_trace(weft_plan *p, weft_trace_fn *fn, void *user)
{
    p->trace = fn;
    p->trace_user = user;
}

size_t weft_plan_bytes(const weft_plan *p)
{
    return p->bytes;
}

size_t weft_plan_total_bytes(const weft_plan *p)
{
    size_t element = weft__element(p->g, WEFT_F32);
    size_t slab = p->g->slab_count * element;
    return p->bytes + slab + p->g->buffer_count * element + (p->opts.loss.id ? slab : 0);
}

double weft_plan_flops(const weft_plan *p)
{
    double sum = 0;
    for (int i = 0; i < p->steps; i++)
        sum += p->step[i].flops + weft__backward_flops(&p->step[i]);
    return sum;
}
