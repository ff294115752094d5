/* predict.c: what is on this picture? A saved model, read and run. */
#include <weft/weft.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    weft_classifier *model = NULL;
    int class;
    float probability;
    bool ok = argc == 3 && !weft_classifier_open(argv[1], &model) &&
              !weft_classify_file(model, argv[2], &class, &probability);
    if (ok)
        printf("%s %.4f\n", weft_classifier_name(model, class), probability);
    else
        fprintf(stderr, "usage: predict MODEL.onnx PICTURE (%s)\n", weft_last_error());
    weft_classifier_free(model);
    return !ok;
}
