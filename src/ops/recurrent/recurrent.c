/* recurrent.c: whole-sequence recurrent layers: memory, rows, and the way forward. */
#include "ops/recurrent/recurrent.h"

#include "base/thread.h"

#include <string.h>

/* ---- memory ---- */

/* Samples of a part: enough rows for the products, few enough to share the work. */
enum { PART_ROWS = 32, PART_LEAST = 8, LINE = 64 / sizeof(real) };

/* Rows an odd number of cache lines apart do not push each other out of the cache. */
static ptrdiff_t pitch_of(int n)
{
    int lines = (n + LINE - 1) / LINE;
    return (ptrdiff_t)(lines | 1) * LINE;
}

static weft__rnn_sizes measure(const weft__tensor *in)
{
    weft__rnn_sizes z = {.n = in[RNN_X].dim[0],
                         .t = in[RNN_X].dim[1],
                         .i = in[RNN_X].dim[2],
                         .h = in[RNN_R].dim[2],
                         .dirs = in[RNN_W].dim[0],
                         .wide = in[RNN_W].dim[1]};
    z.gates = z.wide / z.h;
    z.rows = z.n * z.t;
    z.pitch = pitch_of(z.h);
    z.gate_pitch = pitch_of(z.wide);
    z.x_pitch = pitch_of(z.i);
    return z;
}

static size_t bytes_of(size_t rows, ptrdiff_t pitch)
{
    return weft__scratch_rows(rows, (size_t)pitch);
}

/* How the samples are shared out: by their number alone. */
static void share(weft__rnn_job *j)
{
    int count = (j->z.n + PART_ROWS - 1) / PART_ROWS;
    if (count < 2 && j->z.n >= 2 * PART_LEAST) count = 2;
    j->part_rows = (j->z.n + count - 1) / count;
    j->part_count = (j->z.n + j->part_rows - 1) / j->part_rows;
}

static weft__rnn_job job_of(const weft__setup *s, const weft__rnn_cell *cell, bool back)
{
    weft__rnn_job j = {.k = s->kernels, .cell = cell, .z = measure(s->in)};
    const weft__rnn_sizes *z = &j.z;
    share(&j);
    j.part_bytes = 4 * bytes_of((size_t)j.part_rows, z->pitch) + bytes_of(3, z->h);
    if (back) {
        j.w_size = j.k->panels(z->i) * j.k->panel_size(z->wide);
        j.recurrent_size = j.k->panels(z->h) * j.k->panel_size(z->wide);
    } else {
        j.w_size = j.k->panels(z->wide) * j.k->panel_size(z->i);
        j.recurrent_size = j.k->cell_blocks(z->h) * j.k->cell_size(z->h, z->gates);
    }
    return j;
}

weft_status weft__rnn_prepare(const weft__setup *s, const weft__rnn_cell *cell)
{
    weft__rnn_plan *p = s->prepared;
    p->forward = job_of(s, cell, false);
    p->back = job_of(s, cell, true);
    return WEFT_OK;
}

static size_t int_bytes(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    size_t steps = (size_t)z->t + 1;
    size_t count = (size_t)z->n + (size_t)j->part_count * steps + (size_t)z->rows + steps;
    return (count * sizeof(int) + 63) / 64 * 64;
}

static size_t gates_bytes(const weft__rnn_sizes *z)
{
    return bytes_of((size_t)z->dirs * (size_t)z->rows, z->gate_pitch);
}

static size_t saved_bytes(const weft__rnn_sizes *z)
{
    return bytes_of((size_t)z->dirs * (size_t)z->rows, z->pitch);
}

/* Of x: forward a block for each worker, backward all. */
static size_t x_bytes(const weft__rnn_sizes *z, bool back)
{
    size_t blocks = (size_t)weft__workers() * WEFT_RNN_BLOCK;
    return bytes_of(back ? (size_t)z->rows : blocks, z->x_pitch);
}

static size_t sums_bytes(const weft__rnn_job *j)
{
    const weft__rnn_sizes *z = &j->z;
    size_t gates = j->k->sum_rows_scratch((size_t)z->rows, (size_t)z->gate_pitch);
    size_t inner = j->k->sum_rows_scratch((size_t)z->rows, (size_t)z->pitch);
    return (gates > inner ? gates : inner) + 2 * bytes_of(1, z->gate_pitch);
}

