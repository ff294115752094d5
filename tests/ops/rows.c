/* rows.c: the operators that are rows of tables: values and slopes from outside, kernels
 * against the row's own arithmetic, and the way to ONNX and back as one operator.
 *
 * The numbers of `maps` are computed from the published formulas with mpmath, 40 digits;
 * at kinks they are PyTorch's subgradients. */
#include "test.h"

#include "graph/graph.h"
#include "ops/common/unary.h"
#include "plan/plan.h"
#include "weft/ops.h"
#include "weft/store.h"

typedef struct map {
    const char *op;
    int points;
    weft_value (*plain)(weft_graph *g, weft_value x);
    weft_value (*one)(weft_graph *g, weft_value x, double a);
    weft_value (*two)(weft_graph *g, weft_value x, double a, double b);
    double option[2];
    struct {
        double x, y, slope;
    } at[7];
} map;

static const map maps[] = {
    {"relu", 5, .plain = weft_relu,
     .at = {{-2, 0, 0}, {-0.25, 0, 0}, {0, 0, 0}, {0.75, 0.75, 1}, {3, 3, 1}}},
    {"relu6", 6, .plain = weft_relu6,
     .at = {{-2, 0, 0}, {0, 0, 0}, {0.75, 0.75, 1}, {5.5, 5.5, 1}, {6, 6, 0}, {7, 6, 0}}},
    {"hard_tanh", 7, .plain = weft_hard_tanh,
     .at = {{-2, -1, 0},
            {-1, -1, 0},
            {-0.75, -0.75, 1},
            {0, 0, 1},
            {0.75, 0.75, 1},
            {1, 1, 0},
            {3, 1, 0}}},
    {"selu", 5, .plain = weft_selu,
     .at = {{-6, -1.75374144828, 0.00435789256792},
            {-0.75, -0.927632015835, 0.830467325012},
            {0, 0, 1.75809934085},
            {0.5, 0.525350493678, 1.05070098736},
            {3, 3.15210296207, 1.05070098736}}},
    {"gelu", 5, .plain = weft_gelu,
     .at = {{-3, -0.00404969409489, -0.0119456472042},
            {-0.75, -0.169970514283, 0.000774278260765},
            {0, 0, 0.5},
            {0.5, 0.345731230637, 0.867495124656},
            {2.5, 2.48447583669, 1.03761108591}}},
    {"gelu_tanh", 5, .plain = weft_gelu_tanh,
     .at = {{-3, -0.00363739208177, -0.011584166631},
            {-0.75, -0.170039444834, 0.00106174386259},
            {0, 0, 0.5},
            {0.5, 0.345714009825, 0.867369903535},
            {2.5, 2.48491573391, 1.03795157621}}},
    {"silu", 5, .plain = weft_silu,
     .at = {{-12, -7.37300952266e-5, -6.75854676138e-5},
            {-1.25, -0.278375173532, 0.00631915508469},
            {0, 0, 0.5},
            {0.5, 0.311229665601, 0.739961187303},
            {3, 2.85772238047, 1.08810410602}}},
    {"mish", 7, .plain = weft_mish,
     .at = {{-12, -7.37303217319e-5, -6.75859017461e-5},
            {-3, -0.145647461276, -0.0933931145323},
            {-1.25, -0.308413961142, -0.014697562473},
            {0, 0, 0.6},
            {0.5, 0.375245211305, 0.886424375358},
            {3, 2.98653500497, 1.02110691093},
            {25, 25, 1}}},
    {"hard_swish", 7, .plain = weft_hard_swish,
     .at = {{-4, 0, 0},
            {-3, 0, -0.5},
            {-1.5, -0.375, 0},
            {0, 0, 0.5},
            {2, 1.66666666667, 1.16666666667},
            {3, 3, 1.5},
            {5, 5, 1}}},
    {"sigmoid", 5, .plain = weft_sigmoid,
     .at = {{-8, 0.000335350130466, 0.000335237670756},
            {-0.75, 0.320821300825, 0.217894993762},
            {0, 0.5, 0.25},
            {0.5, 0.622459331202, 0.235003712202},
            {3, 0.952574126822, 0.0451766597309}}},
    {"log_sigmoid", 7, .plain = weft_log_sigmoid,
     .at = {{-40, -40, 1},
            {-2, -2.12692801104, 0.880797077978},
            {-0.5, -0.97407698418, 0.622459331202},
            {0, -0.69314718056, 0.5},
            {0.75, -0.386871006115, 0.320821300825},
            {3, -0.0485873515737, 0.0474258731776},
            {9, -0.000123402189723, 0.000123394575986}}},
    {"tanh", 5, .plain = weft_tanh,
     .at = {{-3, -0.995054753687, 0.00986603716544},
            {-0.25, -0.244918662404, 0.940014848806},
            {0, 0, 1},
            {0.5, 0.46211715726, 0.786447732966},
            {2, 0.964027580076, 0.0706508248532}}},
    {"softsign", 5, .plain = weft_softsign,
     .at = {{-9, -0.9, 0.01},
            {-0.5, -0.333333333333, 0.444444444444},
            {0, 0, 1},
            {0.25, 0.2, 0.64},
            {3, 0.75, 0.0625}}},
    {"leaky_relu", 4, .one = weft_leaky_relu, .option = {0.1},
     .at = {{-2, -0.2, 0.1}, {-0.5, -0.05, 0.1}, {0, 0, 0.1}, {0.75, 0.75, 1}}},
    {"elu", 4, .one = weft_elu, .option = {1.5},
     .at = {{-6, -1.49628187174, 0.003718128265},
            {-0.5, -0.590204010431, 0.909795989569},
            {0, 0, 1.5},
            {0.75, 0.75, 1}}},
    {"celu", 4, .one = weft_celu, .option = {0.5},
     .at = {{-4, -0.499832268686, 0.000335462627903},
            {-0.5, -0.316060279414, 0.367879441171},
            {0, 0, 1},
            {0.75, 0.75, 1}}},
    {"softplus", 5, .one = weft_softplus, .option = {2},
     .at = {{-6, 3.07209673887e-6, 6.14417460221e-6},
            {-0.5, 0.156630843759, 0.26894142137},
            {0, 0.34657359028, 0.5},
            {0.75, 0.850706638991, 0.817574476194},
            {12, 12, 0.999999999962}}},
    {"hard_sigmoid", 6, .two = weft_hard_sigmoid, .option = {0.25, 0.5},
     .at = {{-3, 0, 0},
            {-2, 0, 0},
            {-0.5, 0.375, 0.25},
            {0.75, 0.6875, 0.25},
            {2, 1, 0},
            {4, 1, 0}}},
    {"clip", 5, .two = weft_clip, .option = {-0.5, 2},
     .at = {{-1, -0.5, 0}, {-0.5, -0.5, 0}, {0.25, 0.25, 1}, {2, 2, 0}, {3, 2, 0}}},
    {"abs", 3, .plain = weft_abs, .at = {{-2.5, 2.5, -1}, {0, 0, 0}, {0.75, 0.75, 1}}},
    {"neg", 3, .plain = weft_neg, .at = {{-2.5, 2.5, -1}, {0, 0, -1}, {0.75, -0.75, -1}}},
    {"square", 3, .plain = weft_square,
     .at = {{-2.5, 6.25, -5}, {0, 0, 0}, {0.75, 0.5625, 1.5}}},
    {"sqrt", 3, .plain = weft_sqrt,
     .at = {{0.0625, 0.25, 2}, {2, 1.41421356237, 0.353553390593}, {100, 10, 0.05}}},
    {"reciprocal", 3, .plain = weft_reciprocal,
     .at = {{-4, -0.25, -0.0625},
            {0.0625, 16, -256},
            {3, 0.333333333333, -0.111111111111}}},
    {"exp", 4, .plain = weft_exp,
     .at = {{-10, 4.53999297625e-5, 4.53999297625e-5},
            {-0.5, 0.606530659713, 0.606530659713},
            {0, 1, 1},
            {3, 20.0855369232, 20.0855369232}}},
    {"log", 3, .plain = weft_log,
     .at = {{0.0625, -2.77258872224, 16}, {1, 0, 1}, {100, 4.60517018599, 0.01}}},
    {"erf", 5, .plain = weft_erf,
     .at = {{-2, -0.995322265019, 0.0206669853541},
            {-0.25, -0.276326390168, 1.06001412938},
            {0, 0, 1.1283791671},
            {0.75, 0.711155633654, 0.642931069195},
            {3, 0.999977909503, 0.000139253051947}}},
    {"sin", 4, .plain = weft_sin,
     .at = {{-3, -0.14112000806, -0.9899924966},
            {0, 0, 1},
            {0.5, 0.479425538604, 0.87758256189},
            {20, 0.912945250728, 0.408082061813}}},
    {"cos", 4, .plain = weft_cos,
     .at = {{-3, -0.9899924966, 0.14112000806},
            {0, 1, 0},
            {0.5, 0.87758256189, -0.479425538604},
            {20, 0.408082061813, -0.912945250728}}},
    {"sign", 3, .plain = weft_sign, .at = {{-2.5, -1, 0}, {0, 0, 0}, {0.75, 1, 0}}},
    {"floor", 4, .plain = weft_floor,
     .at = {{-1.5, -2, 0}, {-1, -1, 0}, {0.75, 0, 0}, {2, 2, 0}}},
    {"ceil", 4, .plain = weft_ceil,
     .at = {{-1.5, -1, 0}, {-1, -1, 0}, {0.75, 1, 0}, {2, 2, 0}}},
    {"round", 6, .plain = weft_round,
     .at = {{-2.5, -2, 0},
            {-1.5, -2, 0},
            {-0.75, -1, 0},
            {0.5, 0, 0},
            {1.5, 2, 0},
            {2.5, 2, 0}}},
};

