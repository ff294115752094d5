/* first_bad.c: which step was the first to give a number that is not finite. */
#include "plan/step.h"
#include "weft/inspect.h"

#include <math.h>
#include <stdio.h>

static bool finite_f64(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static bool is_finite(const weft_plan *p, const weft__tensor *t)
{
    if (!t->data || t->type == WEFT_I32) return true;
    const weft__kernels *k = p->g->f64 ? NULL : p->kernels;
    return k ? k->all_finite(t->data, t->count) : finite_f64(t->data, t->count);
}

static bool all_finite(const weft_plan *p, const weft__tensor *t, int n)
{
    for (int i = 0; i < n; i++)
        if (!is_finite(p, &t[i])) return false;
    return true;
}

/* The first input that is not finite by itself, or 0. Running statistics do not
 * count in training: the pass that failed has moved them already, and it does not
 * read them. */
static int bad_input(const weft_plan *p, const weft__step *s)
{
    for (int k = 0; k < s->nin; k++) {
        int v = s->in[k];
        bool known = v > 0 && v < p->g->values;
        bool moved = known && p->opts.training && p->g->value[v].kind == WEFT_KIND_BUFFER;
        if (known && !moved && !is_finite(p, &s->args.in[k])) return v;
    }
    return 0;
}

const char *weft_plan_first_bad(weft_plan *p, char *text, size_t size)
{
    snprintf(text, size, "%s", "");
    for (int i = 0; i < p->steps; i++) {
        weft__step *s = &p->step[i];
        int bad = bad_input(p, s);
        if (bad) {
            snprintf(text, size, "%s (value)", p->g->value[bad].name);
            return text;
        }
        weft__step_forward(p, s);
        if (!all_finite(p, s->args.out, s->nout)) {
            snprintf(text, size, "%s (forward)", s->args.node->name);
            return text;
        }
    }
    for (int i = p->steps - 1; i >= 0 && p->opts.loss.id; i--) {
        weft__step *s = &p->step[i];
        if (!s->backward) continue;
        weft__step_backward(p, s);
        if (!all_finite(p, s->args.din, s->nin)) {
            snprintf(text, size, "%s (backward)", s->args.node->name);
            return text;
        }
    }
    return text;
}
