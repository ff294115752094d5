/* exhibits.h: samples shown in a report with what a model said of them. */
#ifndef WEFT_SRC_TASK_EXHIBITS_H
#define WEFT_SRC_TASK_EXHIBITS_H

#include "task/task.h"

/* A sample to show. Texts are borrowed. */
typedef struct weft__shown {
    int sample;
    const char *predicted, *truth;
    double probability, truth_probability; /* NaN: not known */
} weft__shown;

/* Fills r's pictures or quotes with n samples of subset s, as the data set's
 * modality shows them; their texts live in a. A build that cannot show them (no PNG)
 * shows none. */
weft_status weft__exhibits_fill(const weft_dataset *d, weft_subset s,
                                const weft__shown *shown, int n, weft__arena *a,
                                weft__report *r);
/* The samples as one sheet of pictures; nothing where they are no pictures. */
weft_status weft__exhibits_sheet(const weft_dataset *d, weft_subset s,
                                 const weft__shown *shown, int n, const char *path);

/* The samples with the largest keys, falling; of equal ones the earlier first. */
enum { WEFT_MOST_EXHIBITS = 24 };
typedef struct weft__ranking {
    int n, sample[WEFT_MOST_EXHIBITS];
    double key[WEFT_MOST_EXHIBITS];
} weft__ranking;
void weft__ranking_add(weft__ranking *r, double key, int sample);

/* "Test", "Validation", "Training"; "test", "validation", "training". */
const char *weft__part_title(const weft_evaluation *e);
const char *weft__part_word(const weft_evaluation *e);

#endif
