/* without_onnx.c: stands in for the ONNX reader and writer in a build that has no
 * protobuf-c. Saving and loading fail with a message; the operators' hooks link, and are
 * never called. */
#include "base/error.h"
#include "ops/onnx.h"
#include "weft/store.h"

#include <assert.h>

static weft_status missing(const char *what)
{
    return weft__fail(
        WEFT_EUSAGE, "%s: this build of weft has no ONNX (protobuf-c was missing)", what);
}

weft_status weft_model_save(const weft_graph *g, const weft_meta *meta, const char *path)
{
    (void)g, (void)meta;
    return missing(path);
}

weft_status weft_model_load(const char *path, const weft_load_opts *opts,
                            weft_graph **out, weft_meta **out_meta)
{
    (void)opts, (void)out, (void)out_meta;
    return missing(path);
}

weft_status weft_model_parse(const void *data, size_t bytes, const weft_load_opts *opts,
                             weft_graph **out, weft_meta **out_meta)
{
    (void)data, (void)bytes, (void)opts, (void)out, (void)out_meta;
    return missing("model");
}

/* ---- what operators' to_onnx and from_onnx call ---- */

#define NEVER assert(!"ONNX is not in this build")

void weft__onnx_put_int(weft__onnx_writer *w, const char *attribute, int64_t value)
{
    (void)w, (void)attribute, (void)value;
    NEVER;
}

void weft__onnx_put_ints(weft__onnx_writer *w, const char *attribute, const int *value,
                         int n)
{
    (void)w, (void)attribute, (void)value, (void)n;
    NEVER;
}

void weft__onnx_put_float(weft__onnx_writer *w, const char *attribute, double value)
{
    (void)w, (void)attribute, (void)value;
    NEVER;
}

void weft__onnx_put_text(weft__onnx_writer *w, const char *attribute, const char *value)
{
    (void)w, (void)attribute, (void)value;
    NEVER;
}

void weft__onnx_type(weft__onnx_writer *w, const char *op_type)
{
    (void)w, (void)op_type;
    NEVER;
}

void weft__onnx_keep_inputs(weft__onnx_writer *w, int n)
{
    (void)w, (void)n;
    NEVER;
}

void weft__onnx_add_ints(weft__onnx_writer *w, const char *suffix, const int *value,
                         int n)
{
    (void)w, (void)suffix, (void)value, (void)n;
    NEVER;
}

void weft__onnx_add_int(weft__onnx_writer *w, const char *suffix, int64_t value)
{
    (void)w, (void)suffix, (void)value;
    NEVER;
}

void weft__onnx_add_float(weft__onnx_writer *w, const char *suffix, double value)
{
    (void)w, (void)suffix, (void)value;
    NEVER;
}

void weft__onnx_add_absent(weft__onnx_writer *w)
{
    (void)w;
    NEVER;
}

void weft__onnx_add_input(weft__onnx_writer *w, int i)
{
    (void)w, (void)i;
    NEVER;
}

void weft__onnx_add_floats(weft__onnx_writer *w, const char *suffix, const double *value,
                           int n)
{
    (void)w, (void)suffix, (void)value, (void)n;
    NEVER;
}

void weft__onnx_add_fill(weft__onnx_writer *w, const char *suffix, weft_shape shape,
                         double value)
{
    (void)w, (void)suffix, (void)shape, (void)value;
    NEVER;
}

void weft__onnx_then(weft__onnx_writer *w, const char *op_type)
{
    (void)w, (void)op_type;
    NEVER;
}

void weft__onnx_put_texts(weft__onnx_writer *w, const char *attribute,
                          const char *const *value, int n)
{
    (void)w, (void)attribute, (void)value, (void)n;
    NEVER;
}

void weft__onnx_begin(weft__onnx_writer *w, const char *op_type)
{
    (void)w, (void)op_type;
    NEVER;
}

void weft__onnx_add_named(weft__onnx_writer *w, const char *name)
{
    (void)w, (void)name;
    NEVER;
}

void weft__onnx_end(weft__onnx_writer *w, const char **names, int n)
{
    (void)w, (void)names, (void)n;
    NEVER;
}

