/* memory.c: how long each value, gradient and workspace of a plan lives, and where. */
#include "plan/plan.h"

#include "base/checked.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

int weft__plan_block(weft_plan *p, size_t bytes, int first, int last)
{
    if (p->blocks == p->block_room) {
        int room = p->block_room ? p->block_room * 2 : 64;
        weft__block *all = realloc(p->block, (size_t)room * sizeof *all);
        if (!all) return -1;
        p->block = all;
        p->block_room = room;
    }
    p->block[p->blocks] = (weft__block){
        .bytes = weft__round_up(bytes ? bytes : 1, ALIGN), .first = first, .last = last};
    return p->blocks++;
}

static size_t tensor_bytes(const weft_plan *p, const weft__tensor *t)
{
    return t->count * weft__element(p->g, t->type);
}

static void use(weft_plan *p, int v, int time)
{
    if (v && p->val[v].last_use < time) p->val[v].last_use = time;
}

/* The last moment at which each value is read. */
static void last_uses(weft_plan *p)
{
    for (int i = 0; i < p->steps; i++) {
        const weft__step *s = &p->step[i];
        int back = weft__backward_time(p, i);
        const weft_op *act = s->activation ? s->activation->op : NULL;
        for (int k = 0; k < s->nout; k++) {
            use(p, s->out[k], i);
            if (s->backward && (s->op->saves_out >> k & 1)) use(p, s->out[k], back);
            if (s->backward && act && k == 0) use(p, s->out[k], back);
        }
        for (int k = 0; k < s->nin; k++) {
            use(p, s->in[k], i);
            if (s->backward && k < 32 && (s->op->saves_in >> k & 1))
                use(p, s->in[k], back);
        }
    }
    for (int v = 1; v < p->vals; v++)
        if (p->val[v].retained) p->val[v].last_use = weft__plan_end(p);
    for (int i = p->steps - 1; i >= 0; i--)
        for (int k = 0; k < p->step[i].nin; k++)
            p->val[p->step[i].in[k]].first_reader = i;
}

static bool in_graph_memory(const weft_plan *p, int v)
{
    if (v >= p->g->values) return false;
    weft__kind k = p->g->value[v].kind;
    return k == WEFT_KIND_PARAM || k == WEFT_KIND_BUFFER || k == WEFT_KIND_CONST;
}

static bool is_input(const weft_plan *p, int v)
{
    return v < p->g->values && p->g->value[v].kind == WEFT_KIND_INPUT;
}

/* Input k can give its memory to the output of step i: nobody reads it later, nor does
 * the step while it writes. */
static bool gives_memory(const weft_plan *p, int i, int k)
{
    const weft__step *s = &p->step[i];
    const weft__pval *x = &p->val[s->in[k]], *y = &p->val[s->out[0]];
    if (x->block < 0 || x->t.count != y->t.count || x->t.type != y->t.type) return false;
    bool view =
        s->op->view && x->t.layout == WEFT_ROW_MAJOR && y->t.layout == WEFT_ROW_MAJOR;
    if (view) return true;
    if (x->t.layout != y->t.layout) return false;
    for (int j = 0; j < s->nin; j++)
        if (j != k && s->in[j] && p->val[s->in[j]].block == x->block) return false;
    return p->block[x->block].last <= i;
}

/* The input whose memory the output of step i takes over, or -1. */
static int shares_memory(const weft_plan *p, int i)
{
    const weft__step *s = &p->step[i];
    if (p->opts.keep_all || !s->nin) return -1;
    if ((s->op->in_place || s->op->view) && s->in[0] && gives_memory(p, i, 0)) return 0;
    return s->residual && gives_memory(p, i, s->nin - 1) ? s->nin - 1 : -1;
}

static weft__setup setup_of(const weft_plan *p, const weft__step *s)
{
    weft__tensor *t = s->tensors;
    for (int k = 0; k < s->nin; k++)
        t[k] = s->in[k] ? p->val[s->in[k]].t : (weft__tensor){.rank = -1};
    for (int k = 0; k < s->nout; k++) t[s->nin + k] = p->val[s->out[k]].t;
    return (weft__setup){.node = s->args.node,
                         .in = t,
                         .out = t + s->nin,
                         .kernels = p->kernels,
                         .training = s->backward};
}

/* Has op prepare for that setup; *out: what it made. */
static weft_status prepare(weft_plan *p, const weft_op *op, weft__setup *s, void **out)
{
    if (!op->prepare) return WEFT_OK;
    size_t bytes = op->prepared + (op->prepared_more ? op->prepared_more(s) : 0);
    *out = s->prepared = weft__arena_alloc(&p->arena, bytes + 1);
    if (!s->prepared) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    return op->prepare(s);
}

