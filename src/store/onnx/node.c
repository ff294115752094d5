/* node.c: what an operator's read may ask about its ONNX node. */
#include "store/onnx/own.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/hash.h"
#include "graph/graph.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first failure that an asking call cannot return itself. */
static void remember(weft__onnx_node *n, weft_status s)
{
    if (n->failure || !s) return;
    n->failure = s;
    snprintf(n->message, sizeof n->message, "%s", weft_last_error());
}

static weft_graph *graph(weft__onnx_node *n)
{
    return n->r->g;
}

static const char *op_type(const weft__onnx_node *n)
{
    return n->item->p->op_type;
}

static int opset(const weft__onnx_node *n)
{
    return n->r->opset;
}

static int inputs(const weft__onnx_node *n)
{
    return (int)n->item->p->n_input;
}

static int outputs(const weft__onnx_node *n)
{
    return (int)n->item->p->n_output;
}

static const char *label_of(const weft__onnx_node *n)
{
    return n->item->label;
}

/* ---- attributes ---- */

const pb_attribute *weft__onnx_attribute(weft__onnx_node *n, const char *name)
{
    const pb_node *p = n->item->p;
    for (size_t i = 0; i < p->n_attribute; i++)
        if (!strcmp(p->attribute[i]->name, name)) {
            n->used[i] = true;
            return p->attribute[i];
        }
    return NULL;
}

static bool has(const weft__onnx_node *n, const char *attribute)
{
    const pb_node *p = n->item->p;
    for (size_t i = 0; i < p->n_attribute; i++)
        if (!strcmp(p->attribute[i]->name, attribute)) return n->used[i] = true;
    return false;
}

/* The attribute when it is there and of this type (that type and content agree was
 * checked for all nodes before). */
static const pb_attribute *typed(weft__onnx_node *n, const char *name, int type,
                                 const char *what)
{
    const pb_attribute *a = weft__onnx_attribute(n, name);
    if (!a || (int)a->type == type) return a;
    remember(n, weft__onnx_fail(n, "attribute %s is not %s", name, what));
    return NULL;
}

static int64_t get_int(weft__onnx_node *n, const char *attribute, int64_t fallback)
{
    const pb_attribute *a = typed(n, attribute, PB_ATTR_INT, "an integer");
    return a ? a->i : fallback;
}

static double get_float(weft__onnx_node *n, const char *attribute, double fallback)
{
    const pb_attribute *a = typed(n, attribute, PB_ATTR_FLOAT, "a float");
    return a ? (double)a->f : fallback;
}

static const char *get_text(weft__onnx_node *n, const char *attribute,
                            const char *fallback)
{
    const pb_attribute *a = typed(n, attribute, PB_ATTR_STRING, "a text");
    if (!a) return fallback;
    char *text = weft__arena_alloc(&n->r->arena, a->s.len + 1);
    if (!text) {
        remember(n, weft__fail(WEFT_ENOMEM, "no memory for a text"));
        return fallback;
    }
    if (a->s.len) memcpy(text, a->s.data, a->s.len);
    return text;
}

static const char *get_text_at(weft__onnx_node *n, const char *attribute, int i)
{
    const pb_attribute *a = typed(n, attribute, PB_ATTR_STRINGS, "a list of texts");
    if (!a || i < 0 || (size_t)i >= a->n_strings) return NULL;
    char *text = weft__arena_alloc(&n->r->arena, a->strings[i].len + 1);
    if (!text) {
        remember(n, weft__fail(WEFT_ENOMEM, "no memory for a text"));
        return NULL;
    }
    if (a->strings[i].len) memcpy(text, a->strings[i].data, a->strings[i].len);
    return text;
}

/* Slice's "to the end" is the largest int64; elsewhere a large number is a mistake. */
static int as_int(weft__onnx_node *n, const char *attribute, int64_t value)
{
    bool cut = !strcmp(attribute, "starts") || !strcmp(attribute, "ends");
    if (value >= INT_MIN && value <= INT_MAX) return (int)value;
    if (!cut)
        remember(n, weft__onnx_fail(n, "attribute %s has the number %lld", attribute,
                                    (long long)value));
    return value < 0 ? -INT_MAX : INT_MAX;
}

static int get_ints(weft__onnx_node *n, const char *attribute, int *value, int max)
{
    const pb_attribute *a = typed(n, attribute, PB_ATTR_INTS, "a list of integers");
    if (!a) return -1;
    for (size_t i = 0; i < a->n_ints && i < (size_t)max; i++)
        value[i] = as_int(n, attribute, a->ints[i]);
    return a->n_ints > INT_MAX ? INT_MAX : (int)a->n_ints;
}

