/* every_kernel.c: the speed of convolutions and matrix products, as parts of the
 * machine's peak. */
#include "options.h"

#include "base/checked.h"
#include "kernels/kernels.h"

/* What one measurement runs. */
typedef struct job {
    const weft__kernels *k;
    weft__conv conv;
    weft__gemm gemm;
    int direction; /* of the convolution; 3: a matrix product */
    float *x, *w, *y;
    void *scratch;
} job;

enum { FORWARD, DATA, WEIGHT, PRODUCT };

static const char *const direction_names[] = {"forward", "data", "weight", "product"};

typedef struct test_case {
    char name[64];
    weft__conv conv;
    weft__gemm gemm;
    bool product;
    weft__measured time[3]; /* forward, data, weight; or of the product */
    double rate[3];         /* GF/s */
} test_case;

static int run_kernel(void *arg, int i)
{
    static const weft__epilogue none = {.act = WEFT_ACT_NONE};
    job *j = arg;
    (void)i;
    if (j->direction == FORWARD)
        j->k->conv(&j->conv, j->y, j->x, j->w, NULL, &none, j->scratch);
    else if (j->direction == DATA)
        j->k->conv_bwd_data(&j->conv, j->x, j->y, j->w, j->scratch);
    else if (j->direction == WEIGHT)
        j->k->conv_bwd_weights(&j->conv, j->w, j->y, j->x, j->scratch);
    else
        j->k->gemm(&j->gemm, j->y, j->x, j->w, NULL, j->scratch);
    return 0;
}

/* On a cache line, as all memory of a plan; NULL: there is none. */
static float *fill(size_t count)
{
    float *p = aligned_alloc(64, (count * sizeof *p + 63) / 64 * 64);
    uint32_t r = 1;
    for (size_t i = 0; p && i < count; i++) {
        r = r * 1664525u + 1013904223u;
        p[i] = (float)(int32_t)r * 0x1p-31f;
    }
    return p;
}

static size_t product3(int a, int b, int c)
{
    return (size_t)a * (size_t)b * (size_t)c;
}

/* Operands of a convolution: x, w, y. Of a product: A, B, C. */
static void sizes(const job *j, size_t count[3])
{
    const weft__conv *s = &j->conv;
    const weft__gemm *g = &j->gemm;
    if (j->direction == PRODUCT) {
        count[0] = product3(1, g->m, g->k);
        count[1] = product3(1, g->k, g->n);
        count[2] = product3(1, g->m, g->n);
        return;
    }
    count[0] = product3(s->n * s->h, s->w, s->c);
    count[1] = product3(s->kh * s->kw, s->c / s->groups, s->o);
    count[2] = product3(s->n * s->oh, s->ow, s->o);
}

static size_t scratch_size(const job *j)
{
    if (j->direction == FORWARD) return j->k->conv_scratch(&j->conv);
    if (j->direction == DATA) return j->k->conv_bwd_data_scratch(&j->conv);
    if (j->direction == WEIGHT) return j->k->conv_bwd_weights_scratch(&j->conv);
    return j->k->gemm_scratch(&j->gemm);
}

/* 2 for each multiply-add, those with padding left out by no one: the usual count. */
static double flops(const job *j)
{
    const weft__conv *s = &j->conv;
    if (j->direction == PRODUCT) return 2.0 * j->gemm.m * j->gemm.n * j->gemm.k;
    return 2.0 * s->n * s->oh * s->ow * s->o * s->kh * s->kw * (s->c / s->groups);
}

/* 0, or WEFT_ENOMEM. */
static int time_job(job *j, double seconds, weft__measured *out)
{
    size_t count[3];
    int failed = WEFT_ENOMEM;
    sizes(j, count);
    j->x = fill(count[0]);
    j->w = fill(count[1]);
    j->y = fill(count[2]);
    j->scratch = weft__alloc(scratch_size(j) + 64, 1);
    if (j->x && j->w && j->y && j->scratch)
        failed = weft__measure(run_kernel, j, seconds, 5, out);
    free(j->x);
    free(j->w);
    free(j->y);
    free(j->scratch);
    return failed;
}

/* ---- the lists of shapes ---- */

