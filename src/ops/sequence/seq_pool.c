/* seq_pool.c: reading one row off the valid steps of each sample. */
#include "ops/sequence/seq_pool.h"

#include "ops/common/strided.h"

WEFT_SHARED weft_value weft__seq_pool_add(weft_graph *g, const char *op, weft_value x,
                                          weft_value lengths)
{
    return weft__node_add(g, op, NULL, 0, (weft_value[]){x, lengths}, SEQ_POOL_INPUTS, 1);
}

WEFT_SHARED weft_status weft__seq_pool_shape(const weft__node *node,
                                             const weft__tensor *in, weft__tensor *out)
{
    const weft__tensor *x = &in[SEQ_POOL_X];
    weft_status s = weft__need(node, in, SEQ_POOL_X, "x", 3, 3);
    if (!s) s = weft__seq_check(node, in, SEQ_POOL_LENGTHS, x->dim[0]);
    return s ? s : weft__set_result(node, out, 2, (int[]){x->dim[0], x->dim[2]});
}

typedef struct job {
    const weft__op_args *r;
    weft__seq_pool_fn *f;
    weft__seq_pool_back_fn *back;
    int t;
    size_t c;
} job;

static size_t valid(const job *j, size_t sample)
{
    return (size_t)weft__seq_valid(&j->r->in[SEQ_POOL_LENGTHS], sample, j->t, 1);
}

static int32_t *saved(const job *j, size_t sample)
{
    int32_t *all = j->r->saved;
    return all ? all + sample * j->c : NULL;
}

static void read(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++)
        j->f(j->r, (real *)j->r->out[0].data + i * j->c,
             (const real *)j->r->in[SEQ_POOL_X].data + i * (size_t)j->t * j->c,
             valid(j, i), j->c, saved(j, i));
}

static void read_back(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        real *dx = (real *)j->r->din[SEQ_POOL_X].data + i * (size_t)j->t * j->c;
        size_t length = valid(j, i);
        j->back(j->r, dx, (const real *)j->r->dout[0].data + i * j->c, length, j->c,
                saved(j, i));
        weft__fill_zero(dx + length * j->c, ((size_t)j->t - length) * j->c);
    }
}

static void spread(const weft__op_args *r, job *j, weft__range *f)
{
    const weft__tensor *x = &r->in[SEQ_POOL_X];
    j->r = r;
    j->t = x->dim[1];
    j->c = (size_t)x->dim[2];
    weft__spread((size_t)x->dim[0], 2.0 * x->dim[1] * x->dim[2], f, j);
}

void weft__seq_pool_forward(const weft__op_args *r, weft__seq_pool_fn *f)
{
    spread(r, &(job){.f = f}, read);
}

void weft__seq_pool_backward(const weft__op_args *r, weft__seq_pool_back_fn *f)
{
    if (r->din[SEQ_POOL_X].data) spread(r, &(job){.back = f}, read_back);
}