enum { MAPS = sizeof maps / sizeof *maps, GRID = 1601 };

static weft_value build(const map *m, weft_graph *g, weft_value x)
{
    return m->plain ? m->plain(g, x)
           : m->one ? m->one(g, x, m->option[0])
                    : m->two(g, x, m->option[0], m->option[1]);
}

/* y and its derivative at n numbers, by a plan. */
static void compute(const map *m, const float *x, float *y, float *slope, size_t n)
{
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_value in = weft_input(g, "x", WEFT_SHAPE((int)n)), out = build(m, g, in);
    weft_value loss = weft_reduce_sum(g, out, 0, NULL, false);
    CHECK(!weft_graph_status(g));
    CHECK(!weft_plan_new(g,
                         &(weft_plan_opts){.loss = loss,
                                           .training = true,
                                           .input_gradients = true,
                                           .keep = &out,
                                           .keep_count = 1},
                         &p));
    CHECK(!weft_plan_set(p, in, x, n));
    CHECK(!weft_plan_forward(p));
    CHECK(!weft_plan_backward(p));
    CHECK(!weft_plan_get(p, out, y, n));
    CHECK(!weft_plan_gradient(p, in, slope, n));
    weft_plan_free(p);
    weft_graph_free(g);
}

static void check_number(const map *m, double x, const char *what, double got,
                         double want, double floor)
{
    if (fabs(got - want) <= floor + 2e-6 * fabs(want)) return;
    print_error("%s at %g: %s is %.9g, must be %.9g\n", m->op, x, what, got, want);
    CHECK(false);
}

