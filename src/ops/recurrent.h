/* recurrent.h: what rnn, gru and lstm share: shapes, memory, and the walk over time.
 *
 * One product gives the input's part of all gates at all steps. Then every direction and
 * every few samples walk through time by themselves: a product with the state, a pass
 * over the gates. Backward walks the other way and leaves the gates' deltas of all steps,
 * from which single products make the gradients of x, W and R. A sample whose length is
 * over keeps its state, gives 0, and has deltas of 0; so the backward direction starts,
 * with its initial state, at each sample's last step. */
#ifndef WEFT_SRC_OPS_RECURRENT_H
#define WEFT_SRC_OPS_RECURRENT_H

#include "ops/sample.h"
#include "ops/window.h"

/* The inputs, in ONNX's order; only lstm has the last two. */
enum { RNN_X, RNN_W, RNN_R, RNN_B, RNN_LENGTHS, RNN_H, RNN_C, RNN_PEEP, RNN_INPUTS };

/* w [dirs, wide, i], wide = gates * h; all = dirs * wide; rows = n * t. */
typedef struct weft__rnn_sizes {
    int n, t, i, h, dirs, gates, wide, all, rows;
} weft__rnn_sizes;

struct weft__rnn_job;

/* One direction of some samples, at one step. The arrays are of this part alone. */
typedef struct weft__rnn_part {
    const struct weft__rnn_job *job;
    int dir, first, rows; /* samples first .. first+rows-1 */
    int time;
    bool start; /* the first step of this direction */
    real *h;    /* [rows][h]: the state; backward, its gradient */
    real *c;    /* [rows][h]: the cells, likewise */
    real *rec;  /* [rows][wide]: the state's part of the gates; backward, their deltas */
    real *mid;  /* [rows][h]: for a cell that needs a product in between */
    real *zero; /* [h] */
    void *scratch;
} weft__rnn_part;

/* What tells one cell from another. Each call is for one row (sample first + row). */
typedef struct weft__rnn_cell {
    int gates;
    bool cells; /* it has a second state, c */
    bool half;  /* its last gate reads mid, not h: a product in between */
    /* Fills mid from rec's first gates. Only with half. */
    void (*before)(const weft__rnn_part *p, int row);
    /* h (and c) become the new state; gates and inner are kept for backward. */
    void (*step)(const weft__rnn_part *p, int row);
    /* h comes with the gradient of the new state and leaves with what reaches the old one
     * past the products; gates become deltas, rec those that multiply the state. */
    void (*back)(const weft__rnn_part *p, int row);
    /* The same behind the product in between, whose result mid has. Only with half. */
    void (*back_before)(const weft__rnn_part *p, int row);
} weft__rnn_cell;

typedef struct weft__rnn_job {
    const weft__run *r;
    const weft__kernels *k;
    const weft__rnn_cell *cell;
    weft__rnn_sizes z;
    const int32_t *length; /* NULL: all steps */
    real *gates;           /* [n][t][dirs][wide] */
    real *old;             /* [dirs][n][t][h]: the state before each step, or NULL */
    real *inner;           /* [dirs][n][t][h]: what the cell keeps, or NULL */
    real *turned;          /* R transposed: [dirs][h][wide] */
    char *parts;           /* the parts' own memory */
    size_t part_bytes;
    int part_rows, part_count; /* of a direction */
    void *scratch;             /* of the products over all steps */
} weft__rnn_job;

/* Row `row` at the part's time. */
static inline real *weft__rnn_gates(const weft__rnn_part *p, int row)
{
    const weft__rnn_sizes *z = &p->job->z;
    size_t at = (size_t)(p->first + row) * (size_t)z->t + (size_t)p->time;
    return p->job->gates + at * (size_t)z->all + (size_t)p->dir * (size_t)z->wide;
}
/* In old or inner, at any time; NULL where there is none. */
static inline real *weft__rnn_kept(const weft__rnn_part *p, real *array, int row,
                                   int time)
{
    const weft__rnn_sizes *z = &p->job->z;
    size_t sample = (size_t)p->dir * (size_t)z->n + (size_t)(p->first + row);
    return array ? array + (sample * (size_t)z->t + (size_t)time) * (size_t)z->h : NULL;
}

/* The cells before the part's step (c0 at the start). */
#define weft__rnn_cells_before WEFT_TWICE(rnn_cells_before)
const real *weft__rnn_cells_before(const weft__rnn_part *p, int row);

/* The shape rule: lstm: there are cells. */
weft_status weft__rnn_shape(const weft__node *node, const weft__tensor *in,
                            weft__tensor *out, int gates, bool lstm);
/* Checks the direction; WEFT_EUSAGE. */
weft_status weft__rnn_check(const char *op, const weft_rnn_opts *o);
/* Adds the node; h_n and c_n may be NULL. */
weft_val weft__rnn_add(weft_graph *g, const char *op, weft_val x, const weft_rnn_in *in,
                       const weft_rnn_opts *opts, weft_val *h_n, weft_val *c_n);
void weft__rnn_describe(const weft__node *node, char *text, size_t size);
double weft__rnn_flops(const weft__node *node, const weft__tensor *in,
                       const weft__tensor *out);
/* Random inputs for a sample. */
weft_val weft__rnn_sample(weft_graph *g, weft__rng *rng, weft_rnn_in *in,
                          weft_rnn_opts *o, int gates, bool lstm);
/* Uses each output sometimes. */
weft_val weft__rnn_sample_out(weft_graph *g, weft__rng *rng, weft_val y, weft_val h,
                              weft_val c);

#define weft__rnn_memory WEFT_TWICE(rnn_memory)
void weft__rnn_memory(const weft__node *node, const weft__tensor *in,
                      const weft__tensor *out, const void *kernels, bool training,
                      weft__memory *m);
#define weft__rnn_forward WEFT_TWICE(rnn_forward)
void weft__rnn_forward(const weft__run *r, const weft__rnn_cell *cell);
#define weft__rnn_backward WEFT_TWICE(rnn_backward)
void weft__rnn_backward(const weft__run *r, const weft__rnn_cell *cell);

#endif