static int conv_line(const char *line, test_case *t)
{
    weft__conv *s = &t->conv;
    *s = (weft__conv){.dilate_h = 1, .dilate_w = 1, .groups = 1};
    if (sscanf(line, "%63s %d %d %d %d %d %d %d %d %d %d", t->name, &s->n, &s->c, &s->h,
               &s->w, &s->o, &s->kh, &s->kw, &s->stride_h, &s->top, &s->left) != 11)
        return 0;
    if (s->n < 1 || s->c < 1 || s->o < 1 || s->kh < 1 || s->kw < 1 || s->stride_h < 1)
        return 0;
    s->stride_w = s->stride_h;
    s->oh = (s->h + 2 * s->top - s->kh) / s->stride_h + 1;
    s->ow = (s->w + 2 * s->left - s->kw) / s->stride_w + 1;
    return s->top >= 0 && s->left >= 0 && s->oh > 0 && s->ow > 0;
}

static int gemm_line(const char *line, test_case *t)
{
    weft__gemm *g = &t->gemm;
    char a, b;
    *g = (weft__gemm){0};
    if (sscanf(line, "%63s %d %d %d %c %c", t->name, &g->m, &g->n, &g->k, &a, &b) != 6)
        return 0;
    g->ta = a == 't';
    g->tb = b == 't';
    g->lda = g->ta ? g->m : g->k;
    g->ldb = g->tb ? g->k : g->n;
    g->ldc = g->n;
    t->product = true;
    return g->m > 0 && g->n > 0 && g->k > 0;
}

/* ---- output ---- */

static void tell(const settings *s, const test_case *t)
{
    if (!s->json) {
        printf("%-22s", t->name);
        for (int d = 0; d < (t->product ? 1 : 3); d++)
            printf(" %8.1f %5.1f%%", t->rate[d], 100 * t->rate[d] / s->peak);
        putchar('\n');
    }
    for (int d = 0; s->json && d < (t->product ? 1 : 3); d++)
        printf("{\"who\": \"weft\", \"kernel\": \"%s\", \"direction\": \"%s\", "
               "\"threads\": %d, \"med_ms\": %.5g, \"min_ms\": %.5g, \"gflops\": %.4g, "
               "\"peak_percent\": %.4g}\n",
               t->name, direction_names[t->product ? PRODUCT : d], weft_threads(),
               t->time[d].median * 1e3, t->time[d].min * 1e3, t->rate[d],
               100 * t->rate[d] / s->peak);
    fflush(stdout);
}

static int time_case(const settings *s, test_case *t)
{
    job j = {.k = weft__kernels_chosen(false), .conv = t->conv, .gemm = t->gemm};
    j.conv.exact = s->exact;
    for (int d = 0; d < (t->product ? 1 : 3); d++) {
        j.direction = t->product ? PRODUCT : d;
        int failed = time_job(&j, s->seconds, &t->time[d]);
        if (failed) {
            fprintf(stderr, "every_kernel: %s: out of memory\n", t->name);
            return failed;
        }
        t->rate[d] = flops(&j) / t->time[d].median * 1e-9;
    }
    tell(s, t);
    return 0;
}

static int conv_row(const settings *s, const char *line)
{
    test_case t = {.product = false};
    if (!conv_line(line, &t)) return -1;
    return wanted(s, t.name) ? time_case(s, &t) : 0;
}

static int gemm_row(const settings *s, const char *line)
{
    test_case t = {.product = true};
    if (!gemm_line(line, &t)) return -1;
    return wanted(s, t.name) ? time_case(s, &t) : 0;
}

int main(int argc, char **argv)
{
    settings s = {.program = "every_kernel", .seconds = 0.15, .shapes = "bench/shapes"};
    int failed =
        options_read(argc, argv, &s,
                     "Times convolutions forward, their data gradient and weight "
                     "gradient, and matrix products, of\nthe shapes in DIR/conv.txt and "
                     "DIR/gemm.txt (bench/shapes).");
    if (failed) return failed < 0 ? 0 : failed;
    tell_machine(&s);
    if (!s.json)
        printf("%-22s %15s %15s %15s\n", "GF/s, part of peak", "forward", "data gradient",
               "weight gradient");
    failed = shapes_each(&s, "conv.txt", conv_row);
    if (!failed) failed = shapes_each(&s, "gemm.txt", gemm_row);
    return weft_exit_code((weft_status)failed);
}
