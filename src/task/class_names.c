/* class_names.c: the names of a classifier's classes in its metadata. */
#include "task/class_names.h"

#include "base/checked.h"
#include "base/error.h"
#include "store/meta_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ultralytics' form, {0: 'cat', 1: 'dog'}, with quotes and backslashes escaped. */
static weft_status set_names(weft_meta *m, const char *const *name, int n)
{
    size_t room = 16;
    for (int i = 0; i < n; i++) room += 2 * strlen(name[i]) + 24;
    char *text = malloc(room), *p = text;
    if (!text) return weft__fail(WEFT_ENOMEM, "metadata: out of memory");
    *p++ = '{';
    for (int i = 0; i < n; i++) {
        p += sprintf(p, "%s%d: '", i ? ", " : "", i);
        for (const char *c = name[i]; *c; c++) {
            if (*c == '\'' || *c == '\\') *p++ = '\\';
            *p++ = *c;
        }
        *p++ = '\'';
    }
    memcpy(p, "}", 2);
    weft_status s = weft_meta_set(m, "names", text);
    free(text);
    return s;
}

weft_status weft__class_names_describe(weft_meta *m, const char *const *name, int n)
{
    weft_status s = set_names(m, name, n);
    return s ? s : weft__meta_set_texts(m, "weft.names", name, n);
}

char **weft__class_names_of(const weft_dataset *d)
{
    int n = weft_dataset_classes(d);
    char **safe = weft__alloc((size_t)n + 1, sizeof *safe);
    for (int i = 0; i < n && safe; i++) {
        const char *from = weft_dataset_class_name(d, i);
        size_t room = 4 * strlen(from) + 1;
        safe[i] = malloc(room);
        if (safe[i]) {
            weft__escape(safe[i], room, from);
        } else {
            weft__class_names_free(safe, n);
            safe = NULL;
        }
    }
    return safe;
}

char **weft__class_names_read(const weft_meta *m, int n)
{
    char **names = weft__meta_get_texts(m, "weft.names", n);
    for (int i = 0; i < n && names; i++) {
        char number[32];
        snprintf(number, sizeof number, "class %d", i);
        if (!names[i] && !(names[i] = strdup(number))) {
            weft__class_names_free(names, n);
            names = NULL;
        }
    }
    if (!names) weft__fail(WEFT_ENOMEM, "names: out of memory");
    return names;
}

void weft__class_names_free(char **names, int n)
{
    for (int i = 0; i < n && names; i++) free(names[i]);
    free(names);
}

void weft__to_probabilities(float *x, int n)
{
    double top = x[0], sum = 0;
    for (int k = 1; k < n; k++) top = x[k] > top ? x[k] : top;
    for (int k = 0; k < n; k++) sum += exp(x[k] - top);
    for (int k = 0; k < n; k++) x[k] = (float)(exp(x[k] - top) / sum);
}

int64_t *weft__confusion_counts(const weft_metrics *m, int classes)
{
    size_t n = (size_t)classes;
    int64_t *count = weft__alloc(n * n, sizeof *count);
    for (int i = 0; i < classes && count; i++)
        for (int k = 0; k < classes; k++)
            count[(size_t)i * n + (size_t)k] = weft_metrics_confusion(m, i, k);
    return count;
}
