/* meta_list.h: lists as JSON arrays in a model's metadata. */
#ifndef WEFT_SRC_STORE_META_LIST_H
#define WEFT_SRC_STORE_META_LIST_H

#include "base/error.h"
#include "weft/store.h"

weft_status weft__meta_set_texts(weft_meta *m, const char *key, const char *const *text,
                                 int n);
weft_status weft__meta_set_floats(weft_meta *m, const char *key, const float *x, int n);
/* n fresh texts in a fresh array, NULL where the list has none; *text itself is NULL
 * when out of memory. Free each and the array. */
char **weft__meta_get_texts(const weft_meta *m, const char *key, int n);
/* Fills x[0 .. n-1]; otherwise stands where the list has no number. */
void weft__meta_get_floats(const weft_meta *m, const char *key, float *x, int n,
                           float otherwise);

#endif