static size_t scratch_bytes(const weft__rnn_job *j, bool back)
{
    const weft__rnn_sizes *z = &j->z;
    size_t packed = (size_t)z->dirs * (j->w_size + j->recurrent_size);
    size_t bytes = int_bytes(j) + (size_t)(z->dirs * j->part_count) * j->part_bytes +
                   bytes_of(packed, 1) + 64 + x_bytes(z, back);
    return back ? bytes + x_bytes(z, false) + sums_bytes(j) : bytes;
}

void weft__rnn_memory(const weft__setup *s, weft__memory *m)
{
    const weft__rnn_plan *p = s->prepared;
    const weft__rnn_sizes *z = &p->forward.z;
    size_t forward = scratch_bytes(&p->forward, false);
    size_t backward = s->training ? scratch_bytes(&p->back, true) : 0;
    if (s->training)
        m->saved = gates_bytes(z) + 2 * saved_bytes(z);
    else
        forward += gates_bytes(z);
    m->scratch = forward > backward ? forward : backward;
}

static void *cut(char **place, size_t bytes)
{
    char *p = *place;
    *place += bytes;
    return p;
}

/* ---- rows ---- */

static int length_of(const weft__rnn_job *j, int sample)
{
    const weft__tensor *t = &j->r->in[RNN_LENGTHS];
    if (t->rank < 0) return j->z.t;
    int length = ((const int32_t *)t->data)[sample];
    return length < 0 ? 0 : length > j->z.t ? j->z.t : length;
}

/* The longest first; of equals, in their own order. at: [t + 1]. */
static void order_samples(const weft__rnn_job *j, int *at)
{
    const int n = j->z.n, t = j->z.t;
    memset(at, 0, ((size_t)t + 1) * sizeof *at);
    for (int s = 0; s < n; s++) at[length_of(j, s)]++;
    for (int l = t, sum = 0; l >= 0; l--) {
        int count = at[l];
        at[l] = sum;
        sum += count;
    }
    for (int s = 0; s < n; s++) j->sample[at[length_of(j, s)]++] = s;
}

/* Samples go round the parts, so that each has long ones and short ones. */
static void place_rows(weft__rnn_job *j)
{
    const int t = j->z.t, parts = j->part_count;
    for (int p = 0; p < parts; p++) {
        int *first = j->first + (ptrdiff_t)p * (t + 1);
        for (int time = 0; time < t; time++) {
            first[time] = j->rows;
            for (int i = p; i < j->z.n && length_of(j, j->sample[i]) > time; i += parts)
                j->place[j->rows++] = j->sample[i] * t + time;
        }
        first[t] = j->rows;
    }
}

static void cut_ints(weft__rnn_job *j, char *from)
{
    const weft__rnn_sizes *z = &j->z;
    j->sample = cut(&from, (size_t)z->n * sizeof(int));
    j->first = cut(&from, (size_t)j->part_count * ((size_t)z->t + 1) * sizeof(int));
    j->place = cut(&from, (size_t)z->rows * sizeof(int));
    order_samples(j, cut(&from, ((size_t)z->t + 1) * sizeof(int)));
    place_rows(j);
}

weft__rnn_job weft__rnn_start(const weft__op_args *r, bool back)
{
    const weft__rnn_plan *p = r->prepared;
    weft__rnn_job j = back ? p->back : p->forward;
    const weft__rnn_sizes *z = &j.z;
    char *saved = r->saved, *place = r->scratch;
    j.r = r;
    cut_ints(&j, cut(&place, int_bytes(&j)));
    j.parts = cut(&place, (size_t)(z->dirs * j.part_count) * j.part_bytes);
    j.w = cut(&place, bytes_of((size_t)z->dirs * j.w_size, 1));
    j.recurrent = cut(&place, bytes_of((size_t)z->dirs * j.recurrent_size, 1));
    j.x = cut(&place, x_bytes(z, back));
    if (back) j.dx = cut(&place, x_bytes(z, false));
    j.gates = cut(saved ? &saved : &place, gates_bytes(z));
    if (saved) j.old = cut(&saved, saved_bytes(z));
    if (saved) j.inner = cut(&saved, saved_bytes(z));
    j.scratch = place;
    return j;
}

weft__rnn_part weft__rnn_part_of(const weft__rnn_job *j, size_t item)
{
    char *at = j->parts + item * j->part_bytes;
    size_t bytes = bytes_of((size_t)j->part_rows, j->z.pitch);
    weft__rnn_part p = {
        .job = j, .dir = (int)item / j->part_count, .number = (int)item % j->part_count};
    p.rows = (j->z.n - p.number + j->part_count - 1) / j->part_count;
    p.h = cut(&at, bytes);
    p.next = cut(&at, bytes);
    p.c = cut(&at, bytes);
    p.mid = cut(&at, bytes);
    p.dpeep = cut(&at, 0);
    return p;
}