static weft_status prepare_steps(weft_plan *p)
{
    weft_status status = WEFT_OK;
    for (int i = 0; i < p->steps && !status; i++) {
        weft__step *s = &p->step[i];
        weft__setup setup = setup_of(p, s);
        status = prepare(p, s->op, &setup, &s->prepared);
        s->args.prepared = s->prepared;
        if (status || !s->activation) continue;
        setup.node = s->activation;
        setup.in = setup.out; /* it works in place */
        status = prepare(p, s->activation_op, &setup, &s->activation_prepared);
    }
    return status;
}

/* What step s wants next to its values. */
static weft__memory memory_of(const weft_plan *p, const weft__step *s)
{
    weft__memory m = {0};
    weft__setup setup = setup_of(p, s);
    setup.prepared = s->prepared;
    if (s->op->memory) s->op->memory(&setup, &m);
    return m;
}

static bool is_folded(const weft_plan *p, int v)
{
    bool any = false;
    for (int f = 0; f < p->folds; f++) any |= p->folded[f].weight == v;
    return any;
}

/* May the step keep its weight in a form of its own? Only where nothing is trained. It
 * does where its operator wants memory for that. */
static bool may_prepack(const weft_plan *p, const weft__step *s)
{
    return s->op->prepack && !p->opts.training && !p->opts.loss.id && !p->opts.keep_all &&
           !p->g->f64 && (in_graph_memory(p, s->in[1]) || is_folded(p, s->in[1]));
}

/* A folded weight that its step keeps in another form is needed only until that is
 * made: all of these share one place. */
static weft_status place_folds(weft_plan *p)
{
    size_t most = 0;
    int end = weft__plan_end(p);
    for (int f = 0; f < p->folds; f++) {
        weft__pval *w = &p->val[p->folded[f].weight], *b = &p->val[p->folded[f].bias];
        const weft__step *s = weft__reader_of_fold(p, &p->folded[f]);
        size_t bytes = tensor_bytes(p, &w->t);
        b->block = weft__plan_block(p, tensor_bytes(p, &b->t), -1, end);
        if (!may_prepack(p, s) || !memory_of(p, s).prepacked)
            w->block = weft__plan_block(p, bytes, -1, end);
        else if (bytes > most)
            most = bytes;
    }
    int shared = most ? weft__plan_block(p, most, -1, -1) : -1;
    for (int f = 0; f < p->folds; f++) {
        weft__pval *w = &p->val[p->folded[f].weight];
        if (w->block < 0) w->block = shared;
        if (w->block < 0 || p->val[p->folded[f].bias].block < 0)
            return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    }
    return WEFT_OK;
}

static weft_status place_values(weft_plan *p)
{
    int end = weft__plan_end(p);
    for (int v = 1; v < p->vals; v++) {
        if (!is_input(p, v) || !p->val[v].wanted) continue;
        p->val[v].block = weft__plan_block(p, tensor_bytes(p, &p->val[v].t), -1, end);
        if (p->val[v].block < 0) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    }
    weft_status status = place_folds(p);
    if (status) return status;
    for (int i = 0; i < p->steps; i++) {
        const weft__step *s = &p->step[i];
        int from = shares_memory(p, i);
        for (int k = 0; k < s->nout; k++) {
            weft__pval *y = &p->val[s->out[k]];
            if (k == 0 && from >= 0) {
                y->block = p->val[s->in[from]].block;
                if (p->block[y->block].last < y->last_use)
                    p->block[y->block].last = y->last_use;
            } else {
                y->block = weft__plan_block(p, tensor_bytes(p, &y->t), i, y->last_use);
            }
            if (y->block < 0) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
        }
    }
    return WEFT_OK;
}

static bool has_gradient(const weft_plan *p, int v)
{
    return v && p->val[v].differentiable && p->val[v].writers > 0;
}

/* How long the gradient of v is read: by the step that computes v, or to the end. */
static int gradient_end(const weft_plan *p, int v, const int *producer)
{
    if (p->opts.keep_all || is_input(p, v) || producer[v] < 0) return weft__plan_end(p);
    return weft__backward_time(p, producer[v]);
}

/* Whether the gradient of input k takes over the memory of the output's: the residual's
 * does, being the same, or else that of the first input where the operator can. */
