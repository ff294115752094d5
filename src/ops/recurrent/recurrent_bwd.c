/* recurrent_bwd.c: whole-sequence recurrent layers: back-propagation through time. */
#include "ops/recurrent/recurrent.h"

#include "base/thread.h"

#include <string.h>

/* ---- through time ---- */

/* to = (+=) the deltas (rows of `pitch`) of gates first .. times R */
static void delta_product(const weft__rnn_part *p, real *to, const real *deltas,
                          ptrdiff_t pitch, int rows, int first, int gates, bool add)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const real *r = j->recurrent + (size_t)p->dir * j->recurrent_size;
    j->k->gemm_prepacked(
        &(weft__gemm_prepacked){.rows = rows,
                                .k = gates * z->h,
                                .n = z->h,
                                .a = deltas,
                                .lda = pitch,
                                .b = r + j->k->panel_size(first * z->h),
                                .panel = (ptrdiff_t)j->k->panel_size(z->wide),
                                .c = to,
                                .ldc = z->pitch,
                                .accumulate = add});
}

static void products_back(const weft__rnn_part *p, int row, int rows)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const weft__rnn_cell *cell = j->cell;
    const int last = z->gates - 1, together = z->gates - (cell->half || cell->apart);
    const real *gates = weft__rnn_gates(j, p->dir, row);
    delta_product(p, p->h, gates, z->gate_pitch, rows, 0, together, cell->direct);
    if (cell->apart)
        delta_product(p, p->h, weft__rnn_row(j, j->inner, p->dir, row), z->pitch, rows,
                      last, 1, true);
}

static weft__rnn_back row_back(const weft__rnn_part *p, int row, int i)
{
    const weft__rnn_job *j = p->job;
    const ptrdiff_t at = i * j->z.pitch;
    bool peep = j->cell->cells && j->r->in[RNN_PEEP].rank >= 0;
    return (weft__rnn_back){.gate = weft__rnn_gates(j, p->dir, row + i),
                            .inner = weft__rnn_row(j, j->inner, p->dir, row + i),
                            .old = weft__rnn_row(j, j->old, p->dir, row + i),
                            .dh = p->h + at,
                            .dc = p->c + at,
                            .mid = p->mid + at,
                            .peep = weft__rnn_peepholes(j, p->dir),
                            .dpeep = peep ? p->dpeep : NULL,
                            .n = (size_t)j->z.h};
}

/* Of the samples that have it. */
static void step_back(const weft__rnn_part *p, int time, int rows)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const weft__op_args *r = j->r;
    const size_t h = (size_t)z->h;
    const int row = j->first[(ptrdiff_t)p->number * (z->t + 1) + time];
    for (int i = 0; i < rows; i++) {
        weft__rnn_back b = row_back(p, row, i);
        const int place = j->place[row + i];
        if (r->dout[0].data)
            j->k->add(b.dh, b.dh, weft__rnn_output(j, &r->dout[0], p->dir, place), h, 1,
                      1);
        /* Here dh is all of the loss's gradient for this step's state: what comes from
         * its output and what came back through the later steps. */
        if (r->step_gradient)
            memcpy((real *)r->step_gradient +
                       ((size_t)place * (size_t)z->dirs + (size_t)p->dir) * h,
                   b.dh, h * sizeof *b.dh);
        j->cell->back(j, &b);
    }
    if (j->cell->half) {
        delta_product(p, p->mid, weft__rnn_gates(j, p->dir, row) + (z->gates - 1) * z->h,
                      z->gate_pitch, rows, z->gates - 1, 1, false);
        for (int i = 0; i < rows; i++) {
            weft__rnn_back b = row_back(p, row, i);
            j->cell->back_before(j, &b);
        }
    }
    products_back(p, row, rows);
}

