/* fuse.c: fewer steps for the same network: activations and additions applied by what
 * comes before them, normalisations folded into weights when nothing is trained. What
 * may be merged, the operators' traits say (ops/op.h). */
#include "plan/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many steps read v, and the last of them. */
static int readers(const weft_plan *p, int v, int *last)
{
    int n = 0;
    for (int i = 0; i < p->steps; i++)
        for (int k = 0; k < p->step[i].nin; k++)
            if (p->step[i].in[k] == v) {
                n++;
                *last = i;
            }
    return n;
}

/* The only step that reads output 0 of step i and nothing else of it, or -1. */
static int only_reader(const weft_plan *p, int i)
{
    const weft__step *s = &p->step[i];
    int last = -1;
    if (p->val[s->out[0]].retained || readers(p, s->out[0], &last) != 1) return -1;
    return p->step[last].in[0] == s->out[0] ? last : -1;
}

static void remove_step(weft_plan *p, int i)
{
    memmove(&p->step[i], &p->step[i + 1], (size_t)(p->steps - i - 1) * sizeof *p->step);
    p->steps--;
}

static void fuse_activation(weft_plan *p, int i)
{
    weft__step *s = &p->step[i];
    if (!s->op->fuses_epilogue || s->activation) return;
    int next = only_reader(p, i);
    if (next < 0) return;
    const weft__step *a = &p->step[next];
    if (!a->op->epilogue || a->activation) return;
    if (a->backward && a->op->saves_in)
        return; /* its derivative needs what would not be kept */
    const weft__pval *x = &p->val[s->out[0]], *y = &p->val[a->out[0]];
    if (x->t.layout != y->t.layout) return;
    a->op->epilogue(a->args.node, &s->epilogue);
    s->activation = a->args.node;
    s->activation_op = a->op;
    s->out[0] = a->out[0];
    remove_step(p, next);
}

/* A monotone activation before a maximum is applied after it, where there is less to
 * do. (Ties that relu makes carry no gradient, so it does not matter how they are
 * broken.) */
static bool swap_largest(weft_plan *p, int i)
{
    const weft__step *a = &p->step[i];
    int last, next;
    if (!a->op->epilogue || a->activation || (a->backward && a->op->saves_in))
        return false;
    next = a->op->monotone ? only_reader(p, i) : -1;
    if (next < 0 || p->step[next].op->fuse != WEFT_FUSE_LARGEST) return false;
    weft__step *s = &p->step[next];
    if (s->activation || readers(p, a->in[0], &last) != 1) return false;
    if (p->val[a->in[0]].t.layout != p->val[s->in[0]].t.layout) return false;
    a->op->epilogue(a->args.node, &s->epilogue);
    s->activation = a->args.node;
    s->activation_op = a->op;
    s->in[0] = a->in[0];
    remove_step(p, i);
    return true;
}

/* The step before step i whose output 0 only step i reads, as its input k; or -1. */
static int lone_producer(const weft_plan *p, int i, int k)
{
    int v = p->step[i].in[k], last;
    if (p->val[v].retained || readers(p, v, &last) != 1) return -1;
    for (int j = 0; j < i; j++)
        if (p->step[j].out[0] == v) return j;
    return -1;
}

static bool alike(const weft__tensor *a, const weft__tensor *b)
{
    return a->type == b->type && a->layout == b->layout && weft__shapes_equal(a, b);
}

/* An addition after an operator that can add to what it gives: that operator takes the
 * addition's place, where both summands are there. */
static bool fuse_sum(weft_plan *p, int i)
{
    const weft__step *sum = &p->step[i];
    if (sum->op->fuse != WEFT_FUSE_SUM || sum->activation) return false;
    const weft__tensor *y = &p->val[sum->out[0]].t;
    if (!alike(&p->val[sum->in[0]].t, y) || !alike(&p->val[sum->in[1]].t, y))
        return false;
    for (int k = 0; k < 2; k++) {
        int j = lone_producer(p, i, k);
        if (j < 0 || !p->step[j].op->fuses_residual || p->step[j].activation ||
            p->step[j].residual)
            continue;
        weft__step s = p->step[j];
        s.in[s.nin++] = sum->in[1 - k];
        s.out[0] = sum->out[0];
        s.residual = true;
        p->step[i] = s;
        remove_step(p, j);
        return true;
    }
    return false;
}

/* Is v a float parameter or buffer of the graph? */
static bool is_stored(const weft_plan *p, int v)
{
    return v > 0 && v < p->g->values &&
           (p->g->value[v].kind == WEFT_KIND_PARAM ||
            p->g->value[v].kind == WEFT_KIND_BUFFER ||
            p->g->value[v].kind == WEFT_KIND_CONST);
}

/* Whether step next is an affine map, by numbers that are stored, of each output of the
 * product s. */