void weft__onnx_give(weft__onnx_writer *w, int k)
{
    (void)w, (void)k;
    NEVER;
}

void weft__onnx_put_note(weft__onnx_writer *w, const char *key, int number)
{
    (void)w, (void)key, (void)number;
    NEVER;
}

int weft__onnx_note(const weft__onnx_node *n, const char *key)
{
    (void)n, (void)key;
    NEVER;
    return -1;
}

bool weft__onnx_wants(const weft__onnx_writer *w, int k)
{
    (void)w, (void)k;
    NEVER;
    return false;
}

const char *weft__onnx_input_name(weft__onnx_writer *w, int i)
{
    (void)w, (void)i;
    NEVER;
    return "";
}

const char *weft__onnx_steps(weft__onnx_writer *w, int lengths, weft__onnx_form form,
                             int steps, int rank)
{
    (void)w, (void)lengths, (void)form, (void)steps, (void)rank;
    NEVER;
    return "";
}

const weft__tensor *weft__onnx_in(const weft__onnx_writer *w, int i)
{
    static const weft__tensor none = {.rank = -1};
    (void)w, (void)i;
    NEVER;
    return &none;
}

const weft__tensor *weft__onnx_out(const weft__onnx_writer *w, int i)
{
    return weft__onnx_in(w, i);
}

void weft__onnx_refuse(weft__onnx_writer *w, const char *why)
{
    (void)w, (void)why;
    NEVER;
}

weft_graph *weft__onnx_graph(weft__onnx_node *n)
{
    (void)n;
    NEVER;
    return NULL;
}

const char *weft__onnx_op_type(const weft__onnx_node *n)
{
    (void)n;
    NEVER;
    return "";
}

int weft__onnx_opset(const weft__onnx_node *n)
{
    (void)n;
    NEVER;
    return 0;
}

int weft__onnx_inputs(const weft__onnx_node *n)
{
    (void)n;
    NEVER;
    return 0;
}

int weft__onnx_outputs(const weft__onnx_node *n)
{
    (void)n;
    NEVER;
    return 0;
}

bool weft__onnx_has(const weft__onnx_node *n, const char *attribute)
{
    (void)n, (void)attribute;
    NEVER;
    return false;
}

int64_t weft__onnx_get_int(weft__onnx_node *n, const char *attribute, int64_t fallback)
{
    (void)n, (void)attribute;
    NEVER;
    return fallback;
}

double weft__onnx_get_float(weft__onnx_node *n, const char *attribute, double fallback)
{
    (void)n, (void)attribute;
    NEVER;
    return fallback;
}

const char *weft__onnx_get_text(weft__onnx_node *n, const char *attribute,
                                const char *fallback)
{
    (void)n, (void)attribute;
    NEVER;
    return fallback;
}

const char *weft__onnx_get_text_at(weft__onnx_node *n, const char *attribute, int i)
{
    (void)n, (void)attribute, (void)i;
    NEVER;
    return NULL;
}

int weft__onnx_get_ints(weft__onnx_node *n, const char *attribute, int *value, int max)
{
    (void)n, (void)attribute, (void)value, (void)max;
    NEVER;
    return -1;
}

weft_val weft__onnx_value(weft__onnx_node *n, int i)
{
    (void)n, (void)i;
    NEVER;
    return WEFT_NONE;
}

int weft__onnx_const_ints(weft__onnx_node *n, int i, int64_t *value, int max)
{
    (void)n, (void)i, (void)value, (void)max;
    NEVER;
    return -1;
}

int weft__onnx_const_floats(weft__onnx_node *n, int i, double *value, int max)
{
    (void)n, (void)i, (void)value, (void)max;
    NEVER;
    return -1;
}

weft_shape weft__onnx_shape(weft__onnx_node *n, int i)
{
    (void)n, (void)i;
    NEVER;
    return (weft_shape){.rank = -1};
}

void weft__onnx_set(weft__onnx_node *n, int output, weft_val v)
{
    (void)n, (void)output, (void)v;
    NEVER;
}

weft_status weft__onnx_fail(weft__onnx_node *n, const char *format, ...)
{
    (void)n;
    NEVER;
    return missing(format);
}
