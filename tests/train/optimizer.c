/* Tests of the optimizers: PyTorch's traces in tests/vectors/optim, clipping,
 * averaging, faults. */
/* labels: threads */
#include "test.h"

#include "base/error.h"
#include "train/optimizer.h"

#include <float.h>

/* ---- vectors: just enough of safetensors for files that are ours ---- */

typedef struct vectors {
    unsigned char *data;
    size_t size;
    const char *header;
    const unsigned char *body;
} vectors;

static vectors read_vectors(const char *name)
{
    char path[256];
    vectors v;
    uint64_t length;
    snprintf(path, sizeof path, "tests/vectors/optim/%s.safetensors", name);
    CHECK(weft__file_read(path, 1 << 20, &v.data, &v.size) == WEFT_OK);
    memcpy(&length, v.data, sizeof length);
    CHECK(length < v.size - 8);
    v.header = (const char *)v.data + 8;
    v.body = v.data + 8 + length;
    return v;
}

/* Copies a tensor out and returns how many elements it has. */
static size_t tensor(const vectors *v, const char *name, float *out, size_t room)
{
    char key[64];
    unsigned long begin = 0, end = 0;
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(v->header, key);
    CHECK(at != NULL);
    at = strstr(at, "\"data_offsets\":");
    CHECK(at && sscanf(at, "\"data_offsets\": [%lu ,%lu]", &begin, &end) == 2);
    size_t count = (end - begin) / sizeof(float);
    CHECK(count <= room && v->body + end <= v->data + v->size);
    memcpy(out, v->body + begin, count * sizeof(float));
    return count;
}

/* ---- graphs of parameters alone ---- */

static void set_gradient(weft_graph *g, weft_value v, const float *data)
{
    weft__tensor t = weft__stored(g, v.id, true);
    CHECK(t.data != NULL);
    weft__to_storage(&t, false, data);
}

static weft_optimizer *optimizer(weft_graph *g, weft_optimizer_opts opts)
{
    weft_optimizer *o = NULL;
    CHECK(weft_optimizer_new(g, &opts, &o) == WEFT_OK);
    return o;
}

/* One parameter of n ones, and an optimizer for it. */
typedef struct fixture {
    weft_graph *g;
    weft_value w;
    weft_optimizer *o;
    float p[64], grad[64];
} fixture;

static fixture start(int n, weft_optimizer_opts opts)
{
    fixture f = {.g = weft_graph_new()};
    for (int i = 0; i < 64; i++) f.p[i] = f.grad[i] = 1;
    f.w = weft_param(f.g, "w", WEFT_SHAPE(n));
    CHECK(weft_param_set(f.g, f.w, f.p, (size_t)n) == WEFT_OK);
    f.o = optimizer(f.g, opts);
    return f;
}

static void end(fixture *f)
{
    weft_optimizer_free(f->o);
    weft_graph_free(f->g);
}

/* ---- traces ---- */

static void follow(const char *file, weft_optimizer_opts opts)
{
    float p[15], grads[150], wanted[150];
    vectors v = read_vectors(file);
    weft_graph *g = weft_graph_new();
    weft_value w = weft_param(g, "w", WEFT_SHAPE(3, 5));
    CHECK(tensor(&v, "param0", p, 15) == 15);
    CHECK(tensor(&v, "grads", grads, 150) == 150);
    CHECK(tensor(&v, "params", wanted, 150) == 150);
    CHECK(weft_param_set(g, w, p, 15) == WEFT_OK);
    weft_optimizer *o = optimizer(g, opts);
    for (int step = 0; step < 10; step++) {
        set_gradient(g, w, grads + step * 15);
        CHECK(weft_optimizer_step(o, opts.lr) == WEFT_OK);
        CHECK(weft_param_get(g, w, p, 15) == WEFT_OK);
        for (int i = 0; i < 15; i++)
            CHECK_NEAR(p[i], wanted[step * 15 + i],
                       1e-5 * fmax(1, fabs(wanted[step * 15 + i])));
    }
    CHECK(weft_optimizer_steps(o) == 10);
    weft_optimizer_free(o);
    weft_graph_free(g);
    free(v.data);
}

