/* seq_max_pool.c: the largest of each window of valid steps. */
#include "ops/sequence/sequence.h"

#include "ops/pooling/pooling.h"
#include "ops/common/strided.h"

#include <math.h>

enum { X, LENGTHS, LENGTHS_OUT, INPUTS };

/* As floor with more padding: a window that hangs over has the same steps either
 * way. */
WEFT_SHARED weft__window weft__seq_pool_slide(const weft_pool_opts *o)
{
    int stride = o->stride[0] ? o->stride[0] : o->kernel[0];
    weft__window s = weft__seq_window_of(o->kernel[0], stride, o->dilate[0], o->pad[0],
                                         o->uneven ? o->pad_end[0] : o->pad[0], o->mode);
    if (o->ceil && o->mode == WEFT_PAD_GIVEN && s.stride[0] > 0 &&
        s.pad_end[0] <= WEFT_WINDOW_LIMIT && s.stride[0] <= WEFT_WINDOW_LIMIT)
        s.pad_end[0] += s.stride[0] - 1;
    return s;
}

WEFT_SHARED weft_value weft__seq_max_pool_add(weft_graph *g, const weft__seq_window *a,
                                              weft_value x, weft_value lengths,
                                              weft_value lengths_out)
{
    return weft__node_add(g, "seq_max_pool", a, sizeof *a,
                          (weft_value[]){x, lengths, lengths_out}, INPUTS, 1);
}

WEFT_API weft_value weft_seq_max_pool(weft_graph *g, weft_value x, weft_value lengths,
                                      const weft_pool_opts *opts, weft_value *out_lengths)
{
    const weft_pool_opts none = {.pad = {0}};
    weft__seq_window a = {.window = weft__seq_pool_slide(opts ? opts : &none)};
    weft_value lengths_out = weft__seq_lengths_after(g, &a.window, lengths);
    if (out_lengths) *out_lengths = lengths_out;
    return weft__seq_max_pool_add(g, &a, x, lengths, lengths_out);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__window *s = &((const weft__seq_window *)node->attr)->window;
    weft__window_axis a;
    weft_status status = weft__need(node, in, X, "x", 3, 3);
    if (!status) status = weft__seq_check(node, in, LENGTHS, in[X].dim[0]);
    if (!status) status = weft__seq_window_resolve(node, s, in[X].dim[1], &a);
    if (status) return status;
    int span = a.dilate * (a.kernel - 1) + 1;
    if (a.before >= span || a.after >= span || (a.dilate > 1 && a.before + a.after))
        return weft__fail(WEFT_EUSAGE,
                          "%s: a window of %d steps (dilation %d) can lie in the padding "
                          "of %d and %d alone",
                          node->name, a.kernel, a.dilate, a.before, a.after);
    return weft__set_result(node, out, 3, (int[]){in[X].dim[0], a.out, in[X].dim[2]});
}

/* ---- by sample ---- */

typedef struct job {
    const weft__op_args *r;
    weft__window_axis a;
    int c;
} job;

/* The geometry of one sample. */
static weft__pool pool_of(const job *j, size_t sample)
{
    const weft__window_axis *a = &j->a;
    int length = weft__seq_valid(&j->r->in[LENGTHS], sample, a->size, 1);
    return (weft__pool){.n = 1,
                        .h = 1,
                        .w = length,
                        .c = j->c,
                        .oh = 1,
                        .ow = weft__seq_shorter(length, weft__seq_add(a), a->stride),
                        .kh = 1,
                        .kw = a->kernel,
                        .stride_h = 1,
                        .stride_w = a->stride,
                        .dilate_h = 1,
                        .dilate_w = a->dilate,
                        .left = a->before,
                        .right = a->after};
}

/* The job without the run. */
static weft_status prepare(const weft__setup *s)
{
    const weft__seq_window *o = s->node->attr;
    job *j = s->prepared;
    j->c = s->in[X].dim[2];
    return weft__seq_window_resolve(s->node, &o->window, s->in[X].dim[1], &j->a);
}

static job start(const weft__op_args *r)
{
    job j = *(const job *)r->prepared;
    j.r = r;
    return j;
}

