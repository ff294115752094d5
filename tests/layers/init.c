/* init.c: starting values of parameters. */
#include "test.h"

#include "weft/weft.h"

static float values[200 * 200];

static void filled(weft_shape shape, weft_init_opts start, size_t count)
{
    weft_graph *g = weft_graph_new();
    weft_value w = weft_param(g, "w", shape);
    weft_param_init(g, w, &start);
    CHECK(!weft_params_init(g, test_seed()) && !weft_param_get(g, w, values, count));
    weft_graph_free(g);
}

static void moments(size_t count, double *mean, double *std)
{
    double s = 0, q = 0;
    for (size_t i = 0; i < count; i++) s += values[i];
    *mean = s / (double)count;
    for (size_t i = 0; i < count; i++) q += (values[i] - *mean) * (values[i] - *mean);
    *std = sqrt(q / (double)count);
}

static void spreads_follow_fan_in_and_fan_out(void **state)
{
    (void)state;
    const struct {
        weft_init_opts start;
        double mean, std;
    } row[] = {{{.kind = WEFT_INIT_UNIFORM, .low = -1, .high = 3}, 1, 4 / sqrt(12)},
               {{.kind = WEFT_INIT_NORMAL, .mean = 2, .std = 0.5}, 2, 0.5},
               {{.kind = WEFT_INIT_HE_NORMAL}, 0, sqrt(2.0 / 100)},
               {{.kind = WEFT_INIT_HE_UNIFORM, .gain = 3}, 0, 3 * sqrt(1.0 / 100)},
               {{.kind = WEFT_INIT_XAVIER_NORMAL, .gain = 2}, 0, 2 * sqrt(2.0 / 300)},
               {{.kind = WEFT_INIT_XAVIER_UNIFORM}, 0, sqrt(2.0 / 300)}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double mean, std;
        filled(WEFT_SHAPE(200, 100), row[i].start, 20000);
        moments(20000, &mean, &std);
        CHECK_NEAR(mean, row[i].mean, 5 * row[i].std / sqrt(20000));
        CHECK_NEAR(std / row[i].std, 1, 0.03);
    }
}

/* Of a window of 3x3, each of its places counts: fan in 30 * 9, fan out 100 * 9. */
static void places_of_a_window_count_in_both_fans(void **state)
{
    (void)state;
    double mean, std;
    filled(WEFT_SHAPE(100, 30, 3, 3), (weft_init_opts){.kind = WEFT_INIT_HE_NORMAL},
           27000);
    moments(27000, &mean, &std);
    CHECK_NEAR(std / sqrt(2.0 / 270), 1, 0.03);
    filled(WEFT_SHAPE(100, 30, 3, 3), (weft_init_opts){.kind = WEFT_INIT_XAVIER_UNIFORM},
           27000);
    moments(27000, &mean, &std);
    CHECK_NEAR(std / sqrt(2.0 / (270 + 900)), 1, 0.03);
}

static void orthogonal_rows_are_orthonormal(void **state)
{
    (void)state;
    const int shapes[][2] = {{8, 8}, {5, 20}, {40, 10}};
    for (int s = 0; s < 3; s++) {
        int rows = shapes[s][0], columns = shapes[s][1],
            small = rows < columns ? rows : columns;
        filled(WEFT_SHAPE(rows, columns),
               (weft_init_opts){.kind = WEFT_INIT_ORTHOGONAL, .gain = 2},
               (size_t)(rows * columns));
        for (int i = 0; i < small; i++)
            for (int j = 0; j < small; j++) {
                double dot = 0;
                for (int k = 0; k < columns; k++)
                    dot += (double)values[i * columns + k] * values[j * columns + k];
                CHECK_NEAR(dot, i == j ? 4 : 0, 1e-5);
            }
    }
}

