/* reorder.c: y = x in another storage order; the planner puts one where two neighbours
 * disagree. */
#include "ops/common/reorder.h"

#include "ops/common/shared.h"
#include "weft/ops.h"

#include <string.h>

typedef struct job {
    const weft__kernels *k;
    real *y;
    const real *x;
    size_t rows, cols, block,
        blocks; /* each of many rows x cols matrices in blocks of rows */
    int rank, dim[WEFT_MAX_RANK]; /* strided: the dimensions of y's storage, */
    size_t step[WEFT_MAX_RANK];   /* and how far each moves in x */
} job;

static void flat(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    memcpy(j->y + begin, j->x + begin, (end - begin) * sizeof(real));
}

static void matrices(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    for (size_t i = begin; i < end; i++) {
        size_t m = i / j->blocks, r = i % j->blocks * j->block;
        size_t n = j->rows - r < j->block ? j->rows - r : j->block;
        size_t at = m * j->rows * j->cols;
        j->k->transpose(j->y + at + r, j->x + at + r * j->cols, n, j->cols, j->rows,
                        j->cols);
    }
}

static void transposes(job *j, size_t count)
{
    /* whole cache lines of y belong to one block */
    j->block = j->rows > 64 ? 64 : j->rows;
    j->blocks = (j->rows + j->block - 1) / j->block;
    weft__spread(count * j->blocks, (double)j->block * (double)j->cols, matrices, j);
}

/* Rows (last dimension of y's storage) begin .. end-1. */
static void strided(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    int last = j->rank - 1;
    size_t n = (size_t)j->dim[last], step = j->step[last];
    for (size_t row = begin; row < end; row++) {
        size_t rest = row, at = 0;
        for (int d = last - 1; d >= 0; d--) {
            at += rest % (size_t)j->dim[d] * j->step[d];
            rest /= (size_t)j->dim[d];
        }
        for (size_t i = 0; i < n; i++) j->y[row * n + i] = j->x[at + i * step];
    }
}

static void general(job *j, const weft__tensor *y, const weft__tensor *x)
{
    int place[WEFT_MAX_RANK];
    size_t stride[WEFT_MAX_RANK];
    weft__storage(y, j->dim, place);
    weft__strides(x, stride);
    j->rank = y->rank;
    for (int i = 0; i < y->rank; i++) j->step[place[i]] = stride[i];
    weft__spread(y->count / (size_t)j->dim[y->rank - 1],
                 2.0 * j->dim[y->rank - 1] + 8.0 * y->rank, strided, j);
}

static bool same_storage(const weft__tensor *a, const weft__tensor *b)
{
    size_t sa[WEFT_MAX_RANK], sb[WEFT_MAX_RANK];
    weft__strides(a, sa);
    weft__strides(b, sb);
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] > 1 && sa[i] != sb[i]) return false;
    return true;
}

void WEFT_TWICE(reorder)(const weft__tensor *y, const weft__tensor *x,
                         const void *kernels)
{
    job j = {.k = kernels, .y = y->data, .x = x->data};
    size_t c = x->rank > 1 ? (size_t)x->dim[1] : 1, n = x->rank ? (size_t)x->dim[0] : 1;
    if (same_storage(x, y)) {
        if (y->data != x->data) weft__spread(x->count, 1, flat, &j);
    } else if (x->layout == WEFT_ROW_MAJOR && y->layout == WEFT_CHANNELS_LAST) {
        j.rows = c, j.cols = x->count / n / c;
        transposes(&j, n);
    } else if (x->layout == WEFT_CHANNELS_LAST && y->layout == WEFT_ROW_MAJOR) {
        j.rows = x->count / n / c, j.cols = c;
        transposes(&j, n);
    } else {
        general(&j, y, x);
    }
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    (void)node;
    weft__same_shape(&out[0], &in[0]);
    return WEFT_OK;
}

/* The planner says in out[0] what it is for; there is nothing to choose. */
static void layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give)
{
    (void)node, (void)in, (void)want;
    give[0] = out[0].layout;
}

static void forward(const weft__op_args *r)
{
    weft__reorder(&r->out[0], &r->in[0], r->kernels);
}

static void backward(const weft__op_args *r)
{
    if (r->din[0].data) weft__reorder(&r->din[0], &r->dout[0], r->kernels);
}

const weft_op WEFT_OP(reorder) = {
    .name = "reorder",
    .onnx = WEFT_ONNX(.name = "Identity", .since = 1),
    .arity = 1,
    .summary = "y = x in another storage order (placed by the planner)",
    .shape = shape,
    .layout = layout,
    .forward = forward,
    .backward = backward,
};