static bool shares_gradient(const weft_plan *p, int i, int k)
{
    const weft__step *s = &p->step[i];
    const weft__pval *x = &p->val[s->in[k]], *y = &p->val[s->out[0]];
    int last = s->nin - 1;
    bool passed = s->residual && has_gradient(p, s->in[last]) && !s->adds[last];
    if (k != (passed ? last : 0)) return false;
    if (p->opts.keep_all || s->adds[k] || y->gradient_block < 0 ||
        x->t.count != y->t.count)
        return false;
    bool view =
        s->op->view && x->t.layout == WEFT_ROW_MAJOR && y->t.layout == WEFT_ROW_MAJOR;
    if (!view && ((!passed && !s->op->grad_in_place) || x->t.layout != y->t.layout))
        return false;
    return p->block[y->gradient_block].last <= weft__backward_time(p, i);
}

static weft_status place_gradient(weft_plan *p, int i, int k, const int *producer)
{
    weft__step *s = &p->step[i];
    int v = s->in[k], now = weft__backward_time(p, i);
    if (!has_gradient(p, v)) return WEFT_OK;
    weft__pval *x = &p->val[v];
    bool graph = in_graph_memory(p, v);
    if (s->adds[k] && s->op->accumulates >> k & 1 && k < s->args.node->nin)
        return WEFT_OK;
    if (s->adds[k]) {
        s->temporary_block[k] = weft__plan_block(p, tensor_bytes(p, &x->t), now, now);
        return s->temporary_block[k] < 0 ? weft__fail(WEFT_ENOMEM, "plan: out of memory")
                                         : WEFT_OK;
    }
    if (graph) return WEFT_OK;
    int end = gradient_end(p, v, producer);
    if (shares_gradient(p, i, k)) {
        x->gradient_block = p->val[s->out[0]].gradient_block;
        if (p->block[x->gradient_block].last < end)
            p->block[x->gradient_block].last = end;
    } else {
        x->gradient_block = weft__plan_block(p, tensor_bytes(p, &x->t), now, end);
    }
    return x->gradient_block < 0 ? weft__fail(WEFT_ENOMEM, "plan: out of memory")
                                 : WEFT_OK;
}

static weft_status place_gradients(weft_plan *p)
{
    int *producer = malloc((size_t)p->vals * sizeof *producer);
    if (!producer) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    for (int v = 0; v < p->vals; v++) producer[v] = -1;
    for (int i = 0; i < p->steps; i++)
        for (int k = 0; k < p->step[i].nout; k++) producer[p->step[i].out[k]] = i;
    int loss = p->opts.loss.id;
    weft_status status = WEFT_OK;
    if (has_gradient(p, loss) && !in_graph_memory(p, loss))
        p->val[loss].gradient_block =
            weft__plan_block(p, tensor_bytes(p, &p->val[loss].t), p->steps,
                             gradient_end(p, loss, producer));
    for (int i = p->steps - 1; i >= 0 && !status; i--)
        for (int k = 0; k < p->step[i].nin && p->step[i].backward && !status; k++)
            status = place_gradient(p, i, k, producer);
    free(producer);
    return status;
}

static weft_status place_workspace(weft_plan *p)
{
    for (int i = 0; i < p->steps; i++) {
        weft__step *s = &p->step[i];
        weft__memory m = memory_of(p, s);
        weft__tensor *t = s->tensors;
        bool prepacked = m.prepacked && may_prepack(p, s);
        if (prepacked) m.scratch = m.scratch_prepacked;
        if (prepacked)
            s->prepacked_block = weft__plan_block(p, m.prepacked, -1, weft__plan_end(p));
        int back = weft__backward_time(p, i);
        if (m.saved)
            s->saved_block = weft__plan_block(p, m.saved, i, s->backward ? back : i);
        if (m.scratch) s->scratch_block = weft__plan_block(p, m.scratch, i, i);
        if (m.scratch && s->backward)
            s->scratch_back_block = weft__plan_block(p, m.scratch, back, back);
        if ((m.saved && s->saved_block < 0) || (m.scratch && s->scratch_block < 0) ||
            (prepacked && s->prepacked_block < 0))
            return weft__fail(WEFT_ENOMEM, "plan: out of memory");
        s->flops = s->op->flops ? s->op->flops(s->args.node, t, t + s->nin) : 0;
    }
    return WEFT_OK;
}

static bool overlaps(const weft__block *a, const weft__block *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest place that is free for all of block b's life among the blocks before
 * it. */
static size_t lowest_place(const weft_plan *p, const weft__block *b, const int *placed,
                           int n)
{
    size_t at = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const weft__block *o = &p->block[placed[i]];
            if (overlaps(o, b) && at < o->offset + o->bytes &&
                o->offset < at + b->bytes) {
                at = o->offset + o->bytes;
                moved = true;
            }
        }
    }
    return at;
}