static bool reversed(const weft__rnn_part *p)
{
    const weft_rnn_opts *o = p->job->r->attr;
    return p->dir == 1 || o->direction == WEFT_RNN_REVERSE;
}

int weft__rnn_time(const weft__rnn_part *p, int step)
{
    return reversed(p) ? p->job->z.t - 1 - step : step;
}

static ptrdiff_t state_at(const weft__rnn_part *p, int i)
{
    const weft__rnn_job *j = p->job;
    ptrdiff_t sample = j->sample[p->number + i * j->part_count];
    return (sample * j->z.dirs + p->dir) * j->z.h;
}

void weft__rnn_states_in(const weft__rnn_part *p, real *to, const weft__tensor *from)
{
    const weft__rnn_sizes *z = &p->job->z;
    const bool some = from->rank >= 0 && from->data;
    for (int i = 0; i < p->rows; i++, to += z->pitch)
        if (some)
            memcpy(to, (const real *)from->data + state_at(p, i),
                   (size_t)z->h * sizeof *to);
        else
            memset(to, 0, (size_t)z->h * sizeof *to);
}

void weft__rnn_states_out(const weft__rnn_part *p, const weft__tensor *to,
                          const real *from, int first, int last)
{
    const weft__rnn_sizes *z = &p->job->z;
    if (to->rank < 0 || !to->data) return;
    for (int i = first; i < last; i++)
        memcpy((real *)to->data + state_at(p, i), from + i * z->pitch,
               (size_t)z->h * sizeof *from);
}

void weft__rnn_gather(const weft__rnn_job *j, real *to, int first, int n)
{
    const weft__rnn_sizes *z = &j->z;
    const real *x = j->r->in[RNN_X].data;
    for (int i = first; i < first + n; i++, to += z->x_pitch)
        memcpy(to, x + (ptrdiff_t)j->place[i] * z->i, (size_t)z->i * sizeof *to);
}

const real *weft__rnn_peepholes(const weft__rnn_job *j, int dir)
{
    const weft__tensor *t = &j->r->in[RNN_PEEP];
    if (!j->cell->cells || t->rank < 0) return NULL;
    return (const real *)t->data + 3 * (ptrdiff_t)j->z.h * dir;
}

/* ---- forward ---- */

/* The bias of the input's product (state 0) or of the state's (1), or NULL. */
static const real *bias_of(const weft__rnn_job *j, int dir, int state)
{
    const weft__tensor *b = &j->r->in[RNN_B];
    if (b->rank < 0) return NULL;
    return (const real *)b->data + (2 * dir + state) * (ptrdiff_t)j->z.wide;
}

/* Item: a panel of W or a block of R, of a direction. */
static void pack_task(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__rnn_sizes *z = &j->z;
    const int panels = (int)j->k->panels(z->wide), blocks = (int)j->k->cell_blocks(z->h);
    const int last = z->gates - j->cell->half; /* gates that are packed together */
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        ptrdiff_t d = (ptrdiff_t)item / (panels + blocks);
        int i = (int)item % (panels + blocks), b = i - panels;
        const real *w = (const real *)j->r->in[RNN_W].data + d * z->wide * z->i;
        const real *r = (const real *)j->r->in[RNN_R].data + d * z->wide * z->h;
        const real *bias = bias_of(j, (int)d, 1);
        real *to = j->recurrent + (size_t)d * j->recurrent_size;
        if (i < panels) {
            j->k->pack(j->w + (size_t)d * j->w_size, w, z->i, z->wide, z->i, true, i,
                       i + 1);
            continue;
        }
        j->k->cell_pack(to, r, bias, z->h, z->h, last, b, b + 1);
        if (!j->cell->half) continue;
        to += (size_t)blocks * j->k->cell_size(z->h, last);
        j->k->cell_pack(to, r + (ptrdiff_t)last * z->h * z->h,
                        bias ? bias + last * z->h : NULL, z->h, z->h, 1, b, b + 1);
    }
}

