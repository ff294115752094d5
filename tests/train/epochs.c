/* epochs.c: which epoch is the best, when to stop, when to lower the rate, by epochs
 * whose scores are written down here. After the last batch of an epoch the test puts
 * its own numbers into the network, so that the result of the evaluation can be
 * worked out on paper: every sample gets the same scores b, the loss of a sample of
 * class c is log(sum over k of exp b[k]) - b[c], and samples of class argmax b are
 * right. */
#include "pixels.h"

#include "weft/weft.h"

enum { CLASSES = 3, WIDE = 2, SAMPLES = 30, MOST = 16 };

/* Samples of each class: all, those that go to validation (a quarter), and the rest. */
static const int all_of[CLASSES] = {14, 10, 6}, val_of[CLASSES] = {4, 3, 2},
                 train_of[CLASSES] = {10, 7, 4};

/* ---- the library's calls, all of them here ---- */

typedef struct run {
    const float (*scores)[CLASSES]; /* when each epoch is measured */
    float begin[CLASSES];           /* when it begins */
    bool no_val;
    weft_train_opts o;
    /* what came of it */
    int epochs, best_epoch;
    double best_top1, best_loss;
    weft_epoch_row row[MOST];
    bool best[MOST];
    float kept[CLASSES]; /* the network's scores afterwards */
    weft_graph *g;
    weft_value weight, bias;
} run;

static void set_scores(run *r, const float *b)
{
    static const float none[CLASSES * WIDE];
    CHECK(!weft_param_set(r->g, r->weight, none, CLASSES * WIDE));
    CHECK(!weft_param_set(r->g, r->bias, b, CLASSES));
}

static void play(void *user, const weft_progress *p)
{
    run *r = user;
    if (p->batch == p->batches) set_scores(r, r->scores[p->epoch - 1]);
}

static void note(void *user, const weft_epoch_row *row, bool best)
{
    run *r = user;
    CHECK(row->epoch <= MOST);
    r->row[row->epoch - 1] = *row;
    r->best[row->epoch - 1] = best;
    set_scores(r, r->begin);
}

static weft_dataset *open_set(bool no_val)
{
    unsigned char pixel[SAMPLES * WIDE], label[SAMPLES];
    weft_dataset_opts o = {.val_fraction = 0.25, .no_val = no_val};
    weft_dataset *d = NULL;
    int n = 0;
    for (int i = 0; i < SAMPLES * WIDE; i++) pixel[i] = (unsigned char)(i * 4);
    for (int c = 0; c < CLASSES; c++)
        for (int i = 0; i < all_of[c]; i++) label[n++] = (unsigned char)c;
    CHECK(!weft_dataset_open(pixels_write("set", n, WIDE, pixel, label), &o, &d));
    return d;
}

static void train(run *r)
{
    weft_dataset *d = open_set(r->no_val);
    weft_train_result result;
    r->g = weft_graph_new();
    weft_value x =
        weft_flatten(r->g, weft_input(r->g, "x", WEFT_SHAPE(0, 1, 1, WIDE)), 1);
    weft_value y = weft_layer_dense(r->g, "fc", x, CLASSES, NULL);
    r->weight = weft_find(r->g, "fc.weight");
    r->bias = weft_find(r->g, "fc.bias");
    set_scores(r, r->begin);
    r->o.batch = 8;
    r->o.on_step = play;
    r->o.on_epoch = note;
    r->o.user = r;
    r->o.output = y;
    CHECK(!weft_train(r->g, d, &r->o, &result));
    r->epochs = result.epochs;
    r->best_epoch = result.best_epoch;
    r->best_top1 = weft_scores_get(&result.best, "accuracy_top1");
    r->best_loss = weft_scores_get(&result.best, "loss");
    CHECK(result.rows == result.epochs);
    weft_scores scores = weft_evaluation_scores(result.evaluation);
    CHECK(weft_scores_get(&scores, "accuracy_top1") == r->best_top1);
    CHECK(weft_scores_get(&scores, "loss") == r->best_loss);
    CHECK(!weft_param_get(r->g, r->bias, r->kept, CLASSES));
    weft_train_result_free(&result);
    weft_graph_free(r->g);
    weft_dataset_close(d);
}

static double top1(const run *r, int e)
{
    return weft_scores_get(&r->row[e].scores, "accuracy_top1");
}

/* ---- by hand ---- */

/* Mean loss of samples of which of[c] are of class c and all have scores b. */
static double loss_by_hand(const int *of, const float *b)
{
    double sum = 0, all = 0, n = 0;
    for (int c = 0; c < CLASSES; c++) sum += exp((double)b[c]);
    for (int c = 0; c < CLASSES; c++) n += of[c];
    for (int c = 0; c < CLASSES; c++) all += of[c] * (log(sum) - (double)b[c]);
    return all / n;
}

