/* Tests of sparse tables: what a step leaves alone, and that it is otherwise a dense
 * table's. */
/* labels: threads */
#include "test.h"

#include "graph/graph.h"
#include "weft/base.h"
#include "weft/ops.h"
#include "weft/plan.h"
#include "weft/train.h"

#include <math.h>

enum { ROWS = 300, WIDE = 37, READ = 200 };

/* A table, read at READ places; the loss is the sum of squares of what is read. */
typedef struct fixture {
    weft_graph *g;
    weft_value table, index, loss;
    weft_plan *p;
    weft_optimizer *o;
} fixture;

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)((i * 7919 + 13) % 1000) / 500 - 1;
}

static fixture start(bool sparse, bool accumulate, weft_optimizer_opts opts)
{
    static float x[ROWS * WIDE];
    fixture f = {.g = weft_graph_new()};
    f.table = weft_param(f.g, "table", WEFT_SHAPE(ROWS, WIDE));
    f.index = weft_input_int(f.g, "index", WEFT_SHAPE(READ), ROWS);
    weft_value y =
        weft_embedding(f.g, f.index, f.table, &(weft_embedding_opts){.sparse = sparse});
    f.loss = weft_reduce_sum(f.g, weft_mul(f.g, y, y), 0, NULL, false);
    weft_plan_opts o = {.loss = f.loss, .training = true, .accumulate = accumulate};
    CHECK(!weft_plan_new(f.g, &o, &f.p));
    fill(x, ROWS * WIDE);
    CHECK(!weft_param_set(f.g, f.table, x, ROWS * WIDE));
    CHECK(!weft_optimizer_new(f.g, &opts, &f.o));
    return f;
}

static void end(fixture *f)
{
    weft_optimizer_free(f->o);
    weft_plan_free(f->p);
    weft_graph_free(f->g);
}

/* Reads rows first, first + by, ... */
static void pass(fixture *f, int first, int by)
{
    int32_t index[READ];
    for (int i = 0; i < READ; i++) index[i] = (first + i * by) % ROWS;
    CHECK(!weft_plan_set_int(f->p, f->index, index, READ));
    CHECK(!weft_plan_forward(f->p) && !weft_plan_backward(f->p));
}

static void table_of(const fixture *f, float *x)
{
    CHECK(!weft_param_get(f->g, f->table, x, ROWS * WIDE));
}

static void gradient_of(const fixture *f, float *x)
{
    CHECK(!weft_param_gradient(f->g, f->table, x, ROWS * WIDE));
}

static const weft_optimizer_opts plain = {.name = "sgd", .lr = 0.01};

static void rows_that_no_index_names_keep_every_bit(void **state)
{
    static float before[ROWS * WIDE], after[ROWS * WIDE];
    (void)state;
    for (int i = 0; i < weft_optimizer_total(); i++) {
        weft_optimizer_opts o = weft_optimizer_defaults(weft_optimizer_name(i));
        o.weight_decay = 0.1;
        fixture f = start(true, false, o);
        for (int step = 0; step < 3; step++) {
            table_of(&f, before);
            pass(&f, step, 2); /* every other row, some twice */
            CHECK(!weft_optimizer_step(f.o, o.lr));
            table_of(&f, after);
            for (int r = 0; r < ROWS; r++) {
                bool same =
                    !memcmp(before + r * WIDE, after + r * WIDE, WIDE * sizeof *after);
                CHECK(same == ((r - step) % 2 != 0));
            }
        }
        end(&f);
    }
}

static void a_gradient_is_the_dense_ones_and_is_cleared(void **state)
{
    static float one[ROWS * WIDE], two[ROWS * WIDE];
    (void)state;
    fixture f = start(true, false, plain), d = start(false, false, plain);
    for (int k = 0; k < 4; k++) {
        pass(&f, k, 3 + k);
        pass(&d, k, 3 + k);
        gradient_of(&f, one);
        gradient_of(&d, two);
        CHECK(!memcmp(one, two, sizeof one));
        CHECK(!weft_optimizer_step(f.o, 0) && !weft_optimizer_step(d.o, 0));
        CHECK_NEAR(weft_optimizer_gradient_norm(f.o), weft_optimizer_gradient_norm(d.o),
                   1e-6 * weft_optimizer_gradient_norm(d.o));
    }
    weft_graph_zero_gradients(f.g);
    gradient_of(&f, one);
    for (int i = 0; i < ROWS * WIDE; i++) CHECK(one[i] == 0);
    end(&f);
    end(&d);
}

static void batches_add_up_until_the_gradients_are_cleared(void **state)
{
    static float one[ROWS * WIDE], two[ROWS * WIDE];
    (void)state;
    fixture f = start(true, true, plain), d = start(false, true, plain);
    for (int round = 0; round < 2; round++) {
        weft_graph_zero_gradients(f.g);
        weft_graph_zero_gradients(d.g);
        for (int k = 0; k < 3; k++) {
            pass(&f, 10 * k, 1);
            pass(&d, 10 * k, 1);
        }
        gradient_of(&f, one);
        gradient_of(&d, two);
        for (int i = 0; i < ROWS * WIDE; i++) CHECK_NEAR(one[i], two[i], 1e-5);
    }
    end(&f);
    end(&d);
}

