/* allocation.c: nothing is allocated after the first step, and a plan takes the memory
 * that it says. malloc and its relatives count their calls, in every thread. */
#include "test.h"

#include "weft/weft.h"

#include <stdatomic.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
#define COUNTS true
static _Atomic long calls;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

void *malloc(size_t n)
{
    calls++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    calls++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    calls++;
    return __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    calls++;
    return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
    calls++;
    *p = __libc_memalign(align, n);
    return *p ? 0 : 12;
}
#else
#define COUNTS false
static long calls;
#endif

typedef struct network {
    const char *model, *optimizer;
    int channels, side;
} network;

static const network networks[] = {
    {"lenet5", "sgd", 1, 28},
    {"small-cnn", "adam", 1, 28},
    {"resnet20", "rmsprop", 3, 32},
    {"resnet18", "adamw", 3, 32},
};
enum { NETWORKS = sizeof networks / sizeof *networks, BATCH = 3, CLASSES = 10 };

typedef struct trainer {
    weft_graph *g;
    weft_plan *train, *predict;
    weft_optimizer *optimizer;
    weft_value x, target, loss;
    float *pictures;
    size_t count;
} trainer;

static trainer start(const network *n)
{
    trainer t = {.g = weft_graph_new()};
    weft_zoo_opts m = {
        .outputs = CLASSES, .channels = n->channels, .height = n->side, .width = n->side};
    weft_optimizer_opts o = weft_optimizer_defaults(n->optimizer);
    weft_value logits;
    o.clip_norm = 1;
    o.ema = 0.9;
    CHECK(weft_zoo_build(t.g, n->model, &m, &logits) == WEFT_OK);
    t.x = weft_find(t.g, "x");
    t.target = weft_input_int(t.g, "target", WEFT_SHAPE(0), CLASSES);
    t.loss = weft_cross_entropy(t.g, logits, t.target, WEFT_NONE, NULL, NULL);
    CHECK(weft_params_init(t.g, 1) == WEFT_OK);
    CHECK(weft_optimizer_new(t.g, &o, &t.optimizer) == WEFT_OK);
    weft_plan_opts train = {.batch = BATCH, .loss = t.loss, .training = true};
    CHECK(weft_plan_new(t.g, &train, &t.train) == WEFT_OK);
    CHECK(weft_plan_new(t.g, &(weft_plan_opts){.batch = BATCH}, &t.predict) == WEFT_OK);
    t.count = (size_t)BATCH * (size_t)n->channels * (size_t)n->side * (size_t)n->side;
    t.pictures = calloc(t.count, sizeof *t.pictures);
    CHECK(t.pictures != NULL);
    for (size_t i = 0; i < t.count; i++) t.pictures[i] = (float)(i % 17) / 17 - 0.5f;
    return t;
}

static void step(const trainer *t)
{
    const int32_t labels[BATCH] = {1, 7, 4};
    CHECK(weft_plan_set_nhwc(t->train, t->x, t->pictures, t->count) == WEFT_OK);
    CHECK(weft_plan_set_int(t->train, t->target, labels, BATCH) == WEFT_OK);
    CHECK(weft_plan_forward(t->train) == WEFT_OK);
    CHECK(weft_plan_backward(t->train) == WEFT_OK);
    CHECK(weft_optimizer_step(t->optimizer, 1e-3) == WEFT_OK);
    CHECK(weft_plan_forward(t->train) == WEFT_OK);
    CHECK(weft_optimizer_backward_step(t->train, t->optimizer, 1e-3) == WEFT_OK);
}

static void predict(const trainer *t)
{
    float y[BATCH * CLASSES];
    CHECK(weft_plan_set(t->predict, t->x, t->pictures, t->count) == WEFT_OK);
    CHECK(weft_plan_forward(t->predict) == WEFT_OK);
    CHECK(weft_plan_get(t->predict, weft_output_at(t->g, 0), y, BATCH * CLASSES) ==
          WEFT_OK);
}

static void finish(trainer *t)
{
    weft_plan_free(t->train);
    weft_plan_free(t->predict);
    weft_optimizer_free(t->optimizer);
    weft_graph_free(t->g);
    free(t->pictures);
}

static void nothing_is_allocated_after_the_first_step(void **state)
{
    (void)state;
    if (!COUNTS) skip();
    CHECK(weft_set_threads(3) == WEFT_OK);
    for (int i = 0; i < NETWORKS; i++) {
        trainer t = start(&networks[i]);
        long before = calls;
        CHECK(before > 0);
        step(&t);
        predict(&t);
        before = calls;
        for (int k = 0; k < 4; k++) {
            step(&t);
            predict(&t);
        }
        if (calls != before)
            print_error("%s: %ld allocations in four steps\n", networks[i].model,
                        (long)(calls - before));
        CHECK(calls == before);
        finish(&t);
    }
}

/* Bytes of this process that are in memory; 0 where the system does not tell. */
static double resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!f) return 0;
    if (fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
    fclose(f);
    return (double)pages * 4096;
}

static void a_plan_takes_the_memory_that_it_says(void **state)
{
    static const network big = {"resnet20", "sgd", 3, 32};
    (void)state;
    if (!COUNTS || resident() <= 0) skip();
    CHECK(weft_set_threads(2) == WEFT_OK);
    weft_graph *g = weft_graph_new();
    weft_zoo_opts m = {.outputs = CLASSES, .channels = 3, .height = 32, .width = 32};
    weft_value logits, target, loss;
    weft_plan *p = NULL;
    CHECK(weft_zoo_build(g, big.model, &m, &logits) == WEFT_OK);
    target = weft_input_int(g, "target", WEFT_SHAPE(0), CLASSES);
    loss = weft_cross_entropy(g, logits, target, WEFT_NONE, NULL, NULL);
    double before = resident();
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    weft_plan_opts o = {.batch = 64, .loss = loss, .training = true};
    CHECK(weft_plan_new(g, &o, &p) == WEFT_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(weft_plan_forward(p) == WEFT_OK);
        CHECK(weft_plan_backward(p) == WEFT_OK);
    }
    double taken = resident() - before, said = (double)weft_plan_total_bytes(p);
    print_message("the plan says %.1f MB, %.1f MB were taken\n", said * 1e-6,
                  taken * 1e-6);
    CHECK(taken < 1.1 * said && taken > 0.9 * said);
    weft_plan_free(p);
    weft_graph_free(g);
}

RUN_TESTS(TEST(nothing_is_allocated_after_the_first_step),
          TEST(a_plan_takes_the_memory_that_it_says))
