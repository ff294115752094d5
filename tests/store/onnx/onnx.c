/* onnx.c: models out and back: the same bytes, the same bits, every operator; and what
 * other tools write. */
#include "test.h"

#include "base/log.h"
#include "base/rng.h"
#include "graph/graph.h"
#include "store/safetensors.h"
#include "weft/ops.h"
#include "weft/plan.h"
#include "weft/store.h"

/* ---- a small network with a bit of everything ---- */

static void fill(weft_graph *g, uint64_t seed)
{
    for (int i = 0; i < weft_param_count(g); i++) {
        weft_param_info p = weft_param_at(g, i);
        weft__rng rng = weft__rng_at(seed, WEFT_RNG_TEST, (uint64_t)i);
        bool positive = g->value[p.value.id].sampled && g->value[p.value.id].low >= 0;
        float *data = malloc(p.count * sizeof *data);
        for (size_t k = 0; k < p.count; k++) {
            double v = weft__rng_normal(&rng) * 0.5;
            data[k] = (float)(positive ? fabs(v) + 0.1 : v);
        }
        if (strstr(p.name, "var"))
            for (size_t k = 0; k < p.count; k++) data[k] = fabsf(data[k]) + 0.5f;
        CHECK(!weft_param_set(g, p.value, data, p.count));
        free(data);
    }
}

static weft_graph *network(void)
{
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "image", WEFT_SHAPE(0, 3, 8, 8));
    weft_graph_push(g, "conv1");
    weft_value w = weft_param(g, "weight", WEFT_SHAPE(4, 3, 3, 3));
    weft_value b = weft_param(g, "bias", WEFT_SHAPE(4));
    weft_graph_pop(g);
    weft_value h = weft_conv(g, x, w, b, &(weft_conv_opts){.pad = {1, 1}});
    weft_graph_name(g, h, "conv1");
    h = weft_batch_norm(g, h, weft_param(g, "bn.weight", WEFT_SHAPE(4)),
                        weft_param(g, "bn.bias", WEFT_SHAPE(4)),
                        weft_buffer(g, "bn.mean", WEFT_SHAPE(4)),
                        weft_buffer(g, "bn.var", WEFT_SHAPE(4)), NULL);
    h = weft_gelu(g, h);
    h = weft_max_pool(g, h, &(weft_pool_opts){.kernel = {2, 2}});
    h = weft_dropout(g, weft_silu(g, h), 0.25);
    h = weft_mul(g, h, weft_const(g, "half", WEFT_SHAPE(1), &(float){0.5f}));
    h = weft_flatten(g, h, 1);
    weft_value fc = weft_param(g, "fc.weight", WEFT_SHAPE(5, 64));
    weft_param_freeze(g, fc);
    weft_value logits = weft_dense(g, h, fc, WEFT_NONE);
    weft_graph_name(g, logits, "fc");
    weft_value target = weft_input_int(g, "target", WEFT_SHAPE(0), 5);
    weft_cross_entropy(g, logits, target, WEFT_NONE, NULL, NULL);
    weft_output(g, weft_softmax(g, logits, 1), "probability");
    weft_output(g, logits, "logits");
    fill(g, 7);
    CHECK(!weft_graph_status(g));
    return g;
}

typedef struct bytes {
    unsigned char *data;
    size_t n;
} bytes;

static bytes saved(const weft_graph *g, const weft_meta *m)
{
    bytes b = {0};
    CHECK(!weft_onnx_save(g, m, test_path("m.onnx")));
    CHECK(!weft__file_read(test_path("m.onnx"), SIZE_MAX, &b.data, &b.n));
    return b;
}

static bool same_bytes(bytes a, bytes b)
{
    return a.n == b.n && !memcmp(a.data, b.data, a.n);
}

/* The first output for inputs that depend on the seed only. Fresh memory. */
static float *run(weft_graph *g, int batch, size_t *count)
{
    weft_plan *p = NULL;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = batch}, &p));
    for (int i = 0; i < weft_input_count(g); i++) {
        weft_value v = weft_input_at(g, i);
        weft_shape s = weft_plan_shape(p, v);
        size_t n = 1;
        for (int k = 0; k < s.rank; k++) n *= (size_t)s.dim[k];
        weft__rng rng = weft__rng_at(3, WEFT_RNG_TEST, (uint64_t)i);
        float *x = malloc((n + 1) * sizeof *x);
        int32_t *ints = calloc(n + 1, sizeof *ints);
        for (size_t k = 0; k < n; k++) x[k] = (float)(fabs(weft__rng_normal(&rng)) + 0.1);
        CHECK(!(g->value[v.id].type == WEFT_I32 ? weft_plan_set_int(p, v, ints, n)
                                                : weft_plan_set(p, v, x, n)));
        free(x);
        free(ints);
    }
    CHECK(!weft_plan_forward(p));
    weft_shape s = weft_plan_shape(p, weft_output_at(g, 0));
    *count = 1;
    for (int k = 0; k < s.rank; k++) *count *= (size_t)s.dim[k];
    float *y = malloc((*count + 1) * sizeof *y);
    CHECK(!weft_plan_get(p, weft_output_at(g, 0), y, *count));
    weft_plan_free(p);
    return y;
}

