/* embedding.c: rows of a table, picked by integers. */
#include "ops/common/sample.h"

#include "base/thread.h"
#include "ops/common/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { INDEX, TABLE, INPUTS };
enum { RANGES = 8, SMALL = 30000, PIECE = 32 }; /* PIECE: columns of an item */

WEFT_API weft_value weft_embedding(weft_graph *g, weft_value index, weft_value table,
                                   const weft_embedding_opts *opts)
{
    weft_embedding_opts o = opts ? *opts : (weft_embedding_opts){0};
    return weft__node_add(g, "embedding", &o, sizeof o, (weft_value[]){index, table},
                          INPUTS, 1);
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft_embedding_opts *o = node->attr;
    const weft__tensor *index = &in[INDEX], *table = &in[TABLE];
    int dim[2 * WEFT_MAX_RANK], rank = 0;
    char text[128];
    if (index->rank < 0 || index->type != WEFT_I32)
        return weft__fail(WEFT_ESHAPE, "%s: index is %s, must be integers", node->name,
                          index->rank < 0 ? "absent" : "of floats");
    weft_status s = weft__need(node, in, TABLE, "table", 1, WEFT_MAX_RANK);
    if (s) return s;
    if (index->rank + table->rank - 1 > WEFT_MAX_RANK)
        return weft__fail(WEFT_ESHAPE,
                          "%s: index of rank %d and table %s give more than "
                          "%d dimensions",
                          node->name, index->rank,
                          weft__shape_text(text, sizeof text, table), WEFT_MAX_RANK);
    if (o->padded && (o->padding < 0 || o->padding >= table->dim[0]))
        return weft__fail(WEFT_EUSAGE, "%s: padding row %d, table %s has rows 0 to %d",
                          node->name, o->padding,
                          weft__shape_text(text, sizeof text, table), table->dim[0] - 1);
    for (int i = 0; i < index->rank; i++) dim[rank++] = index->dim[i];
    for (int i = 1; i < table->rank; i++) dim[rank++] = table->dim[i];
    return weft__set_result(node, out, rank, dim);
}

typedef struct job {
    const weft__op_args *r;
    const int32_t *index;
    size_t count, rows, wide; /* indices; the table */
    ptrdiff_t padding;        /* -1: none */
} job;

static job start(const weft__op_args *r)
{
    const weft_embedding_opts *o = r->attr;
    job j = {.r = r,
             .index = r->in[INDEX].data,
             .count = r->in[INDEX].count,
             .rows = (size_t)r->in[TABLE].dim[0],
             .padding = o->padded ? o->padding : -1};
    j.wide = r->in[TABLE].count / j.rows;
    return j;
}

/* The row meant; -1 when there is none. */
static ptrdiff_t row_of(const job *j, size_t at)
{
    ptrdiff_t rows = (ptrdiff_t)j->rows, k = j->index[at];
    if (k < 0) k += rows;
    return k < 0 || k >= rows ? -1 : k;
}

static void pick(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    const real *table = j->r->in[TABLE].data;
    real *y = (real *)j->r->out[0].data + begin * j->wide;
    for (size_t i = begin; i < end; i++, y += j->wide) {
        ptrdiff_t row = row_of(j, i);
        if (row >= 0)
            memcpy(y, table + (size_t)row * j->wide, j->wide * sizeof *y);
        else
            for (size_t k = 0; k < j->wide; k++) y[k] = (real)NAN;
    }
}

static void forward(const weft__op_args *r)
{
    job j = start(r);
    weft__spread(j.count, (double)j.wide, pick, &j);
}

/* Rows begin .. end-1 of the gradient: who reads a row adds to it in the order of the
 * indices, whichever range the row is in. */
static void collect(void *arg, size_t begin, size_t end, int worker)
{
    (void)worker;
    const job *j = arg;
    const real *dy = j->r->dout[0].data;
    real *dt = j->r->din[TABLE].data;
    memset(dt + begin * j->wide, 0, (end - begin) * j->wide * sizeof *dt);
    for (size_t i = 0; i < j->count; i++) {
        ptrdiff_t row = row_of(j, i);
        if (row < (ptrdiff_t)begin || row >= (ptrdiff_t)end || row == j->padding)
            continue;
        real *to = dt + (size_t)row * j->wide;
        KERNELS(j->r)->add(to, to, dy + i * j->wide, j->wide, 1, 1);
    }
}

/* Adds to some columns of the rows that were read, in the order of the indices. */
static void add_columns(void *arg, size_t begin, size_t end, int worker)
{
    const job *j = arg;
    const size_t from = begin * PIECE, to = end * PIECE < j->wide ? end * PIECE : j->wide;
    const real *dy = (const real *)j->r->dout[0].data + from;
    real *dt = (real *)j->r->din[TABLE].data + from;
    (void)worker;
    for (size_t i = 0; i < j->count; i++) {
        ptrdiff_t row = row_of(j, i);
        if (row < 0 || row == j->padding) continue;
        real *sum = dt + (size_t)row * j->wide;
        KERNELS(j->r)->add(sum, sum, dy + i * j->wide, to - from, 1, 1);
    }
}

