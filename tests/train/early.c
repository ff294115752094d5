/* Tests of the step in the backward pass: it is the one behind it, to the bit. */
/* labels: threads */
#include "test.h"

#include "graph/graph.h"
#include "weft/base.h"
#include "weft/ops.h"
#include "weft/plan.h"
#include "weft/train.h"

#include <math.h>

enum { ROWS = 40, WIDE = 160, READ = 60, OUT = 24, PARAMS = 6 };

/* A table that is read at READ places; a weight of several pieces that is used twice; a
 * vector beside it; a part that is frozen; and one that the loss does not reach. */
typedef struct fixture {
    weft_graph *g;
    weft_value param[PARAMS], index, loss;
    weft_plan *p;
    weft_optimizer *o;
} fixture;

static void fill(float *x, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((i * 7919 + (size_t)seed * 131 + 13) % 1000) / 2500 - 0.2f;
}

static const int rows_of[PARAMS] = {ROWS, WIDE, WIDE, 1, WIDE, 7};
static const int columns_of[PARAMS] = {WIDE, WIDE, OUT, WIDE, WIDE, 5};

static fixture start(bool sparse, bool accumulate, weft_optimizer_opts opts)
{
    static const char *const name[PARAMS] = {"table", "both",  "last",
                                             "shift", "still", "unread"};
    static float x[WIDE * WIDE];
    fixture f = {.g = weft_graph_new()};
    for (int i = 0; i < PARAMS; i++) {
        weft_shape shape =
            i == 3 ? WEFT_SHAPE(WIDE) : WEFT_SHAPE(rows_of[i], columns_of[i]);
        f.param[i] = weft_param(f.g, name[i], shape);
    }
    weft_param_no_decay(f.g, f.param[3]);
    weft_param_freeze(f.g, f.param[4]);
    f.index = weft_input_int(f.g, "index", WEFT_SHAPE(READ), ROWS);
    weft_value y = weft_embedding(f.g, f.index, f.param[0],
                                  &(weft_embedding_opts){.sparse = sparse});
    for (int i = 0; i < 2; i++)
        y = weft_tanh(f.g, weft_add(f.g, weft_matmul(f.g, y, f.param[1]), f.param[3]));
    y = weft_matmul(f.g, weft_matmul(f.g, y, f.param[4]), f.param[2]);
    f.loss = weft_reduce_mean(f.g, weft_mul(f.g, y, y), 0, NULL, false);
    weft_plan_opts o = {.loss = f.loss, .training = true, .accumulate = accumulate};
    CHECK(!weft_plan_new(f.g, &o, &f.p));
    for (int i = 0; i < PARAMS; i++) {
        size_t n = (size_t)rows_of[i] * (size_t)columns_of[i];
        fill(x, n, i);
        CHECK(!weft_param_set(f.g, f.param[i], x, n));
    }
    CHECK(!weft_optimizer_new(f.g, &opts, &f.o));
    return f;
}

static void end(fixture *f)
{
    weft_optimizer_free(f->o);
    weft_plan_free(f->p);
    weft_graph_free(f->g);
}

static void forward(fixture *f, int step)
{
    int32_t index[READ];
    for (int i = 0; i < READ; i++) index[i] = (step + i * i) % ROWS;
    CHECK(!weft_plan_set_int(f->p, f->index, index, READ));
    CHECK(!weft_plan_forward(f->p));
}

static void check_same(fixture *a, fixture *b)
{
    static float x[WIDE * WIDE], y[WIDE * WIDE];
    for (int i = 0; i < PARAMS; i++) {
        size_t n = (size_t)rows_of[i] * (size_t)columns_of[i];
        CHECK(!weft_param_get(a->g, a->param[i], x, n));
        CHECK(!weft_param_get(b->g, b->param[i], y, n));
        CHECK(!memcmp(x, y, n * sizeof *x));
    }
    double p = weft_optimizer_gradient_norm(a->o), q = weft_optimizer_gradient_norm(b->o);
    CHECK(!memcmp(&p, &q, sizeof p) && p > 0);
    CHECK(weft_optimizer_steps(a->o) == weft_optimizer_steps(b->o));
}

