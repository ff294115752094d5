/* recurrent.c: whole-sequence recurrent layers: memory, and the walk over time. */
#include "ops/recurrent.h"

#include "base/thread.h"

#include <string.h>

/* ---- memory ---- */

enum { PART_ROWS = 32, PART_LEAST = 8 };

static weft__rnn_sizes measure(const weft__tensor *in)
{
    weft__rnn_sizes z = {.n = in[RNN_X].dim[0],
                         .t = in[RNN_X].dim[1],
                         .i = in[RNN_X].dim[2],
                         .h = in[RNN_R].dim[2],
                         .dirs = in[RNN_W].dim[0],
                         .wide = in[RNN_W].dim[1]};
    z.gates = z.wide / z.h;
    z.all = z.dirs * z.wide;
    z.rows = z.n * z.t;
    return z;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* How the samples are shared out: by their number alone. */
static void share(weft__rnn_job *j)
{
    int count = (j->z.n + PART_ROWS - 1) / PART_ROWS;
    if (count < 2 && j->z.n >= 2 * PART_LEAST) count = 2;
    j->part_rows = (j->z.n + count - 1) / count;
    j->part_count = (j->z.n + j->part_rows - 1) / j->part_rows;
}

/* rec = h times columns of R', gates first .. first+n-1 */
static weft__gemm product_forward(const weft__rnn_sizes *z, int rows, int gates)
{
    return (weft__gemm){.m = rows,
                        .n = gates * z->h,
                        .k = z->h,
                        .lda = z->h,
                        .ldb = z->wide,
                        .ldc = z->wide};
}

/* dh = rec times rows of R */
static weft__gemm product_back(const weft__rnn_sizes *z, int rows, int gates)
{
    return (weft__gemm){.m = rows,
                        .n = z->h,
                        .k = gates * z->h,
                        .lda = z->wide,
                        .ldb = z->h,
                        .ldc = z->h,
                        .accumulate = true};
}

static weft__gemm product_input(const weft__rnn_sizes *z)
{
    return (weft__gemm){
        .m = z->rows, .n = z->all, .k = z->i, .lda = z->i, .ldb = z->all, .ldc = z->all};
}

static weft__gemm product_for_x(const weft__rnn_sizes *z)
{
    return (weft__gemm){
        .m = z->rows, .n = z->i, .k = z->all, .lda = z->all, .ldb = z->i, .ldc = z->i};
}

static weft__gemm product_for_w(const weft__rnn_sizes *z)
{
    return (weft__gemm){.m = z->all,
                        .n = z->i,
                        .k = z->rows,
                        .lda = z->all,
                        .ldb = z->i,
                        .ldc = z->i,
                        .ta = true};
}

/* Rows of dR of that many gates; pitch: of the deltas. */
static weft__gemm product_for_r(const weft__rnn_sizes *z, int gates, int pitch)
{
    return (weft__gemm){.m = gates * z->h,
                        .n = z->h,
                        .k = z->rows,
                        .lda = pitch,
                        .ldb = z->h,
                        .ldc = z->h,
                        .ta = true};
}

static size_t step_scratch(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    int last = z->n - (j->part_count - 1) * j->part_rows;
    size_t most = 0;
    for (int k = 1; k <= z->gates; k++)
        for (int i = 0; i < 2; i++) {
            weft__gemm f = product_forward(z, i ? last : j->part_rows, k);
            weft__gemm b = product_back(z, i ? last : j->part_rows, k);
            most = larger(most, larger(j->k->gemm_scratch(&f), j->k->gemm_scratch(&b)));
            b.accumulate = false;
            most = larger(most, j->k->gemm_scratch(&b));
        }
    return (most + 63) / 64 * 64;
}

/* Of the products and sums over all steps. */
static size_t whole_scratch(const weft__rnn_job *j, bool training)
{
    const weft__rnn_sizes *z = &j->z;
    weft__gemm g = product_input(z);
    size_t most = j->k->gemm_scratch(&g);
    if (!training) return most;
    g = product_for_x(z);
    most = larger(most, j->k->gemm_scratch(&g));
    g = product_for_w(z);
    most = larger(most, j->k->gemm_scratch(&g));
    for (int k = 1; k <= z->gates; k++)
        for (int i = 0; i < 2; i++) {
            g = product_for_r(z, k, i ? z->h : z->all);
            most = larger(most, j->k->gemm_scratch(&g));
        }
    most = larger(most, j->k->sum_rows_scratch((size_t)z->rows, (size_t)z->all));
    return larger(most, j->k->sum_rows_scratch((size_t)z->rows, (size_t)z->h));
}

/* Bytes of a part: h, c, mid, rec, zero, and what its products need. */
static size_t part_bytes(const weft__rnn_job *j)
{
    size_t rows = (size_t)j->part_rows, h = (size_t)j->z.h;
    return 3 * weft__scratch_rows(rows, h) + weft__scratch_rows(rows, (size_t)j->z.wide) +
           weft__scratch_rows(1, h) + step_scratch(j);
}

static weft__rnn_job prepare(const weft__tensor *in, const void *kernels)
{
    weft__rnn_job j = {.k = kernels, .z = measure(in)};
    share(&j);
    j.part_bytes = part_bytes(&j);
    return j;
}

static size_t gates_bytes(const weft__rnn_sizes *z)
{
    return weft__scratch_rows((size_t)z->rows, (size_t)z->all);
}

static size_t kept_bytes(const weft__rnn_sizes *z)
{
    return weft__scratch_rows((size_t)z->rows * (size_t)z->dirs, (size_t)z->h);
}

/* scratch: parts; W' and R' (backward: a sum of all columns); the bias of the input's
 * product; gates when nothing is saved; what the large products need. */
void weft__rnn_memory(const weft__node *node, const weft__tensor *in,
                      const weft__tensor *out, const void *kernels, bool training,
                      weft__memory *m)
{
    weft__rnn_job j = prepare(in, kernels);
    const weft__rnn_sizes *z = &j.z;
    (void)node, (void)out;
    m->scratch = (size_t)(z->dirs * j.part_count) * j.part_bytes +
                 weft__scratch_rows((size_t)z->i, (size_t)z->all) +
                 weft__scratch_rows((size_t)z->h, (size_t)z->all) +
                 weft__scratch_rows(1, (size_t)z->all) + whole_scratch(&j, training);
    if (training)
        m->saved = gates_bytes(z) + 2 * kept_bytes(z);
    else
        m->scratch += gates_bytes(z);
}

static void *cut(char **place, size_t bytes)
{
    char *p = *place;
    *place += bytes;
    return p;
}

/* ---- the walk over time, shared ---- */

static bool active(const weft__rnn_part *p, int row)
{
    const int32_t *length = p->job->length;
    return !length || p->time < length[p->first + row];
}

static bool any_active(const weft__rnn_part *p)
{
    for (int i = 0; i < p->rows; i++)
        if (active(p, i)) return true;
    return false;
}

static bool reversed(const weft__rnn_part *p)
{
    const weft_rnn_opts *o = p->job->r->attr;
    return p->dir == 1 || o->direction == WEFT_RNN_REVERSE;
}

static void set_time(weft__rnn_part *p, int step)
{
    p->time = reversed(p) ? p->job->z.t - 1 - step : step;
    p->start = step == 0;
}

static weft__rnn_part part_of(const weft__rnn_job *j, size_t item)
{
    size_t rows = (size_t)j->part_rows, h = (size_t)j->z.h;
    weft__rnn_part p = {.job = j, .dir = (int)item / j->part_count};
    char *at = j->parts + item * j->part_bytes;
    p.first = (int)item % j->part_count * j->part_rows;
    p.rows = j->z.n - p.first < j->part_rows ? j->z.n - p.first : j->part_rows;
    p.h = cut(&at, weft__scratch_rows(rows, h));
    p.c = cut(&at, weft__scratch_rows(rows, h));
    p.mid = cut(&at, weft__scratch_rows(rows, h));
    p.rec = cut(&at, weft__scratch_rows(rows, (size_t)j->z.wide));
    p.zero = cut(&at, weft__scratch_rows(1, h));
    p.scratch = at;
    memset(p.zero, 0, h * sizeof(real));
    return p;
}

/* Between the rows of a part and a tensor [n, dirs, h]. */
static real *state_row(const weft__rnn_part *p, const weft__tensor *t, int row)
{
    const weft__rnn_sizes *z = &p->job->z;
    size_t at = (size_t)(p->first + row) * (size_t)z->dirs + (size_t)p->dir;
    return (real *)t->data + at * (size_t)z->h;
}

static void states_in(const weft__rnn_part *p, real *to, const weft__tensor *from)
{
    size_t h = (size_t)p->job->z.h;
    for (int i = 0; i < p->rows; i++, to += h)
        if (from->rank >= 0 && from->data)
            memcpy(to, state_row(p, from, i), h * sizeof *to);
        else
            memset(to, 0, h * sizeof *to);
}

static void states_out(const weft__rnn_part *p, const weft__tensor *to, const real *from)
{
    size_t h = (size_t)p->job->z.h;
    for (int i = 0; i < p->rows && to->rank >= 0 && to->data; i++, from += h)
        memcpy(state_row(p, to, i), from, h * sizeof *from);
}

/* The row of y or dy. */
static real *output_row(const weft__rnn_part *p, const weft__tensor *y, int row)
{
    const weft__rnn_sizes *z = &p->job->z;
    size_t at = (size_t)(p->first + row) * (size_t)z->t + (size_t)p->time;
    return (real *)y->data + (at * (size_t)z->dirs + (size_t)p->dir) * (size_t)z->h;
}

static real *row_of(real *array, int row, int wide)
{
    return array + (size_t)row * (size_t)wide;
}

/* ---- forward ---- */

static void state_product(const weft__rnn_part *p, const real *state, int first,
                          int gates)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    weft__gemm g = product_forward(z, p->rows, gates);
    const real *r = j->turned + (size_t)p->dir * (size_t)z->h * (size_t)z->wide;
    const real *b = NULL;
    if (j->r->in[RNN_B].rank >= 0)
        b = (const real *)j->r->in[RNN_B].data +
            (2 * (size_t)p->dir + 1) * (size_t)z->wide;
    size_t at = (size_t)first * (size_t)z->h;
    j->k->gemm(&g, p->rec + at, state, r + at, b ? b + at : NULL, p->scratch);
}

