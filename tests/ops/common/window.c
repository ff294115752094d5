/* What convolutions, pools and resizing say about sizes that do or do not fit. */
#include "test.h"

#include "weft/ops.h"
#include "weft/plan.h"

#include <limits.h>

static weft_graph *g;

static weft_value picture(int c, int h, int w)
{
    return weft_input(g, "x", WEFT_SHAPE(0, c, h, w));
}

static weft_value weight(int o, int c, int h, int w)
{
    return weft_param(g, "w", WEFT_SHAPE(o, c, h, w));
}

static void fails(weft_value v, weft_status status, const char *message)
{
    CHECK(v.id == 0);
    CHECK(weft_graph_status(g) == status);
    CHECK_TEXT(weft_graph_error(g), message);
    weft_graph_free(g);
    g = weft_graph_new();
}

static void has_size(weft_value v, int h, int w)
{
    weft_shape s = weft_shape_of(g, v);
    CHECK(s.rank == 4 && s.dim[2] == h && s.dim[3] == w);
}

static void conv_names_the_shapes_that_do_not_fit(void **state)
{
    (void)state;
    g = weft_graph_new();
    fails(weft_conv(g, picture(16, 3, 3), weight(8, 16, 5, 5), WEFT_NONE, NULL),
          WEFT_ESHAPE,
          "conv.1: kernel 5x5 is larger than the padded input 3x3 ([1, 16, 3, 3])");
    fails(weft_conv(g, picture(16, 3, 3), weight(8, 16, 3, 3), WEFT_NONE,
                    &(weft_conv_opts){.dilate = {2, 2}}),
          WEFT_ESHAPE,
          "conv.1: kernel 3x3 with dilation 2x2 is larger than the padded input 3x3 "
          "([1, 16, 3, 3])");
    fails(weft_conv(g, picture(16, 3, 3), weight(8, 15, 3, 3), WEFT_NONE, NULL),
          WEFT_ESHAPE,
          "conv.1: w [8, 15, 3, 3] takes 15 channels, x [1, 16, 3, 3] has 16");
    fails(weft_conv(g, picture(16, 3, 3), weight(9, 8, 3, 3), WEFT_NONE,
                    &(weft_conv_opts){.groups = 2}),
          WEFT_ESHAPE, "conv.1: 2 groups do not divide 16 channels into 9");
    fails(weft_conv(g, picture(4, 3, 3), WEFT_NONE, WEFT_NONE, NULL), WEFT_ESHAPE,
          "conv.1: w is missing");
    weft_graph_free(g);
}

static void options_out_of_range_fail_without_overflow(void **state)
{
    (void)state;
    g = weft_graph_new();
    fails(weft_conv(g, picture(4, 3, 3), weight(8, 4, 3, 3), WEFT_NONE,
                    &(weft_conv_opts){.stride = {-1, 1}}),
          WEFT_EUSAGE, "conv.1: stride is -1, must be at least 1");
    fails(weft_conv(g, picture(4, 3, 3), weight(8, 4, 3, 3), WEFT_NONE,
                    &(weft_conv_opts){.pad = {INT_MAX, INT_MAX}}),
          WEFT_EUSAGE, "conv.1: padding is 2147483647, at most 1073741824 is possible");
    fails(weft_conv(g, picture(4, 3, 3), weight(8, 4, 3, 3), WEFT_NONE,
                    &(weft_conv_opts){.pad = {1 << 30, 1}}),
          WEFT_ESHAPE, "conv.1: a window of 3 over 2147483651 positions is too large");
    fails(weft_conv_transpose(g, picture(4, 3, 3), weight(4, 8, 3, 3), WEFT_NONE,
                              &(weft_conv_transpose_opts){.pad = {3, 3}}),
          WEFT_ESHAPE, "conv_transpose.1: padding 3 and 3 leaves nothing of 5 positions");
    fails(weft_pixel_shuffle(g, picture(4, 3, 3), INT_MAX), WEFT_ESHAPE,
          "pixel_shuffle.1: 4 channels are not a multiple of 2147483647 * 2147483647");
    fails(weft_resize(g, picture(4, 3, 3), &(weft_resize_opts){.size = {INT_MAX, 2}}),
          WEFT_ESHAPE, "resize.1: a size of 2147483647 is too large");
    weft_graph_free(g);
}

static void a_window_in_the_padding_alone_has_no_maximum(void **state)
{
    (void)state;
    weft_pool_opts o = {.kernel = {2, 2}, .pad = {2, 2}};
    g = weft_graph_new();
    fails(weft_max_pool(g, picture(4, 8, 8), &o), WEFT_ESHAPE,
          "max_pool.1: a window (2x2 s2 p2) lies in the padding of x [1, 4, 8, 8] alone");
    has_size(weft_avg_pool(g, picture(4, 8, 8), &o), 6, 6); /* counts it: the mean is 0 */
    o.exclude_pad = true;
    fails(weft_avg_pool(g, picture(4, 8, 8), &o), WEFT_ESHAPE,
          "avg_pool.2: a window (2x2 s2 p2) lies in the padding of x [1, 4, 8, 8] alone");
    weft_graph_free(g);
}

