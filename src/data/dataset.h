/* dataset.h: a data set from the inside: what all modalities have in common. */
#ifndef WEFT_SRC_DATA_DATASET_H
#define WEFT_SRC_DATA_DATASET_H

#include "base/error.h"
#include "base/hash.h"
#include "weft/dataset.h"

typedef struct weft__modality weft__modality;
typedef struct weft__preprocess weft__preprocess;

struct weft_dataset {
    const weft__modality *modality;
    char *path;             /* "arrays" of arrays */
    weft_dataset_opts opts; /* its texts are NULL once it is open */
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

weft_status weft__dataset_new(const char *path, const weft_dataset_opts *o,
                              const weft__modality *m, weft_dataset **out);

/*   ---- for modalities: what they found, into d. target and path are there already.
 *     ---- */

/* One more class; labels are numbers of classes in the order of these calls. */
weft_status weft__dataset_add_class(weft_dataset *d, const char *name);
/* The classes of arrays, by their own numbers. */
weft_status weft__dataset_array_classes(weft_dataset *d, const weft_arrays *a);
/* Targets are `values` numbers a sample; name NULL: "y", or "y0", "y1" ... */
weft_status weft__dataset_set_values(weft_dataset *d, int values,
                                     const char *const *name);
/* Room for the targets of count[s] samples: labels, or values once their number is
 * set. */
weft_status weft__dataset_room(weft_dataset *d, weft_subset s);
/* The target of sample `from` of subset `of` in arrays, as that of sample i of s. */
void weft__dataset_array_target(weft_dataset *d, weft_subset s, int i,
                                const weft_arrays *a, int of, int from);
/* Where such a sample comes from: "sample 12 of train"; and what the caller's
 * function makes of it. A failure without a message (weft_fail) gets one. */
void weft__dataset_array_name(weft_subset s, int i, char *text, size_t size);
weft_status weft__dataset_call(const weft_arrays *a, weft_subset s, int i, void *sample);
/* The text as a finite float; false when it is none. */
bool weft__dataset_number(const char *text, size_t bytes, float *out);
/* "10 classes", "1 value" */
void weft__targets_text(const weft_dataset *d, char *text, size_t size);
/* What tells one target from another. */
void weft__dataset_hash_target(const weft_dataset *d, weft_subset s, int i,
                               weft__sha256 *h);

/* loader.c: weft_loader_new with another preprocessing (a model's) than d's own. */
weft_status weft__loader_open(const weft_dataset *d, const weft__preprocess *p,
                              const weft_loader_opts *o, weft_loader **out);
/* Will training batches blend samples (mixup)? */
bool weft__dataset_mixes(const weft_dataset *d);

#endif
