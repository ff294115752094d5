/* class_names.h: the names of a classifier's classes in its metadata, and what else
 * classifiers of pictures and of texts share. */
#ifndef WEFT_SRC_CLASS_NAMES_H
#define WEFT_SRC_CLASS_NAMES_H

#include "weft/store.h"

/* "names" as Ultralytics writes them and "weft.names" as a JSON array; name(user, i) is
 * the i-th of n. Bytes that are not UTF-8 are written \xNN. */
weft_status weft__names_describe(weft_meta *m, int n,
                                 const char *(*name)(const void *user, int i),
                                 const void *user);
/* The names, or "class 0" and so on where the metadata have none. Fresh memory:
 * weft__class_names_free. NULL when out of memory, with a message. */
char **weft__class_names_read(const weft_meta *m, int n);
void weft__class_names_free(char **names, int n);

/* classifier.c: path, or best.onnx in the folder path. *file is fresh memory. */
weft_status weft__trained_load(const char *path, char **file, weft_graph **g,
                               weft_meta **meta);

/* Logits to probabilities, in place. */
void weft__to_probabilities(float *x, int n);

#endif