static void values_and_slopes_are_those_of_the_published_formulas(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS; i++) {
        const map *m = &maps[i];
        float x[7], y[7], slope[7];
        for (int k = 0; k < m->points; k++) x[k] = (float)m->at[k].x;
        compute(m, x, y, slope, (size_t)m->points);
        for (int k = 0; k < m->points; k++) {
            check_number(m, m->at[k].x, "y", (double)y[k], m->at[k].y, 2e-7);
            check_number(m, m->at[k].x, "the slope", (double)slope[k], m->at[k].slope,
                         2e-7);
        }
    }
}

static void every_row_is_in_this_test(void **state)
{
    int rows = 0;
    (void)state;
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        int found = 0;
        if (!op->family) continue;
        for (int k = 0; k < MAPS; k++) found += !strcmp(maps[k].op, op->name);
        if (found != 1) print_error("%s is %d times in this test\n", op->name, found);
        CHECK(found == 1);
        rows++;
    }
    CHECK(rows == MAPS);
}

/* What a row says in C and what is computed, by a kernel or not, is the same function. */
static void kernels_compute_the_arithmetic_of_their_row(void **state)
{
    static float x[GRID], y[GRID], slope[GRID];
    (void)state;
    for (int i = 0; i < 2 * MAPS; i++) {
        const map *m = &maps[i / 2];
        const weft__unary_row *row = weft__op_find(m->op)->f32->family;
        bool positive = row->low > 0;
        weft__act_attr o = {row->alpha, row->beta};
        if (!m->plain) o = (weft__act_attr){(float)m->option[0], (float)m->option[1]};
        CHECK(weft_set_isa(i % 2 ? "scalar" : NULL) == WEFT_OK);
        for (int k = 0; k < GRID; k++)
            x[k] = positive ? (float)(k + 20) / 128 : (float)(k - GRID / 2) / 128;
        compute(m, x, y, slope, GRID);
        for (int k = 0; k < GRID; k++) {
            double want, dx;
            row->at((double)x[k], o, &want, &dx);
            check_number(m, (double)x[k], "y", (double)y[k], want, 1e-6);
            check_number(m, (double)x[k], "the slope", (double)slope[k], dx, 1e-6);
        }
    }
    CHECK(weft_set_isa(NULL) == WEFT_OK);
}

