/* seq_conv.c: convolution over time of what is valid of each sample.
 *
 * The valid steps of all samples are packed one after another, with zeros between
 * them, so that windows are rows that overlap, and the whole is one product; the few
 * windows that reach from one sample into the next are left out. So work goes by the
 * steps that count, and no row's sum depends on its neighbours. With a dilation, or in
 * groups, there is a product for each tap and group. Kernels of 3 and 4 taps go by
 * Winograd's transforms (winograd_1d.c), some windows at a time: samples then begin at
 * multiples of that, and so far apart that no tile reads two of them. */
#include "ops/sequence/sequence.h"

#include "ops/convolution/conv.h"
#include "ops/common/strided.h"

#include <stdio.h>
#include <string.h>

enum { X, W, B, LENGTHS, LENGTHS_OUT, INPUTS };

WEFT_SHARED weft_value weft__seq_conv_add(weft_graph *g, const weft__seq_window *a,
                                          weft_value x, weft_value w, weft_value b,
                                          weft_value lengths, weft_value lengths_out)
{
    return weft__node_add(g, "seq_conv", a, sizeof *a,
                          (weft_value[]){x, w, b, lengths, lengths_out}, INPUTS, 1);
}

WEFT_API weft_value weft_seq_conv(weft_graph *g, weft_value x, weft_value lengths,
                                  weft_value w, weft_value b, const weft_conv_opts *opts,
                                  weft_value *out_lengths)
{
    weft_conv_opts o = opts ? *opts : (weft_conv_opts){0};
    weft_shape kernel = weft__nominal_shape(g, w);
    weft__seq_window a = {.groups = o.groups ? o.groups : 1};
    a.window = weft__seq_window_of(kernel.rank == 3 ? kernel.dim[2] : 1, o.stride[0],
                                   o.dilate[0], o.pad[0],
                                   o.uneven ? o.pad_end[0] : o.pad[0], o.mode);
    weft_value lengths_out = weft__seq_lengths_after(g, &a.window, lengths);
    if (out_lengths) *out_lengths = lengths_out;
    return weft__seq_conv_add(g, &a, x, w, b, lengths, lengths_out);
}

/* ---- shapes ---- */

static weft_status check_weight(const weft__node *node, const weft__tensor *in)
{
    const weft__tensor *x = &in[X], *w = &in[W], *b = &in[B];
    int groups = ((const weft__seq_window *)node->attr)->groups;
    char one[128], two[128];
    weft__shape_text(one, sizeof one, x);
    weft__shape_text(two, sizeof two, w);
    if (groups < 1 || x->dim[2] % groups || w->dim[0] % groups)
        return weft__fail(WEFT_ESHAPE, "%s: %d groups do not divide %d channels into %d",
                          node->name, groups, x->dim[2], w->dim[0]);
    if (w->dim[1] != x->dim[2] / groups)
        return weft__fail(WEFT_ESHAPE, "%s: w %s takes %d channels, x %s has %d%s",
                          node->name, two, w->dim[1], one, x->dim[2] / groups,
                          groups > 1 ? " in each group" : "");
    if (b->rank >= 0 && (b->rank != 1 || b->dim[0] != w->dim[0]))
        return weft__fail(WEFT_ESHAPE, "%s: b is %s, must be [%d]", node->name,
                          weft__shape_text(one, sizeof one, b), w->dim[0]);
    return WEFT_OK;
}

static weft_status shape(const weft__node *node, const weft__tensor *in,
                         weft__tensor *out)
{
    const weft__seq_window *o = node->attr;
    weft__window_axis a;
    weft_status s = weft__need(node, in, X, "x", 3, 3);
    if (!s) s = weft__need(node, in, W, "w", 3, 3);
    if (!s && in[B].rank >= 0) s = weft__need(node, in, B, "b", 1, 1);
    if (!s) s = check_weight(node, in);
    if (!s) s = weft__seq_check(node, in, LENGTHS, in[X].dim[0]);
    if (!s) s = weft__seq_window_resolve(node, &o->window, in[X].dim[1], &a);
    if (s) return s;
    double rows = (double)in[X].dim[0] * ((double)in[X].dim[1] + a.before + a.after +
                                          (double)a.dilate * a.kernel + a.stride);
    if (rows > WEFT_WINDOW_LIMIT)
        return weft__fail(WEFT_ESHAPE, "%s: %.0f rows are too many", node->name, rows);
    return weft__set_result(node, out, 3, (int[]){in[X].dim[0], a.out, in[W].dim[0]});
}

