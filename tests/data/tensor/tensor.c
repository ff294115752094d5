/* Tests of tensors: numbers of any shape, normalised by feature or by channel, into the
 * network and through the model's metadata. */
/* labels: threads */
#include "test.h"

#include "data/modality.h"
#include "weft/ops.h"

enum { N = 50 };

static int32_t label[N];
static float rows[N * 3], signals[N * 2 * 4];

static void make_arrays(void)
{
    weft_set_quiet(2);
    for (int i = 0; i < N; i++) {
        label[i] = i % 2;
        rows[3 * i] = (float)i;                 /* mean 24.5 */
        rows[3 * i + 1] = -7;                   /* constant */
        rows[3 * i + 2] = i % 2 ? 1e6f : -1e6f; /* std 1e6 */
        for (int k = 0; k < 8; k++)
            signals[8 * i + k] = (float)(k < 4 ? k : 100 + 10 * (i % 2));
    }
}

static weft_dataset *from(const float *x, weft_shape shape, const weft_dataset_opts *o)
{
    const weft_arrays a = {
        .count = {N}, .x = {x}, .shape = shape, .label = {label}, .classes = 2};
    weft_dataset *d = NULL;
    CHECK(weft_dataset_from_arrays(&a, o, &d) == WEFT_OK);
    return d;
}

static const weft_dataset_opts all = {.no_val = true};

static weft_loader *loader(weft_dataset *d, int batch, bool training)
{
    weft_loader *l = NULL;
    const weft_loader_opts o = {.batch = batch, .training = training, .seed = 3};
    CHECK(weft_loader_new(d, &o, &l) == WEFT_OK);
    return l;
}

static void rows_are_normalised_by_feature(void **state)
{
    weft_batch b;
    (void)state;
    make_arrays();
    weft_dataset *d = from(rows, WEFT_SHAPE(3), &all);
    CHECK_TEXT(weft_dataset_modality(d), "tensor");
    CHECK_TEXT(weft_dataset_noun(d), "samples");
    weft_loader *l = loader(d, 7, false);
    CHECK(weft_loader_batches(l) == 8);
    double std = sqrt((N * N - 1) / 12.0); /* of 0, 1 ... 49 */
    for (int epoch = 0; epoch < 2; epoch++) {
        int n = 0;
        CHECK(weft_loader_start(l, epoch, 0) == WEFT_OK);
        while (!weft_loader_next(l, &b) && b.n)
            for (int i = 0; i < b.n; i++, n++) {
                CHECK(b.index[i] == n && b.label[i] == n % 2 && !b.share);
                CHECK_NEAR(b.x[3 * i], (n - 24.5) / std, 1e-5);
                CHECK(b.x[3 * i + 1] == 0);
                CHECK_NEAR(b.x[3 * i + 2], n % 2 ? 1 : -1, 1e-5);
            }
        CHECK(n == N);
    }
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void others_are_normalised_by_channel(void **state)
{
    weft_batch b;
    (void)state;
    make_arrays();
    for (int kind = 0; kind < 2; kind++) {
        weft_dataset *d =
            from(signals, kind ? WEFT_SHAPE(2, 2, 2) : WEFT_SHAPE(2, 4), &all);
        weft_loader *l = loader(d, N, false);
        CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b) && b.n == N);
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 4; k++) {
                CHECK_NEAR(b.x[8 * i + k], (k - 1.5) / sqrt(1.25), 1e-5);
                CHECK_NEAR(b.x[8 * i + 4 + k], i % 2 ? 1 : -1, 1e-5);
            }
        weft_loader_free(l);
        weft_dataset_close(d);
    }
}

