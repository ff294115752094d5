/* recurrent.h: what rnn, gru and lstm share: shapes, memory, and the walk over time.
 *
 * Inside, only the steps that count exist: samples are put in order of their
 * lengths, so that the samples with a step t are the first so many of a part, and
 * the rows of all arrays lie by part, then time, then sample (weft__rnn_job.place
 * tells which sample and time a row is). One product gives the input's part of all
 * gates at all steps. Then every direction of every part walks through time by
 * itself. Backward walks the other way and leaves the gates' deltas of all steps,
 * from which single products make the gradients of x, W and R. The backward
 * direction starts, with its initial state, at each sample's last step. What a
 * sample is given does not depend on the others: each element of a product is one
 * chain of sums, whatever the number of rows. */
#ifndef WEFT_SRC_OPS_RECURRENT_RECURRENT_H
#define WEFT_SRC_OPS_RECURRENT_RECURRENT_H

#include "ops/common/sample.h"
#include "ops/common/window.h"

/* The inputs, in ONNX's order; only lstm has the last two. */
enum { RNN_X, RNN_W, RNN_R, RNN_B, RNN_LENGTHS, RNN_H, RNN_C, RNN_PEEP, RNN_INPUTS };

/* w [dirs, wide, i], wide = gates * h; rows: the most there can be, n * t. Rows of
 * arrays: pitch elements of a state, gate_pitch of wide, x_pitch of i. */
typedef struct weft__rnn_sizes {
    int n, t, i, h, dirs, gates, wide, rows;
    ptrdiff_t pitch, gate_pitch, x_pitch;
} weft__rnn_sizes;

/* with reals in them, in this or in what they point to */
#define weft__rnn_job WEFT_TWICE(rnn_job)
#define weft__rnn_part WEFT_TWICE(rnn_part)
#define weft__rnn_back WEFT_TWICE(rnn_back)
#define weft__rnn_cell WEFT_TWICE(rnn_cell)
typedef struct weft__rnn_job weft__rnn_job;

/* One direction of some samples. */
typedef struct weft__rnn_part {
    const weft__rnn_job *job;
    int dir, number, rows; /* places 0 .. rows-1 of part `number` */
    real *h, *next;        /* [rows][pitch]: states; backward, h is their gradient */
    real *c;               /* [rows][pitch]: the cells, likewise */
    real *mid;             /* [rows][pitch]: for a cell that needs a product in between */
    real *dpeep;           /* [3 h]: this part's share of the peepholes' gradient */
} weft__rnn_part;

/* One row on the way back: gate, inner and old as the job's; n: h. */
typedef struct weft__rnn_back {
    real *gate, *inner, *dh, *dc, *mid;
    const real *old, *peep;
    real *dpeep; /* NULL: not wanted */
    size_t n;
} weft__rnn_back;

/* What tells one cell from another. */
typedef struct weft__rnn_cell {
    int gates;
    bool cells;  /* it has a second state, c */
    bool half;   /* its last gate reads not h but inner, r h: a product in between */
    bool apart;  /* the last gate's delta that multiplies the state is in inner */
    bool direct; /* the new state's gradient reaches the old one past the products too */
    void (*step)(const weft__rnn_part *p, weft__cell *s);
    /* dh comes with the gradient of the new state and leaves, with direct, with what
     * reaches the old one directly; gates (and inner) become deltas. */
    void (*back)(const weft__rnn_job *j, const weft__rnn_back *b);
    /* The same after the product in between, whose result mid has. Only with half. */
    void (*back_before)(const weft__rnn_job *j, const weft__rnn_back *b);
} weft__rnn_cell;

struct weft__rnn_job {
    const weft__op_args *r;
    const weft__kernels *k;
    const weft__rnn_cell *cell;
    weft__rnn_sizes z;
    int part_rows, part_count; /* of a direction */
    int rows;                  /* that there are */
    int *sample;               /* of place i of part p: [p + i * part_count] */
    int *first;                /* [part][t + 1]: the first row of a time */
    int *place;                /* [rows]: sample * t + time */
    real *gates;               /* [dirs][rows][gate_pitch] */
    real *old;                 /* [dirs][rows][pitch]: the state before, or NULL */
    real *inner;               /* [dirs][rows][pitch]: what the cell keeps, or NULL */
    real *w, *recurrent;       /* packed: [dirs][w_size], [dirs][recurrent_size] */
    size_t w_size, recurrent_size;
    char *parts; /* the parts' own memory */
    size_t part_bytes;
    real *x;  /* forward: a block of rows for each worker; backward: all of x, as rows */
    real *dx; /* a block of rows for each worker */
    void *scratch;
};

enum { WEFT_RNN_BLOCK = 64 }; /* rows of a product over all steps that are one item */

