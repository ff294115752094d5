/* gradcheck.c: faults planted in operators are seen, kinks are none, and a parameter that
 * nothing reaches does not pass. Gradients are those made by hand. */
#include "test.h"

#include "plan/plan.h"
#include "weft/weft.h"

/* ---- what weft_gradcheck reports ---- */

enum { PAIRS = 64 };

typedef struct seen {
    const char *name; /* of the row that is wanted */
    weft_gradcheck_row row;
    weft_gradcheck_pair pair[PAIRS];
} seen;

static void keep(void *user, const weft_gradcheck_row *row)
{
    seen *s = user;
    if (strcmp(row->name, s->name)) return;
    s->row = *row;
    CHECK(row->tried <= PAIRS);
    if (row->tried) memcpy(s->pair, row->pair, row->tried * sizeof *row->pair);
}

static weft_status check(weft_plan *p, size_t samples, const char *name, seen *s)
{
    memset(s, 0, sizeof *s);
    s->name = name;
    weft_status status = weft_gradcheck(p, samples, 0, keep, s);
    CHECK(s->row.name != NULL);
    return status;
}

/* ---- a wrong operator in the place of a right one ---- */

typedef void backward_fn(const weft__op_args *r);

static weft_op wrong;
static backward_fn *right;

static void plant(weft_plan *p, const char *name, backward_fn *backward)
{
    for (int i = 0; i < p->steps; i++) {
        if (strcmp(p->step[i].op->name, name)) continue;
        wrong = *p->step[i].op;
        right = wrong.backward;
        wrong.backward = backward;
        p->step[i].op = &wrong;
        return;
    }
    FAIL("a step of that operator");
}

static void one_percent_more(const weft__op_args *r)
{
    right(r);
    double *dx = r->din[0].data;
    for (size_t i = 0; i < r->din[0].count; i++) dx[i] *= 1.01;
}

static void half(const weft__op_args *r)
{
    double *dx = r->din[0].data;
    const double *dy = r->dout[0].data;
    for (size_t i = 0; i < r->din[0].count; i++) dx[i] = dy[i] / 2;
}

static void bias_without_its_last(const weft__op_args *r)
{
    right(r);
    ((double *)r->din[2].data)[r->din[2].count - 1] = 0;
}

static void weight_without_number_123(const weft__op_args *r)
{
    right(r);
    ((double *)r->din[1].data)[123] = 0;
}

static void to_the_next_element(const weft__op_args *r)
{
    right(r);
    double *dx = r->din[0].data, first = dx[0];
    size_t n = r->din[0].count;
    memmove(dx, dx + 1, (n - 1) * sizeof *dx);
    dx[n - 1] = first;
}

/* ---- graphs ---- */

typedef struct net {
    weft_graph *g;
    weft_value x, loss;
    weft_plan *p;
} net;

static net begin(weft_shape shape)
{
    net n = {.g = weft_graph_new()};
    weft_graph_use_double(n.g);
    n.x = weft_input(n.g, "x", shape);
    return n;
}

/* loss = sum over all elements i of y of (i + 1) y[i] */
static void end(net *n, weft_value y, const float *x, size_t count)
{
    float by[128];
    weft_shape s = weft_shape_of(n->g, y);
    size_t elements = 1;
    s.dim[0] = s.dim[0] ? s.dim[0] : 1;
    for (int i = 0; i < s.rank; i++) elements *= (size_t)s.dim[i];
    CHECK(elements <= 128);
    for (size_t i = 0; i < elements; i++) by[i] = (float)(i + 1);
    weft_value weights = weft_const(n->g, "by", s, by);
    n->loss = weft_reduce_sum(n->g, weft_mul(n->g, y, weights), 0, NULL, false);
    weft_plan_opts o = {
        .loss = n->loss, .training = true, .input_gradients = true, .no_fuse = true};
    CHECK(!weft_plan_new(n->g, &o, &n->p));
    CHECK(!weft_plan_set(n->p, n->x, x, count));
}

static void drop(net *n)
{
    weft_plan_free(n->p);
    weft_graph_free(n->g);
}

static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)((i * 37 + 11) % 101) / 101 - 0.45f;
}