static void layout(const weft__node *node, const weft__tensor *in, weft__layout *want,
                   const weft__tensor *out, weft__layout *give)
{
    weft__layout_row_major(node, in, want, out, give);
    want[W] = WEFT_HWIO;
}

/* ---- geometry ---- */

typedef struct job {
    const weft__op_args *r;
    const weft__kernels *k;
    int n, t, c, o, groups, cg, og; /* cg, og: channels of a group */
    weft__window_axis a;
    int span, most; /* of a window; of the rows of packed x without what follows them */
    bool whole;     /* one product for all taps */
    int step;       /* windows that are computed together by transforms; 0: products */
    int *start;     /* of each sample's first window in packed x; [n]: the end */
    real *x, *y;    /* packed; y after `span` rows of zeros */
    real *w, *dx;   /* backward */
    void *scratch;
} job;

/* From the first window of a sample of this length to that of the next. */
static int advance(const job *j, int length)
{
    const weft__window_axis *a = &j->a;
    int windows = weft__seq_shorter(length, weft__seq_add(a), a->stride);
    int most = a->before + length;
    if (windows * a->stride > most) most = windows * a->stride;
    int reach = (windows - 1) * a->stride + j->span - a->before, step = a->stride;
    if (j->step) {
        step = j->step;
        reach = (windows + step - 1) / step * step + j->span - 1;
    }
    if (reach > most) most = reach;
    return (most + step - 1) / step * step;
}

/* The job without pointers into memory. */
static weft_status prepare(const weft__setup *s)
{
    const weft__seq_window *o = s->node->attr;
    job *j = s->prepared;
    *j = (job){.k = s->kernels,
               .n = s->in[X].dim[0],
               .t = s->in[X].dim[1],
               .c = s->in[X].dim[2],
               .o = s->in[W].dim[0],
               .groups = o->groups};
    weft_status status = weft__seq_window_resolve(s->node, &o->window, j->t, &j->a);
    if (status) return status;
    j->cg = j->c / j->groups;
    j->og = j->o / j->groups;
    j->span = j->a.dilate * (j->a.kernel - 1) + 1;
    j->whole = j->groups == 1 && (j->a.dilate == 1 || j->a.kernel == 1);
    if (j->whole && j->a.stride == 1 && j->k->exact)
        j->step = j->k->conv1d_tile(j->c, j->o, j->a.kernel);
    j->most = j->n * advance(j, j->t);
    return WEFT_OK;
}

static int rows_of(const job *j)
{
    return j->start[j->n] / j->a.stride;
}

static weft__conv1d line(const job *j, int rows)
{
    return (weft__conv1d){.rows = rows, .c = j->c, .o = j->o, .taps = j->a.kernel};
}

/* dx: a convolution of dy. */
static weft__conv1d line_for_x(const job *j, int rows)
{
    return (weft__conv1d){.rows = rows, .c = j->o, .o = j->c, .taps = j->a.kernel};
}

/* y = windows of x times w */
static weft__gemm product(const job *j, int rows)
{
    return (weft__gemm){.m = rows,
                        .n = j->og,
                        .k = j->whole ? j->a.kernel * j->c : j->cg,
                        .lda = j->a.stride * j->c,
                        .ldb = j->o,
                        .ldc = j->o};
}

/* dw = windows of x, transposed, times dy */
static weft__gemm product_for_w(const job *j, int rows)
{
    weft__gemm g = product(j, rows);
    g.ta = true;
    g.k = g.m;
    g.m = j->whole ? j->a.kernel * j->c : j->cg;
    return g;
}

static bool windowed_back(const job *j)
{
    return j->whole && j->a.stride == 1;
}

