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
    char *named; /* what the one value is called; NULL */
    char hash[65];
    weft__preprocess *preprocess; /* NULL before weft_dataset_fit */
};

/* ---- dataset.c, for modalities: what they found, into d. WEFT_ENOMEM. ---- */

/* One more class; labels are numbers of classes in the order of these calls. Where targets are values,
 * names of classes are understood as numbers once opening is over. */
weft_status weft__dataset_add_class(weft_dataset *d, const char *name);
/* Room for count[s] labels; for count[s] x values numbers. */
weft_status weft__dataset_labels(weft_dataset *d, weft_subset s);
weft_status weft__dataset_values(weft_dataset *d, weft_subset s);
/* Targets are numbers that the modality fills in: classes and labels are forgotten. */
weft_status weft__dataset_no_classes(weft_dataset *d, int values, const char *const *name);
/* What the one value is called. */
weft_status weft__dataset_value_named(weft_dataset *d, const char *name);

/* loader.c: weft_loader_new with another preprocessing (a model's) than d's own. */
weft_status weft__loader_open(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, weft_loader **out);
/* Will training batches blend samples (mixup)? */
bool weft__dataset_mixes(const weft_dataset *d);
#endif