static void ceil_adds_a_window_only_where_it_starts_inside(void **state)
{
    (void)state;
    weft_pool_opts o = {.kernel = {3, 2}, .stride = {2, 3}, .pad = {0, 1}, .ceil = true};
    g = weft_graph_new();
    /* rows: 0, 2, 4, 6 of 8; columns: from -1, 2; 5 would be in the padding behind 5 */
    has_size(weft_max_pool(g, picture(1, 8, 5), &o), 4, 2);
    o.ceil = false;
    has_size(weft_max_pool(g, picture(1, 8, 5), &o), 3, 2);
    /* a window larger than the picture */
    o = (weft_pool_opts){.kernel = {4, 4}, .stride = {2, 2}, .ceil = true};
    has_size(weft_max_pool(g, picture(1, 3, 3), &o), 1, 1);
    weft_graph_free(g);
}

static void same_padding_gives_one_output_per_stride(void **state)
{
    (void)state;
    g = weft_graph_new();
    weft_value w = weight(2, 3, 4, 5), x = picture(3, 7, 9);
    weft_conv_opts o = {.mode = WEFT_PAD_SAME};
    has_size(weft_conv(g, x, w, WEFT_NONE, &o), 7, 9);
    o.stride[0] = 2, o.stride[1] = 4;
    has_size(weft_conv(g, x, w, WEFT_NONE, &o), 4, 3);
    o.mode = WEFT_PAD_SAME_LOWER;
    has_size(weft_conv(g, x, w, WEFT_NONE, &o), 4, 3);
    weft_graph_free(g);
}

/* y of one node over 1, 2, 3 ... */
static void run(weft_value x, int count, weft_value y, float *out, size_t n)
{
    float data[64];
    weft_plan *p = NULL;
    for (int i = 0; i < count; i++) data[i] = (float)(i + 1);
    weft_output(g, y, "y");
    CHECK(!weft_plan_new(g, NULL, &p));
    CHECK(!weft_plan_set(p, x, data, (size_t)count));
    CHECK(!weft_plan_forward(p));
    CHECK(!weft_plan_get(p, y, out, n));
    weft_plan_free(p);
    weft_graph_free(g);
}

static void the_odd_zero_of_same_padding_goes_where_it_is_said(void **state)
{
    const float one[2] = {1, 1};
    float upper[3], lower[3], *out[2] = {upper, lower};
    (void)state;
    for (int i = 0; i < 2; i++) {
        g = weft_graph_new();
        weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 3));
        weft_value w = weft_const(g, "w", WEFT_SHAPE(1, 1, 2), one);
        weft_conv_opts o = {.mode = i ? WEFT_PAD_SAME_LOWER : WEFT_PAD_SAME};
        run(x, 3, weft_conv(g, x, w, WEFT_NONE, &o), out[i], 3);
    }
    CHECK(upper[0] == 3 && upper[1] == 5 && upper[2] == 3); /* 1 2 3 0 */
    CHECK(lower[0] == 1 && lower[1] == 3 && lower[2] == 5); /* 0 1 2 3 */
}

static void a_mean_divides_by_the_window_within_the_padded_picture(void **state)
{
    /* windows over (0) 1 2 and, hanging over the end, 3 4 */
    weft_pool_opts o = {.kernel = {3},
                        .stride = {3},
                        .pad = {1},
                        .pad_end = {0},
                        .uneven = true,
                        .ceil = true};
    float counted[2], excluded[2];
    (void)state;
    g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 4));
    run(x, 4, weft_avg_pool(g, x, &o), counted, 2);
    CHECK_NEAR(counted[0], 1, 1e-6);   /* (0 + 1 + 2) / 3 */
    CHECK_NEAR(counted[1], 3.5, 1e-6); /* (3 + 4) / 2 */
    o.exclude_pad = true;
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, 1, 4));
    run(x, 4, weft_avg_pool(g, x, &o), excluded, 2);
    CHECK_NEAR(excluded[0], 1.5, 1e-6); /* (1 + 2) / 2 */
    CHECK_NEAR(excluded[1], 3.5, 1e-6);
}

static void nearest_takes_the_floor_and_bilinear_the_centres(void **state)
{
    float nearest[5], centres[6], corners[5];
    (void)state;
    g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 3));
    run(x, 3, weft_resize(g, x, &(weft_resize_opts){.size = {5}}), nearest, 5);
    CHECK(nearest[0] == 1 && nearest[1] == 1 && nearest[2] == 2 && nearest[3] == 2);
    CHECK(nearest[4] == 3);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, 1, 3));
    weft_resize_opts o = {.size = {6}, .mode = WEFT_BILINEAR};
    run(x, 3, weft_resize(g, x, &o), centres, 6);
    CHECK_NEAR(centres[0], 1, 1e-6); /* beyond the first centre */
    CHECK_NEAR(centres[1], 1.25, 1e-6);
    CHECK_NEAR(centres[2], 1.75, 1e-6);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, 1, 3));
    o = (weft_resize_opts){.size = {5}, .mode = WEFT_BILINEAR, .align_corners = true};
    run(x, 3, weft_resize(g, x, &o), corners, 5);
    CHECK_NEAR(corners[1], 1.5, 1e-6);
    CHECK_NEAR(corners[4], 3, 1e-6);
}

RUN_TESTS(TEST(conv_names_the_shapes_that_do_not_fit),
          TEST(options_out_of_range_fail_without_overflow),
          TEST(a_window_in_the_padding_alone_has_no_maximum),
          TEST(ceil_adds_a_window_only_where_it_starts_inside),
          TEST(same_padding_gives_one_output_per_stride),
          TEST(the_odd_zero_of_same_padding_goes_where_it_is_said),
          TEST(a_mean_divides_by_the_window_within_the_padded_picture),
          TEST(nearest_takes_the_floor_and_bilinear_the_centres))