static void walk_back(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__op_args *r = j->r;
    const bool cells = j->cell->cells;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        weft__rnn_part p = weft__rnn_part_of(j, item);
        memset(p.dpeep, 0, 3 * (size_t)j->z.h * sizeof *p.dpeep);
        weft__rnn_states_in(&p, p.h, &r->dout[1]);
        if (cells) weft__rnn_states_in(&p, p.c, &r->dout[2]);
        for (int s = j->z.t - 1; s >= 0; s--) {
            int time = weft__rnn_time(&p, s), rows = weft__rnn_active(j, p.number, time);
            if (rows) step_back(&p, time, rows);
        }
        weft__rnn_states_out(&p, &r->din[RNN_H], p.h, 0, p.rows);
        if (cells) weft__rnn_states_out(&p, &r->din[RNN_C], p.c, 0, p.rows);
    }
}

/* ---- over all steps ---- */

/* Item: a panel of W or of R, of a direction. */
static void pack_task(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__rnn_sizes *z = &j->z;
    const int of_w = (int)j->k->panels(z->i), of_r = (int)j->k->panels(z->h);
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        ptrdiff_t d = (ptrdiff_t)item / (of_w + of_r);
        int i = (int)item % (of_w + of_r);
        const real *w = (const real *)j->r->in[RNN_W].data + d * z->wide * z->i;
        const real *r = (const real *)j->r->in[RNN_R].data + d * z->wide * z->h;
        if (i < of_w)
            j->k->pack(j->w + (size_t)d * j->w_size, w, z->wide, z->i, z->i, false, i,
                       i + 1);
        else
            j->k->pack(j->recurrent + (size_t)d * j->recurrent_size, r, z->wide, z->h,
                       z->h, false, i - of_w, i - of_w + 1);
    }
}

static void gradient_of_x(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__rnn_sizes *z = &j->z;
    const size_t bytes = (size_t)z->i * sizeof(real);
    real *dx = j->dx + (ptrdiff_t)worker * WEFT_RNN_BLOCK * z->x_pitch;
    for (int row = (int)begin, n; row < (int)end; row += n) {
        n = (int)end - row < WEFT_RNN_BLOCK ? (int)end - row : WEFT_RNN_BLOCK;
        for (int d = 0; d < z->dirs; d++)
            j->k->gemm_prepacked(
                &(weft__gemm_prepacked){.rows = n,
                                        .k = z->wide,
                                        .n = z->i,
                                        .a = weft__rnn_gates(j, d, row),
                                        .lda = z->gate_pitch,
                                        .b = j->w + (size_t)d * j->w_size,
                                        .panel = (ptrdiff_t)j->k->panel_size(z->wide),
                                        .c = dx,
                                        .ldc = z->x_pitch,
                                        .accumulate = d > 0});
        for (int i = 0; i < n; i++)
            memcpy((real *)j->r->din[RNN_X].data + (ptrdiff_t)j->place[row + i] * z->i,
                   dx + i * z->x_pitch, bytes);
    }
}

static void gather_x(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    (void)worker;
    weft__rnn_gather(j, j->x + (ptrdiff_t)begin * j->z.x_pitch, (int)begin,
                     (int)(end - begin));
}

/* Rows of dW or dR that are one item, at most. */
enum { UNITS = 168 };

static int unit_parts(const weft__rnn_sizes *z)
{
    return (z->h + UNITS - 1) / UNITS;
}