static void sgd_follows_pytorch(void **state)
{
    (void)state;
    follow("sgd_plain", (weft_optimizer_opts){.name = "sgd", .lr = 0.1});
    follow("sgd_wd",
           (weft_optimizer_opts){.name = "sgd", .lr = 0.1, .weight_decay = 0.01});
    follow("sgd_momentum",
           (weft_optimizer_opts){.name = "sgd", .lr = 0.05, .momentum = 0.9});
    follow("sgd_momentum_wd",
           (weft_optimizer_opts){
               .name = "sgd", .lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
    follow("sgd_nesterov",
           (weft_optimizer_opts){
               .name = "sgd", .lr = 0.05, .momentum = 0.9, .nesterov = true});
    follow("sgd_dampening", (weft_optimizer_opts){.name = "sgd",
                                                  .lr = 0.05,
                                                  .momentum = 0.8,
                                                  .dampening = 0.3,
                                                  .weight_decay = 0.01});
}

static weft_optimizer_opts with_lr(const char *name, double lr)
{
    weft_optimizer_opts opts = weft_optimizer_defaults(name);
    opts.lr = lr;
    return opts;
}

static void adam_and_adamw_follow_pytorch(void **state)
{
    (void)state;
    weft_optimizer_opts opts = with_lr("adam", 0.01);
    follow("adam", opts);
    opts.weight_decay = 0.1;
    follow("adam_decay", opts);
    opts = with_lr("adam", 0.01);
    opts.beta1 = 0.8;
    opts.beta2 = 0.95;
    opts.eps = 1e-6;
    follow("adam_betas", opts);
    follow("adamw_default", with_lr("adamw", 0.01));
    opts = with_lr("adamw", 0.01);
    opts.weight_decay = 0.1;
    follow("adamw", opts);
}

static void rmsprop_follows_pytorch(void **state)
{
    (void)state;
    weft_optimizer_opts opts = with_lr("rmsprop", 0.01);
    follow("rmsprop", opts);
    opts.centered = true;
    opts.weight_decay = 0.02;
    follow("rmsprop_centered", opts);
    opts = with_lr("rmsprop", 0.01);
    opts.momentum = 0.7;
    opts.alpha = 0.95;
    follow("rmsprop_momentum", opts);
    opts.momentum = 0.9;
    opts.alpha = 0.9;
    opts.centered = true;
    follow("rmsprop_momentum_centered", opts);
}

/* p -= lr decay p, the gradient being 0: of weights, not of what is marked. */
static void what_does_not_decay_stays(void **state)
{
    (void)state;
    static const char *const name[] = {"sgd", "adamw"};
    for (int i = 0; i < 2; i++) {
        weft_optimizer_opts opts = with_lr(name[i], 0.1);
        float p[3] = {1, -2, 4}, zero[3] = {0};
        opts.weight_decay = 0.5;
        weft_graph *g = weft_graph_new();
        weft_value w = weft_param(g, "w", WEFT_SHAPE(3)),
                   b = weft_param(g, "b", WEFT_SHAPE(3));
        weft_param_no_decay(g, b);
        CHECK(!weft_param_set(g, w, p, 3) && !weft_param_set(g, b, p, 3));
        weft_optimizer *o = optimizer(g, opts);
        set_gradient(g, w, zero);
        set_gradient(g, b, zero);
        CHECK(!weft_optimizer_step(o, opts.lr) && !weft_param_get(g, b, p, 3));
        CHECK(p[0] == 1 && p[1] == -2 && p[2] == 4);
        CHECK(!weft_param_get(g, w, p, 3));
        CHECK_NEAR(p[0], 0.95, 1e-6);
        CHECK_NEAR(p[2], 3.8, 1e-6);
        weft_optimizer_free(o);
        weft_graph_free(g);
    }
}

/* ---- clipping ---- */

/* By plain descent of rate 1 from zero a parameter becomes minus the clipped
 * gradient. */
static void clip(const char *file, double most, double type)
{
    float grad[12], clipped[12], norm;
    vectors v = read_vectors(file);
    weft_graph *g = weft_graph_new();
    weft_value w[3] = {weft_param(g, "a", WEFT_SHAPE(4, 3)),
                       weft_param(g, "b", WEFT_SHAPE(7)),
                       weft_param(g, "c", WEFT_SHAPE(2, 2, 2))};
    weft_optimizer *o = optimizer(
        g, (weft_optimizer_opts){
               .name = "sgd", .lr = 1, .clip_norm = most, .clip_norm_type = type});
    for (int i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "g%d", i);
        tensor(&v, name, grad, 12);
        set_gradient(g, w[i], grad);
    }
    CHECK(weft_optimizer_step(o, 1) == WEFT_OK);
    tensor(&v, "total_norm", &norm, 1);
    CHECK_NEAR(weft_optimizer_gradient_norm(o), norm, 1e-5 * norm);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "clipped%d", i);
        size_t n = tensor(&v, name, clipped, 12);
        CHECK(weft_param_get(g, w[i], grad, n) == WEFT_OK);
        for (size_t k = 0; k < n; k++) CHECK_NEAR(-grad[k], clipped[k], 1e-6);
    }
    weft_optimizer_free(o);
    weft_graph_free(g);
    free(v.data);
}