static void follow(bool sparse, bool accumulate, weft_optimizer_opts opts)
{
    fixture a = start(sparse, accumulate, opts), b = start(sparse, accumulate, opts);
    for (int step = 0; step < 4; step++) {
        forward(&a, step);
        CHECK(!weft_plan_backward(a.p) && !weft_optimizer_step(a.o, opts.lr));
        forward(&b, step);
        CHECK(!weft_optimizer_backward_step(b.p, b.o, opts.lr));
        check_same(&a, &b);
    }
    weft_optimizer_swap_ema(a.o);
    weft_optimizer_swap_ema(b.o);
    check_same(&a, &b);
    end(&a);
    end(&b);
}

static void every_optimizer_gives_the_same_bits(void **state)
{
    (void)state;
    for (int i = 0; i < weft_optimizer_total(); i++)
        for (int option = 0; option < 6; option++) {
            weft_optimizer_opts o = weft_optimizer_defaults(weft_optimizer_name(i));
            if (option >= 1) o.weight_decay = 0.1;
            if (option == 2) o.clip_norm = 0.01;
            if (option == 3) o.clip_value = 0.0001;
            if (option == 4) o.ema = 0.9;
            follow(option % 2, option == 5, o);
        }
}

static void threads_do_not_change_a_bit(void **state)
{
    static const int counts[] = {1, 2, 7};
    weft_optimizer_opts o = weft_optimizer_defaults("adam");
    fixture f[3];
    (void)state;
    for (int k = 0; k < 3; k++) {
        weft_set_threads(counts[k]);
        f[k] = start(true, false, o);
        for (int step = 0; step < 3; step++) {
            forward(&f[k], step);
            CHECK(!weft_optimizer_backward_step(f[k].p, f[k].o, 0.01));
        }
    }
    check_same(&f[0], &f[1]);
    check_same(&f[0], &f[2]);
    for (int k = 0; k < 3; k++) end(&f[k]);
}

static void a_gradient_that_is_not_finite_is_named_and_no_step(void **state)
{
    (void)state;
    for (int clipped = 0; clipped < 2; clipped++) {
        weft_optimizer_opts o = weft_optimizer_defaults("sgd");
        o.clip_norm = clipped;
        fixture f = start(false, false, o);
        forward(&f, 0);
        weft_plan_loss_scale(f.p, INFINITY);
        CHECK(weft_optimizer_backward_step(f.p, f.o, 0.1) == WEFT_EDIVERGED);
        CHECK(strstr(weft_last_error(), "gradient is not finite"));
        CHECK(weft_optimizer_steps(f.o) == 0);
        end(&f);
    }
}

static void another_graphs_plan_is_refused(void **state)
{
    weft_optimizer_opts o = weft_optimizer_defaults("sgd");
    (void)state;
    fixture a = start(false, false, o), b = start(false, false, o);
    forward(&a, 0);
    CHECK(weft_optimizer_backward_step(a.p, b.o, 0.1) == WEFT_EUSAGE);
    CHECK(weft_optimizer_backward_step(a.p, a.o, NAN) == WEFT_EUSAGE);
    CHECK(!weft_optimizer_backward_step(a.p, a.o, 0.1));
    end(&a);
    end(&b);
}

static void nodes_may_follow_the_optimizer(void **state)
{
    weft_optimizer_opts o = weft_optimizer_defaults("sgd");
    float before, after;
    weft_graph *g = weft_graph_new();
    weft_value w = weft_param(g, "w", WEFT_SHAPE(1)), y = w;
    weft_optimizer *optimizer = NULL;
    weft_plan *p = NULL;
    (void)state;
    CHECK(!weft_param_set(g, w, &(float){1}, 1));
    CHECK(!weft_optimizer_new(g, &o, &optimizer));
    for (int i = 0; i < 500; i++) y = weft_tanh(g, y);
    weft_plan_opts opts = {.loss = weft_reduce_sum(g, y, 0, NULL, false),
                           .training = true};
    CHECK(!weft_plan_new(g, &opts, &p) && !weft_plan_forward(p));
    before = weft_plan_scalar(p, opts.loss);
    CHECK(!weft_optimizer_backward_step(p, optimizer, 10) && !weft_plan_forward(p));
    after = weft_plan_scalar(p, opts.loss);
    CHECK(after < before);
    weft_plan_free(p);
    weft_optimizer_free(optimizer);
    weft_graph_free(g);
}

RUN_TESTS(TEST(every_optimizer_gives_the_same_bits), TEST(threads_do_not_change_a_bit),
          TEST(a_gradient_that_is_not_finite_is_named_and_no_step),
          TEST(another_graphs_plan_is_refused), TEST(nodes_may_follow_the_optimizer))