static net tanh_net(float factor, float offset)
{
    net n = begin(WEFT_SHAPE(0, 4));
    weft_value y = weft_tanh(n.g, n.x);
    y = weft_mul(n.g, y, weft_const(n.g, "factor", WEFT_SHAPE(1), &factor));
    y = weft_add(n.g, y, weft_const(n.g, "offset", WEFT_SHAPE(1), &offset));
    end(&n, y, (const float[]){0.5f, -1, 0.25f, 1.5f}, 4);
    return n;
}

/* ---- pairs ---- */

static void pairs_hold_both_gradients_in_logical_order(void **state)
{
    (void)state;
    seen s;
    float x[5], w[15] = {0};
    net n = begin(WEFT_SHAPE(0, 5, 1, 1));
    weft_value v = weft_param(n.g, "w", WEFT_SHAPE(3, 5, 1, 1));
    fill(x, 5);
    fill(w, 15);
    end(&n, weft_conv(n.g, n.x, v, WEFT_NONE, NULL), x, 5);
    CHECK(!weft_param_set(n.g, v, w, 15));
    CHECK(!check(n.p, 0, "w", &s));
    CHECK(s.row.tried == 15 && s.row.count == 15 && s.row.zero == 0);
    CHECK(s.row.shape.rank == 4 && s.row.shape.dim[1] == 5);
    for (int k = 0; k < 15; k++) { /* d loss / d w[o][i] = (o + 1) x[i] */
        size_t o = s.pair[k].index / 5, i = s.pair[k].index % 5;
        CHECK_NEAR(s.pair[k].analytic, (double)(o + 1) * (double)x[i], 1e-12);
        CHECK_NEAR(s.pair[k].numeric, s.pair[k].analytic, 1e-6);
        CHECK(k < 2 || s.pair[k].index > s.pair[k - 1].index);
        CHECK(s.pair[k].error <= s.pair[0].error && s.row.worst == s.pair[0].error);
    }
    drop(&n);
}

/* Of 100 elements only numbers 3, 50 and 99 have a gradient. */
static void samples_are_where_a_gradient_is(void **state)
{
    (void)state;
    seen s;
    float x[100], mask[100] = {0};
    net n = begin(WEFT_SHAPE(0, 100));
    mask[3] = mask[50] = mask[99] = 1;
    fill(x, 100);
    weft_value m = weft_const(n.g, "mask", WEFT_SHAPE(1, 100), mask);
    end(&n, weft_mul(n.g, n.x, m), x, 100);
    CHECK(!check(n.p, 2, "x", &s));
    CHECK(s.row.tried == 2 && s.row.zero == 97);
    for (int k = 0; k < 2; k++) {
        size_t i = s.pair[k].index;
        CHECK((i == 3 || i == 50 || i == 99) && s.pair[k].analytic == (double)i + 1);
    }
    CHECK(!check(n.p, 20, "x", &s) && s.row.tried == 3 && s.row.zero == 97);
    CHECK(!check(n.p, 0, "x", &s) && s.row.tried == 3 && s.row.zero == 97);
    CHECK(s.row.verdict == WEFT_GRADCHECK_OK);
    drop(&n);
}

static void nothing_is_changed_by_looking(void **state)
{
    (void)state;
    seen s;
    char before[65], after[65];
    float x[36], back[36];
    net n = begin(WEFT_SHAPE(0, 1, 6, 6));
    weft_value y = weft_layer_conv(
        n.g, "c", n.x, 2,
        &(weft_layer_conv_opts){.kernel = {3}, .layer = {.no_bias = true}});
    y = weft_relu(n.g, weft_layer_batch_norm(n.g, "b", y, NULL));
    y = weft_dropout(n.g, weft_max_pool(n.g, y, &(weft_pool_opts){.kernel = {2}}), 0.3);
    fill(x, 36);
    CHECK(!weft_graph_status(n.g) && !weft_params_init(n.g, 3));
    end(&n, y, x, 36);
    CHECK(!weft_params_sha256(n.g, before));
    CHECK(!check(n.p, 9, "c.weight", &s) && s.row.tried == 9);
    CHECK(!weft_params_sha256(n.g, after) && !weft_plan_get(n.p, n.x, back, 36));
    CHECK_TEXT(before, after);
    CHECK(!memcmp(x, back, sizeof x));
    drop(&n);
}

