/* samples.h: a set of labelled samples, pictures or texts, as reports see it. */
#ifndef WEFT_CLI_SAMPLES_H
#define WEFT_CLI_SAMPLES_H

#include "weft/weft.h"

typedef struct samples { /* one of the two; copy it freely */
    const weft_data *d;
    const weft_texts *t;
} samples;

int samples_count(samples s, weft_split split);
int samples_classes(samples s);
const char *samples_class(samples s, int c);
int samples_label(samples s, weft_split split, int i);
void samples_name(samples s, weft_split split, int i, char *text, size_t size);
const char *samples_format(samples s);
const char *samples_word(samples s); /* "pictures" or "texts" */

/* The split that is shown: the test split if there is one, else the validation split,
 * else the training split. */
weft_split samples_shown(samples s);

#endif
