/* gemm.c: products against plain loops in double. */
#include "kernels/product.h"

typedef struct sample {
    weft__gemm g;
    bool bias;
} sample;

/* Rows and their length of a matrix stored plain or turned. */
static size_t elements(int rows, int columns, int ld)
{
    return (size_t)(rows - 1) * (size_t)ld + (size_t)columns;
}
static size_t size_a(const weft__gemm *g)
{
    return g->ta ? elements(g->k, g->m, g->lda) : elements(g->m, g->k, g->lda);
}
static size_t size_b(const weft__gemm *g)
{
    return g->tb ? elements(g->n, g->k, g->ldb) : elements(g->k, g->n, g->ldb);
}

static void compare(const weft__kernels *k, const sample *s, const real *a, const real *b,
                    const real *bias, const real *before, const real *c)
{
    const weft__gemm *g = &s->g;
    for (int m = 0; m < g->m; m++)
        for (int n = 0; n < g->n; n++) {
            double sum = 0, size = 0;
            for (int i = 0; i < g->k; i++) {
                double p = (double)a[g->ta ? i * g->lda + m : m * g->lda + i] *
                           (double)b[g->tb ? n * g->ldb + i : i * g->ldb + n];
                sum += p;
                size += fabs(p);
            }
            size_t at = (size_t)m * (size_t)g->ldc + (size_t)n;
            if (g->accumulate)
                sum += (double)before[at], size += fabs((double)before[at]);
            if (s->bias) sum += (double)bias[n], size += fabs((double)bias[n]);
            if (g->epilogue.act == WEFT_ACT_RELU) sum = sum > 0 ? sum : 0;
            if (g->epilogue.act == WEFT_ACT_LEAKY_RELU)
                sum = leaky(sum, g->epilogue.alpha);
            if (g->epilogue.act == WEFT_ACT_TANH) sum = tanh(sum);
            CHECK_ELEMENT(k->isa, "gemm", (size_t)g->m * (size_t)g->n, at, (double)c[at],
                          sum, sum_error(g->k, size + 0.1));
        }
}

static void check_one(const weft__kernels *k, const sample *s)
{
    const weft__gemm *g = &s->g;
    size_t size_c = elements(g->m, g->n, g->ldc);
    guarded a = guarded_random(size_a(g), -1, 1, 1),
            b = guarded_random(size_b(g), -1, 1, 2);
    guarded bias = guarded_random((size_t)g->n, -1, 1, 3);
    guarded before = guarded_random(size_c, -1, 1, 4),
            c = guarded_new(size_c * sizeof(real));
    guarded scratch = guarded_scratch(k->gemm_scratch(g));
    memcpy(c.data, before.data, size_c * sizeof(real));
    k->gemm(g, c.data, a.data, b.data, s->bias ? bias.data : NULL, scratch.data);
    compare(k, s, a.data, b.data, bias.data, before.data, c.data);
    for (int m = 0; m + 1 < g->m; m++) /* what lies between the rows is left alone */
        for (int n = g->n; n < g->ldc; n++) {
            size_t at = (size_t)m * (size_t)g->ldc + (size_t)n;
            CHECK(((real *)c.data)[at] == ((real *)before.data)[at]);
        }
    guarded_free(a), guarded_free(b), guarded_free(bias), guarded_free(before);
    guarded_free(c), guarded_free(scratch);
}