/* dx = windows of dy times w with its taps flipped; else dx += dy times one tap. */
static weft__gemm product_for_x(const job *j, int rows)
{
    if (windowed_back(j))
        return (weft__gemm){.m = rows * j->a.stride,
                            .n = j->c,
                            .k = j->a.kernel * j->o,
                            .lda = j->o,
                            .ldb = j->c,
                            .ldc = j->c};
    return (weft__gemm){.m = rows,
                        .n = j->cg,
                        .k = j->og,
                        .lda = j->o,
                        .ldb = j->cg,
                        .ldc = j->a.stride * j->c,
                        .accumulate = true};
}

/* ---- memory ---- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* How many rows there will be, the lengths decide; what a product needs is most at
 * one of these. */
static size_t product_scratch(const job *j, bool prepacked,
                              weft__gemm (*make)(const job *j, int rows))
{
    int rows = j->most / j->a.stride;
    const int tries[] = {1, 128, 256, rows};
    size_t most = 0;
    for (int i = 0; i < 4; i++) {
        weft__gemm g = make(j, tries[i] < rows ? tries[i] : rows);
        g.prepacked = prepacked;
        most = larger(most, j->k->gemm_scratch(&g));
    }
    return (most + 63) / 64 * 64;
}

/* Of all that forward and, in training, backward compute. */
static size_t work_scratch(const job *j, bool training)
{
    size_t most;
    if (j->step) {
        weft__conv1d forward = line(j, j->most), back = line_for_x(j, j->most);
        most = j->k->conv1d_scratch(&forward);
        if (!training) return most;
        most = larger(most, j->k->conv1d_bwd_weights_scratch(&forward));
        return larger(most, j->k->conv1d_scratch(&back));
    }
    most = product_scratch(j, false, product);
    if (!training) return most;
    most = larger(most, product_scratch(j, false, product_for_w));
    return larger(most, product_scratch(j, false, product_for_x));
}

static size_t prepacked_elements(const job *j)
{
    weft__conv1d all = line(j, j->most);
    weft__gemm one = product(j, 1);
    return j->step ? j->k->conv1d_prepacked_size(&all) : j->k->gemm_prepacked_size(&one);
}

static size_t prepacked_scratch(const job *j)
{
    weft__conv1d all = line(j, j->most);
    all.prepacked = true;
    return j->step ? j->k->conv1d_scratch(&all) : product_scratch(j, true, product);
}

static size_t x_bytes(const job *j)
{
    return weft__scratch_rows((size_t)j->most + (size_t)j->span, (size_t)j->c);
}

static size_t y_bytes(const job *j)
{
    return weft__scratch_rows((size_t)(j->most / j->a.stride + j->span), (size_t)j->o);
}

static size_t w_bytes(const job *j)
{
    return weft__scratch_rows((size_t)j->a.kernel * (size_t)j->cg, (size_t)j->o);
}

static size_t start_bytes(const job *j)
{
    return (((size_t)j->n + 1) * sizeof(int) + 63) / 64 * 64;
}

static void memory(const weft__setup *s, weft__memory *m)
{
    const job *j = s->prepared;
    size_t most = work_scratch(j, s->training), sums;
    if (s->training) {
        sums = j->k->sum_rows_scratch((size_t)(j->most / j->a.stride), (size_t)j->o);
        most = larger(most, sums);
        m->saved = x_bytes(j);
    }
    m->scratch = start_bytes(j) + y_bytes(j) + most;
    if (s->training)
        m->scratch += w_bytes(j) + x_bytes(j);
    else
        m->scratch += x_bytes(j);
    if (s->training || !j->whole) return;
    m->prepacked = prepacked_elements(j) * sizeof(real);
    m->scratch_prepacked = m->scratch - most + prepacked_scratch(j);
}

static void *cut(char **place, size_t bytes)
{
    char *p = *place;
    *place += bytes;
    return p;
}

static int valid(const job *j, size_t sample)
{
    return weft__seq_valid(&j->r->in[LENGTHS], sample, j->t, 1);
}

