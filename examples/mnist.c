/* mnist.c: trains a ready network on a folder of pictures (MNIST, Fashion-MNIST, or one
 * folder a class) and measures the model that it leaves. */
/* run: /usr/share/datasets/fashion-mnist 1 */
/* needs: /usr/share/datasets/fashion-mnist */
#include <weft/weft.h>

#include <stdio.h>
#include <stdlib.h>

static void stop_on(weft_status s)
{
    if (!s) return;
    fprintf(stderr, "mnist: %s\n", weft_last_error());
    exit(weft_exit_code(s));
}

static void tell(void *user, const weft_epoch_row *row, bool best)
{
    (void)user;
    printf("epoch %d: mean loss %.4f, validation loss %.4f%s\n", row->epoch,
           row->train_loss, row->val_loss, best ? ", the best so far" : "");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: mnist FOLDER [EPOCHS]\n");
        return 2;
    }

    /* The data, and a network of its size with as many outputs as there are classes. */
    weft_dataset *data;
    weft_graph *network = weft_graph_new();
    weft_zoo_opts size = {0};
    weft_value scores;
    stop_on(weft_dataset_open(argv[1], NULL, &data));
    stop_on(weft_dataset_network(data, &size));
    stop_on(weft_zoo_build(network, "lenet5", &size, &scores));
    stop_on(weft_params_init(network, 1));

    /* Training; the best epoch's model goes to mnist-run/best.onnx. */
    weft_train_opts how = {
        .epochs = argc > 2 ? atoi(argv[2]) : 3, .run_dir = "mnist-run", .on_epoch = tell};
    weft_train_result result;
    stop_on(weft_train(network, data, &how, &result));

    /* That model, on pictures that it has never seen. */
    weft_predictor *model;
    weft_scores test;
    stop_on(weft_predictor_open("mnist-run", &model));
    stop_on(weft_evaluate(model, data, WEFT_SUBSET_TEST, &test));
    printf("test accuracy %.2f %%\n", 100 * weft_scores_get(&test, "accuracy_top1"));

    weft_predictor_free(model);
    weft_train_result_free(&result);
    weft_graph_free(network);
    weft_dataset_close(data);
    return 0;
}