static void validation_samples_have_no_part_in_it(void **state)
{
    float mean = 0, x0 = 0, x1 = 0;
    int n = 0;
    weft_batch b;
    (void)state;
    make_arrays();
    weft_dataset *d = from(rows, WEFT_SHAPE(3), &(weft_dataset_opts){.seed = 1});
    CHECK(weft_dataset_count(d, WEFT_SUBSET_VAL) == 6); /* 3 of each class: 2.5 rounded */
    weft_loader *l = loader(d, N, false);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b));
    for (int i = 0; i < b.n; i++) {
        char name[64];
        weft_dataset_sample_name(d, WEFT_SUBSET_TRAIN, b.index[i], name, sizeof name);
        int at = atoi(name + strlen("sample "));
        CHECK(b.label[i] == at % 2);
        mean += (float)at;
        if (at == 10) x0 = b.x[3 * i];
        if (at == 11) x1 = b.x[3 * i];
        n++;
    }
    mean /= (float)n;
    CHECK(n == 44 && fabsf(mean - 24.5f) > 1e-3f);
    if (x0 != 0 && x1 != 0) /* both in train: the zero lies at the training mean */
        CHECK_NEAR(10 - x0 / (x1 - x0), mean, 1e-2);
    weft_loader_free(l);
    weft_dataset_close(d);
}

static void batches_do_not_depend_on_threads(void **state)
{
    weft_batch a, b;
    (void)state;
    make_arrays();
    weft_dataset *d =
        from(rows, WEFT_SHAPE(3), &(weft_dataset_opts){.loader_threads = -1});
    weft_dataset *e =
        from(rows, WEFT_SHAPE(3), &(weft_dataset_opts){.loader_threads = 3});
    weft_loader *l = loader(d, 6, true), *m = loader(e, 6, true);
    bool moved = false;
    CHECK(!weft_loader_start(l, 2, 1) && !weft_loader_start(m, 2, 1));
    do {
        CHECK(!weft_loader_next(l, &a) && !weft_loader_next(m, &b) && a.n == b.n);
        for (int i = 0; i < a.n; i++) {
            CHECK(a.index[i] == b.index[i] && a.label[i] == b.label[i]);
            moved |= i && a.index[i] < a.index[i - 1];
        }
        if (a.n) CHECK(!memcmp(a.x, b.x, (size_t)a.n * 3 * sizeof *a.x));
    } while (a.n);
    CHECK(moved);
    weft_loader_free(l);
    weft_loader_free(m);
    weft_dataset_close(d);
    weft_dataset_close(e);
}

/* ---- numbers that are none ---- */

static void a_number_that_is_not_finite_names_its_sample(void **state)
{
    weft_batch b;
    (void)state;
    make_arrays();
    rows[3 * 17 + 1] = INFINITY;
    weft_dataset *d = from(rows, WEFT_SHAPE(3), &all);
    CHECK(weft_dataset_fit(d) == WEFT_EDATA);
    CHECK_TEXT(weft_last_error(), "sample 17 of train: number 1 is not finite");
    rows[3 * 17 + 1] = -7;
    CHECK(weft_dataset_fit(d) == WEFT_OK);
    rows[3 * 17 + 1] = NAN;
    weft_loader *l = loader(d, 10, false);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b));
    CHECK(weft_loader_next(l, &b) == WEFT_EDATA);
    CHECK_TEXT(weft_last_error(), "sample 17 of train: number 1 is not finite");
    weft_loader_free(l);
    weft_dataset_close(d);
}

static weft_status give(void *user, weft_subset s, int i, void *sample)
{
    float *x = sample;
    (void)user;
    for (int k = 0; k < 3; k++) x[k] = rows[3 * i + k];
    return s ? WEFT_EUSAGE : WEFT_OK;
}

static void a_callback_writes_floats(void **state)
{
    weft_batch a, b;
    (void)state;
    make_arrays();
    const weft_arrays given = {.count = {N},
                               .read = give,
                               .shape = WEFT_SHAPE(3),
                               .label = {label},
                               .classes = 2};
    weft_dataset *d = from(rows, WEFT_SHAPE(3), &all), *e = NULL;
    CHECK(weft_dataset_from_arrays(&given, &all, &e) == WEFT_OK);
    CHECK_TEXT(weft_dataset_modality(e), "tensor");
    weft_loader *l = loader(d, N, true), *m = loader(e, N, true);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_start(m, 0, 0));
    CHECK(!weft_loader_next(l, &a) && !weft_loader_next(m, &b));
    CHECK(!memcmp(a.x, b.x, N * 3 * sizeof *a.x));
    weft_loader_free(l);
    weft_loader_free(m);
    weft_dataset_close(d);
    weft_dataset_close(e);
}