/* The rows of an item; fewer when there are few. */
static inline size_t weft__rnn_grain(const weft__rnn_job *j)
{
    return j->z.rows < 8 * WEFT_RNN_BLOCK ? WEFT_RNN_BLOCK / 4 : WEFT_RNN_BLOCK;
}
/* How many samples have a step at that time. */
static inline int weft__rnn_active(const weft__rnn_job *j, int part, int time)
{
    const int *first = j->first + (ptrdiff_t)part * (j->z.t + 1);
    return first[time + 1] - first[time];
}
/* Row `row` of direction dir, in gates or in old and inner. */
static inline real *weft__rnn_gates(const weft__rnn_job *j, int dir, int row)
{
    return j->gates + ((ptrdiff_t)dir * j->z.rows + row) * j->z.gate_pitch;
}
static inline real *weft__rnn_row(const weft__rnn_job *j, real *array, int dir, int row)
{
    return array ? array + ((ptrdiff_t)dir * j->z.rows + row) * j->z.pitch : NULL;
}
/* The row of y, or of its gradient. */
static inline real *weft__rnn_output(const weft__rnn_job *j, const weft__tensor *y,
                                     int dir, int place)
{
    return (real *)y->data + ((ptrdiff_t)place * j->z.dirs + dir) * j->z.h;
}

/* ---- recurrent.c: what both ways share ---- */
#define weft__rnn_start WEFT_TWICE(rnn_start)
weft__rnn_job weft__rnn_start(const weft__op_args *r, bool back);
#define weft__rnn_part_of WEFT_TWICE(rnn_part_of)
weft__rnn_part weft__rnn_part_of(const weft__rnn_job *j, size_t item);
/* The time of a direction's step. */
#define weft__rnn_time WEFT_TWICE(rnn_time)
int weft__rnn_time(const weft__rnn_part *p, int step);
/* Between the places of a part and a tensor [n, dirs, h], which may be absent: then
 * zeros come in and nothing goes out. */
#define weft__rnn_states_in WEFT_TWICE(rnn_states_in)
void weft__rnn_states_in(const weft__rnn_part *p, real *to, const weft__tensor *from);
#define weft__rnn_states_out WEFT_TWICE(rnn_states_out)
void weft__rnn_states_out(const weft__rnn_part *p, const weft__tensor *to,
                          const real *from, int first, int last);
/* x, rows first .. first+n-1. */
#define weft__rnn_gather WEFT_TWICE(rnn_gather)
void weft__rnn_gather(const weft__rnn_job *j, real *to, int first, int n);
/* The peepholes of a direction, or NULL. */
#define weft__rnn_peepholes WEFT_TWICE(rnn_peepholes)
const real *weft__rnn_peepholes(const weft__rnn_job *j, int dir);

/* ---- recurrent_shape.c ---- */

/* The shape rule: lstm: there are cells. */
weft_status weft__rnn_shape(const weft__node *node, const weft__tensor *in,
                            weft__tensor *out, int gates, bool lstm);
/* Checks the direction; WEFT_EUSAGE. */
weft_status weft__rnn_check(const char *op, const weft_rnn_opts *o);
/* Adds the node, without options that are not the operator's; h_n and c_n may be
 * NULL. */
weft_value weft__rnn_add(weft_graph *g, const char *op, weft_value x,
                         const weft_rnn_in *in, const weft_rnn_opts *opts,
                         weft_value *h_n, weft_value *c_n);
void weft__rnn_describe(const weft__node *node, char *text, size_t size);
double weft__rnn_flops(const weft__node *node, const weft__tensor *in,
                       const weft__tensor *out);
/* What weft_op.states asks. */
void weft__rnn_states(const weft__node *node, const weft__tensor *in, weft__states *s);
/* Random inputs for a sample. */
weft_value weft__rnn_sample(weft_graph *g, weft__rng *rng, weft_rnn_in *in,
                            weft_rnn_opts *o, int gates, bool lstm);
/* A sample of an operator with one state; make: its public function. */
typedef weft_value weft__rnn_maker(weft_graph *g, weft_value x, const weft_rnn_in *in,
                                   const weft_rnn_opts *opts, weft_value *h_n);
weft_value weft__rnn_sample_plain(weft_graph *g, weft__rng *rng, weft__rnn_maker *make,
                                  weft_rnn_opts o, int gates);
/* Uses each output sometimes. */
weft_value weft__rnn_sample_out(weft_graph *g, weft__rng *rng, weft_value y, weft_value h,
                                weft_value c);

/* What prepare leaves: the jobs of both ways, without pointers into memory. */
typedef struct weft__rnn_plan {
    weft__rnn_job forward, back;
} weft__rnn_plan;

#define weft__rnn_prepare WEFT_TWICE(rnn_prepare)
weft_status weft__rnn_prepare(const weft__setup *s, const weft__rnn_cell *cell);
#define weft__rnn_memory WEFT_TWICE(rnn_memory)
void weft__rnn_memory(const weft__setup *s, weft__memory *m);
#define weft__rnn_forward WEFT_TWICE(rnn_forward)
void weft__rnn_forward(const weft__op_args *r);
#define weft__rnn_backward WEFT_TWICE(rnn_backward)
void weft__rnn_backward(const weft__op_args *r);

#endif