static void a_model_comes_back_with_everything(void **state)
{
    char before[65], after[65];
    size_t n, m;
    (void)state;
    weft_graph *g = network(), *again = NULL;
    weft_meta *meta = weft_meta_new(), *back = NULL;
    CHECK(!weft_meta_set(meta, "names", "{0: 'cat', 1: 'Hündin <b>'}"));
    CHECK(!weft_meta_set(meta, "task", "classify"));
    CHECK(!weft_meta_set(meta, "weft.graph.mine",
                         "the writer's own keys are not for users"));
    bytes first = saved(g, meta);
    CHECK(!weft_onnx_load(test_path("m.onnx"), NULL, &again, &back));
    bytes second = saved(again, back);
    CHECK(same_bytes(first, second));

    CHECK(weft_meta_count(back) == 2);
    CHECK_TEXT(weft_meta_key(back, 0), "names");
    CHECK_TEXT(weft_meta_get(back, "names"), "{0: 'cat', 1: 'Hündin <b>'}");
    CHECK(!weft_params_sha256(g, before) && !weft_params_sha256(again, after));
    CHECK_TEXT(before, after);
    CHECK(weft_shape_of(again, weft_find(again, "image")).dim[0] == 0);
    CHECK(weft_input_count(again) == 1); /* the loss and its target stay behind */
    CHECK(weft_find(again, "conv1").id && weft_find(again, "logits").id);
    CHECK(weft_node_count(again) == weft_node_count(g) - 1);
    CHECK(again->value[weft_find(again, "bn.var").id].kind == WEFT_KIND_BUFFER);
    CHECK(again->value[weft_find(again, "fc.weight").id].frozen);
    CHECK(again->value[weft_find(again, "half").id].kind == WEFT_KIND_CONST);

    float *y = run(g, 3, &n), *z = run(again, 3, &m);
    CHECK(n == 15 && m == 15);
    CHECK(!memcmp(y, z, n * sizeof *y));
    free(y);
    free(z);
    free(first.data);
    free(second.data);
    weft_meta_free(meta);
    weft_meta_free(back);
    weft_graph_free(g);
    weft_graph_free(again);
}

static void a_model_can_be_loaded_in_double_precision(void **state)
{
    char before[65], after[65];
    (void)state;
    weft_graph *g = network(), *wide = NULL;
    bytes first = saved(g, NULL);
    weft_onnx_load_opts opts = {.use_double = true};
    CHECK(!weft_onnx_parse(first.data, first.n, &opts, &wide, NULL));
    CHECK(wide->f64);
    CHECK(!weft_params_sha256(g, before) && !weft_params_sha256(wide, after));
    CHECK_TEXT(before, after);
    bytes second = saved(wide, NULL);
    CHECK(same_bytes(first, second));
    free(first.data);
    free(second.data);
    weft_graph_free(wide);
    weft_graph_free(g);
}

static void a_model_cut_off_anywhere_is_refused(void **state)
{
    (void)state;
    weft_graph *g = network();
    weft_meta *meta = weft_meta_new();
    CHECK(!weft_meta_set(meta, "task", "classify"));
    bytes b = saved(g, meta);
    for (size_t n = 0; n < b.n; n++) {
        weft_graph *cut = NULL;
        if (weft_onnx_parse(b.data, n, NULL, &cut, NULL) != WEFT_EMODEL)
            print_error("cut at %zu\n", n);
        CHECK(!cut);
    }
    free(b.data);
    weft_meta_free(meta);
    weft_graph_free(g);
}