static void add_to_rows(job *j)
{
    weft__row_set *row_set = j->r->din[TABLE].row_set;
    for (size_t i = 0; i < j->count; i++) {
        ptrdiff_t row = row_of(j, i);
        if (row >= 0 && row != j->padding) weft__row_set_add(row_set, (int32_t)row);
    }
    size_t pieces = (j->wide + PIECE - 1) / PIECE;
    bool small = j->count * j->wide < SMALL;
    weft__parallel(pieces, small ? pieces : 1, add_columns, j);
}

static void backward(const weft__op_args *r)
{
    job j = start(r);
    if (!r->din[TABLE].data) return;
    if (r->din[TABLE].row_set) {
        add_to_rows(&j);
        return;
    }
    /* every range looks at all indices, so there should be few */
    bool small = (j.count + j.rows) * j.wide < SMALL;
    weft__parallel(j.rows, small ? j.rows : (j.rows + RANGES - 1) / RANGES, collect, &j);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft_embedding_opts *o = node->attr;
    const char *sparse = o->sparse ? "sparse" : "";
    if (o->padded)
        snprintf(text, size, "padding %d%s%s", o->padding, o->sparse ? " " : "", sparse);
    else
        snprintf(text, size, "%s", sparse);
}

static unsigned writes_rows(const weft__node *node)
{
    const weft_embedding_opts *o = node->attr;
    return o->sparse ? 1u << TABLE : 0;
}

/* ---- ONNX ---- */

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    const weft_embedding_opts *o = node->attr;
    weft__onnx_keep_inputs(w, 0);
    weft__onnx_add_input(w, TABLE);
    weft__onnx_add_input(w, INDEX);
    if (o->padded) weft__onnx_put_note(w, "padding", o->padding);
    if (o->sparse) weft__onnx_put_note(w, "sparse", 1);
}

/* Gather with a known scalar, along any axis: a slice that loses its axis. */
static weft_status one_of(weft__onnx_node *n, weft_value x, int axis, int64_t at)
{
    weft_graph *g = weft__onnx_graph(n);
    int size = weft__onnx_shape(n, 0).dim[axis];
    if (at < -size || at >= size)
        return weft__onnx_fail(n, "index %lld, axis %d has %d elements", (long long)at,
                               axis, size);
    int from = (int)(at < 0 ? at + size : at);
    const weft_slice_range range = {.axis = axis, .start = from, .end = from + 1};
    weft_value y = weft_slice(g, x, 1, &range);
    weft__onnx_set(n, 0, weft_squeeze(g, y, 1, &axis));
    return weft_graph_status(g);
}

static weft_status from_onnx(weft__onnx_node *n)
{
    weft_graph *g = weft__onnx_graph(n);
    int64_t axis = weft__onnx_get_int(n, "axis", 0), at;
    weft_shape x = weft__onnx_shape(n, 0), index = weft__onnx_shape(n, 1);
    if (axis < -x.rank || axis >= x.rank)
        return weft__onnx_fail(n, "axis %lld of %d", (long long)axis, x.rank);
    if (axis < 0) axis += x.rank;
    if (index.rank == 0 && weft__onnx_const_ints(n, 1, &at, 1) == 1)
        return one_of(n, weft__onnx_value(n, 0), (int)axis, at);
    if (axis)
        return weft__onnx_fail(n, "axis %lld is supported for one known index only",
                               (long long)axis);
    int padding = weft__onnx_note(n, "padding");
    bool padded = padding >= 0 && padding < x.dim[0];
    weft_embedding_opts o = {.padded = padded,
                             .padding = padded ? padding : 0,
                             .sparse = weft__onnx_note(n, "sparse") > 0};
    weft_value table = weft__onnx_value(n, 0);
    if (o.sparse) (void)weft_param_no_decay(g, table); /* as the layer has it */
    weft__onnx_set(n, 0, weft_embedding(g, weft__onnx_value(n, 1), table, &o));
    return weft_graph_status(g);
}

/* Without padding: finite differences would see its row move. */
static weft_value sample(weft_graph *g, weft__rng *rng)
{
    int rows = weft__rng_between(rng, 1, 7);
    weft_shape table = weft__sample_shape(rng, 1, 3, 5);
    weft_shape index = weft__sample_shape(rng, 1, 3, 5);
    table.dim[0] = rows;
    weft_embedding_opts o = {.sparse = weft__rng_below(rng, 2)};
    return weft_embedding(g, weft_input_int(g, "index", index, rows),
                          weft__sample_value(g, rng, "table", table), &o);
}

const weft_op WEFT_OP(embedding) = {
    .name = "embedding",
    .onnx = WEFT_ONNX("Gather", 13, .read = from_onnx, .write = to_onnx),
    .arity = INPUTS,
    .summary = "y = rows of a table, picked by integers",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .writes_rows = writes_rows,
    .saves_in = 1u << INDEX,
    .unit_axis = WEFT_UNITS_LAST,
    .features = true,
    .describe = describe,
    .sample = sample,
};