/* The state stays; nothing comes out. */
static void hold(const weft__rnn_part *p, int row)
{
    const weft__rnn_job *j = p->job;
    size_t bytes = (size_t)j->z.h * sizeof(real);
    real *inner = weft__rnn_kept(p, j->inner, row, p->time);
    memset(output_row(p, &j->r->out[0], row), 0, bytes);
    if (inner && j->cell->cells)
        memcpy(inner, row_of(p->c, row, j->z.h), bytes);
    else if (inner)
        memset(inner, 0, bytes);
}

static void step_forward(const weft__rnn_part *p)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const size_t bytes = (size_t)z->h * sizeof(real);
    const bool some = any_active(p), half = j->cell->half;
    if (j->old)
        for (int i = 0; i < p->rows; i++)
            memcpy(weft__rnn_kept(p, j->old, i, p->time), row_of(p->h, i, z->h), bytes);
    if (some) state_product(p, p->h, 0, z->gates - half);
    if (some && half) {
        for (int i = 0; i < p->rows; i++)
            if (active(p, i))
                j->cell->before(p, i);
            else
                memset(row_of(p->mid, i, z->h), 0, bytes);
        state_product(p, p->mid, z->gates - 1, 1);
    }
    for (int i = 0; i < p->rows; i++) {
        if (!active(p, i)) {
            hold(p, i);
            continue;
        }
        j->cell->step(p, i);
        memcpy(output_row(p, &j->r->out[0], i), row_of(p->h, i, z->h), bytes);
    }
}