static void clipping_by_norm_follows_pytorch(void **state)
{
    (void)state;
    clip("clip_2", 1.5, 0);
    clip("clip_2", 1.5, 2);
    clip("clip_2_loose", 100, 2);
    clip("clip_1", 1, 1);
    clip("clip_inf", 0.5, INFINITY);
}

/* PyTorch's clip_grad_norm_ multiplies by max_norm / (norm + 1e-6): of small gradients
 * the millionth is a good part. */
static void small_gradients_are_clipped_by_norm_and_a_millionth(void **state)
{
    (void)state;
    fixture f =
        start(2, (weft_optimizer_opts){.name = "sgd", .lr = 1, .clip_norm = 1e-5});
    f.p[0] = f.p[1] = 0;
    CHECK(!weft_param_set(f.g, f.w, f.p, 2));
    f.grad[0] = 3e-5f, f.grad[1] = -4e-5f;
    set_gradient(f.g, f.w, f.grad);
    CHECK(!weft_optimizer_step(f.o, 1) && !weft_param_get(f.g, f.w, f.p, 2));
    CHECK_NEAR(f.p[0], -3e-5 * (1e-5 / (5e-5 + 1e-6)), 1e-11); /* without it 1e-7 off */
    CHECK_NEAR(f.p[1], 4e-5 * (1e-5 / (5e-5 + 1e-6)), 1e-11);
    end(&f);
}

static void clipping_by_value_comes_after_the_norm(void **state)
{
    (void)state;
    fixture f = start(2, (weft_optimizer_opts){
                             .name = "sgd", .lr = 1, .clip_norm = 5, .clip_value = 3.5});
    f.grad[0] = 6, f.grad[1] = -8; /* norm 10: becomes 3, -4, and then 3, -3.5 */
    set_gradient(f.g, f.w, f.grad);
    CHECK(weft_optimizer_step(f.o, 1) == WEFT_OK);
    CHECK_NEAR(weft_optimizer_gradient_norm(f.o), 10, 1e-5);
    weft_param_get(f.g, f.w, f.p, 2);
    CHECK_NEAR(f.p[0], 1 - 3, 1e-5);
    CHECK_NEAR(f.p[1], 1 + 3.5, 1e-5);
    end(&f);
}

static void the_norm_of_huge_but_finite_gradients_is_finite(void **state)
{
    (void)state;
    fixture f = start(4, (weft_optimizer_opts){.name = "sgd", .lr = 1, .clip_norm = 1});
    for (int i = 0; i < 4; i++) f.grad[i] = 1e30f; /* whose square no float holds */
    set_gradient(f.g, f.w, f.grad);
    CHECK(weft_optimizer_step(f.o, 1) == WEFT_OK);
    CHECK_NEAR(weft_optimizer_gradient_norm(f.o) / 2e30, 1, 1e-6);
    weft_param_get(f.g, f.w, f.p, 4);
    CHECK_NEAR(f.p[0], 0.5, 1e-6);
    end(&f);
}

/* ---- faults ---- */

