/* vectors.h: reference vectors: safetensors files with hyper-parameters as text. */
#ifndef WEFT_TESTS_VECTORS_H
#define WEFT_TESTS_VECTORS_H

#include "test.h"

#include "store/safetensors.h"
#include "weft/weft.h"

typedef struct vector_file {
    unsigned char *data;
    weft__st_file st;
} vector_file;

static inline weft_status vector_open(const char *path, vector_file *v)
{
    size_t bytes = 0;
    *v = (vector_file){0};
    weft_status s = weft__file_read(path, 64 << 20, &v->data, &bytes);
    return s ? s : weft__st_parse(v->data, bytes, bytes, &v->st);
}

static inline void vector_close(vector_file *v)
{
    weft__st_free(&v->st);
    free(v->data);
}

static inline const weft__st_entry *vector_find(const vector_file *v, const char *name)
{
    for (int i = 0; i < v->st.count; i++)
        if (!strcmp(v->st.entry[i].name, name)) return &v->st.entry[i];
    return NULL;
}

static inline size_t vector_count(const weft__st_entry *e)
{
    size_t n = 1;
    for (int i = 0; i < e->rank; i++) n *= (size_t)e->dim[i];
    return n;
}

static inline weft_shape vector_shape(const weft__st_entry *e)
{
    weft_shape s = {.rank = e->rank};
    for (int i = 0; i < e->rank; i++) s.dim[i] = (int)e->dim[i];
    return s;
}

/* The numbers of a tensor as floats, in fresh memory; any type. */
static inline float *vector_floats(const vector_file *v, const weft__st_entry *e)
{
    size_t n = vector_count(e);
    const unsigned char *at = v->data + v->st.data + e->begin;
    float *x = calloc(n + 1, sizeof *x);
    CHECK(x != NULL);
    for (size_t i = 0; i < n; i++) {
        int64_t wide;
        int32_t narrow;
        double d;
        if (!strcmp(e->type, "F32")) {
            memcpy(&x[i], at + 4 * i, 4);
        } else if (!strcmp(e->type, "F64")) {
            memcpy(&d, at + 8 * i, 8);
            x[i] = (float)d;
        } else if (!strcmp(e->type, "I64")) {
            memcpy(&wide, at + 8 * i, 8);
            x[i] = (float)wide;
        } else {
            memcpy(&narrow, at + 4 * i, 4);
            x[i] = (float)narrow;
        }
    }
    return x;
}

/* ---- hyper-parameters ---- */

static inline const char *vector_text(const vector_file *v, const char *key)
{
    const char *text = weft_meta_get(v->st.meta, key);
    return text ? text : "";
}

static inline double vector_number(const vector_file *v, const char *key,
                                   double otherwise)
{
    const char *text = vector_text(v, key);
    return *text ? strtod(text, NULL) : otherwise;
}

static inline bool vector_flag(const vector_file *v, const char *key, bool otherwise)
{
    const char *text = vector_text(v, key);
    return *text ? !strcmp(text, "true") || !strcmp(text, "True") : otherwise;
}

/* "3", "[3, 2]" or "(3, 2)": how many; a single number fills both places. */
static inline int vector_ints(const vector_file *v, const char *key, int *out, int max)
{
    const char *text = vector_text(v, key);
    int n = 0;
    while (*text && n < max) {
        char *end;
        long x = strtol(text, &end, 10);
        if (end == text) {
            text++;
            continue;
        }
        out[n++] = (int)x;
        text = end;
    }
    return n;
}

static inline bool vector_pair(const vector_file *v, const char *key, int out[2])
{
    int n = vector_ints(v, key, out, 2);
    if (n == 1) out[1] = out[0];
    return n > 0;
}

#endif
