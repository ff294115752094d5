/* class_names.h: the classes that a model knows: names in its metadata, scores as
 * probabilities. */
#ifndef WEFT_SRC_TASK_CLASS_NAMES_H
#define WEFT_SRC_TASK_CLASS_NAMES_H

#include "task/task.h"

/* The codec of classification. */
typedef struct weft__classes {
    weft__codec base; /* width is the number of classes */
    bool named;       /* the names are known, not made up */
    char **name;      /* [width], as they stand in metadata: what is not UTF-8 is \xNN */
} weft__classes;

/* "names" as Ultralytics writes them and "weft.names" as a JSON array. */
weft_status weft__class_names_describe(weft_meta *m, const char *const *name, int n);
/* The names, or "class 0" and so on where the metadata have none. Fresh memory:
 * weft__class_names_free. NULL when out of memory, with a message. */
char **weft__class_names_read(const weft_meta *m, int n);
/* Those of a data set; NULL when out of memory. */
char **weft__class_names_of(const weft_dataset *d);
void weft__class_names_free(char **names, int n);

/* Logits to probabilities, in place. */
void weft__to_probabilities(float *x, int n);
/* The confusion counts [truth][predicted], fresh memory; NULL when out of memory. */
int64_t *weft__confusion_counts(const weft_metrics *m, int classes);

#endif
