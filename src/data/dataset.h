/* dataset.h: a data set from the inside: what all modalities have in common. */
#ifndef WEFT_SRC_DATA_DATASET_H
#define WEFT_SRC_DATA_DATASET_H

#include "base/error.h"
#include "weft/dataset.h"

typedef struct weft__modality weft__modality;
typedef struct weft__preprocess weft__preprocess;

struct weft_dataset {
    const weft__modality *modality;
    char *path; /* "" of arrays */
    weft_dataset_opts opts; /* its texts belong to the caller: not read after opening */
    void *content;          /* the modality's */
    int count[3];
    weft_target_kind target;
    int classes; /* WEFT_TARGET_CLASS */
    char **class_name;
    int32_t *label[3];
    int values; /* WEFT_TARGET_VALUES */
    char **value_name;
    float *value[3]; /* [count][values] */
    char hash[65];
    weft__preprocess *preprocess; /* NULL before weft_dataset_fit */
};

/* loader.c: weft_loader_new with another preprocessing (a model's) than d's own. */
weft_status weft__loader_open(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, weft_loader **out);
/* Will training batches blend samples (mixup)? */
bool weft__dataset_mixes(const weft_dataset *d);
#endif