static void not_a_number_stays_one(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS; i++) {
        float x = NAN, y = 0, slope = 0;
        compute(&maps[i], &x, &y, &slope, 1);
        if (!isnan(y)) print_error("%s of NaN is %g\n", maps[i].op, (double)y);
        CHECK(isnan(y));
    }
}

/* ---- ONNX ---- */

static void every_row_comes_back_from_onnx_as_one_operator(void **state)
{
    (void)state;
    for (int i = 0; i < MAPS; i++) {
        weft_graph *g = weft_graph_new(), *again = NULL;
        weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 3));
        weft_output(g, build(&maps[i], g, x), "y");
        CHECK(!weft_onnx_save(g, NULL, test_path("row.onnx")));
        CHECK(!weft_onnx_load(test_path("row.onnx"), NULL, &again, NULL));
        const weft__node *node = weft__node_of(again, weft_output_at(again, 0));
        if (!strcmp(maps[i].op, "softplus"))
            node = weft__node_of(again, (weft_value){node->in[0]}); /* beta: Mul, Div */
        CHECK_TEXT(node->op->name, maps[i].op);
        if (strcmp(maps[i].op, "softplus")) {
            CHECK(weft__node_of(again, (weft_value){node->in[0]}) == NULL);
            weft__act_attr a = weft__row_numbers(node);
            for (int k = 0; !maps[i].plain && k < 2; k++)
                CHECK_NEAR(k ? a.beta : a.alpha, maps[i].option[k], 1e-7);
        }
        weft_graph_free(g);
        weft_graph_free(again);
    }
}

/* ---- options ---- */

static void options_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *op;
        double option[2];
        const char *text;
    } bad[] = {
        {"leaky_relu", {-0.5}, "leaky_relu: slope is -0.5, must be 0 or more"},
        {"elu", {-1}, "elu: alpha is -1, must be 0 or more"},
        {"celu", {0}, "celu: alpha is 0, must be above 0"},
        {"softplus", {0}, "softplus: beta is 0, must be above 0"},
        {"clip", {2, 1}, "clip: low is 2, must be at most high"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int k = 0; k < MAPS; k++) {
            if (strcmp(maps[k].op, bad[i].op)) continue;
            weft_graph *g = weft_graph_new();
            map m = maps[k];
            m.option[0] = bad[i].option[0];
            m.option[1] = bad[i].option[1];
            build(&m, g, weft_input(g, "x", WEFT_SHAPE(2)));
            CHECK(weft_graph_status(g) == WEFT_EUSAGE);
            CHECK_HAS(weft_graph_error(g), bad[i].text);
            weft_graph_free(g);
        }
}

/* ---- two inputs ---- */

typedef weft_value two_inputs(weft_graph *g, weft_value a, weft_value b);