/* Each step reads all rows, in two batches. */
static void read_whole_it_learns_as_a_dense_one(void **state)
{
    static float one[ROWS * WIDE], two[ROWS * WIDE];
    (void)state;
    for (int i = 0; i < weft_optimizer_total(); i++) {
        weft_optimizer_opts o = weft_optimizer_defaults(weft_optimizer_name(i));
        o.weight_decay = 0.01;
        o.clip_value = 0.5;
        o.ema = 0.9;
        fixture f = start(true, true, o), d = start(false, true, o);
        for (int step = 0; step < 4; step++) {
            weft_graph_zero_gradients(f.g);
            weft_graph_zero_gradients(d.g);
            for (int k = 0; k < 2; k++) {
                pass(&f, k * 150, 1);
                pass(&d, k * 150, 1);
            }
            CHECK(!weft_optimizer_step(f.o, o.lr) && !weft_optimizer_step(d.o, o.lr));
        }
        for (int average = 0; average < 2; average++) {
            table_of(&f, one);
            table_of(&d, two);
            for (int k = 0; k < ROWS * WIDE; k++) CHECK_NEAR(one[k], two[k], 1e-5);
            weft_optimizer_swap_ema(f.o);
            weft_optimizer_swap_ema(d.o);
        }
        end(&f);
        end(&d);
    }
}

static weft_graph *with_readers(bool second_is_sparse, bool read_whole)
{
    static const int32_t index[4] = {0, 2, 2, 1};
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_value t = weft_param(g, "t", WEFT_SHAPE(4, 2));
    weft_value at = weft_const_int(g, "i", WEFT_SHAPE(4), index);
    weft_value a = weft_embedding(g, at, t, &(weft_embedding_opts){.sparse = true});
    weft_value b =
        weft_embedding(g, at, t, &(weft_embedding_opts){.sparse = second_is_sparse});
    weft_value y = weft_add(g, a, b);
    if (read_whole) y = weft_add(g, y, t);
    weft_plan_opts o = {.loss = weft_reduce_sum(g, y, 0, NULL, false), .training = true};
    CHECK(!weft_plan_new(g, &o, &p));
    for (int k = 0; k < 2; k++) CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
    float d[8];
    CHECK(!weft_param_gradient(g, t, d, 8));
    for (int r = 0; r < 4; r++) {
        static const int read[4] = {1, 1, 2, 0};
        CHECK(d[2 * r] == (float)(2 * read[r] + read_whole) && d[2 * r] == d[2 * r + 1]);
    }
    weft_plan_free(p);
    return g;
}

static void a_table_is_sparse_if_all_its_readers_are(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        weft_graph *g = with_readers(k & 1, k >> 1);
        CHECK(g->value[weft_find(g, "t").id].sparse == (k == 1));
        weft_graph_free(g);
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static float one[ROWS * WIDE], two[ROWS * WIDE];
    weft_optimizer_opts o = weft_optimizer_defaults("adam");
    o.clip_norm = 1;
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        CHECK(!weft_set_threads(threads));
        fixture f = start(true, false, o);
        for (int k = 0; k < 5; k++) {
            pass(&f, k, 7);
            CHECK(!weft_optimizer_step(f.o, 0.01));
        }
        table_of(&f, threads == 1 ? one : two);
        if (threads > 1) CHECK(!memcmp(one, two, sizeof one));
        end(&f);
    }
    weft_set_threads(0);
}

static void a_gradient_that_is_not_finite_is_named(void **state)
{
    static float x[ROWS * WIDE];
    (void)state;
    fixture f = start(true, false, plain);
    fill(x, ROWS * WIDE);
    x[5 * WIDE] = INFINITY;
    CHECK(!weft_param_set(f.g, f.table, x, ROWS * WIDE));
    pass(&f, 0, 1);
    CHECK(weft_optimizer_step(f.o, 0.1) == WEFT_EDIVERGED);
    CHECK(strstr(weft_last_error(), "table"));
    pass(&f, 6, 1); /* the row is not read now */
    CHECK(!weft_optimizer_step(f.o, 0.1));
    end(&f);
}

RUN_TESTS(TEST(rows_that_no_index_names_keep_every_bit),
          TEST(a_gradient_is_the_dense_ones_and_is_cleared),
          TEST(batches_add_up_until_the_gradients_are_cleared),
          TEST(read_whole_it_learns_as_a_dense_one),
          TEST(a_table_is_sparse_if_all_its_readers_are),
          TEST(any_number_of_threads_gives_the_same_bits),
          TEST(a_gradient_that_is_not_finite_is_named))