/* Some units of one gate, of W or of R, of a direction. */
static void weight_task(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__rnn_sizes *z = &j->z;
    const int parts = unit_parts(z), last = z->gates - 1;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int at = (int)item, part = at % parts, g = at / parts % z->gates;
        int d = at / parts / z->gates % z->dirs;
        bool recurrent = at >= parts * z->gates * z->dirs;
        int u = (int)((long long)z->h * part / parts);
        int m = (int)((long long)z->h * (part + 1) / parts) - u;
        int n = recurrent ? z->h : z->i;
        const real *delta = weft__rnn_gates(j, d, 0) + g * z->h + u;
        const real *inner = weft__rnn_row(j, j->inner, d, 0);
        ptrdiff_t pitch = z->gate_pitch;
        const real *by = recurrent ? weft__rnn_row(j, j->old, d, 0) : j->x;
        if (recurrent && j->cell->apart && g == last) {
            delta = inner + u;
            pitch = z->pitch;
        }
        if (recurrent && j->cell->half && g == last) by = inner;
        const weft__tensor *dw = &j->r->din[recurrent ? RNN_R : RNN_W];
        if (!dw->data) continue;
        real *to = (real *)dw->data + ((ptrdiff_t)d * z->wide + g * z->h + u) * n;
        j->k->gemm_tn_serial(&(weft__gemm_tn){.m = m,
                                              .n = n,
                                              .k = j->rows,
                                              .a = delta,
                                              .b = by,
                                              .c = to,
                                              .lda = pitch,
                                              .ldb = recurrent ? z->pitch : z->x_pitch,
                                              .ldc = n});
    }
}

static void gradient_of_b(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    const size_t wide = (size_t)z->wide, rows = (size_t)j->rows, h = (size_t)z->h;
    real *db = j->r->din[RNN_B].data;
    real *sums = j->scratch, *inner = sums + z->gate_pitch;
    void *scratch = inner + z->gate_pitch;
    for (int d = 0; d < z->dirs; d++) {
        real *to = db + 2 * (size_t)d * wide;
        j->k->sum_rows(sums, weft__rnn_gates(j, d, 0), rows, (size_t)z->gate_pitch,
                       scratch);
        memcpy(to, sums, wide * sizeof *to);
        memcpy(to + wide, sums, wide * sizeof *to);
        if (!j->cell->apart) continue;
        j->k->sum_rows(inner, weft__rnn_row(j, j->inner, d, 0), rows, (size_t)z->pitch,
                       scratch);
        memcpy(to + 2 * wide - h, inner, h * sizeof *to);
    }
}

/* The parts' shares, in their order. */
static void gradient_of_peep(const weft__rnn_job *j)
{
    const size_t n = 3 * (size_t)j->z.h;
    real *to = j->r->din[RNN_PEEP].data;
    memset(to, 0, (size_t)j->z.dirs * n * sizeof *to);
    for (size_t item = 0; item < (size_t)(j->z.dirs * j->part_count); item++) {
        weft__rnn_part p = weft__rnn_part_of(j, item);
        real *at = to + (size_t)p.dir * n;
        j->k->add(at, at, p.dpeep, n, 1, 1);
    }
}

void weft__rnn_backward(const weft__op_args *r)
{
    weft__rnn_job j = weft__rnn_start(r, true);
    const weft__rnn_sizes *z = &j.z;
    const size_t rows = (size_t)j.rows, dirs = (size_t)z->dirs;
    const weft__tensor *din = r->din;
    weft__parallel((j.k->panels(z->i) + j.k->panels(z->h)) * dirs, 4, pack_task, &j);
    if (r->step_gradient) memset(r->step_gradient, 0, r->out[0].count * sizeof(real));
    weft__parallel(dirs * (size_t)j.part_count, 1, walk_back, &j);
    if (din[RNN_X].data) {
        if (rows < (size_t)z->rows)
            memset(din[RNN_X].data, 0, din[RNN_X].count * sizeof(real));
        weft__parallel(rows, weft__rnn_grain(&j), gradient_of_x, &j);
    }
    if (din[RNN_W].data) weft__parallel(rows, WEFT_RNN_BLOCK, gather_x, &j);
    if (din[RNN_W].data || din[RNN_R].data)
        weft__parallel(2 * dirs * (size_t)(unit_parts(z) * z->gates), 1, weight_task, &j);
    if (r->in[RNN_B].rank >= 0 && din[RNN_B].data) gradient_of_b(&j);
    if (j.cell->cells && r->in[RNN_PEEP].rank >= 0 && din[RNN_PEEP].data)
        gradient_of_peep(&j);
}