/* ---- faults ---- */

static void a_derivative_one_percent_off_is_a_fault(void **state)
{
    (void)state;
    seen s;
    net n = tanh_net(1, 0);
    CHECK(!check(n.p, 0, "x", &s) && s.row.verdict == WEFT_GRADCHECK_OK);
    plant(n.p, "tanh", one_percent_more);
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG);
    CHECK_HAS(weft_last_error(), "x is off by 0.00498 (relative), allowed 1e-06");
    CHECK(s.row.verdict == WEFT_GRADCHECK_FAULT && s.row.faults == 4);
    CHECK_NEAR(s.row.worst, 0.01 / 2.01, 1e-8);
    double t = tanh(0.25);
    for (int k = 0; k < 4; k++)
        if (s.pair[k].index == 2) CHECK_NEAR(s.pair[k].numeric, 3 * (1 - t * t), 1e-8);
    drop(&n);
}

static void a_fault_in_a_small_gradient_is_seen(void **state)
{
    (void)state;
    seen s;
    net n = tanh_net(1e-8f, 0);
    CHECK(!check(n.p, 0, "x", &s) && s.row.tried == 4 && s.row.unseen == 0);
    plant(n.p, "tanh", one_percent_more);
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG && s.row.faults == 4);
    drop(&n);
}

static void a_gradient_lost_in_rounding_is_no_pass(void **state)
{
    (void)state;
    seen s;
    net n = tanh_net(1e-14f, 1000);
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG);
    CHECK(s.row.verdict == WEFT_GRADCHECK_UNSEEN && !s.row.faults);
    CHECK_HAS(weft_last_error(), "no gradient reaches x");
    drop(&n);
}

static void a_bias_without_its_last_channel_is_a_fault(void **state)
{
    (void)state;
    seen s;
    float x[32], w[32] = {0};
    net n = begin(WEFT_SHAPE(0, 2, 4, 4));
    weft_value v = weft_param(n.g, "w", WEFT_SHAPE(4, 2, 2, 2));
    weft_value b = weft_param(n.g, "b", WEFT_SHAPE(4));
    fill(x, 32);
    fill(w, 32);
    end(&n, weft_conv(n.g, n.x, v, b, NULL), x, 32);
    CHECK(!weft_param_set(n.g, v, w, 32));
    CHECK(!check(n.p, 2, "b", &s));
    plant(n.p, "conv", bias_without_its_last);
    CHECK(check(n.p, 2, "b", &s) == WEFT_EBUG);
    CHECK_HAS(weft_last_error(), "b is off by");
    CHECK(s.row.faults == 1 && s.pair[0].index == 3 && s.pair[0].analytic == 0);
    CHECK_NEAR(s.pair[0].numeric, 28 + 29 + 30 + 31 + 32 + 33 + 34 + 35 + 36, 1e-4);
    drop(&n);
}

static void a_single_lost_element_of_many_is_found(void **state)
{
    (void)state;
    seen s;
    float x[20], w[200];
    net n = begin(WEFT_SHAPE(0, 20));
    weft_value v = weft_param(n.g, "w", WEFT_SHAPE(10, 20));
    fill(x, 20);
    fill(w, 200);
    end(&n, weft_dense(n.g, n.x, v, WEFT_NONE), x, 20);
    CHECK(!weft_param_set(n.g, v, w, 200));
    CHECK(!check(n.p, 1, "w", &s) && s.row.tried == 1);
    plant(n.p, "dense", weight_without_number_123);
    CHECK(check(n.p, 1, "w", &s) == WEFT_EBUG);
    CHECK(s.row.faults == 1 && s.row.tried == 2 && s.pair[0].analytic == 0);
    /* 123 in the order of storage, [i][o] */
    CHECK(s.pair[0].index == 3 * 20 + 12);
    CHECK_NEAR(s.pair[0].numeric, 4 * (double)x[12], 1e-8);
    drop(&n);
}

