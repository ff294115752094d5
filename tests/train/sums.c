/* sums.c: what the loop and the evaluation add up, held to the graph's own loss node
 * and to gradients written out by hand: validation losses, groups of accumulated
 * batches. */
#include "pixels.h"

#include "base/rng.h"
#include "data/image/image.h"
#include "weft/weft.h"

/* ---- the library's calls, all of them here ---- */

/* Pixels go in as parts of 1, whatever their mean is. */
static weft_dataset *open_pictures(const char *folder, int count, int wide,
                                   const unsigned char *pixel, const unsigned char *label,
                                   bool no_val)
{
    weft_dataset *d = NULL;
    weft_dataset_opts o = {.no_val = no_val, .val_fraction = 0.3};
    const char *path = pixels_write(folder, count, wide, pixel, label);
    CHECK(!weft_dataset_open(path, &o, &d) && !weft_dataset_fit(d));
    weft__image_preprocess *p = (weft__image_preprocess *)d->preprocess;
    for (int c = 0; c < 4; c++) p->mean[c] = 0, p->std[c] = 1;
    return d;
}

/* What the evaluation says of the validation subset: its mean loss, and how many
 * right. */
static double measured(weft_graph *g, weft_value logits, weft_dataset *d, int batch,
                       double *right)
{
    weft_evaluation *e = NULL;
    CHECK(!weft_evaluation_of(g, logits, d, WEFT_SUBSET_VAL, batch, &e));
    weft_scores scores = weft_evaluation_scores(e);
    CHECK(scores.samples == weft_dataset_count(d, WEFT_SUBSET_VAL));
    *right = weft_scores_get(&scores, "accuracy_top1") * (double)scores.samples;
    weft_evaluation_free(e);
    return weft_scores_get(&scores, "loss");
}

/* Epochs of plain descent, without a validation set: what is told of each. */
static void descend(weft_graph *g, weft_value logits, weft_dataset *d, int batch,
                    int accumulate, double lr, int epochs, weft_epoch_row *row)
{
    weft_train_result r;
    weft_train_opts o = {.epochs = epochs, .batch = batch, .accumulate = accumulate};
    o.output = logits;
    o.optimizer = (weft_optimizer_opts){.name = "sgd", .lr = lr};
    CHECK(!weft_train(g, d, &o, &r));
    CHECK(r.rows == epochs);
    memcpy(row, r.history, (size_t)epochs * sizeof *row);
    weft_train_result_free(&r);
}

/* ---- the evaluation's loss is the loss node's ---- */

enum { SIDE = 12, PICTURES = 90, KINDS = 3 };

static weft_dataset *noise_set(void)
{
    static unsigned char pixel[PICTURES * SIDE], label[PICTURES];
    weft__rng r = weft__rng_at(test_seed(), 3, 0);
    for (int i = 0; i < PICTURES * SIDE; i++)
        pixel[i] = (unsigned char)weft__rng_below(&r, 256);
    for (int i = 0; i < PICTURES; i++) label[i] = (unsigned char)(i * i % 7 % KINDS);
    return open_pictures("noise", PICTURES, SIDE, pixel, label, false);
}

/* With batch norm and dropout, which evaluate otherwise than they train. The scores are
 * far from 0 and from each other. */
static weft_value noisy_network(weft_graph *g)
{
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, 1, SIDE));
    x = weft_layer_conv(g, "c", x, 5, &(weft_layer_conv_opts){.kernel = {1}});
    x = weft_relu(g, weft_layer_batch_norm(g, "b", x, NULL));
    x = weft_dropout(g, weft_flatten(g, x, 1), 0.5);
    x = weft_layer_dense(g, "fc", x, KINDS, NULL);
    return weft_mul(g, x, weft_const(g, "far", WEFT_SHAPE(1), &(float){40}));
}