static void a_seed_gives_the_same_values_every_time(void **state)
{
    (void)state;
    char a[65], b[65], other[65];
    weft_graph *g = weft_graph_new();
    weft_value y;
    CHECK(!weft_zoo_build(g, "small-cnn", NULL, &y));
    CHECK(!weft_params_init(g, 7) && !weft_params_sha256(g, a));
    CHECK(!weft_params_init(g, 8) && !weft_params_sha256(g, other));
    CHECK(!weft_params_init(g, 7) && !weft_params_sha256(g, b));
    CHECK_TEXT(a, b);
    CHECK(strcmp(a, other));
    weft_graph_free(g);
}

static void layers_say_what_does_not_fit(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 6, 4, 4));
    weft_layer_conv(g, "c", x, 8,
                    &(weft_layer_conv_opts){.kernel = {3}, .conv.groups = 4});
    CHECK(weft_graph_status(g) == WEFT_ESHAPE);
    CHECK_TEXT(weft_graph_error(g), "c: 6 channels do not divide into 4 groups");
    weft_graph_free(g);
    g = weft_graph_new();
    weft_layer_conv(g, "c", weft_input(g, "x", WEFT_SHAPE(0, 6)), 8, NULL);
    CHECK_HAS(weft_graph_error(g), "c: the input has rank 2");
    weft_graph_free(g);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, 6, 4, 4));
    weft_layer_conv(g, "c", x, 8, NULL);
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    CHECK_TEXT(weft_graph_error(g), "c: a kernel of 0 x 0");
    weft_graph_free(g);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, 6, 4, 4));
    weft_layer_conv_transpose(
        g, "t", x, 9,
        &(weft_layer_conv_transpose_opts){.kernel = {2, 3}, .conv.groups = 2});
    CHECK_TEXT(weft_graph_error(g), "t: 9 outputs do not divide into 2 groups");
    weft_graph_free(g);
}

static bool has_shape(const weft_graph *g, const char *name, weft_shape want)
{
    weft_shape s = weft_shape_of(g, weft_find(g, name));
    return s.rank == want.rank && !memcmp(s.dim, want.dim, (size_t)s.rank * sizeof(int));
}

static void a_kernel_may_have_two_sides(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 2, 6, 9));
    weft_layer_conv_opts o = {.kernel = {3, 5}, .layer.no_bias = true};
    weft_layer_conv_transpose_opts t = {.kernel = {2, 4}, .conv.stride = {2, 1}};
    weft_layer_conv(g, "c", x, 8, &o);
    weft_layer_conv_transpose(g, "t", x, 4, &t);
    CHECK(!weft_graph_status(g));
    CHECK(has_shape(g, "c.weight", WEFT_SHAPE(8, 2, 3, 5)) && !weft_find(g, "c.bias").id);
    CHECK(has_shape(g, "c", WEFT_SHAPE(0, 8, 4, 5)));
    CHECK(has_shape(g, "t.weight", WEFT_SHAPE(2, 4, 2, 4)));
    CHECK(has_shape(g, "t.bias", WEFT_SHAPE(4)));
    CHECK(has_shape(g, "t", WEFT_SHAPE(0, 4, 12, 12)));
    CHECK(!weft_params_init(g, 1));
    CHECK(!weft_param_get(g, weft_find(g, "c.weight"), values, 8 * 2 * 3 * 5));
    float most = 0;
    for (int i = 0; i < 8 * 2 * 3 * 5; i++) most = fmaxf(most, fabsf(values[i]));
    CHECK(most <= 1 / sqrtf(30) && most > 0.9f / sqrtf(30)); /* fan in: 2 x 3 x 5 */
    weft_graph_free(g);
}

RUN_TESTS(TEST(spreads_follow_fan_in_and_fan_out),
          TEST(places_of_a_window_count_in_both_fans),
          TEST(orthogonal_rows_are_orthonormal),
          TEST(a_seed_gives_the_same_values_every_time),
          TEST(layers_say_what_does_not_fit), TEST(a_kernel_may_have_two_sides))