static void a_bad_gradient_changes_nothing_and_is_named(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const double types[] = {1, 2, INFINITY};
    for (int b = 0; b < 9; b++) {
        weft_optimizer_opts opts = weft_optimizer_defaults("adam");
        opts.clip_norm_type = types[b / 3];
        opts.clip_value = 1; /* must not hide it */
        opts.ema = 0.5;
        fixture f = start(20, opts);
        set_gradient(f.g, f.w, f.grad);
        CHECK(weft_optimizer_step(f.o, 0.1) == WEFT_OK);
        unsigned long version = f.g->version;
        float before[20], moment = f.o->moment[0][3], average = f.o->average[3];
        weft_param_get(f.g, f.w, before, 20);
        f.grad[17] = bad[b % 3];
        set_gradient(f.g, f.w, f.grad);
        CHECK(weft_optimizer_step(f.o, 0.1) == WEFT_EDIVERGED);
        CHECK_TEXT(weft_last_error(), "w: its gradient is not finite");
        weft_param_get(f.g, f.w, f.p, 20);
        CHECK(!memcmp(f.p, before, sizeof before));
        CHECK(f.o->moment[0][3] == moment && f.o->average[3] == average);
        CHECK(f.g->version == version && weft_optimizer_steps(f.o) == 1);
        end(&f);
    }
}

static void refused(weft_optimizer_opts opts, const char *message)
{
    weft_graph *g = weft_graph_new();
    weft_optimizer *o = NULL;
    weft_param(g, "w", WEFT_SHAPE(3));
    CHECK(weft_optimizer_new(g, &opts, &o) == WEFT_EUSAGE);
    CHECK(o == NULL);
    CHECK_HAS(weft_last_error(), message);
    weft_graph_free(g);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    weft_optimizer_opts o;
    refused((weft_optimizer_opts){.name = "adma"}, "did you mean \"adam\"?");
    refused((weft_optimizer_opts){.name = "rms"}, "did you mean \"rmsprop\"?");
    refused((weft_optimizer_opts){.name = "lion"},
            "(there are sgd, adam, adamw, rmsprop)");
    refused((weft_optimizer_opts){0}, "no name given");
    refused((weft_optimizer_opts){.name = "sgd", .lr = -1}, "lr is -1");
    refused((weft_optimizer_opts){.name = "sgd", .lr = NAN}, "lr is nan");
    refused((weft_optimizer_opts){.name = "sgd", .momentum = 1}, "momentum is 1");
    refused((weft_optimizer_opts){.name = "sgd", .nesterov = true}, "nesterov needs");
    refused((weft_optimizer_opts){.name = "sgd", .clip_norm_type = 3},
            "clip_norm_type is 3");
    refused((weft_optimizer_opts){.name = "sgd", .clip_norm = NAN}, "clip_norm is nan");
    refused((weft_optimizer_opts){.name = "sgd", .clip_value = INFINITY},
            "clip_value is inf");
    refused((weft_optimizer_opts){.name = "sgd", .weight_decay = -1},
            "weight_decay is -1");
    refused((weft_optimizer_opts){.name = "sgd", .ema = 1}, "ema is 1");
    o = weft_optimizer_defaults("adam");
    o.beta2 = 1;
    refused(o, "beta2 is 1");
    o = weft_optimizer_defaults("rmsprop");
    o.eps = 0;
    refused(o, "eps is 0");
    o = weft_optimizer_defaults("rmsprop");
    o.alpha = 1;
    refused(o, "alpha is 1");
    CHECK(weft_optimizer_defaults("lion").name == NULL);
    CHECK(weft_optimizer_defaults(NULL).name == NULL);
}

static void a_learning_rate_that_is_no_number_is_refused(void **state)
{
    (void)state;
    fixture f = start(2, weft_optimizer_defaults("sgd"));
    CHECK(weft_optimizer_step(f.o, NAN) == WEFT_EUSAGE);
    CHECK(weft_optimizer_step(f.o, -0.1) == WEFT_EUSAGE);
    CHECK(weft_optimizer_step(f.o, INFINITY) == WEFT_EUSAGE);
    CHECK(weft_optimizer_steps(f.o) == 0);
    end(&f);
}