/* Largest first, each at the lowest place that is free while it lives. */
static weft_status assign(weft_plan *p)
{
    int *order = malloc((size_t)(p->blocks + 1) * sizeof *order);
    if (!order) return weft__fail(WEFT_ENOMEM, "plan: out of memory");
    for (int i = 0; i < p->blocks; i++) order[i] = i;
    for (int i = 1; i < p->blocks;
         i++) { /* insertion sort: a few hundred blocks at most */
        int x = order[i], j = i;
        for (; j > 0 && p->block[order[j - 1]].bytes < p->block[x].bytes; j--)
            order[j] = order[j - 1];
        order[j] = x;
    }
    for (int i = 0; i < p->blocks; i++) {
        weft__block *b = &p->block[order[i]];
        b->offset = lowest_place(p, b, order, i);
        if (b->offset + b->bytes > p->bytes) p->bytes = b->offset + b->bytes;
    }
    free(order);
    return WEFT_OK;
}

static void *at(const weft_plan *p, int block)
{
    return block < 0 ? NULL : (char *)p->memory + p->block[block].offset;
}

static void set_pointers(weft_plan *p)
{
    for (int v = 1; v < p->vals; v++) {
        weft__pval *x = &p->val[v];
        bool graph = in_graph_memory(p, v);
        x->t.data = graph ? p->g->value[v].data : at(p, x->block);
        x->gradient = x->t;
        x->gradient.data = !has_gradient(p, v) ? NULL
                           : graph             ? p->g->value[v].gradient
                                               : at(p, x->gradient_block);
        if (graph) x->gradient.row_set = p->g->value[v].row_set;
    }
    for (int i = 0; i < p->steps; i++) {
        weft__step *s = &p->step[i];
        weft__tensor *in = s->tensors, *out = in + s->nin, *din = out + s->nout,
                     *dout = din + s->nin;
        for (int k = 0; k < s->nin; k++) {
            in[k] = s->in[k] ? p->val[s->in[k]].t : (weft__tensor){.rank = -1};
            din[k] = s->in[k] ? p->val[s->in[k]].gradient : in[k];
            if (s->adds[k] && s->backward && s->temporary_block[k] < 0)
                s->args.accumulate |= 1u << k;
            else if (s->adds[k] && s->backward)
                din[k].data = s->temporary[k] = at(p, s->temporary_block[k]);
            if (!s->backward) din[k].data = NULL;
        }
        for (int k = 0; k < s->nout; k++) {
            out[k] = p->val[s->out[k]].t;
            dout[k] = p->val[s->out[k]].gradient;
        }
        s->args.in = in;
        s->args.out = out;
        s->args.din = din;
        s->args.dout = dout;
        s->args.saved = at(p, s->saved_block);
        s->args.scratch = s->scratch = at(p, s->scratch_block);
        s->scratch_back = at(p, s->scratch_back_block);
        s->args.prepacked = at(p, s->prepacked_block);
        s->args.kernels = p->kernels;
        s->args.epilogue = s->activation ? &s->epilogue : NULL;
        s->args.residual = s->residual ? &in[s->nin - 1] : NULL;
        s->args.dresidual = s->residual ? &din[s->nin - 1] : NULL;
        s->args.training = p->opts.training;
    }
}

weft_status weft__plan_memory(weft_plan *p)
{
    last_uses(p);
    weft_status s = prepare_steps(p);
    if (!s) s = place_values(p);
    if (!s && p->opts.loss.id) s = place_gradients(p);
    if (!s) s = place_workspace(p);
    if (!s) s = assign(p);
    if (s) return s;
    size_t limit = p->opts.max_bytes ? p->opts.max_bytes : weft__max_memory();
    if (p->bytes > limit)
        return weft__fail(WEFT_ENOMEM,
                          "the plan needs %zu MB at batch %d, limit %zu MB. Use a "
                          "smaller batch",
                          p->bytes >> 20, p->batch, limit >> 20);
    p->borrowed =
        p->opts.share_memory_with && p->opts.share_memory_with->bytes >= p->bytes;
    p->memory =
        p->borrowed ? p->opts.share_memory_with->memory : weft__block_alloc(p->bytes);
    p->user = p->borrowed ? p->opts.share_memory_with->user
                          : weft__arena_alloc(&p->arena, sizeof *p->user);
    if (!p->memory || !p->user)
        return weft__fail(WEFT_ENOMEM,
                          "no memory for a plan of %zu MB at batch %d. Use a "
                          "smaller batch",
                          p->bytes >> 20, p->batch);
    set_pointers(p);
    return WEFT_OK;
}