static job start(const weft__op_args *r)
{
    job j = *(const job *)r->prepared;
    char *place = r->scratch;
    j.r = r;
    j.start = cut(&place, start_bytes(&j));
    j.y = cut(&place, y_bytes(&j));
    j.x = r->saved ? r->saved : cut(&place, x_bytes(&j));
    if (r->saved) j.w = cut(&place, w_bytes(&j));
    if (r->saved) j.dx = cut(&place, x_bytes(&j));
    j.scratch = place;
    j.start[0] = 0;
    for (int i = 0; i < j.n; i++)
        j.start[i + 1] = j.start[i] + advance(&j, valid(&j, (size_t)i));
    return j;
}

/* ---- forward ---- */

static real *zeros(real *to, size_t n)
{
    memset(to, 0, n * sizeof *to);
    return to + n;
}

static void pack_x(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t c = (size_t)j->c;
    for (size_t i = begin; i < end; i++) {
        const real *x = (const real *)j->r->in[X].data + i * (size_t)j->t * c;
        int length = valid(j, i), last = j->start[i + 1];
        if (i + 1 == (size_t)j->n) last += j->span;
        real *to = zeros(j->x + (size_t)j->start[i] * c, (size_t)j->a.before * c);
        memcpy(to, x, (size_t)length * c * sizeof *to);
        zeros(to + (size_t)length * c,
              (size_t)(last - j->start[i] - j->a.before - length) * c);
    }
}

static void multiply(const job *j, real *y)
{
    const real *w = j->r->prepacked ? j->r->prepacked : j->r->in[W].data;
    const real *b = j->r->in[B].rank < 0 ? NULL : j->r->in[B].data;
    if (j->step) {
        weft__conv1d s = line(j, rows_of(j));
        s.prepacked = j->r->prepacked != NULL;
        j->k->conv1d(&s, y, j->x, w, b, j->r->epilogue, j->scratch);
        return;
    }
    weft__gemm g = product(j, rows_of(j));
    g.prepacked = j->r->prepacked != NULL;
    int taps = j->whole ? 1 : j->a.kernel;
    for (int tap = 0; tap < taps; tap++)
        for (int group = 0; group < j->groups; group++) {
            size_t at = (size_t)group * (size_t)j->og;
            const real *x = j->x + (size_t)tap * (size_t)j->a.dilate * (size_t)j->c +
                            (size_t)group * (size_t)j->cg;
            g.accumulate = tap > 0;
            if (tap == taps - 1 && j->r->epilogue) g.epilogue = *j->r->epilogue;
            j->k->gemm(&g, y + at, x, w + (size_t)tap * (size_t)j->cg * (size_t)j->o + at,
                       b && !tap ? b + at : NULL, j->scratch);
        }
}

static void unpack_y(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t o = (size_t)j->o, most = (size_t)j->a.out;
    real lengths_out = 0;
    if (j->r->epilogue) j->k->activate(&lengths_out, &lengths_out, 1, j->r->epilogue);
    for (size_t i = begin; i < end; i++) {
        real *y = (real *)j->r->out[0].data + i * most * o;
        size_t rows =
            (size_t)weft__seq_shorter(valid(j, i), weft__seq_add(&j->a), j->a.stride);
        memcpy(y, j->y + (size_t)(j->start[i] / j->a.stride) * o, rows * o * sizeof *y);
        for (size_t k = rows * o; k < most * o; k++) y[k] = lengths_out;
    }
}

static void forward(const weft__op_args *r)
{
    job j = start(r);
    weft__spread((size_t)j.n, (double)j.t * j.c, pack_x, &j);
    multiply(&j, j.y);
    weft__spread((size_t)j.n, (double)j.a.out * j.o, unpack_y, &j);
}

static void prepack(const weft__op_args *r)
{
    const job *j = r->prepared;
    weft__conv1d s = line(j, j->most);
    weft__gemm g = product(j, 1);
    if (j->step)
        j->k->conv1d_prepack(&s, r->prepacked, r->in[W].data);
    else
        j->k->gemm_prepack(&g, r->prepacked, r->in[W].data);
}

/* ---- backward ---- */