/* ---- the network's side ---- */

static void a_batch_goes_into_the_input_of_its_shape(void **state)
{
    weft_graph *g = weft_graph_new(), *other = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 4));
    weft_plan *p = NULL, *q = NULL;
    weft_batch b;
    float back[N * 8];
    (void)state;
    make_arrays();
    weft_output(g, weft_relu(g, x), "y");
    weft_output(other, weft_relu(other, weft_input(other, "z", WEFT_SHAPE(0, 4, 2))),
                "y");
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = N, .keep = &x, .keep_count = 1},
                         &p));
    CHECK(!weft_plan_new(other, &(weft_plan_opts){.batch = N}, &q));
    weft_dataset *d = from(signals, WEFT_SHAPE(2, 4), &all);
    weft_loader *l = loader(d, N, false);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b));
    CHECK(weft_loader_bind(l, &b, p) == WEFT_OK);
    CHECK(weft_plan_get(p, x, back, N * 8) == WEFT_OK);
    CHECK(!memcmp(back, b.x, sizeof back));
    CHECK(weft_loader_bind(l, &b, q) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(),
              "the network takes samples of 4x2 (z), the data are 2x4");
    weft_loader_free(l);
    weft_dataset_close(d);
    weft_plan_free(p);
    weft_plan_free(q);
    weft_graph_free(g);
    weft_graph_free(other);
}

static void normalisation_travels_in_metadata(void **state)
{
#ifdef WEFT_HAVE_JANSSON
    weft_graph *g = weft_graph_new();
    weft_meta *m = weft_meta_new();
    weft__preprocess *p = NULL;
    void *items = NULL;
    int tokens = -1, unknown = -1;
    weft_batch b;
    make_arrays();
    weft_input(g, "x", WEFT_SHAPE(0, 3));
    weft_dataset *d = from(rows, WEFT_SHAPE(3), &all);
    weft_loader *l = loader(d, N, false);
    CHECK(!weft_loader_start(l, 0, 0) && !weft_loader_next(l, &b));
    CHECK(weft_modality_tensor.save(d->preprocess, m) == WEFT_OK);
    CHECK_HAS(weft_meta_get(m, "weft.mean"), "[24.5,-7");
    CHECK(weft_modality_tensor.load(m, g, "model.onnx", &p) == WEFT_OK);
    CHECK(weft_modality_tensor.items_new(p, 2, &items) == WEFT_OK);
    for (int i = 0; i < 2; i++) {
        const weft_item item = {.x = rows + 3 * (20 + i)};
        CHECK(!weft_modality_tensor.items_put(items, i, &item, &tokens, &unknown));
    }
    CHECK(tokens == 0 && unknown == 0);
    const weft_batch *own = weft_modality_tensor.items_batch(items, 2);
    CHECK(own->n == 2 && !memcmp(own->x, b.x + 3 * 20, 6 * sizeof *b.x));
    CHECK(weft_modality_tensor.items_put(items, 0, &(weft_item){.text = "a"}, &tokens,
                                         &unknown) == WEFT_EUSAGE);
    weft_modality_tensor.items_free(items);
    weft_modality_tensor.free(p);
    weft_loader_free(l);
    weft_dataset_close(d);
    weft_meta_free(m);
    weft_graph_free(g);
    g = weft_graph_new();
    weft_input_int(g, "tokens", WEFT_SHAPE(0, 3), 9);
    CHECK(weft_modality_tensor.load(NULL, g, "m.onnx", &p) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "m.onnx: has no float input");
    weft_graph_free(g);
#endif
    (void)state;
}

RUN_TESTS(TEST(rows_are_normalised_by_feature), TEST(others_are_normalised_by_channel),
          TEST(validation_samples_have_no_part_in_it),
          TEST(batches_do_not_depend_on_threads),
          TEST(a_number_that_is_not_finite_names_its_sample),
          TEST(a_callback_writes_floats), TEST(a_batch_goes_into_the_input_of_its_shape),
          TEST(normalisation_travels_in_metadata))