static void a_graph_in_double_precision_is_refused(void **state)
{
    (void)state;
    weft_optimizer_opts opts = weft_optimizer_defaults("sgd");
    weft_graph *g = weft_graph_new();
    weft_optimizer *o = NULL;
    weft_graph_use_double(g);
    weft_param(g, "w", WEFT_SHAPE(3));
    CHECK(weft_optimizer_new(g, &opts, &o) == WEFT_EUSAGE && o == NULL);
    weft_graph_free(g);
}

static void every_optimizer_is_found_by_its_name(void **state)
{
    (void)state;
    CHECK(weft_optimizer_total() == 4);
    for (int i = 0; i < weft_optimizer_total(); i++) {
        const char *name = weft_optimizer_name(i);
        CHECK_TEXT(weft_optimizer_defaults(name).name, name);
        fixture f = start(3, weft_optimizer_defaults(name));
        set_gradient(f.g, f.w, f.grad);
        CHECK(weft_optimizer_step(f.o, 0.1) == WEFT_OK);
        weft_param_get(f.g, f.w, f.p, 3);
        CHECK(f.p[0] < 1);
        end(&f);
    }
    CHECK(weft_optimizer_name(-1) == NULL && weft_optimizer_name(4) == NULL);
    weft_optimizer_free(NULL);
}

static void a_graph_without_parameters_takes_steps(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_input(g, "x", WEFT_SHAPE(0, 2));
    weft_optimizer *o = optimizer(g, weft_optimizer_defaults("adam"));
    CHECK(weft_optimizer_step(o, 0.1) == WEFT_OK);
    CHECK(weft_optimizer_gradient_norm(o) == 0);
    weft_optimizer_free(o);
    weft_graph_free(g);
}

/* ---- decay, frozen parameters, average, threads ---- */

static void only_weights_decay_and_frozen_parameters_stay(void **state)
{
    (void)state;
    float one[3] = {1, 1, 1}, zero[3] = {0}, got[3];
    weft_graph *g = weft_graph_new();
    weft_value bias = weft_param(g, "bias", WEFT_SHAPE(3));
    weft_value w = weft_param(g, "w", WEFT_SHAPE(3)),
               fixed = weft_param(g, "f", WEFT_SHAPE(3));
    weft_param_no_decay(g, bias);
    weft_param_freeze(g, fixed);
    weft_param_set(g, bias, one, 3);
    weft_param_set(g, w, one, 3);
    weft_param_set(g, fixed, one, 3);
    weft_optimizer *o =
        optimizer(g, (weft_optimizer_opts){.name = "sgd", .lr = 1, .weight_decay = 0.25});
    set_gradient(g, w, zero);
    set_gradient(g, bias, zero);
    CHECK(weft_optimizer_step(o, 1) == WEFT_OK);
    weft_param_get(g, w, got, 3);
    CHECK(got[0] == 0.75f && got[2] == 0.75f);
    weft_param_get(g, bias, got, 3);
    CHECK(got[0] == 1 && got[2] == 1);
    weft_param_get(g, fixed, got, 3);
    CHECK(got[0] == 1);
    weft_optimizer_free(o);
    weft_graph_free(g);
}

static void the_average_swaps_in_and_out(void **state)
{
    (void)state;
    double average = 0, p = 1;
    fixture f = start(3, (weft_optimizer_opts){.name = "sgd", .lr = 0.5, .ema = 0.15});
    weft_optimizer_swap_ema(f.o); /* before the first step there is none */
    weft_param_get(f.g, f.w, f.p, 3);
    CHECK(f.p[0] == 1);
    for (int t = 1; t <= 4; t++) {
        double keep = fmin(0.15, (t - 1) / (t + 8.0));
        set_gradient(f.g, f.w, f.grad);
        CHECK(weft_optimizer_step(f.o, 0.5) == WEFT_OK);
        p -= 0.5;
        average = keep * average + (1 - keep) * p;
    }
    unsigned long version = f.g->version;
    weft_optimizer_swap_ema(f.o);
    weft_param_get(f.g, f.w, f.p, 3);
    CHECK_NEAR(f.p[2], average, 1e-6);
    CHECK(f.g->version != version);
    CHECK(weft_optimizer_step(f.o, 0.5) == WEFT_EUSAGE); /* would train the average */
    weft_optimizer_swap_ema(f.o);
    weft_param_get(f.g, f.w, f.p, 3);
    CHECK_NEAR(f.p[2], p, 1e-6);
    CHECK(weft_optimizer_step(f.o, 0.5) == WEFT_OK);
    end(&f);
}