/* The mean of the loss node over the validation samples, one plan for all of them. */
static double node_of_pictures(weft_graph *g, weft_value logits, const weft_dataset *d)
{
    int n = weft_dataset_count(d, WEFT_SUBSET_VAL);
    unsigned char pixel[PICTURES * SIDE];
    float x[PICTURES * SIDE];
    int32_t label[PICTURES];
    for (int i = 0; i < n; i++) {
        CHECK(!weft_dataset_image(d, WEFT_SUBSET_VAL, i, pixel + i * SIDE));
        label[i] = weft_dataset_label(d, WEFT_SUBSET_VAL, i);
    }
    for (int i = 0; i < n * SIDE; i++) x[i] = (float)pixel[i] / 255;
    weft_value truth = weft_input_int(g, "truth", WEFT_SHAPE(0), KINDS);
    weft_value loss = weft_cross_entropy(g, logits, truth, WEFT_NONE, NULL, NULL);
    weft_plan *p = NULL;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = n, .keep = &loss, .keep_count = 1},
                         &p));
    CHECK(!weft_plan_set(p, weft_find(g, "x"), x, (size_t)n * SIDE));
    CHECK(!weft_plan_set_int(p, truth, label, (size_t)n));
    CHECK(!weft_plan_forward(p));
    double mean = (double)weft_plan_scalar(p, loss);
    weft_plan_free(p);
    return mean;
}

static void the_loss_of_pictures_is_the_loss_nodes(void **state)
{
    (void)state;
    weft_dataset *d = noise_set();
    weft_graph *g = weft_graph_new();
    weft_value logits = noisy_network(g);
    double right[3], loss[3];
    CHECK(!weft_params_init(g, 4));
    for (int i = 0; i < 3; i++)
        loss[i] = measured(g, logits, d, (int[]){7, 64, 1}[i], &right[i]);
    double node = node_of_pictures(g, logits, d);
    CHECK(node > 2 && right[0] == right[1] && right[0] == right[2]);
    for (int i = 0; i < 3; i++) CHECK_NEAR(loss[i], node, 1e-5 * node);
    weft_graph_free(g);
    weft_dataset_close(d);
}

enum { TEXTS = 60, LENGTH = 6 };

static weft_dataset *open_lines(void)
{
    static char lines[TEXTS * 80];
    static const char *const word[] = {"tide", "moss", "flint", "rye", "ember"};
    size_t at = 0;
    weft__rng r = weft__rng_at(test_seed(), 4, 0);
    weft_dataset *t = NULL;
    for (int i = 0; i < TEXTS; i++) {
        at += (size_t)sprintf(lines + at, "k%d\t%d", i % 3, i);
        for (int k = 1 + i % 5; k > 0; k--)
            at += (size_t)sprintf(lines + at, " %s", word[weft__rng_below(&r, 5)]);
        at += (size_t)sprintf(lines + at, "\n");
    }
    test_write(test_path("lines.tsv"), lines, at);
    weft_dataset_opts o = {.modality = "text", .val_fraction = 0.3};
    o.text.format = "tsv";
    o.text.tokenizer = (weft_tokenizer_opts){.min_count = 1, .max_length = LENGTH};
    CHECK(!weft_dataset_open(test_path("lines.tsv"), &o, &t));
    return t;
}