/* The input's part of the gates of some rows. */
static void input_task(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__rnn_sizes *z = &j->z;
    real *x = j->x + (ptrdiff_t)worker * WEFT_RNN_BLOCK * z->x_pitch;
    for (int row = (int)begin, n; row < (int)end; row += n) {
        n = (int)end - row < WEFT_RNN_BLOCK ? (int)end - row : WEFT_RNN_BLOCK;
        weft__rnn_gather(j, x, row, n);
        for (int d = 0; d < z->dirs; d++)
            j->k->gemm_prepacked(
                &(weft__gemm_prepacked){.rows = n,
                                        .k = z->i,
                                        .n = z->wide,
                                        .a = x,
                                        .lda = z->x_pitch,
                                        .b = j->w + (size_t)d * j->w_size,
                                        .panel = (ptrdiff_t)j->k->panel_size(z->i),
                                        .bias = bias_of(j, d, 0),
                                        .c = weft__rnn_gates(j, d, row),
                                        .ldc = z->gate_pitch});
    }
}

/* Where a sample is over there is nothing. */
static void no_outputs(const weft__rnn_part *p)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    for (int i = 0; i < p->rows; i++) {
        int sample = j->sample[p->number + i * j->part_count];
        for (int t = length_of(j, sample); t < z->t; t++)
            memset(weft__rnn_output(j, &j->r->out[0], p->dir, sample * z->t + t), 0,
                   (size_t)z->h * sizeof(real));
    }
}

/* Of the samples that have it. */
static void step_forward(weft__rnn_part *p, int time, int rows)
{
    const weft__rnn_job *j = p->job;
    const weft__rnn_sizes *z = &j->z;
    const int row = j->first[(ptrdiff_t)p->number * (z->t + 1) + time];
    const size_t bytes = (size_t)rows * (size_t)z->pitch * sizeof(real);
    real *old = weft__rnn_row(j, j->old, p->dir, row);
    real *inner = weft__rnn_row(j, j->inner, p->dir, row), *h = p->next;
    if (old) memcpy(old, p->h, bytes);
    if (inner && j->cell->cells) memcpy(inner, p->c, bytes);
    weft__cell s = {.rows = rows,
                    .units = z->h,
                    .pitch = z->pitch,
                    .gate_pitch = z->gate_pitch,
                    .weights = j->recurrent + (size_t)p->dir * j->recurrent_size,
                    .state = p->h,
                    .h = p->h,
                    .out = p->next,
                    .gate = weft__rnn_gates(j, p->dir, row),
                    .inner = inner,
                    .c = p->c,
                    .out_c = p->c,
                    .peep = weft__rnn_peepholes(j, p->dir),
                    .training = old != NULL};
    j->cell->step(p, &s);
    for (int i = 0; i < rows; i++)
        memcpy(weft__rnn_output(j, &j->r->out[0], p->dir, j->place[row + i]),
               h + i * z->pitch, (size_t)z->h * sizeof(real));
    p->next = p->h;
    p->h = h;
}

static void walk_forward(void *arg, size_t begin, size_t end, int worker)
{
    const weft__rnn_job *j = arg;
    const weft__tensor *in = j->r->in, *out = j->r->out;
    const bool cells = j->cell->cells;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        weft__rnn_part p = weft__rnn_part_of(j, item);
        no_outputs(&p);
        weft__rnn_states_in(&p, p.h, &in[RNN_H]);
        weft__rnn_states_in(&p, p.next, &in[RNN_H]);
        if (cells) weft__rnn_states_in(&p, p.c, &in[RNN_C]);
        weft__rnn_states_out(&p, &out[1], p.h, 0, p.rows);
        for (int s = 0; s < j->z.t; s++) {
            int time = weft__rnn_time(&p, s), rows = weft__rnn_active(j, p.number, time);
            /* the samples whose last step this is */
            int stay = s + 1 == j->z.t ? 0
                       : time < weft__rnn_time(&p, s + 1)
                           ? weft__rnn_active(j, p.number, time + 1)
                           : rows;
            if (rows) step_forward(&p, time, rows);
            weft__rnn_states_out(&p, &out[1], p.h, stay, rows);
        }
        if (cells) weft__rnn_states_out(&p, &out[2], p.c, 0, p.rows);
    }
}

void weft__rnn_forward(const weft__op_args *r)
{
    weft__rnn_job j = weft__rnn_start(r, false);
    const weft__rnn_sizes *z = &j.z;
    size_t packs = j.k->panels(z->wide) + j.k->cell_blocks(z->h);
    weft__parallel(packs * (size_t)z->dirs, 4, pack_task, &j);
    weft__parallel((size_t)j.rows, weft__rnn_grain(&j), input_task, &j);
    weft__parallel((size_t)(z->dirs * j.part_count), 1, walk_forward, &j);
}