/* ---- values ---- */

/* Names in a graph are cut at 200 bytes; a longer one keeps a checksum of the rest. */
static const char *fitting(const char *name, char text[201])
{
    size_t n = strlen(name);
    if (n <= 200) return name;
    snprintf(text, 201, "%.180s~%08x", name, (unsigned)weft__crc32(0, name, n));
    return text;
}

static weft_value constant(weft__onnx_reader *r, const weft__onnx_entry *e,
                           const char *name)
{
    const weft__onnx_tensor *t = &e->tensor;
    weft_value v = WEFT_NONE;
    if (!weft__onnx_tensor_steady(t)) {
        weft__fail(WEFT_EMODEL, "\"%s\" depends on the batch size", e->name);
        return v;
    }
    if (t->floats) {
        float *data = weft__alloc(t->count + 1, sizeof *data);
        if (data) weft__onnx_tensor_floats(t, 0, data);
        if (data)
            v = weft_const(r->g, name, t->shape, data);
        else
            weft__fail(WEFT_ENOMEM, "tensor %s: out of memory", e->name);
        free(data);
        return v;
    }
    int64_t *wide = weft__alloc(t->count + 1, sizeof *wide);
    int32_t *data = weft__alloc(t->count + 1, sizeof *data);
    bool fits = true;
    if (wide) weft__onnx_tensor_ints(t, 0, wide);
    for (size_t i = 0; wide && data && i < t->count; i++) {
        fits = fits && wide[i] >= INT32_MIN && wide[i] <= INT32_MAX;
        data[i] = (int32_t)wide[i];
    }
    if (!wide || !data)
        weft__fail(WEFT_ENOMEM, "tensor %s: out of memory", e->name);
    else if (!fits)
        weft__fail(WEFT_EMODEL, "tensor %s: numbers beyond 32 bits", e->name);
    else
        v = weft_const_int(r->g, name, t->shape, data);
    free(wide);
    free(data);
    return v;
}

weft_value weft__onnx_entry_value(weft__onnx_reader *r, int entry)
{
    char text[201];
    weft__onnx_entry *e = weft__onnx_entry_at(r, entry);
    if (!e || e->value.id || !e->tensor.given) return e ? e->value : WEFT_NONE;
    const char *name = fitting(e->name, text);
    if (e->constant || !e->tensor.floats) {
        e->value = constant(r, e, name);
    } else {
        e->value = e->buffer ? weft_buffer(r->g, name, e->tensor.shape)
                             : weft_param(r->g, name, e->tensor.shape);
        if (e->frozen) weft_param_freeze(r->g, e->value);
        /* Biases and what scales a normalisation, as the layers have it. */
        if (e->tensor.shape.rank <= 1) weft_param_no_decay(r->g, e->value);
    }
    return e->value;
}

static weft_value value_of(weft__onnx_node *n, int i)
{
    if (i < 0 || i >= weft__onnx_inputs(n) || n->item->in[i] < 0) return WEFT_NONE;
    weft_value v = weft__onnx_entry_value(n->r, n->item->in[i]);
    if (!v.id && !weft_graph_status(n->r->g)) {
        weft__onnx_entry *e = weft__onnx_entry_at(n->r, n->item->in[i]);
        weft_status s = WEFT_EMODEL;
        if (!e->tensor.given)
            s = weft__onnx_fail(n, "its input \"%s\" is an output that is not supported",
                                e->name);
        remember(n, s);
    }
    return v;
}

weft_shape weft__onnx_entry_shape(weft__onnx_reader *r, int entry, int batch)
{
    weft_shape none = {.rank = -1};
    const weft__onnx_entry *e = weft__onnx_entry_at(r, entry);
    if (!e) return none;
    if (!e->value.id) return e->tensor.given ? e->tensor.shape : none;
    return r->g->value[e->value.id].shape[batch];
}

static weft_shape shape_of(weft__onnx_node *n, int i)
{
    if (i < 0 || i >= weft__onnx_inputs(n)) return (weft_shape){.rank = -1};
    return weft__onnx_entry_shape(n->r, n->item->in[i], 0);
}

/* ---- numbers known now ---- */