static double node_of_texts(weft_graph *g, weft_value logits, const weft_dataset *t)
{
    const weft_tokenizer *k = weft_dataset_tokenizer(t);
    int n = weft_dataset_count(t, WEFT_SUBSET_VAL);
    int32_t ids[TEXTS * LENGTH], lengths[TEXTS], label[TEXTS];
    for (int i = 0; i < n; i++) {
        size_t bytes;
        const char *text = weft_dataset_text(t, WEFT_SUBSET_VAL, i, &bytes);
        int32_t *to[WEFT_MAX_STREAMS] = {ids + i * LENGTH};
        lengths[i] = weft_tokenize(k, text, bytes, to, NULL);
        label[i] = weft_dataset_label(t, WEFT_SUBSET_VAL, i);
    }
    weft_value truth = weft_input_int(g, "truth", WEFT_SHAPE(0), 3);
    weft_value loss = weft_cross_entropy(g, logits, truth, WEFT_NONE, NULL, NULL);
    weft_plan *p = NULL;
    CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = n, .keep = &loss, .keep_count = 1},
                         &p));
    CHECK(!weft_plan_set_int(p, weft_find(g, "tokens"), ids, (size_t)n * LENGTH));
    CHECK(!weft_plan_set_int(p, weft_find(g, "lengths"), lengths, (size_t)n));
    CHECK(!weft_plan_set_int(p, truth, label, (size_t)n));
    CHECK(!weft_plan_forward(p));
    double mean = (double)weft_plan_scalar(p, loss);
    weft_plan_free(p);
    return mean;
}

static void the_loss_of_texts_is_the_loss_nodes(void **state)
{
    (void)state;
    weft_dataset *t = open_lines();
    weft_graph *g = weft_graph_new();
    weft_value y;
    weft_zoo_opts m = {.embedding = 5, .hidden = 4};
    CHECK(!weft_dataset_network(t, &m));
    CHECK(m.outputs == 3 && m.streams == 1 && m.length == LENGTH);
    CHECK(!weft_zoo_build(g, "bigru", &m, &y));
    CHECK(!weft_params_init(g, 9));
    y = weft_mul(g, y, weft_const(g, "far", WEFT_SHAPE(1), &(float){60}));
    double right, all = measured(g, y, t, 64, &right), few = measured(g, y, t, 4, &right);
    double node = node_of_texts(g, y, t);
    CHECK(node > 1.5);
    CHECK_NEAR(all, node, 1e-5 * node);
    CHECK_NEAR(few, node, 1e-5 * node);
    weft_graph_free(g);
    weft_dataset_close(t);
}

/* ---- epochs and groups of accumulated batches on paper ---- */

enum { MOST = 7 }; /* samples */

/* Two classes by one number: scores w[k] x + b[k]. */
typedef struct line {
    double w[2], b[2];
} line;

static const unsigned char pixel_of[MOST] = {10, 250, 90, 130, 200, 60, 170};
static const unsigned char label_of[MOST] = {0, 1, 0, 1, 0, 1, 1};
static const line start_line = {{0.8, -0.5}, {0.1, -0.2}};
static const double rate = 2;

/* w -= rate * dw, dw the mean over the marked samples of (softmax - onehot) x; the norm
 * of the gradient. */
static double step_by_hand(line *at, const bool *in_group)
{
    line sum = {{0, 0}, {0, 0}};
    double n = 0, square = 0;
    for (int i = 0; i < MOST; i++) {
        if (!in_group[i]) continue;
        double x = pixel_of[i] / 255.0;
        double margin = (at->w[1] - at->w[0]) * x + at->b[1] - at->b[0];
        double wrong = 1 / (1 + exp(-margin)) - (label_of[i] == 1);
        sum.w[1] += wrong * x, sum.b[1] += wrong;
        n++;
    }
    for (int k = 0; k < 2; k++) {
        double sign = k ? 1 : -1, dw = sign * sum.w[1] / n, db = sign * sum.b[1] / n;
        at->w[k] -= rate * dw;
        at->b[k] -= rate * db;
        square += dw * dw + db * db;
    }
    return sqrt(square);
}

/* The mean loss of all samples, and how many are right. */
static double loss_by_hand(const line *at, int *right)
{
    double sum = 0;
    *right = 0;
    for (int i = 0; i < MOST; i++) {
        double x = pixel_of[i] / 255.0;
        double margin = (at->w[1] - at->w[0]) * x + at->b[1] - at->b[0];
        sum += log(1 + exp(label_of[i] ? -margin : margin));
        *right += (margin > 0) == (label_of[i] == 1);
    }
    return sum / MOST;
}

typedef struct way {
    int count, batch, accumulate, epochs;
} way;