static run follow(const float (*scores)[CLASSES], int epochs)
{
    run r = {.scores = scores, .o = {.epochs = epochs}};
    train(&r);
    return r;
}

/* ---- the numbers of an epoch ---- */

static void loss_and_accuracy_are_those_of_the_scores(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {
        {0, 0, 0}, {0.5f, -1, 2}, {-7, -3, -5}, {20, 10, 19.5f}};
    static const double right[] = {4, 2, 3, 4}; /* of 9; of equals the first counts */
    run r = follow(scores, 4);
    for (int e = 0; e < 4; e++) {
        CHECK_NEAR(r.row[e].val_loss, loss_by_hand(val_of, scores[e]), 2e-6);
        CHECK_NEAR(top1(&r, e), right[e] / 9, 1e-12);
    }
    CHECK_NEAR(r.row[0].val_loss, 1.098612289, 1e-6); /* log 3 */
}

/* Their exp is no number, yet the loss is: scores count by their distance. */
static void scores_of_a_thousand_have_a_loss(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{1000, 0, -1000}, {-1000, -1000, -1500}};
    run r = follow(scores, 2);
    CHECK_NEAR(r.row[0].val_loss, (3 * 1000 + 2 * 2000) / 9.0, 1e-3);
    CHECK_NEAR(r.row[1].val_loss, log(2) + 2 * 500 / 9.0, 1e-4);
}

static void without_validation_samples_the_training_split_is_measured(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{1, 3, -2}};
    run r = {.scores = scores, .no_val = true, .o = {.epochs = 1}};
    train(&r);
    CHECK_NEAR(r.row[0].val_loss, loss_by_hand(all_of, scores[0]), 2e-6);
    CHECK_NEAR(top1(&r, 0), 10 / 30.0, 1e-12);
}

/* Batches of 8, 8 and 5 samples make one mean over 21. Smoothing e gives each class
 * e / 3 of the target, and is of training alone. */
static void the_training_loss_is_the_mean_over_samples(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{1, 0, 0}, {1, 0, 0}};
    static const int one_each[CLASSES] = {1, 1, 1};
    static const char *const options[2][2] = {{NULL}, {"smoothing=0.1", NULL}};
    for (int smooth = 0; smooth < 2; smooth++) {
        double e = smooth * 0.1;
        run r = {.scores = scores, .begin = {2, -1, 0}};
        r.o = (weft_train_opts){.epochs = 2, .task_options = options[smooth]};
        r.o.optimizer = weft_optimizer_defaults("sgd");
        r.o.optimizer.lr = 0;
        train(&r);
        double wanted = (1 - e) * loss_by_hand(train_of, r.begin) +
                        e * loss_by_hand(one_each, r.begin);
        for (int i = 0; i < 2; i++) {
            CHECK_NEAR(r.row[i].train_loss, wanted, 2e-6);
            CHECK_NEAR(r.row[i].val_loss, loss_by_hand(val_of, scores[i]), 2e-6);
        }
    }
}

/* ---- the best epoch ---- */

static void more_right_answers_are_better_whatever_the_loss(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{0, 0.1f, 0}, {9, 0, 0}, {0, 0.2f, 0}};
    run r = follow(scores, 3);
    CHECK(loss_by_hand(val_of, scores[1]) > loss_by_hand(val_of, scores[0]));
    CHECK(r.best[0] && r.best[1] && !r.best[2]);
    CHECK(r.best_epoch == 2);
    CHECK_NEAR(r.best_top1, 4 / 9.0, 1e-12);
    CHECK_NEAR(r.best_loss, loss_by_hand(val_of, scores[1]), 2e-6);
    CHECK(!memcmp(r.kept, scores[1], sizeof r.kept));
}

static void of_equally_many_the_smaller_loss_is_better(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{3, 0, 0}, {4, 0, 0}, {2, 0, 0}, {2, 0, 0}};
    run r = follow(scores, 4);
    CHECK(loss_by_hand(val_of, scores[1]) > loss_by_hand(val_of, scores[0]));
    CHECK(loss_by_hand(val_of, scores[2]) < loss_by_hand(val_of, scores[0]));
    /* the fourth is the third again: the earlier one stays */
    CHECK(r.best[0] && !r.best[1] && r.best[2] && !r.best[3]);
    CHECK(r.best_epoch == 3);
    CHECK_NEAR(r.best_loss, loss_by_hand(val_of, scores[2]), 2e-6);
    CHECK(!memcmp(r.kept, scores[2], sizeof r.kept));
}