static void walk_forward(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__run *r = j->r;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        weft__rnn_part p = part_of(j, item);
        states_in(&p, p.h, &r->in[RNN_H]);
        if (j->cell->cells) states_in(&p, p.c, &r->in[RNN_C]);
        for (int s = 0; s < j->z.t; s++) {
            set_time(&p, s);
            step_forward(&p);
        }
        states_out(&p, &r->out[1], p.h);
        if (j->cell->cells) states_out(&p, &r->out[2], p.c);
    }
}

static weft__rnn_job start(const weft__run *r, const weft__rnn_cell *cell, char **place)
{
    weft__rnn_job j = prepare(r->in, KERNELS(r));
    char *saved = r->saved;
    j.r = r;
    j.cell = cell;
    if (r->in[RNN_LENGTHS].rank >= 0) j.length = r->in[RNN_LENGTHS].data;
    *place = r->scratch;
    j.parts = cut(place, (size_t)(j.z.dirs * j.part_count) * j.part_bytes);
    if (saved) {
        j.gates = cut(&saved, gates_bytes(&j.z));
        j.old = cut(&saved, kept_bytes(&j.z));
        j.inner = cut(&saved, kept_bytes(&j.z));
    } else {
        j.gates = cut(place, gates_bytes(&j.z));
    }
    return j;
}