/* dy after `span` rows of zeros, 0 for the windows that are left out. */
static void pack_dy(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t o = (size_t)j->o, stride = (size_t)j->a.stride;
    for (size_t i = begin; i < end; i++) {
        const real *dy = (const real *)j->r->dout[0].data + i * (size_t)j->a.out * o;
        size_t rows =
            (size_t)weft__seq_shorter(valid(j, i), weft__seq_add(&j->a), j->a.stride);
        size_t first = (size_t)j->start[i] / stride;
        size_t last = (size_t)j->start[i + 1] / stride;
        real *to = j->y + (first + (size_t)j->span) * o;
        if (i == 0) zeros(j->y, (size_t)j->span * o);
        memcpy(to, dy, rows * o * sizeof *to);
        zeros(to + rows * o, (last - first - rows) * o);
    }
}

static void unpack_dx(void *arg, size_t begin, size_t end)
{
    const job *j = arg;
    size_t c = (size_t)j->c, t = (size_t)j->t;
    for (size_t i = begin; i < end; i++) {
        real *dx = (real *)j->r->din[X].data + i * t * c;
        size_t length = (size_t)valid(j, i);
        const real *from = j->dx + ((size_t)j->start[i] + (size_t)j->a.before) * c;
        memcpy(dx, from, length * c * sizeof *dx);
        zeros(dx + length * c, (t - length) * c);
    }
}

/* The taps of w, each transposed; the last one first when one product takes them
 * all. */
static void turn_w(const job *j)
{
    size_t one = (size_t)j->cg * (size_t)j->og, o = (size_t)j->o;
    for (int tap = 0; tap < j->a.kernel; tap++)
        for (int group = 0; group < j->groups; group++) {
            int from = windowed_back(j) ? j->a.kernel - 1 - tap : tap;
            const real *w = (const real *)j->r->in[W].data +
                            (size_t)from * (size_t)j->cg * o +
                            (size_t)group * (size_t)j->og;
            j->k->transpose(j->w + (size_t)(tap * j->groups + group) * one, w,
                            (size_t)j->cg, (size_t)j->og, (size_t)j->cg, o);
        }
}

static void gradient_of_x(job *j, const real *dy)
{
    weft__gemm g = product_for_x(j, rows_of(j));
    size_t one = (size_t)j->cg * (size_t)j->og;
    turn_w(j);
    if (windowed_back(j)) {
        dy -= (size_t)(j->a.kernel - 1) * (size_t)j->o;
        weft__conv1d s = line_for_x(j, rows_of(j));
        if (j->step)
            j->k->conv1d(&s, j->dx, dy, j->w, NULL, NULL, j->scratch);
        else
            j->k->gemm(&g, j->dx, dy, j->w, NULL, j->scratch);
    } else {
        weft__fill_zero(j->dx, (size_t)(j->start[j->n] + j->span) * (size_t)j->c);
        for (int tap = 0; tap < j->a.kernel; tap++)
            for (int group = 0; group < j->groups; group++) {
                real *to = j->dx + (size_t)tap * (size_t)j->a.dilate * (size_t)j->c +
                           (size_t)group * (size_t)j->cg;
                j->k->gemm(&g, to, dy + (size_t)group * (size_t)j->og,
                           j->w + (size_t)(tap * j->groups + group) * one, NULL,
                           j->scratch);
            }
    }
    weft__spread((size_t)j->n, (double)j->t * j->c, unpack_dx, j);
}

static void gradient_of_w(const job *j, const real *dy)
{
    real *dw = j->r->din[W].data;
    if (j->step) {
        weft__conv1d s = line(j, rows_of(j));
        j->k->conv1d_bwd_weights(&s, dw, dy, j->x, j->scratch);
        return;
    }
    weft__gemm g = product_for_w(j, rows_of(j));
    for (int tap = 0; tap < (j->whole ? 1 : j->a.kernel); tap++)
        for (int group = 0; group < j->groups; group++) {
            size_t at = (size_t)group * (size_t)j->og;
            const real *x = j->x + (size_t)tap * (size_t)j->a.dilate * (size_t)j->c +
                            (size_t)group * (size_t)j->cg;
            j->k->gemm(&g, dw + (size_t)tap * (size_t)j->cg * (size_t)j->o + at, x,
                       dy + at, NULL, j->scratch);
        }
}

