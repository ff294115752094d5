/* cifar.h: the records of a CIFAR binary batch. */
#ifndef WEFT_SRC_DATA_IMAGE_FORMATS_CIFAR_H
#define WEFT_SRC_DATA_IMAGE_FORMATS_CIFAR_H

#include "weft/dataset.h"

enum { WEFT_CIFAR_SIDE = 32, WEFT_CIFAR_BYTES = 3 * 32 * 32 };

/* A file of records: label_bytes labels (the last one counts, 0 .. classes-1), then
 * 32 x 32 pixels in three planes. How many records are there? WEFT_EDATA when not a
 * whole number. */
weft_status weft__cifar_count(size_t size, int label_bytes, int *records);
/* Decodes them to label[records] and channels-last pixels[records][32][32][3]. */
weft_status weft__cifar_decode(const unsigned char *data, size_t size, int label_bytes,
                               int classes, int32_t *label, unsigned char *pixels);

#endif