/* B without the state's half, in a row. */
static const real *input_bias(const weft__run *r, const weft__rnn_sizes *z, real *to)
{
    const real *b = r->in[RNN_B].data;
    size_t wide = (size_t)z->wide;
    if (r->in[RNN_B].rank < 0) return NULL;
    for (size_t d = 0; d < (size_t)z->dirs; d++)
        memcpy(to + d * wide, b + 2 * d * wide, wide * sizeof *to);
    return to;
}

void weft__rnn_forward(const weft__run *r, const weft__rnn_cell *cell)
{
    char *place;
    weft__rnn_job j = start(r, cell, &place);
    const weft__rnn_sizes *z = &j.z;
    const size_t wide = (size_t)z->wide, h = (size_t)z->h, all = (size_t)z->all;
    real *w = cut(&place, weft__scratch_rows((size_t)z->i, all));
    j.turned = cut(&place, weft__scratch_rows(h, all));
    real *b = cut(&place, weft__scratch_rows(1, all));
    /* A product with a transposed B sums in another order when it has few rows. */
    j.k->transpose(w, r->in[RNN_W].data, all, (size_t)z->i, all, (size_t)z->i);
    for (size_t d = 0; d < (size_t)z->dirs; d++)
        j.k->transpose(j.turned + d * h * wide,
                       (const real *)r->in[RNN_R].data + d * h * wide, wide, h, wide, h);
    weft__gemm g = product_input(z);
    j.k->gemm(&g, j.gates, r->in[RNN_X].data, w, input_bias(r, z, b), place);
    weft__parallel((size_t)(z->dirs * j.part_count), 1, walk_forward, &j);
}

/* ---- backward ---- */

/* to = (+=) the deltas of gates first .. times R */
static void delta_product(const weft__rnn_part *p, real *to, int first, int gates,
                          bool add)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    weft__gemm g = product_back(z, p->rows, gates);
    const real *r = (const real *)j->r->in[RNN_R].data +
                    (size_t)p->dir * (size_t)z->h * (size_t)z->wide;
    size_t at = (size_t)first * (size_t)z->h;
    g.accumulate = add;
    j->k->gemm(&g, to, p->rec + at, r + at * (size_t)z->h, NULL, p->scratch);
}

static void no_deltas(const weft__rnn_part *p, int row)
{
    const weft__rnn_job *j = p->job;
    size_t wide = (size_t)j->z.wide * sizeof(real);
    memset(weft__rnn_gates(p, row), 0, wide);
    memset(row_of(p->rec, row, j->z.wide), 0, wide);
    if (!j->cell->cells)
        memset(weft__rnn_kept(p, j->inner, row, p->time), 0,
               (size_t)j->z.h * sizeof(real));
}

/* Tells who asked how large the whole gradient of this state is. */
static void note_state(const weft__rnn_part *p, int row, const real *dh)
{
    const weft__rnn_sizes *z = &p->job->z;
    size_t at = (size_t)(p->first + row) * (size_t)z->t + (size_t)p->time;
    double sum = 0;
    for (int k = 0; k < z->h; k++) sum += (double)dh[k] * (double)dh[k];
    p->job->r->states[at * (size_t)z->dirs + (size_t)p->dir] = sum;
}

static void step_backward(const weft__rnn_part *p)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const weft__tensor *dy = &j->r->dout[0];
    const bool half = j->cell->half;
    for (int i = 0; i < p->rows; i++) {
        real *dh = row_of(p->h, i, z->h);
        if (!active(p, i)) {
            no_deltas(p, i);
            continue;
        }
        if (dy->data) j->k->add(dh, dh, output_row(p, dy, i), (size_t)z->h, 1, 1);
        if (j->r->states) note_state(p, i, dh);
        j->cell->back(p, i);
    }
    if (!any_active(p)) return;
    if (half) {
        delta_product(p, p->mid, z->gates - 1, 1, false);
        for (int i = 0; i < p->rows; i++)
            if (active(p, i)) j->cell->back_before(p, i);
    }
    delta_product(p, p->h, 0, z->gates - half, true);
}

static void walk_backward(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__run *r = j->r;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        weft__rnn_part p = part_of(j, item);
        states_in(&p, p.h, &r->dout[1]);
        if (j->cell->cells) states_in(&p, p.c, &r->dout[2]);
        for (int s = j->z.t - 1; s >= 0; s--) {
            set_time(&p, s);
            step_backward(&p);
        }
        states_out(&p, &r->din[RNN_H], p.h);
        if (j->cell->cells) states_out(&p, &r->din[RNN_C], p.c);
    }
}

/* The deltas that multiply the state differ from those that multiply x, in the last gate,
 * when the reset gate comes after the product; the cell left them in inner. */