static bool can_fold(const weft_plan *p, const weft__step *s, const weft__step *next)
{
    const int rank = p->val[s->out[0]].t.rank;
    if (s->op->fuse != WEFT_FUSE_PRODUCT || s->activation || s->residual) return false;
    if (!next->op->affine || next->activation || next->residual) return false;
    if (weft__unit_axis(s->op, rank) != weft__unit_axis(next->op, rank)) return false;
    if (s->nin < 3 || !is_stored(p, s->in[1]) || p->val[s->in[1]].t.layout != WEFT_HWIO)
        return false;
    for (int k = 1; k < next->nin; k++)
        if (next->in[k] && !is_stored(p, next->in[k])) return false;
    return !s->in[2] || is_stored(p, s->in[2]);
}

static weft_status fold(weft_plan *p, int i)
{
    weft__step *s = &p->step[i];
    int next = only_reader(p, i);
    if (next < 0 || !can_fold(p, s, &p->step[next])) return WEFT_OK;
    weft__folded *all = realloc(p->folded, (size_t)(p->folds + 1) * sizeof *all);
    if (!all) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    p->folded = all;
    const weft__step *map = &p->step[next];
    weft__folded *f = &all[p->folds];
    *f = (weft__folded){.from_weight = s->in[1],
                        .from_bias = s->in[2],
                        .map = map->args.node,
                        .map_op = map->op,
                        .map_in = map->in,
                        .map_tensors = map->tensors};
    f->weight = weft__pval_add(p);
    f->bias = f->weight ? weft__pval_add(p) : 0;
    int *in = weft__arena_alloc(&p->arena, ((size_t)s->nin + 1) * sizeof *in);
    if (!f->bias || !in) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    p->folds++;
    const weft__tensor *y = &p->val[s->out[0]].t;
    weft__tensor *bias = &p->val[f->bias].t;
    p->val[f->weight].t = p->val[f->from_weight].t;
    *bias = (weft__tensor){
        .rank = 1, .dim = {y->dim[weft__unit_axis(s->op, y->rank)]}, .type = WEFT_F32};
    bias->count = weft__tensor_count(bias);
    p->val[f->weight].wanted = p->val[f->bias].wanted = true;
    memcpy(in, s->in, (size_t)s->nin * sizeof *in);
    in[1] = f->weight;
    in[2] = f->bias;
    s->in = in;
    s->out[0] = map->out[0];
    remove_step(p, next);
    return WEFT_OK;
}

weft_status weft__plan_fuse(weft_plan *p)
{
    bool constant = !p->opts.training && !p->opts.loss.id && !p->g->f64;
    for (int i = 0; i < p->steps && constant; i++) {
        weft_status s = fold(p, i);
        if (s) return s;
    }
    for (int i = 0; i < p->steps; i++)
        if (swap_largest(p, i)) i--;
    for (int i = 0; i < p->steps; i++)
        if (fuse_sum(p, i)) i--;
    for (int i = 0; i < p->steps; i++) fuse_activation(p, i);
    return WEFT_OK;
}

weft__step *weft__reader_of_fold(const weft_plan *p, const weft__folded *f)
{
    for (int i = 0; i < p->steps; i++)
        if (p->step[i].nin > 1 && p->step[i].in[1] == f->weight) return &p->step[i];
    assert(false);
    return NULL;
}

static void make_folded(weft_plan *p, const weft__folded *f)
{
    const float *w = p->val[f->from_weight].t.data;
    const float *b = f->from_bias ? p->val[f->from_bias].t.data : NULL;
    float *to = p->val[f->weight].t.data, *shift = p->val[f->bias].t.data;
    size_t outputs = p->val[f->bias].t.count, rows = p->val[f->weight].t.count / outputs;
    for (int k = 1; k < f->map->nin; k++)
        f->map_tensors[k] =
            f->map_in[k] ? p->val[f->map_in[k]].t : (weft__tensor){.rank = -1};
    for (size_t o = 0; o < outputs; o++) {
        weft__affine_map m = f->map_op->affine(f->map, f->map_tensors, (int)o);
        shift[o] = (float)(((b ? b[o] : 0.0f) - m.centre) * m.scale + m.shift);
        for (size_t r = 0; r < rows; r++)
            to[r * outputs + o] = (float)(w[r * outputs + o] * m.scale);
    }
}

static void prepack(const weft__step *s)
{
    if (s->args.prepacked) s->op->prepack(&s->args);
}

void weft__plan_refresh(weft_plan *p)
{
    bool untouched = *p->user == p;
    *p->user = p;
    if (untouched && p->version == p->g->version) return;
    for (int n = 0; n < p->folds; n++) {
        make_folded(p, &p->folded[n]);
        prepack(weft__reader_of_fold(p, &p->folded[n]));
    }
    for (int i = 0; i < p->steps; i++)
        if (p->step[i].nin > 1 && p->step[i].in[1] < p->g->values) prepack(&p->step[i]);
    p->version = p->g->version;
}
