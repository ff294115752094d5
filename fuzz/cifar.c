/* cifar.c: any bytes as a CIFAR batch, with one label byte and with two. */
#include "data/image/formats/cifar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int bytes = 1; bytes <= 2; bytes++) {
        int n, classes = bytes == 1 ? 10 : 100;
        int32_t *label;
        unsigned char *pixels;
        if (weft__cifar_count(size, bytes, &n)) continue;
        label = malloc((size_t)n * sizeof *label);
        pixels = malloc((size_t)n * WEFT_CIFAR_BYTES);
        if (label && pixels &&
            !weft__cifar_decode(data, size, bytes, classes, label, pixels))
            for (int i = 0; i < n; i++)
                if (label[i] < 0 || label[i] >= classes) abort();
        free(label);
        free(pixels);
    }
    return 0;
}