/* The first samples, so many epochs; the line that came of it (the best epoch's). */
static line trained(way how, weft_epoch_row *row)
{
    float w[2] = {(float)start_line.w[0], (float)start_line.w[1]};
    float b[2] = {(float)start_line.b[0], (float)start_line.b[1]};
    char name[32];
    snprintf(name, sizeof name, "line%d", how.count);
    weft_dataset *d = open_pictures(name, how.count, 1, pixel_of, label_of, true);
    weft_graph *g = weft_graph_new();
    weft_value x = weft_flatten(g, weft_input(g, "x", WEFT_SHAPE(0, 1, 1, 1)), 1);
    weft_value y = weft_layer_dense(g, "fc", x, 2, NULL);
    weft_value weight = weft_find(g, "fc.weight"), bias = weft_find(g, "fc.bias");
    CHECK(!weft_param_set(g, weight, w, 2) && !weft_param_set(g, bias, b, 2));
    descend(g, y, d, how.batch, how.accumulate, rate, how.epochs, row);
    CHECK(!weft_param_get(g, weight, w, 2) && !weft_param_get(g, bias, b, 2));
    weft_graph_free(g);
    weft_dataset_close(d);
    return (line){{(double)w[0], (double)w[1]}, {(double)b[0], (double)b[1]}};
}

static double distance(const line *a, const line *b)
{
    double most = 0;
    for (int k = 0; k < 2; k++)
        most = fmax(most, fmax(fabs(a->w[k] - b->w[k]), fabs(a->b[k] - b->b[k])));
    return most;
}

/* All seven in each update: no order, no parts. */
static void epochs_of_descent_are_those_on_paper(void **state)
{
    (void)state;
    static const bool all[MOST] = {true, true, true, true, true, true, true};
    line hand = start_line, best = {{0, 0}, {0, 0}};
    weft_epoch_row row[8];
    int right, most = -1;
    line here = trained((way){MOST, MOST, 1, 8}, row);
    for (int e = 0; e < 8; e++) {
        CHECK_NEAR(row[e].train_loss, loss_by_hand(&hand, &right), 2e-6);
        CHECK_NEAR(row[e].gradient, step_by_hand(&hand, all), 2e-6);
        CHECK_NEAR(row[e].val_loss, loss_by_hand(&hand, &right), 2e-6);
        CHECK_NEAR(weft_scores_get(&row[e].scores, "accuracy_top1"), right / 7.0, 1e-12);
        CHECK(row[e].gradient_most == row[e].gradient);
        if (right >= most) best = hand; /* the loss falls in each */
        if (right >= most) most = right;
    }
    CHECK(most == 4 && row[7].val_loss < row[0].val_loss - 0.05);
    CHECK_NEAR(distance(&here, &best), 0, 5e-6);
}

/* Three and two samples, four and one, five ones: always the mean of five. */
static void a_group_of_batches_is_one_update_of_its_mean(void **state)
{
    (void)state;
    static const bool all[MOST] = {true, true, true, true, true};
    static const way how[] = {
        {5, 5, 1, 1}, {5, 3, 2, 1}, {5, 4, 2, 1}, {5, 2, 3, 1}, {5, 1, 5, 1}};
    line hand = start_line;
    weft_epoch_row row;
    double norm = step_by_hand(&hand, all);
    CHECK(distance(&hand, &start_line) > 0.1);
    for (int i = 0; i < 5; i++) {
        line here = trained(how[i], &row);
        CHECK_NEAR(distance(&here, &hand), 0, 2e-6);
        CHECK_NEAR(row.gradient, norm, 1e-6);
    }
}

/* Six samples, then the seventh: a group that is short of samples is an update as any
 * other, of the mean over what it has. Which sample is the last the order of the epoch
 * decides, so that there are seven results on paper; every way to the group of six must
 * come to the same one. */
