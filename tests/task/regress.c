/* Tests of regression: what is learnt, scores and losses counted by hand from the
 * outputs, the values' names and units through a model file. */
#include "test.h"

#include "weft/weft.h"

enum { N = 90, VAL = 30 };

static float x[3 * N], value[2 * N];
static const char *const name[] = {"price", "area"};

/* price = 1e4 + 300 a - 200 b, area = 0.02 a + 0.01 c */
static weft_dataset *houses(void)
{
    weft_arrays all = {.count = {N - VAL, VAL},
                       .shape = WEFT_SHAPE(3),
                       .x = {x, x + 3 * (N - VAL)},
                       .value = {value, value + 2 * (N - VAL)},
                       .values = 2,
                       .value_name = name};
    weft_dataset *d = NULL;
    for (int i = 0; i < N; i++) {
        float *at = x + 3 * i;
        at[0] = (float)(i * 7 % 11);
        at[1] = (float)(i * 5 % 13);
        at[2] = (float)(i * 3 % 17);
        value[2 * i] = 1e4f + 300 * at[0] - 200 * at[1];
        value[2 * i + 1] = 0.02f * at[0] + 0.01f * at[2];
    }
    CHECK(weft_dataset_from_arrays(&all, NULL, &d) == WEFT_OK);
    return d;
}

/* A linear network that answers in the values' units. */
static weft_graph *network(const weft_dataset *d)
{
    weft_graph *g = weft_graph_new();
    weft_value z = weft_input(g, "x", WEFT_SHAPE(0, 3));
    z = weft_layer_dense(g, "fc", z, 2, NULL);
    weft_output(g, weft_task_output(g, z, d), "values");
    CHECK(weft_params_init(g, 1) == WEFT_OK);
    return g;
}

static weft_train_result train(weft_graph *g, weft_dataset *d, int epochs,
                               const char *loss, const char *dir)
{
    const char *const options[] = {loss, NULL};
    weft_train_opts o = {.epochs = epochs,
                         .batch = 10,
                         .run_dir = dir,
                         .task_options = loss ? options : NULL,
                         .optimizer = weft_optimizer_defaults("adam")};
    weft_train_result r = {0};
    o.optimizer.lr = 0.03;
    CHECK(weft_train(g, d, &o, &r) == WEFT_OK);
    return r;
}

static void a_linear_truth_is_learnt_and_travels_in_the_model(void **state)
{
    char dir[400];
    snprintf(dir, sizeof dir, "%s", test_path("run"));
    weft_dataset *d = houses();
    weft_graph *g = network(d);
    weft_train_result r = train(g, d, 60, NULL, dir);
    weft_predictor *p = NULL;
    weft_answer a = {0};
    weft_scores s;
    (void)state;
    CHECK(weft_scores_get(&r.best, "r2") > 0.9999);
    CHECK_TEXT(r.best.score[0].name, "r2");
    CHECK(weft_predictor_open(dir, &p) == WEFT_OK);
    CHECK_TEXT(weft_predictor_task(p), "regress");
    CHECK(weft_predictor_values(p) == 2 && weft_predictor_classes(p) == 0);
    CHECK_TEXT(weft_predictor_value_name(p, 1), "area");
    CHECK(weft_evaluate(p, d, WEFT_SUBSET_VAL, &s) == WEFT_OK);
    for (int i = 0; i < s.n; i++)
        CHECK_NEAR(s.score[i].value, r.best.score[i].value,
                   1e-5 * fabs(r.best.score[i].value));
    /* 1e4 + 300 * 2 - 200 * 3, 0.02 * 2 + 0.01 * 4 */
    const weft_item item = {.x = (const float[]){2, 3, 4}};
    CHECK(weft_predict(p, &item, 1, &a) == WEFT_OK);
    CHECK(a.values == 2 && a.classes == 0);
    CHECK_NEAR(a.value[0], 1e4, 20);
    CHECK_NEAR(a.value[1], 0.08, 2e-3);
    char *text = weft_answer_text(p, &a, 0);
    CHECK_HAS(text, "price ");
    CHECK_HAS(text, ", area 0.0");
    free(text);
    weft_answer_clear(&a);
    weft_train_result_free(&r);
    weft_predictor_free(p);
    weft_dataset_close(d);
    weft_graph_free(g);
}

