/* step.h: what the files of pass/ share. */
#ifndef WEFT_SRC_PLAN_STEP_H
#define WEFT_SRC_PLAN_STEP_H

#include "plan/plan.h"

/* Runs one step's part, and the trace if there is one. */
void weft__step_forward(weft_plan *p, weft__step *s);
void weft__step_backward(weft_plan *p, weft__step *s);

/* weft_plan_backward that tells of each parameter, once it is done with it and its
 * gradient is whole (again, where a step reads it twice); done may change the
 * parameter. Of what no step reads it does not tell. */
typedef struct weft__done {
    void (*fn)(void *user, int param); /* its value's number */
    void *user;
} weft__done;
weft_status weft__plan_backward(weft_plan *p, const weft__done *done);

/* Operations of a step's backward: its data gradient may be wanted by nobody. */
static inline double weft__backward_flops(const weft__step *s)
{
    return s->backward ? s->flops * (s->args.din[0].data ? 2 : 1) : 0;
}

/* Bytes of those of n tensors that are there and have their bit in mask. */
static inline double weft__tensor_bytes(const weft_plan *p, const weft__tensor *t, int n,
                                        unsigned mask)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        if (t[i].data && (mask >> (i < 31 ? i : 31) & 1))
            sum += (double)t[i].count * (double)weft__element(p->g, t[i].type);
    return sum;
}

#endif