static void without_ema_swapping_does_nothing(void **state)
{
    (void)state;
    fixture f = start(3, (weft_optimizer_opts){.name = "sgd", .lr = 0.5});
    set_gradient(f.g, f.w, f.grad);
    CHECK(weft_optimizer_step(f.o, 0.5) == WEFT_OK);
    weft_optimizer_swap_ema(f.o);
    weft_param_get(f.g, f.w, f.p, 3);
    CHECK(f.p[0] == 0.5f);
    CHECK(weft_optimizer_step(f.o, 0.5) == WEFT_OK);
    end(&f);
}

enum { MANY = 100003 };

/* Three clipped and averaged steps over parameters that fill several pieces. */
static double run(const char *name, int threads, float *result)
{
    CHECK(weft_set_threads(threads) == WEFT_OK);
    weft_optimizer_opts opts = weft_optimizer_defaults(name);
    opts.clip_norm = 0.5;
    opts.ema = 0.9;
    opts.weight_decay = 0.01;
    weft_graph *g = weft_graph_new();
    weft_value w = weft_param(g, "w", WEFT_SHAPE(MANY)),
               b = weft_param(g, "b", WEFT_SHAPE(MANY));
    weft_param_no_decay(g, b);
    weft_optimizer *o = optimizer(g, opts);
    float *x = malloc(MANY * sizeof *x);
    CHECK(x != NULL);
    for (int step = 0; step < 3; step++) {
        for (int i = 0; i < MANY; i++) x[i] = (float)sin(i * (step + 1.0)) / 3;
        set_gradient(g, w, x);
        set_gradient(g, b, x);
        CHECK(weft_optimizer_step(o, 0.1) == WEFT_OK);
    }
    double norm = weft_optimizer_gradient_norm(o);
    weft_optimizer_swap_ema(o);
    weft_param_get(g, w, result, MANY);
    weft_param_get(g, b, result + MANY, MANY);
    free(x);
    weft_optimizer_free(o);
    weft_graph_free(g);
    CHECK(weft_set_threads(0) == WEFT_OK);
    return norm;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    const int threads[] = {2, 3, 7};
    float *one = malloc(2 * MANY * sizeof *one), *more = malloc(2 * MANY * sizeof *more);
    CHECK(one && more);
    for (int i = 0; i < weft_optimizer_total(); i++) {
        double norm = run(weft_optimizer_name(i), 1, one);
        for (int k = 0; k < 3; k++) {
            CHECK(run(weft_optimizer_name(i), threads[k], more) == norm);
            CHECK(!memcmp(one, more, 2 * MANY * sizeof *one));
        }
    }
    free(one);
    free(more);
}

RUN_TESTS(TEST(sgd_follows_pytorch), TEST(adam_and_adamw_follow_pytorch),
          TEST(rmsprop_follows_pytorch), TEST(what_does_not_decay_stays),
          TEST(clipping_by_norm_follows_pytorch),
          TEST(small_gradients_are_clipped_by_norm_and_a_millionth),
          TEST(clipping_by_value_comes_after_the_norm),
          TEST(the_norm_of_huge_but_finite_gradients_is_finite),
          TEST(a_bad_gradient_changes_nothing_and_is_named),
          TEST(wrong_options_are_refused),
          TEST(a_learning_rate_that_is_no_number_is_refused),
          TEST(a_graph_in_double_precision_is_refused),
          TEST(every_optimizer_is_found_by_its_name),
          TEST(a_graph_without_parameters_takes_steps),
          TEST(only_weights_decay_and_frozen_parameters_stay),
          TEST(the_average_swaps_in_and_out), TEST(without_ema_swapping_does_nothing),
          TEST(any_number_of_threads_gives_the_same_bits))