/* Whatever a flipped bit makes of it: a graph or one message, never more. */
static void a_flipped_bit_never_breaks_the_reader(void **state)
{
    (void)state;
    weft_graph *g = network();
    bytes b = saved(g, NULL);
    weft_set_quiet(2);
    for (size_t bit = 0; bit < b.n * 8; bit += 5) {
        weft_graph *odd = NULL;
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        weft_status s = weft_onnx_parse(
            b.data, b.n, &(weft_onnx_load_opts){.max_bytes = 1 << 24}, &odd, NULL);
        CHECK(s == WEFT_OK || s == WEFT_EMODEL || s == WEFT_ENOMEM);
        CHECK(!s == (odd != NULL));
        weft_graph_free(odd);
        b.data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    weft_set_quiet(0);
    free(b.data);
    weft_graph_free(g);
}

static void dense_over_three_axes_comes_back_as_one(void **state)
{
    size_t n, m;
    (void)state;
    weft_graph *g = weft_graph_new(), *again = NULL;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3, 4));
    weft_value w = weft_param(g, "w", WEFT_SHAPE(5, 4)),
               b = weft_param(g, "b", WEFT_SHAPE(5));
    weft_output(g, weft_dense(g, x, w, b), "y");
    fill(g, 3);
    bytes first = saved(g, NULL);
    CHECK(!weft_onnx_parse(first.data, first.n, NULL, &again, NULL));
    CHECK(weft_node_count(again) == 1);
    bytes second = saved(again, NULL);
    CHECK(same_bytes(first, second));
    float *y = run(g, 2, &n), *z = run(again, 2, &m);
    CHECK(n == 30 && m == 30 && !memcmp(y, z, n * sizeof *y));
    free(y);
    free(z);
    free(first.data);
    free(second.data);
    weft_graph_free(again);
    weft_graph_free(g);
}

static void integer_inputs_keep_their_limit(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new(), *again = NULL;
    weft_value t = weft_input_int(g, "tokens", WEFT_SHAPE(0, 6), 1000);
    weft_output(g, weft_reshape(g, t, WEFT_SHAPE(0, 3, 2)), "out");
    CHECK(!weft_graph_status(g));
    bytes a = saved(g, NULL);
    CHECK(!weft_onnx_parse(a.data, a.n, NULL, &again, NULL));
    CHECK(again->value[weft_find(again, "tokens").id].type == WEFT_I32);
    CHECK(again->value[weft_find(again, "tokens").id].limit == 1000);
    free(a.data);
    weft_graph_free(again);
    weft_graph_free(g);
}

static void an_input_can_be_an_output_and_a_value_two(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new(), *again = NULL;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2));
    weft_value y = weft_relu(g, x);
    weft_output(g, y, "one");
    weft_output(g, y, "two");
    weft_output(g, x, "three");
    bytes a = saved(g, NULL);
    CHECK(!weft_onnx_parse(a.data, a.n, NULL, &again, NULL));
    CHECK(weft_output_count(again) == 3);
    bytes b = saved(again, NULL);
    CHECK(same_bytes(a, b));
    free(a.data);
    free(b.data);
    weft_graph_free(again);
    weft_graph_free(g);
}

static void equal_names_are_told_apart(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new(), *again = NULL;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2)), a = weft_relu(g, x);
    weft_graph_name(g, a, "layer");
    a = weft_tanh(g, weft_mul(g, a, weft_param(g, "layer2", WEFT_SHAPE(2))));
    weft_graph_name(g, a, "layer");
    weft_output(g, weft_sigmoid(g, a), "y");
    bytes first = saved(g, NULL);
    CHECK(!weft_onnx_parse(first.data, first.n, NULL, &again, NULL));
    CHECK(weft_node_count(again) == 4);
    bytes second = saved(again, NULL);
    CHECK(same_bytes(first, second));
    free(first.data);
    free(second.data);
    weft_graph_free(again);
    weft_graph_free(g);
}

static void what_cannot_be_saved_says_why(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2)),
               t = weft_input(g, "t", WEFT_SHAPE(0, 2));
    const char *path = test_path("none.onnx");
    CHECK(weft_onnx_save(g, NULL, path) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "no output");
    weft_output(g, weft_mse(g, x, t, WEFT_MEAN), "loss");
    CHECK(weft_onnx_save(g, NULL, path) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "mse");
    CHECK(!weft__is_file(path));
    weft_graph_free(g);

    g = weft_graph_new();
    weft_output(g, weft_relu(g, weft_input(g, "x", WEFT_SHAPE(0, 2))), "x");
    CHECK(weft_onnx_save(g, NULL, path) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "output x has the name of");
    CHECK(weft_onnx_save(g, NULL, test_path("no/such/folder/m.onnx")));
    weft_graph_free(g);
}

/* ---- every operator ---- */

static void check_near(const float *y, const float *z, size_t n, bool exact,
                       const char *op)
{
    double most = 1e-3;
    for (size_t i = 0; i < n; i++)
        if (isfinite(y[i]) && fabs(y[i]) > most) most = fabs(y[i]);
    for (size_t i = 0; i < n; i++) {
        bool same = !memcmp(&y[i], &z[i], 4) || (isnan(y[i]) && isnan(z[i]));
        if (!same && (exact || !(fabs(y[i] - z[i]) <= 1e-5 * most))) {
            print_error("%s: element %zu is %.9g, was %.9g\n", op, i, z[i], y[i]);
            CHECK(false);
        }
    }
}