static void backward(const weft__op_args *r)
{
    job j = start(r);
    const real *dy = j.y + (size_t)j.span * (size_t)j.o;
    weft__spread((size_t)j.n, (double)j.a.out * j.o, pack_dy, &j);
    if (r->din[X].data) gradient_of_x(&j, dy);
    if (r->din[W].data) gradient_of_w(&j, dy);
    if (r->in[B].rank >= 0 && r->din[B].data)
        j.k->sum_rows(r->din[B].data, dy, (size_t)rows_of(&j), (size_t)j.o, j.scratch);
}

/* ---- the rest ---- */

static double flops(const weft__node *node, const weft__tensor *in,
                    const weft__tensor *out)
{
    (void)node;
    return 2.0 * in[W].dim[1] * in[W].dim[2] * (double)weft__tensor_count(&out[0]);
}

static void describe(const weft__node *node, char *text, size_t size)
{
    const weft__seq_window *o = node->attr;
    weft__window_text(&o->window, text, size);
    size_t used = strlen(text);
    if (o->groups > 1) snprintf(text + used, size - used, " g%d", o->groups);
}

static void to_onnx(const weft__node *node, weft__onnx_writer *w)
{
    weft__seq_window_to_onnx(node, w, "Conv", B, LENGTHS, 0);
}

static weft_value whole(weft_graph *g, const weft__node *last)
{
    const weft__node *first, *conv = weft__seq_middle(g, last, "conv", 0, &first);
    const weft__conv_attr *a = conv ? conv->attr : NULL;
    weft__seq_window window = {.groups = a ? a->groups : 0};
    if (!conv || !weft__seq_window_alone(g, first, last, &a->window, &window))
        return WEFT_NONE;
    return weft__seq_conv_add(g, &window, (weft_value){first->in[0]},
                              (weft_value){conv->in[1]}, (weft_value){conv->in[2]},
                              (weft_value){first->in[1]}, (weft_value){last->in[1]});
}

static weft_value sample(weft_graph *g, weft__rng *rng)
{
    weft__window s;
    int size[2], groups = weft__rng_below(rng, 4) ? 1 : 2;
    weft__window_sample(rng, 1, true, &s, size);
    if (weft__rng_below(rng, 3) == 0) size[0] = weft__rng_between(rng, 1, 9);
    int n = weft__rng_between(rng, 1, 3), c = groups * weft__rng_between(rng, 1, 3);
    int o = groups * weft__rng_between(rng, 1, 4);
    weft_conv_opts opts = {.stride = {s.stride[0]},
                           .dilate = {s.dilate[0]},
                           .pad = {s.pad[0]},
                           .pad_end = {s.pad_end[0]},
                           .uneven = true,
                           .mode = s.mode,
                           .groups = groups};
    weft_value x = weft__sample_value(g, rng, "x", WEFT_SHAPE(n, size[0], c));
    weft_value w = weft_param(g, "w", WEFT_SHAPE(o, c / groups, s.kernel[0]));
    weft_value b = WEFT_NONE, lengths = WEFT_NONE, lengths_out;
    if (weft__rng_below(rng, 3)) b = weft_param(g, "b", WEFT_SHAPE(o));
    if (weft__rng_below(rng, 4))
        lengths = weft_input_int(g, "lengths", WEFT_SHAPE(n), size[0] + 1);
    weft_value y = weft_seq_conv(g, x, lengths, w, b, &opts, &lengths_out);
    if (weft__rng_below(rng, 3)) return y;
    return weft_seq_mask(g, weft_sigmoid(g, y), lengths_out, 0.25);
}

const weft_op WEFT_OP(seq_conv) = {
    .name = "seq_conv",
    .onnx = WEFT_ONNX(.whole = whole, .write = to_onnx),
    .arity = INPUTS,
    .summary = "convolution over the valid steps of sequences",
    .shape = shape,
    .layout = layout,
    .prepare = prepare,
    .prepared = sizeof(job),
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .prepack = prepack,
    .saves_in = 1u << W | 1u << LENGTHS,
    .fuses_epilogue = true,
    .unit_axis = WEFT_UNITS_LAST,
    .lengths_input = LENGTHS_OUT,
    .features = true,
    .flops = flops,
    .describe = describe,
    .sample = sample,
};