static void an_epoch_without_a_finite_loss_is_never_the_best(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {
        {NAN, 0, 0}, {0, 1, 0}, {INFINITY, 0, 0}, {1, NAN, 0}};
    run r = follow(scores, 4);
    CHECK(!r.best[0] && r.best[1] && !r.best[2] && !r.best[3]);
    CHECK(r.best_epoch == 2 && r.kept[1] == 1);
}

/* ---- when to stop ---- */

static void patience_counts_epochs_since_the_best(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {{0, 0, 9}, {0, 9, 0}, {0, 0, 9}, {0, 0, 9},
                                            {9, 0, 0}, {0, 0, 9}, {0, 0, 9}, {0, 0, 9},
                                            {8, 0, 0}, {0, 0, 9}};
    static const int stops[] = {10, 3, 4, 8, 10}; /* by patience; 0 never stops */
    for (int patience = 0; patience < 5; patience++) {
        run r = {.scores = scores, .o = {.epochs = 10, .patience = patience}};
        train(&r);
        CHECK(r.epochs == stops[patience]);
        CHECK(r.best_epoch == (patience == 0 || patience == 4 ? 9
                               : patience == 3                ? 5
                                                              : 2));
    }
}

/* ---- the rate on a plateau ---- */

/* What torch.optim.lr_scheduler.ReduceLROnPlateau (mode "min", threshold 1e-4,
 * relative) does with these losses: an epoch is bad unless loss < best * (1 - 1e-4);
 * with more bad ones in a row than `patience` the rate falls and counting starts
 * again. */
static void a_plateau_lowers_the_rate_as_pytorch_does(void **state)
{
    (void)state;
    static const float scores[][CLASSES] = {
        {0, 0, 0},       /* log 3: the best so far */
        {0, 1, 0},       /* bad 1 */
        {0, 0, 1},       /* bad 2 */
        {0.0005f, 0, 0}, /* better by 5e-5 of it, too little: bad 3, falls */
        {0, 0, 0},       /* bad 1 */
        {0.004f, 0, 0},  /* better by 4e-4 of it: best */
        {0, 0, 1},       /* bad 1 */
        {0, 0, 0},       /* bad 2 */
        {0.3f, 0, 0},    /* best */
        {0, 0, 0},       /* bad 1 */
        {0, 0, 0},       /* bad 2 */
        {0.3f, 0, 0},    /* no better than the best: bad 3, falls */
        {0, 0, 0},       {0, 0, 0},
    };
    static const double factor[] = {1,   1,   1,   1,   0.5, 0.5,  0.5,
                                    0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25};
    run r = {.scores = scores, .o = {.epochs = 14}};
    r.o.optimizer = weft_optimizer_defaults("sgd");
    r.o.optimizer.lr = 0.01;
    r.o.schedule = (weft_schedule){.name = "plateau", .patience = 2, .gamma = 0.5};
    double level = loss_by_hand(val_of, scores[0]);
    CHECK(loss_by_hand(val_of, scores[3]) < level * (1 - 0.2e-4));
    CHECK(loss_by_hand(val_of, scores[3]) > level * (1 - 0.8e-4));
    CHECK(loss_by_hand(val_of, scores[5]) < level * (1 - 2e-4));
    train(&r);
    for (int e = 0; e < 14; e++) CHECK_NEAR(r.row[e].lr, 0.01 * factor[e], 1e-9);
}

/* By default it takes six bad epochs, and the rate falls to a tenth. */
static void a_plateau_is_longer_than_five_epochs(void **state)
{
    (void)state;
    static const float scores[MOST][CLASSES];
    run r = {.scores = scores, .o = {.epochs = 14, .schedule = {.name = "plateau"}}};
    r.o.optimizer = weft_optimizer_defaults("sgd");
    r.o.optimizer.lr = 0.01;
    train(&r);
    for (int e = 0; e < 14; e++)
        CHECK_NEAR(r.row[e].lr, e < 7 ? 0.01 : e < 13 ? 0.001 : 0.0001, 1e-9);
}

RUN_TESTS(TEST(loss_and_accuracy_are_those_of_the_scores),
          TEST(scores_of_a_thousand_have_a_loss),
          TEST(without_validation_samples_the_training_split_is_measured),
          TEST(the_training_loss_is_the_mean_over_samples),
          TEST(more_right_answers_are_better_whatever_the_loss),
          TEST(of_equally_many_the_smaller_loss_is_better),
          TEST(an_epoch_without_a_finite_loss_is_never_the_best),
          TEST(patience_counts_epochs_since_the_best),
          TEST(a_plateau_lowers_the_rate_as_pytorch_does),
          TEST(a_plateau_is_longer_than_five_epochs))