/* a [2, 2] and b [2], which broadcasts; the loss is the sum. */
static void sums_products_and_their_gradients_are_those_on_paper(void **state)
{
    static const float a[] = {1, 2, 3, -4}, b[] = {2, -8};
    static const struct {
        two_inputs *f;
        float y[4], da[4], db[2];
    } pairs[] = {
        {weft_add, {3, -6, 5, -12}, {1, 1, 1, 1}, {2, 2}},
        {weft_sub, {-1, 10, 1, 4}, {1, 1, 1, 1}, {-2, -2}},
        {weft_mul, {2, -16, 6, 32}, {2, -8, 2, -8}, {4, -2}},
        {weft_div,
         {0.5f, -0.25f, 1.5f, 0.5f},
         {0.5f, -0.125f, 0.5f, -0.125f},
         {-1, 1.0f / 32}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        float y[4], da[4], db[2];
        weft_value va = weft_input(g, "a", WEFT_SHAPE(2, 2));
        weft_value vb = weft_input(g, "b", WEFT_SHAPE(2)), out = pairs[i].f(g, va, vb);
        weft_plan_opts o = {.loss = weft_reduce_sum(g, out, 0, NULL, false),
                            .training = true,
                            .input_gradients = true,
                            .keep = &out,
                            .keep_count = 1};
        CHECK(!weft_plan_new(g, &o, &p));
        CHECK(!weft_plan_set(p, va, a, 4) && !weft_plan_set(p, vb, b, 2));
        CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
        CHECK(!weft_plan_get(p, out, y, 4));
        CHECK(!weft_plan_gradient(p, va, da, 4) && !weft_plan_gradient(p, vb, db, 2));
        for (int k = 0; k < 4; k++) CHECK_NEAR(y[k], pairs[i].y[k], 0);
        for (int k = 0; k < 4; k++) CHECK_NEAR(da[k], pairs[i].da[k], 0);
        for (int k = 0; k < 2; k++) CHECK_NEAR(db[k], pairs[i].db[k], 0);
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

/* ---- losses ---- */

static weft_value loss_of(int which, weft_graph *g, weft_value x, weft_value t,
                          weft_reduction r)
{
    return which == 0   ? weft_l1(g, x, t, r)
           : which == 1 ? weft_mse(g, x, t, r)
                        : weft_smooth_l1(g, x, t, 0.5, r);
}

/* d = x - t is 0, 0.25, 0.5 (beta), -2. */
static void losses_and_their_gradients_are_those_on_paper(void **state)
{
    static const float x[] = {1, 1.25f, 2, -3}, t[] = {1, 1, 1.5f, -1};
    static const double each[3][4] = {
        {0, 0.25, 0.5, 2}, {0, 0.0625, 0.25, 4}, {0, 0.0625, 0.25, 1.75}};
    static const double slope[3][4] = {{0, 1, 1, -1}, {0, 0.5, 1, -4}, {0, 0.5, 1, -1}};
    (void)state;
    for (int i = 0; i < 6; i++) {
        const int which = i / 2;
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        float dx[4], dt[4], got;
        double sum = 0, share = i % 2 ? 1 : 0.25;
        weft_value vx = weft_input(g, "x", WEFT_SHAPE(4));
        weft_value vt = weft_input(g, "t", WEFT_SHAPE(4));
        weft_value loss = loss_of(which, g, vx, vt, i % 2 ? WEFT_SUM : WEFT_MEAN);
        weft_plan_opts o = {.loss = loss, .training = true, .input_gradients = true};
        CHECK(!weft_plan_new(g, &o, &p));
        CHECK(!weft_plan_set(p, vx, x, 4) && !weft_plan_set(p, vt, t, 4));
        CHECK(!weft_plan_forward(p) && !weft_plan_backward(p));
        CHECK(!weft_plan_get(p, loss, &got, 1));
        CHECK(!weft_plan_gradient(p, vx, dx, 4) && !weft_plan_gradient(p, vt, dt, 4));
        for (int k = 0; k < 4; k++) {
            sum += each[which][k];
            CHECK_NEAR(dx[k], share * slope[which][k], 0);
            CHECK_NEAR(dt[k], -share * slope[which][k], 0);
        }
        CHECK_NEAR(got, share * sum, 1e-6);
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

RUN_TESTS(TEST(every_row_is_in_this_test),
          TEST(values_and_slopes_are_those_of_the_published_formulas),
          TEST(kernels_compute_the_arithmetic_of_their_row), TEST(not_a_number_stays_one),
          TEST(every_row_comes_back_from_onnx_as_one_operator),
          TEST(options_out_of_range_are_refused),
          TEST(sums_products_and_their_gradients_are_those_on_paper),
          TEST(losses_and_their_gradients_are_those_on_paper))
