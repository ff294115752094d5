/* predict.c: what is on this picture? A saved model, read and run. */
#include <weft/weft.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: predict MODEL.onnx PICTURE\n");
        return 2;
    }
    weft_predictor *model = NULL;
    weft_item picture = {.path = argv[2]};
    weft_answer answer = {0};
    weft_status s = weft_predictor_open(argv[1], &model);
    if (!s) s = weft_predict(model, &picture, 1, &answer);
    if (s)
        fprintf(stderr, "predict: %s\n", weft_last_error());
    else
        printf("%s %.4f\n", weft_predictor_class_name(model, answer.best),
               (double)answer.probability[answer.best]);
    weft_answer_clear(&answer);
    weft_predictor_free(model);
    return weft_exit_code(s);
}