static void a_maximum_given_to_its_neighbour_is_a_fault(void **state)
{
    (void)state;
    seen s;
    float x[36];
    net n = begin(WEFT_SHAPE(0, 1, 6, 6));
    fill(x, 36);
    end(&n, weft_max_pool(n.g, n.x, &(weft_pool_opts){.kernel = {2}}), x, 36);
    CHECK(!check(n.p, 2, "x", &s) && s.row.zero == 27);
    plant(n.p, "max_pool", to_the_next_element);
    CHECK(check(n.p, 2, "x", &s) == WEFT_EBUG);
    size_t given = 0, taken = 0; /* too much, too little */
    for (size_t k = 0; k < s.row.tried; k++) {
        given += s.pair[k].numeric == 0 && s.pair[k].analytic != 0;
        taken += s.pair[k].numeric != 0 && s.pair[k].analytic == 0;
    }
    CHECK(given > 0 && taken > 0 && s.row.faults == given + taken);
    drop(&n);
}

/* ---- kinks ---- */

static void relu_at_0_is_a_kink(void **state)
{
    (void)state;
    seen s;
    net n = begin(WEFT_SHAPE(0, 4));
    end(&n, weft_relu(n.g, n.x), (const float[]){0, 1, 0, -1}, 4);
    for (size_t samples = 0; samples < 3; samples += 2) {
        CHECK(!check(n.p, samples, "x", &s));
        CHECK(s.row.tried == 3 && s.row.zero == 1);
        CHECK(s.row.kinks == 2 && !s.row.faults);
        CHECK(s.row.verdict == WEFT_GRADCHECK_KINK);
        for (int k = 0; k < 3; k++) {
            bool kink = s.pair[k].index != 1;
            CHECK(s.pair[k].verdict == (kink ? WEFT_GRADCHECK_KINK : WEFT_GRADCHECK_OK));
            CHECK_NEAR(s.pair[k].numeric, kink ? 0 : 2, 1e-8);
        }
    }
    drop(&n);
}

static void what_is_on_neither_side_of_a_kink_is_a_fault(void **state)
{
    (void)state;
    seen s;
    net n = begin(WEFT_SHAPE(0, 2));
    end(&n, weft_relu(n.g, n.x), (const float[]){0, 0}, 2);
    CHECK(!check(n.p, 0, "x", &s) && s.row.kinks == 2);
    plant(n.p, "relu", half); /* that is what central differences give */
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG);
    CHECK(s.row.faults == 2 && !s.row.kinks);
    CHECK(s.pair[0].analytic == 0.5 || s.pair[0].analytic == 1);
    drop(&n);
}

static void a_tie_in_max_pool_is_a_kink(void **state)
{
    (void)state;
    seen s;
    net n = begin(WEFT_SHAPE(0, 1, 2, 2));
    end(&n, weft_max_pool(n.g, n.x, &(weft_pool_opts){.kernel = {2}}),
        (const float[]){1, 3, 3, 2}, 4);
    CHECK(!check(n.p, 0, "x", &s));
    CHECK(s.row.kinks == 2 && s.row.zero == 2 && s.row.tried == 2);
    plant(n.p, "max_pool", one_percent_more); /* 1.01 is the slope of neither side */
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG && s.row.faults == 1 && s.row.kinks == 1);
    CHECK_NEAR(s.pair[0].analytic, 1.01, 1e-9);
    drop(&n);
}

/* Closer than most steps, so that these cross it, and shorter ones do not. */
static void a_kink_nearby_does_not_matter(void **state)
{
    (void)state;
    seen s;
    net n = begin(WEFT_SHAPE(0, 4));
    end(&n, weft_relu(n.g, n.x), (const float[]){3e-6f, -3e-6f, 4e-5f, 2e-3f}, 4);
    CHECK(!check(n.p, 0, "x", &s));
    CHECK(s.row.tried == 3 && s.row.zero == 1 && !s.row.kinks);
    for (int k = 0; k < 3; k++)
        CHECK_NEAR(s.pair[k].analytic, (double)s.pair[k].index + 1, 0);
    plant(n.p, "relu", one_percent_more);
    CHECK(check(n.p, 0, "x", &s) == WEFT_EBUG && s.row.faults == 3);
    drop(&n);
}