static bool inner_is_delta(const weft__rnn_job *j)
{
    return j->z.gates == 3 && !j->cell->half;
}

static void gradient_of_b(const weft__rnn_job *j, real *sums)
{
    const weft__rnn_sizes *z = &j->z;
    const size_t wide = (size_t)z->wide, rows = (size_t)z->rows, h = (size_t)z->h;
    real *db = j->r->din[RNN_B].data;
    j->k->sum_rows(sums, j->gates, rows, (size_t)z->all, j->scratch);
    for (size_t d = 0; d < (size_t)z->dirs; d++) {
        real *to = db + 2 * d * wide;
        memcpy(to, sums + d * wide, wide * sizeof *to);
        memcpy(to + wide, to, wide * sizeof *to);
        if (inner_is_delta(j))
            j->k->sum_rows(to + 2 * wide - h, j->inner + d * rows * h, rows, h,
                           j->scratch);
    }
}

static void gradient_of_r(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    const size_t wide = (size_t)z->wide, rows = (size_t)z->rows, h = (size_t)z->h;
    const bool apart = z->gates == 3; /* the last gate */
    for (size_t d = 0; d < (size_t)z->dirs; d++) {
        real *dr = (real *)j->r->din[RNN_R].data + d * wide * h;
        const real *delta = j->gates + d * wide, *old = j->old + d * rows * h;
        const real *inner = j->inner + d * rows * h;
        weft__gemm g = product_for_r(z, z->gates - apart, z->all);
        j->k->gemm(&g, dr, delta, old, NULL, j->scratch);
        if (!apart) continue;
        g = product_for_r(z, 1, j->cell->half ? z->all : z->h);
        dr += 2 * h * h;
        if (j->cell->half)
            j->k->gemm(&g, dr, delta + 2 * h, inner, NULL, j->scratch);
        else
            j->k->gemm(&g, dr, inner, old, NULL, j->scratch);
    }
}

const real *weft__rnn_cells_before(const weft__rnn_part *p, int row)
{
    const weft__rnn_job *j = p->job;
    if (!p->start)
        return weft__rnn_kept(p, j->inner, row, p->time + (reversed(p) ? 1 : -1));
    return j->r->in[RNN_C].rank < 0 ? p->zero : state_row(p, &j->r->in[RNN_C], row);
}

/* dpeep[i o f] = sum over samples, then steps, of delta times cells. */
static void gradient_of_peep(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    const size_t h = (size_t)z->h;
    for (int d = 0; d < z->dirs; d++) {
        real *dp = (real *)j->r->din[RNN_PEEP].data + (size_t)d * 3 * h;
        memset(dp, 0, 3 * h * sizeof *dp);
        for (int k = 0; k < z->n * z->t; k++) {
            weft__rnn_part p = {.job = j, .dir = d, .first = k / z->t};
            set_time(&p, k % z->t);
            const real *delta = weft__rnn_gates(&p, 0);
            const real *before = weft__rnn_cells_before(&p, 0);
            const real *after = weft__rnn_kept(&p, j->inner, 0, p.time);
            j->k->mul_acc(dp + h, delta + h, after, h);
            if (!before) continue;
            j->k->mul_acc(dp, delta, before, h);
            j->k->mul_acc(dp + 2 * h, delta + 2 * h, before, h);
        }
    }
}

void weft__rnn_backward(const weft__run *r, const weft__rnn_cell *cell)
{
    char *place;
    weft__rnn_job j = start(r, cell, &place);
    const weft__rnn_sizes *z = &j.z;
    real *sums = cut(&place, weft__scratch_rows(1, (size_t)z->all));
    j.scratch = place;
    weft__parallel((size_t)(z->dirs * j.part_count), 1, walk_backward, &j);
    if (r->din[RNN_X].data) {
        weft__gemm g = product_for_x(z);
        j.k->gemm(&g, r->din[RNN_X].data, j.gates, r->in[RNN_W].data, NULL, j.scratch);
    }
    if (r->din[RNN_W].data) {
        weft__gemm g = product_for_w(z);
        j.k->gemm(&g, r->din[RNN_W].data, j.gates, r->in[RNN_X].data, NULL, j.scratch);
    }
    if (r->din[RNN_R].data) gradient_of_r(&j);
    if (r->in[RNN_B].rank >= 0 && r->din[RNN_B].data) gradient_of_b(&j, sums);
    if (cell->cells && r->in[RNN_PEEP].rank >= 0 && r->din[RNN_PEEP].data)
        gradient_of_peep(&j);
}