static int32_t *index_of(const job *j, size_t sample)
{
    int32_t *all = j->r->saved;
    return all ? all + sample * (size_t)j->a.out * (size_t)j->c : NULL;
}

static void pool(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t x_size = (size_t)j->a.size * (size_t)j->c;
    size_t y_size = (size_t)j->a.out * (size_t)j->c;
    for (size_t i = begin; i < end; i++) {
        weft__pool p = pool_of(j, i);
        const real *x = (const real *)j->r->in[X].data + i * x_size;
        real *y = (real *)j->r->out[0].data + i * y_size;
        size_t used = (size_t)p.ow * (size_t)j->c;
        KERNELS(j->r)->max_pool(&p, y, x, index_of(j, i), NULL);
        weft__fill_zero(y + used, y_size - used);
    }
}

static void forward(const weft__op_args *r)
{
    job j = start(r);
    weft__spread((size_t)r->in[X].dim[0], 2.0 * j.a.out * j.c * j.a.kernel, pool, &j);
}

static void pool_back(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t x_size = (size_t)j->a.size * (size_t)j->c;
    size_t y_size = (size_t)j->a.out * (size_t)j->c;
    for (size_t i = begin; i < end; i++) {
        weft__pool p = pool_of(j, i);
        real *dx = (real *)j->r->din[X].data + i * x_size;
        const real *dy = (const real *)j->r->dout[0].data + i * y_size;
        size_t used = (size_t)p.w * (size_t)j->c;
        KERNELS(j->r)->max_pool_backward(&p, dx, dy, index_of(j, i));
        weft__fill_zero(dx + used, x_size - used);
    }
}

static void backward(const weft__op_args *r)
{
    job j = start(r);
    if (r->din[X].data)
        weft__spread((size_t)r->in[X].dim[0], 2.0 * j.a.size * j.c, pool_back, &j);
}

/* ---- the rest ---- */

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)in;
    return (double)((const weft__seq_window *)node->attr)->window.kernel[0] *
           (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    weft__window_text(&((const weft__seq_window *)node->attr)->window, text, size);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    weft__seq_window_to_onnx(node, w, "MaxPool", 0, LENGTHS, -INFINITY);
}

static weft_value whole(weft_graph *g, const weft__node *last)
{
    const weft__node *first;
    const weft__node *pool = weft__seq_middle(g, last, "max_pool", -INFINITY, &first);
    const weft__pooling *a = pool ? pool->attr : NULL;
    weft__seq_window window = {.groups = 0};
    if (!pool || !weft__seq_window_alone(g, first, last, &a->window, &window))
        return WEFT_NONE;
    return weft__seq_max_pool_add(g, &window, (weft_value){first->in[0]},
                                  (weft_value){first->in[1]}, (weft_value){last->in[1]});
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int kernel = weft__rng_between(rng, 1, 4),
        pad = weft__rng_between(rng, 0, 1) * kernel / 2;
    weft_pool_opts o = {.kernel = {kernel},
                        .stride = {weft__rng_between(rng, 0, kernel)},
                        .pad = {pad < kernel ? pad : 0},
                        .ceil = weft__rng_below(rng, 3) == 0};
    if (o.ceil || weft__rng_below(rng, 4) == 0) o.pad[0] = 0;
    if (!o.pad[0] && !o.ceil) o.dilate[0] = weft__rng_between(rng, 1, 2);
    weft_value lengths, x = weft__seq_sample(g, rng, 3, 3, &lengths);
    return weft_seq_max_pool(g, x, lengths, &o, NULL);
}

const weft_op WEFT_OP(seq_max_pool) = {
    .name = "seq_max_pool",
    .onnx = WEFT_ONNX(.whole = whole, .write = to_onnx),
    .arity = INPUTS,
    .summary = "the largest of each window of valid steps of sequences",
    .shape = shape,
    .prepare = prepare,
    .prepared = sizeof(job),
    .memory = weft__pooling_index_memory,
    .forward = forward,
    .backward = backward,
    .saves_in = 1u << LENGTHS,
    .unit_axis = WEFT_UNITS_LAST,
    .lengths_input = LENGTHS_OUT,
    .pools = true,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
