/* mnist.c: trains a small network on a folder of IDX files (MNIST, Fashion-MNIST), step
 * by step: the loop that `weft train` runs, in the open. */
/* run: /usr/share/datasets/fashion-mnist 1 200 */
/* needs: /usr/share/datasets/fashion-mnist */
#include <weft/weft.h>

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 };

static void stop_on(weft_status s)
{
    if (!s) return;
    fprintf(stderr, "mnist: %s\n", weft_last_error());
    exit(weft_exit_code(s));
}

/* conv 5x5, pool, conv 5x5, pool, dense, dense: from pictures to a score per class */
static weft_value network(weft_graph *g, weft_value x, int classes)
{
    const weft_pool_opts halve = {.kernel = {2, 2}};
    const weft_layer_conv_opts same = {.kernel = {5, 5}, .conv.pad = {2, 2}};
    const weft_layer_conv_opts inside = {.kernel = {5, 5}};
    x = weft_layer_conv(g, "conv1", x, 8, &same);
    x = weft_max_pool(g, weft_relu(g, x), &halve);
    x = weft_layer_conv(g, "conv2", x, 16, &inside);
    x = weft_max_pool(g, weft_relu(g, x), &halve);
    x = weft_layer_dense(g, "fc1", weft_flatten(g, x, 1), 64, NULL);
    return weft_layer_dense(g, "fc2", weft_relu(g, x), classes, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: mnist FOLDER [EPOCHS [BATCHES_PER_EPOCH]]\n");
        return 2;
    }
    int epochs = argc > 2 ? atoi(argv[2]) : 3, most = argc > 3 ? atoi(argv[3]) : 1 << 30;
    weft_data *data;
    int c, h, w;
    stop_on(weft_data_open(argv[1], NULL, &data));
    weft_data_shape(data, &c, &h, &w);
    int classes = weft_data_classes(data);
    size_t picture = (size_t)c * (size_t)h * (size_t)w;

    /* The graph: input, network, loss. */
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, c, h, w));
    weft_value scores = network(g, x, classes);
    weft_output(g, scores, "scores");
    weft_value truth = weft_input_int(g, "truth", WEFT_SHAPE(0), classes);
    weft_value loss = weft_cross_entropy(g, scores, truth, WEFT_NONE, NULL, NULL);
    stop_on(weft_graph_status(g));
    stop_on(weft_params_init(g, 1));

    /* The plan lays out the memory of a step; the optimizer knows all parameters. */
    weft_plan *plan;
    weft_plan_opts for_training = {.batch = BATCH, .loss = loss, .training = true};
    stop_on(weft_plan_new(g, &for_training, &plan));
    weft_optimizer_opts sgd = weft_optimizer_defaults("sgd");
    weft_optimizer *optimizer;
    stop_on(weft_optimizer_new(g, &sgd, &optimizer));

    weft_loader_opts lo = {
        .split = WEFT_SUBSET_TRAIN, .batch = BATCH, .shuffle = true, .drop_last = true};
    stop_on(weft_data_channel_stats(data, lo.mean, lo.std));
    weft_loader *loader;
    stop_on(weft_loader_new(data, &lo, &loader));

    for (int epoch = 0; epoch < epochs; epoch++) {
        const weft_batch *b;
        double sum = 0;
        int steps = 0;
        stop_on(weft_loader_start(loader, epoch, 0));
        for (; steps < most; steps++) {
            stop_on(weft_loader_next(loader, &b));
            if (!b) break;
            stop_on(weft_plan_set_nhwc(plan, x, b->x, BATCH * picture));
            stop_on(weft_plan_set_int(plan, truth, b->label, BATCH));
            stop_on(weft_plan_forward(plan));  /* values, up to the loss */
            stop_on(weft_plan_backward(plan)); /* gradients, by the chain rule */
            stop_on(weft_optimizer_step(optimizer,
                                        0.02)); /* every parameter down its gradient */
            sum += weft_plan_scalar(plan, loss);
        }
        printf("epoch %d: mean loss %.4f over %d steps\n", epoch + 1, sum / steps, steps);
    }

    weft_metrics *m = weft_metrics_new(classes);
    weft_subset split =
        weft_data_count(data, WEFT_SUBSET_TEST) ? WEFT_SUBSET_TEST : WEFT_SUBSET_VAL;
    stop_on(weft_evaluate(g, scores, data, split, 250, lo.mean, lo.std, m, NULL));
    printf("test accuracy %.2f %%\n", 100 * weft_metrics_top1(m));
    stop_on(weft_onnx_save(g, NULL, "mnist.onnx"));
    weft_metrics_free(m);
    weft_loader_free(loader);
    weft_optimizer_free(optimizer);
    weft_plan_free(plan);
    weft_graph_free(g);
    weft_data_close(data);
    return 0;
}