/* ---- nothing arrives ---- */

/* Normalisation takes out again what a bias adds: its gradient is 0, but for rounding. */
static void a_bias_before_batch_norm_does_not_pass(void **state)
{
    (void)state;
    seen s;
    float x[36];
    net n = begin(WEFT_SHAPE(0, 1, 6, 6));
    weft_value y =
        weft_layer_conv(n.g, "c", n.x, 2, &(weft_layer_conv_opts){.kernel = {3}});
    y = weft_tanh(n.g, weft_layer_batch_norm(n.g, "b", y, NULL));
    fill(x, 36);
    CHECK(!weft_graph_status(n.g) && !weft_params_init(n.g, 3));
    end(&n, y, x, 36);
    CHECK(check(n.p, 9, "c.bias", &s) == WEFT_EBUG);
    CHECK_HAS(weft_last_error(), "no gradient reaches c.bias");
    CHECK(s.row.verdict == WEFT_GRADCHECK_UNSEEN && s.row.unseen == s.row.tried);
    check(n.p, 9, "c.weight", &s);
    CHECK(s.row.verdict == WEFT_GRADCHECK_OK && s.row.unseen == 0);
    drop(&n);
}

static void what_no_gradient_reaches_does_not_pass(void **state)
{
    (void)state;
    seen s;
    const float zero = 0, x[] = {1, 2};
    for (int apart = 0; apart < 2; apart++) { /* with a factor of 0; not read at all */
        net n = begin(WEFT_SHAPE(0, 2));
        weft_value w = weft_param(n.g, "w", WEFT_SHAPE(2)), y = n.x;
        weft_value times = weft_const(n.g, "zero", WEFT_SHAPE(1), &zero);
        weft_value nothing = weft_mul(n.g, w, times);
        if (!apart) y = weft_add(n.g, y, nothing);
        end(&n, y, x, 2);
        for (size_t samples = 0; samples < 2; samples++) {
            CHECK(check(n.p, samples, "w", &s) == WEFT_EBUG);
            CHECK_HAS(weft_last_error(), "gradcheck: no gradient reaches w");
            CHECK(s.row.verdict == WEFT_GRADCHECK_UNSEEN);
            CHECK(s.row.tried == 0 && s.row.zero == (apart ? 0 : 2));
            check(n.p, samples, "x", &s);
            CHECK(s.row.verdict == WEFT_GRADCHECK_OK && s.row.tried == (samples ? 1 : 2));
        }
        drop(&n);
    }
}

static void frozen_parameters_are_left_out(void **state)
{
    (void)state;
    seen s;
    net n = begin(WEFT_SHAPE(0, 2));
    weft_value w = weft_param(n.g, "w", WEFT_SHAPE(2));
    CHECK(!weft_param_freeze(n.g, w));
    end(&n, weft_add(n.g, n.x, w), (const float[]){1, 2}, 2);
    CHECK(!check(n.p, 0, "x", &s));
    drop(&n);
}

RUN_TESTS(TEST(pairs_hold_both_gradients_in_logical_order),
          TEST(samples_are_where_a_gradient_is), TEST(nothing_is_changed_by_looking),
          TEST(a_derivative_one_percent_off_is_a_fault),
          TEST(a_fault_in_a_small_gradient_is_seen),
          TEST(a_gradient_lost_in_rounding_is_no_pass),
          TEST(a_bias_without_its_last_channel_is_a_fault),
          TEST(a_single_lost_element_of_many_is_found),
          TEST(a_maximum_given_to_its_neighbour_is_a_fault), TEST(relu_at_0_is_a_kink),
          TEST(what_is_on_neither_side_of_a_kink_is_a_fault),
          TEST(a_tie_in_max_pool_is_a_kink), TEST(a_kink_nearby_does_not_matter),
          TEST(a_bias_before_batch_norm_does_not_pass),
          TEST(what_no_gradient_reaches_does_not_pass),
          TEST(frozen_parameters_are_left_out))