static void product_is_the_sum_of_products(void **state)
{
    static const weft__act acts[] = {WEFT_ACT_NONE, WEFT_ACT_RELU, WEFT_ACT_LEAKY_RELU,
                                     WEFT_ACT_TANH};
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++) {
        weft__rng r = random_at(1);
        for (int i = 0; i < 300; i++) {
            sample s = {.g = {.m = skewed(&r, 1, 150),
                              .n = skewed(&r, 1, 140),
                              .k = skewed(&r, 1, 300)}};
            weft__gemm *g = &s.g;
            if (i % 25 == 0) g->k = weft__rng_between(&r, 700, 1700);
            g->ta = weft__rng_below(&r, 3) == 0;
            g->tb = weft__rng_below(&r, 3) == 0;
            int loose = weft__rng_below(&r, 2) ? weft__rng_between(&r, 1, 20) : 0;
            g->lda = (g->ta ? g->m : g->k) + loose;
            g->ldb = (g->tb ? g->k : g->n) + loose;
            g->ldc = g->n + loose;
            if (i % 20 == 7) g->lda = 1024; /* rows that collide in the cache */
            if (g->lda < (g->ta ? g->m : g->k)) g->lda = 2048;
            g->accumulate = weft__rng_below(&r, 4) == 0;
            s.bias = weft__rng_below(&r, 2);
            g->epilogue.act = acts[weft__rng_below(&r, 4)];
            g->epilogue.alpha = 0.1;
            check_one(*k, &s);
        }
    }
}

/* A row's result is the same alone and among others: a sample alone and in a batch. */
static void rows_do_not_depend_on_their_neighbours(void **state)
{
    (void)state;
    for (const weft__kernels *const *k = sets(); *k; k++) {
        weft__gemm g = {.m = 61, .n = 45, .k = 900, .lda = 900, .ldb = 45, .ldc = 45};
        guarded a = guarded_random(size_a(&g), -1, 1, 1),
                b = guarded_random(size_b(&g), -1, 1, 2);
        guarded all = guarded_nan((size_t)g.m * 45), one = guarded_nan(45);
        guarded scratch = guarded_scratch((*k)->gemm_scratch(&g));
        (*k)->gemm(&g, all.data, a.data, b.data, NULL, scratch.data);
        g.m = 1;
        for (int m = 0; m < 61; m += 20) {
            guarded few = guarded_scratch((*k)->gemm_scratch(&g));
            (*k)->gemm(&g, one.data, (real *)a.data + m * 900, b.data, NULL, few.data);
            CHECK(!memcmp(one.data, (real *)all.data + m * 45, 45 * sizeof(real)));
            guarded_free(few);
        }
        guarded_free(a), guarded_free(b), guarded_free(all), guarded_free(one);
        guarded_free(scratch);
    }
}

typedef struct operands {
    weft__gemm g;
    const real *a, *b;
} operands;

static void compute(const weft__kernels *k, void *arg, real *out)
{
    const operands *o = arg;
    void *scratch = malloc(k->gemm_scratch(&o->g) + 1);
    CHECK(scratch != NULL);
    k->gemm(&o->g, out, o->a, o->b, NULL, scratch);
    free(scratch);
}

static void threads_do_not_change_a_bit(void **state)
{
    static const weft__gemm shapes[] = {
        {.m = 300, .n = 130, .k = 700, .lda = 700, .ldb = 130, .ldc = 130},
        {.m = 300, .n = 130, .k = 700, .lda = 700, .ldb = 700, .ldc = 130, .tb = true},
        {.m = 90, .n = 70, .k = 1500, .lda = 90, .ldb = 70, .ldc = 70, .ta = true},
        {.m = 4, .n = 900, .k = 1100, .lda = 1100, .ldb = 1100, .ldc = 900, .tb = true},
        {.m = 1, .n = 1000, .k = 1100, .lda = 1100, .ldb = 1000, .ldc = 1000},
    };
    (void)state;
    guarded a = guarded_random(300 * 1500, -1, 1, 1),
            b = guarded_random(1100 * 1100, -1, 1, 2);
    for (const weft__kernels *const *k = sets(); *k; k++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            operands o = {shapes[i], a.data, b.data};
            check_same_bits(*k, (size_t)o.g.m * (size_t)o.g.n, compute, &o);
        }
    guarded_free(a), guarded_free(b);
}

RUN_TESTS(TEST(product_is_the_sum_of_products),
          TEST(rows_do_not_depend_on_their_neighbours), TEST(threads_do_not_change_a_bit))