static void a_last_short_group_is_the_mean_of_its_own_samples(void **state)
{
    (void)state;
    static const way how[] = {{7, 6, 1, 1}, {7, 3, 2, 1}, {7, 2, 3, 1}, {7, 1, 6, 1}};
    line hand[MOST];
    weft_epoch_row row;
    double norm[MOST];
    int found = -1;
    for (int last = 0; last < MOST; last++) {
        bool six[MOST], one[MOST];
        for (int i = 0; i < MOST; i++) six[i] = !(one[i] = i == last);
        hand[last] = start_line;
        norm[last] = step_by_hand(&hand[last], six) / 2;
        norm[last] += step_by_hand(&hand[last], one) / 2;
        for (int k = 0; k < last; k++) CHECK(distance(&hand[k], &hand[last]) > 1e-3);
    }
    for (int i = 0; i < 4; i++) {
        line here = trained(how[i], &row);
        for (int last = 0; last < MOST && !i; last++)
            if (distance(&here, &hand[last]) < 2e-6) found = last;
        CHECK(found >= 0);
        CHECK_NEAR(distance(&here, &hand[found]), 0, 2e-6);
        CHECK_NEAR(row.gradient, norm[found], 1e-6);
    }
}

/* ---- the rate of each step ---- */

enum { STEPS = 6, EPOCHS = 3 };

typedef struct watch {
    weft_graph *g;
    weft_value bias;
    float before;
    int moved;
} watch;

/* Three samples of class 0 are right beyond doubt and move nothing; the three of
 * class 1 are wrong beyond doubt: each takes the rate from b[0]. */
static void look(void *user, const weft_progress *p)
{
    watch *w = user;
    float b[2];
    double done = p->epoch - 1 + (p->batch - 1) / (double)STEPS;
    double wanted = 0.1 * 0.5 * (1 + cos(3.14159265358979 * done / EPOCHS));
    CHECK(p->batches == STEPS && p->epochs == EPOCHS);
    CHECK(!weft_param_get(w->g, w->bias, b, 2));
    if (b[0] != w->before) CHECK_NEAR((double)w->before - (double)b[0], wanted, 1e-5);
    w->moved += b[0] != w->before;
    w->before = b[0];
}

static void every_step_goes_by_the_rate_of_its_moment(void **state)
{
    (void)state;
    static const unsigned char dark[STEPS], label[STEPS] = {0, 1, 0, 1, 0, 1};
    static const float none[2], sure[2] = {30, 0};
    weft_dataset *d = open_pictures("dark", STEPS, 1, dark, label, true);
    weft_graph *g = weft_graph_new();
    weft_value x = weft_flatten(g, weft_input(g, "x", WEFT_SHAPE(0, 1, 1, 1)), 1);
    weft_value y = weft_layer_dense(g, "fc", x, 2, NULL);
    watch w = {.g = g, .bias = weft_find(g, "fc.bias"), .before = sure[0]};
    weft_train_opts o = {.epochs = EPOCHS, .batch = 1, .on_step = look, .user = &w};
    weft_train_result r;
    o.optimizer = (weft_optimizer_opts){.name = "sgd", .lr = 0.1};
    o.schedule.name = "cosine";
    CHECK(!weft_param_set(g, weft_find(g, "fc.weight"), none, 2));
    CHECK(!weft_param_set(g, w.bias, sure, 2));
    o.output = y;
    CHECK(!weft_train(g, d, &o, &r));
    CHECK(w.moved == 3 * EPOCHS);
    weft_train_result_free(&r);
    weft_graph_free(g);
    weft_dataset_close(d);
}

RUN_TESTS(TEST(the_loss_of_pictures_is_the_loss_nodes),
          TEST(the_loss_of_texts_is_the_loss_nodes),
          TEST(epochs_of_descent_are_those_on_paper),
          TEST(a_group_of_batches_is_one_update_of_its_mean),
          TEST(a_last_short_group_is_the_mean_of_its_own_samples),
          TEST(every_step_goes_by_the_rate_of_its_moment))