/* 1: it came back; 0: it has no ONNX form, and the message says so. */
static int there_and_back(const weft_op *op, uint64_t seed)
{
    weft_graph *g = weft_graph_new(), *again = NULL;
    weft__rng rng = weft__rng_at(seed, WEFT_RNG_TEST, 1);
    size_t n, m;
    weft_value y = op->sample(g, &rng);
    weft_output(g, y, "y");
    fill(g, seed);
    CHECK(!weft_graph_status(g));
    weft_status s = weft_onnx_save(g, NULL, test_path("op.onnx"));
    if (s) {
        CHECK(s == WEFT_EMODEL);
        CHECK_HAS(weft_last_error(), op->name);
        weft_graph_free(g);
        return 0;
    }
    if (weft_onnx_load(test_path("op.onnx"), NULL, &again, NULL)) {
        print_error("%s (seed %d): %s\n", op->name, (int)seed, weft_last_error());
        CHECK(false);
    }
    /* A file may say the same in other words than the operator was given (axis -1 or 1,
     * one pooling for another): but only once. */
    weft_graph *third = NULL;
    bytes a = saved(again, NULL);
    CHECK(!weft_onnx_parse(a.data, a.n, NULL, &third, NULL));
    bytes b = saved(third, NULL);
    weft_graph_free(third);
    if (!same_bytes(a, b)) print_error("%s (seed %d)\n", op->name, (int)seed);
    CHECK(same_bytes(a, b));
    float *u = run(g, 2, &n), *v = run(again, 2, &m);
    CHECK(n == m);
    check_near(u, v, n, weft_node_count(g) == weft_node_count(again), op->name);
    free(u);
    free(v);
    free(a.data);
    free(b.data);
    weft_graph_free(g);
    weft_graph_free(again);
    return 1;
}

static void every_operator_comes_back_from_onnx(void **state)
{
    enum { TRIES = 12 };
    int back = 0, without = 0;
    (void)state;
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        int good = 0;
        if (!op->sample) continue;
        for (int k = 0; k < TRIES; k++)
            good += there_and_back(op, test_seed() + (uint64_t)k);
        back += good > 0;
        if (!good) {
            without++;
            print_message("no ONNX form: %s\n", op->name);
        }
    }
    print_message("%d operators came back, %d have no ONNX form\n", back, without);
    CHECK(back >= 45);
}

/* ---- what PyTorch wrote ---- */

static void agrees_with_torch(const char *name)
{
    char path[300];
    unsigned char *io;
    size_t n, count;
    weft__st_file st;
    weft_graph *g = NULL;
    weft_plan *p = NULL;
    snprintf(path, sizeof path, "tests/store/onnx/models/%s.onnx", name);
    CHECK(!weft_onnx_load(path, NULL, &g, NULL));
    snprintf(path, sizeof path, "tests/store/onnx/models/%s.io.safetensors", name);
    CHECK(!weft__file_read(path, SIZE_MAX, &io, &n));
    CHECK(!weft__st_parse(io, n, n, &st));
    CHECK(st.count == 2);
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < st.count; i++) {
            const weft__st_entry *e = &st.entry[i];
            bool in = !strncmp(e->name, "in.", 3);
            weft_value v = weft_find(g, strchr(e->name, '.') + 1);
            count = (size_t)(e->end - e->begin) / 4;
            if (in == (turn == 1)) continue;
            float *data = malloc(count * 4), *y = malloc(count * 4);
            memcpy(data, io + st.data + e->begin, count * 4);
            if (in) {
                CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = (int)e->dim[0]}, &p));
                CHECK(!weft_plan_set(p, v, data, count));
                CHECK(!weft_plan_forward(p));
            } else {
                CHECK(!weft_plan_get(p, v, y, count));
                check_near(data, y, count, false, name);
            }
            free(data);
            free(y);
        }
    weft_plan_free(p);
    weft__st_free(&st);
    free(io);
    weft_graph_free(g);
}

static void models_of_torch_give_what_torch_computed(void **state)
{
    (void)state;
    agrees_with_torch("bnnet_mnist_op13_bn");
    agrees_with_torch("convnext_mini_op17");
    agrees_with_torch("unet_nearest_op13");
}

RUN_TESTS(TEST(a_model_comes_back_with_everything),
          TEST(a_model_can_be_loaded_in_double_precision),
          TEST(a_model_cut_off_anywhere_is_refused),
          TEST(a_flipped_bit_never_breaks_the_reader),
          TEST(dense_over_three_axes_comes_back_as_one),
          TEST(integer_inputs_keep_their_limit),
          TEST(an_input_can_be_an_output_and_a_value_two),
          TEST(equal_names_are_told_apart), TEST(what_cannot_be_saved_says_why),
          TEST(every_operator_comes_back_from_onnx),
          TEST(models_of_torch_give_what_torch_computed))
