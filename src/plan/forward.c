/* forward.c: values from inputs to outputs, one step after the other. */
#include "plan/step.h"

#include "base/cpu.h"
#include "base/thread.h"

static void report(weft_plan *p, const weft__step *s, double seconds)
{
    double bytes = weft__tensor_bytes(p, s->args.in, s->nin, ~0u) +
                   weft__tensor_bytes(p, s->args.out, s->nout, ~0u);
    for (int k = 0; k < s->nout; k++) {
        const weft__tensor *t = &s->args.out[k];
        weft_trace trace = {.node =
                                s->activation ? s->activation->name : s->args.node->name,
                            .op = s->op->name,
                            .phase = 0,
                            .slot = k,
                            .data = p->g->f64 || t->type == WEFT_I32 ? NULL : t->data,
                            .count = t->count,
                            .seconds = k ? 0 : seconds,
                            .flops = k ? 0 : s->flops,
                            .bytes = k ? 0 : bytes,
                            .step = (int)(s - p->step),
                            .layer = s->args.node->name};
        p->trace(p->trace_user, &trace);
    }
}

void weft__step_forward(weft_plan *p, weft__step *s)
{
    double start = p->trace ? weft__seconds() : 0;
    s->args.scratch = s->scratch;
    s->op->forward(&s->args);
    if (p->trace) report(p, s, weft__seconds() - start);
}

weft_status weft_plan_forward(weft_plan *p)
{
    if (weft__workers() > p->workers)
        return weft__fail(WEFT_EUSAGE,
                          "the plan was made for %d threads, there are %d now",
                          p->workers, weft__workers());
    weft__plan_refresh(p);
    for (int i = 0; i < p->steps; i++) weft__step_forward(p, &p->step[i]);
    p->ran = true;
    return WEFT_OK;
}