/* sums over the validation samples, from outputs and targets */
typedef struct by_hand {
    double r2, mae, rmse, mse, l1, smooth;
} by_hand;

static by_hand count(const weft_dataset *d, const float *y)
{
    by_hand all = {0};
    for (int k = 0; k < 2; k++) {
        double mean = 0, sum = 0, square = 0, off = 0, off2 = 0;
        for (int i = 0; i < N - VAL; i++) mean += (double)value[2 * i + k] / (N - VAL);
        for (int i = 0; i < N - VAL; i++)
            square += pow((double)value[2 * i + k] - mean, 2) / (N - VAL);
        double std = sqrt(square), of_val = 0;
        for (int i = 0; i < VAL; i++) {
            double t = (double)*(weft_dataset_value(d, WEFT_SUBSET_VAL, i) + k);
            double e = (double)y[2 * i + k] - t, z = fabs(e) / std;
            of_val += t / VAL;
            off += fabs(e);
            off2 += e * e;
            all.mse += z * z / (2 * VAL);
            all.l1 += z / (2 * VAL);
            all.smooth += (z < 1 ? z * z / 2 : z - 0.5) / (2 * VAL);
        }
        for (int i = 0; i < VAL; i++) {
            double t = (double)*(weft_dataset_value(d, WEFT_SUBSET_VAL, i) + k);
            sum += (t - of_val) * (t - of_val);
        }
        all.r2 += (1 - off2 / sum) / 2;
        all.mae += off / VAL / 2;
        all.rmse += sqrt(off2 / VAL) / 2;
    }
    return all;
}

static void scores_and_losses_are_what_one_counts_by_hand(void **state)
{
    static const char *const loss[] = {NULL, "loss=mse", "loss=l1", "loss=smooth_l1"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        int width = 0;
        weft_dataset *d = houses();
        weft_graph *g = network(d);
        weft_train_result r = train(g, d, 1, loss[i], NULL);
        const float *y = weft_evaluation_outputs(r.evaluation, &width);
        CHECK(y && width == 2);
        by_hand h = count(d, y);
        const double expected = i < 2 ? h.mse : i == 2 ? h.l1 : h.smooth;
        CHECK_NEAR(weft_scores_get(&r.best, "r2"), h.r2, 1e-6 * (1 + fabs(h.r2)));
        CHECK_NEAR(weft_scores_get(&r.best, "mae"), h.mae, 1e-6 * h.mae);
        CHECK_NEAR(weft_scores_get(&r.best, "rmse"), h.rmse, 1e-6 * h.rmse);
        CHECK_NEAR(weft_scores_get(&r.best, "loss"), expected, 2e-5 * expected);
        CHECK_NEAR(r.history[0].val_loss, expected, 2e-5 * expected);
        CHECK(h.mse > 0.01 && h.l1 > 0.01); /* there was something to count */
        weft_train_result_free(&r);
        weft_dataset_close(d);
        weft_graph_free(g);
    }
}

static void an_unknown_loss_is_refused(void **state)
{
    const char *const options[] = {"loss=log", NULL};
    const weft_train_opts o = {.task_options = options};
    weft_dataset *d = houses();
    weft_graph *g = network(d);
    weft_train_result r = {0};
    (void)state;
    CHECK(weft_train(g, d, &o, &r) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "loss");
    CHECK_HAS(weft_last_error(), "mse|l1|smooth_l1");
    weft_dataset_close(d);
    weft_graph_free(g);
}

static void a_network_of_another_width_is_refused(void **state)
{
    weft_dataset *d = houses();
    weft_graph *g = weft_graph_new();
    weft_value z = weft_input(g, "x", WEFT_SHAPE(0, 3));
    (void)state;
    z = weft_task_output(g, weft_layer_dense(g, "fc", z, 1, NULL), d);
    CHECK(!z.id && weft_graph_status(g) == WEFT_ESHAPE);
    CHECK_HAS(weft_last_error(), "[batch, 2]");
    weft_dataset_close(d);
    weft_graph_free(g);
}

RUN_TESTS(TEST(a_linear_truth_is_learnt_and_travels_in_the_model),
          TEST(scores_and_losses_are_what_one_counts_by_hand),
          TEST(an_unknown_loss_is_refused), TEST(a_network_of_another_width_is_refused))
