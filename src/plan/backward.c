/* backward.c: the chain rule, from the loss back to every parameter. */
#include "plan/step.h"

#include "base/cpu.h"
#include "base/thread.h"

static void add_f64(double *y, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

typedef struct sum_task {
    const weft__kernels *k;
    float *y;
    const float *x;
} sum_task;

static void add_range(void *arg, size_t begin, size_t end)
{
    sum_task *t = arg;
    t->k->add(t->y + begin, t->y + begin, t->x + begin, end - begin, 1, 1);
}

/* gradient += what the step wrote next to it */
static void add_up(weft_plan *p, const weft__tensor *gradient, const void *part)
{
    if (p->g->f64)
        add_f64(gradient->data, part, gradient->count);
    else
        weft__spread(gradient->count, 1.0, add_range,
                     &(sum_task){p->kernels, gradient->data, part});
}

static void report(weft_plan *p, const weft__step *s, double seconds)
{
    double bytes = weft__tensor_bytes(p, s->args.in, s->nin, s->op->saves_in) +
                   weft__tensor_bytes(p, s->args.out, s->nout, s->op->saves_out) +
                   weft__tensor_bytes(p, s->args.dout, s->nout, ~0u) +
                   weft__tensor_bytes(p, s->args.din, s->nin, ~0u);
    for (int k = 0; k < s->nin; k++) {
        const weft__tensor *t = &s->args.din[k];
        if (k && !t->data) continue;
        weft_trace trace = {.node = s->args.node->name,
                            .op = s->op->name,
                            .phase = 1,
                            .slot = k,
                            .data = p->g->f64 ? NULL : t->data,
                            .count = t->data ? t->count : 0,
                            .seconds = k ? 0 : seconds,
                            .flops = k ? 0 : weft__backward_flops(s),
                            .bytes = k ? 0 : bytes,
                            .step = (int)(s - p->step),
                            .layer = s->args.node->name};
        p->trace(p->trace_user, &trace);
    }
}

/* The derivative of an activation that was fused after the step, on the gradient in
 * place. */
static void undo_activation(const weft__step *s)
{
    weft__op_args r = s->args;
    weft__tensor out = r.out[0], gradient = r.dout[0];
    r.node = s->activation;
    r.attr = s->activation->attr;
    r.prepared = s->activation_prepared;
    r.in = r.out = &out;
    r.din = r.dout = &gradient;
    r.epilogue = NULL;
    s->activation_op->backward(&r);
}

void weft__step_backward(weft_plan *p, weft__step *s)
{
    double start = p->trace ? weft__seconds() : 0;
    s->args.scratch = s->scratch_back;
    bool undone = s->op->fuses_relu_bwd && s->epilogue.act == WEFT_ACT_RELU;
    if (s->activation && !undone && s->args.dout[0].data) undo_activation(s);
    s->op->backward(&s->args);
    for (int k = 0; k < s->nin; k++)
        if (s->temporary[k]) add_up(p, &p->val[s->in[k]].gradient, s->temporary[k]);
    if (p->trace) report(p, s, weft__seconds() - start);
}

static void seed_loss(weft_plan *p)
{
    void *data = p->val[p->opts.loss.id].gradient.data;
    if (!data) return;
    if (p->g->f64)
        *(double *)data = p->loss_scale;
    else
        *(float *)data = p->loss_scale;
}

static void tell_done(const weft_plan *p, int step, const weft__done *done)
{
    const weft__step *s = &p->step[step];
    for (int k = 0; k < s->nin; k++) {
        int v = s->in[k];
        if (v && v < p->g->values && p->g->value[v].kind == WEFT_KIND_PARAM &&
            p->val[v].first_reader == step)
            done->fn(done->user, v);
    }
}

weft_status weft__plan_backward(weft_plan *p, const weft__done *done)
{
    if (!p->opts.loss.id)
        return weft__fail(WEFT_EUSAGE, "backward: the plan has no loss");
    if (!p->ran) return weft__fail(WEFT_EUSAGE, "backward: there was no forward pass");
    if (weft__workers() > p->workers)
        return weft__fail(WEFT_EUSAGE,
                          "the plan was made for %d threads, there are %d now",
                          p->workers, weft__workers());
    if (!p->opts.accumulate) weft__gradients_clear_rows(p->g);
    seed_loss(p);
    for (int i = p->steps - 1; i >= 0; i--) {
        if (p->step[i].backward) weft__step_backward(p, &p->step[i]);
        if (done) tell_done(p, i, done);
    }
    return WEFT_OK;
}

weft_status weft_plan_backward(weft_plan *p)
{
    return weft__plan_backward(p, NULL);
}