const weft__onnx_tensor *weft__onnx_known(weft__onnx_node *n, int i)
{
    if (i < 0 || i >= weft__onnx_inputs(n)) return NULL;
    const weft__onnx_entry *e = weft__onnx_entry_at(n->r, n->item->in[i]);
    return e && e->tensor.given ? &e->tensor : NULL;
}

/* A Reshape to a shape that was computed from the batch: what varies becomes "as the
 * input has it" (0) where that is true, else "what is left" (-1), of which there can be
 * one. */
static bool reshape_target(weft__onnx_node *n, const int64_t *one, const int64_t *two,
                           int64_t *value, int count)
{
    int left = 0;
    weft_shape a = weft__onnx_entry_shape(n->r, n->item->in[0], 0);
    weft_shape b = weft__onnx_entry_shape(n->r, n->item->in[0], 1);
    for (int i = 0; i < count; i++) {
        value[i] = one[i];
        if (one[i] != two[i])
            value[i] = i < a.rank && a.dim[i] == one[i] && b.dim[i] == two[i] ? 0 : -1;
        left += value[i] == -1;
    }
    return left <= 1;
}

static int const_ints(weft__onnx_node *n, int i, int64_t *value, int max)
{
    const weft__onnx_tensor *t = weft__onnx_known(n, i);
    if (!t || t->floats || t->count > (size_t)(max < 0 ? 0 : max)) return -1;
    weft__onnx_tensor_ints(t, 0, value);
    if (weft__onnx_tensor_steady(t)) return (int)t->count;
    int64_t one[WEFT_MAX_RANK], two[WEFT_MAX_RANK];
    if (strcmp(weft__onnx_op_type(n), "Reshape") || i != 1 || t->count > WEFT_MAX_RANK)
        return -1;
    weft__onnx_tensor_ints(t, 0, one);
    weft__onnx_tensor_ints(t, 1, two);
    return reshape_target(n, one, two, value, (int)t->count) ? (int)t->count : -1;
}

static int const_floats(weft__onnx_node *n, int i, double *value, int max)
{
    const weft__onnx_tensor *t = weft__onnx_known(n, i);
    if (!t || t->count > (size_t)(max < 0 ? 0 : max) || !weft__onnx_tensor_steady(t))
        return -1;
    for (size_t k = 0; k < t->count; k++) value[k] = 0;
    if (!t->count) return 0;
    float *reals = t->floats ? weft__alloc(t->count, sizeof *reals) : NULL;
    int64_t *ints = t->floats ? NULL : weft__alloc(t->count, sizeof *ints);
    if (reals) weft__onnx_tensor_floats(t, 0, reals);
    if (ints) weft__onnx_tensor_ints(t, 0, ints);
    for (size_t k = 0; k < t->count && (reals || ints); k++)
        value[k] = reals ? (double)reals[k] : (double)ints[k];
    bool ok = reals || ints;
    free(reals);
    free(ints);
    return ok ? (int)t->count : -1;
}

/* ---- results ---- */

static weft__onnx_entry *result(weft__onnx_node *n, int output)
{
    if (output < 0 || output >= weft__onnx_outputs(n)) return NULL;
    n->set[output] = true;
    int e = n->item->out[output];
    return e < 0 ? NULL : &n->r->entry[e];
}

static void set_output(weft__onnx_node *n, int output, weft_value v)
{
    weft__onnx_entry *e = result(n, output);
    if (e) e->value = v;
}

void weft__onnx_set_known(weft__onnx_node *n, int output, const weft__onnx_tensor *t)
{
    weft__onnx_entry *e = result(n, output);
    if (!e) return;
    e->tensor = *t;
    e->constant = true;
}

void weft__onnx_set_same(weft__onnx_node *n, int output, int input)
{
    weft__onnx_entry *e = result(n, output);
    if (e) e->same = n->r->entry[n->item->in[input]].same;
}

/* ---- the calls ---- */

const weft__onnx_reading weft__onnx_file_reading = {
    .graph = graph,
    .op_type = op_type,
    .label = label_of,
    .opset = opset,
    .inputs = inputs,
    .outputs = outputs,
    .has = has,
    .get_int = get_int,
    .get_float = get_float,
    .get_text = get_text,
    .get_text_at = get_text_at,
    .get_ints = get_ints,
    .value = value_of,
    .const_ints = const_ints,
    .const_floats = const_floats,
    .lengths_at = weft__onnx_length_of,
    .note = weft__onnx_own_note_of,
    .shape = shape_of,
    .set = set_output,
};
