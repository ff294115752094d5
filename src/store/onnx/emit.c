/* emit.c: the ONNX nodes of one operator, as its write asks for them. */
#include "store/onnx/write.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void weft__onnx_write_fail(weft__onnx_writer *w, weft_status s, const char *format, ...)
{
    va_list args;
    if (w->status) return;
    va_start(args, format);
    w->status = weft__vfail(s, format, args);
    va_end(args);
    snprintf(w->message, sizeof w->message, "%s", weft_last_error());
}

void *weft__onnx_memory(weft__onnx_writer *w, size_t bytes)
{
    void *p = weft__arena_alloc(&w->arena, bytes ? bytes : 1);
    if (!p) weft__onnx_write_fail(w, WEFT_ENOMEM, "no memory to write the model");
    return p;
}

char *weft__onnx_text(weft__onnx_writer *w, const char *text)
{
    char *copy = weft__onnx_memory(w, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

/* ---- names ---- */

static size_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

static size_t place_of(const weft__onnx_writer *w, const char *name)
{
    size_t i = hash(name) & (w->taken_size - 1);
    while (w->taken[i] && strcmp(w->taken[i], name)) i = (i + 1) & (w->taken_size - 1);
    return i;
}

static bool grow_names(weft__onnx_writer *w)
{
    const char **old = w->taken;
    size_t size = w->taken_size;
    if (w->taken_count * 2 < size) return true;
    w->taken_size = size ? size * 2 : 256;
    w->taken = weft__onnx_memory(w, w->taken_size * sizeof *w->taken);
    if (!w->taken) {
        w->taken = old;
        w->taken_size = size;
        return false;
    }
    for (size_t i = 0; i < size; i++)
        if (old[i]) w->taken[place_of(w, old[i])] = old[i];
    return true;
}

bool weft__onnx_take(weft__onnx_writer *w, const char *name)
{
    if (!grow_names(w)) return false;
    size_t i = place_of(w, name);
    if (w->taken[i]) return false;
    w->taken[i] = weft__onnx_text(w, name);
    w->taken_count += w->taken[i] != NULL;
    return w->taken[i] != NULL;
}

const char *weft__onnx_unique(weft__onnx_writer *w, const char *wish)
{
    char text[1100];
    if (weft__onnx_take(w, wish)) return weft__onnx_text(w, wish);
    for (int i = 2; !w->status; i++) {
        snprintf(text, sizeof text, "%.1000s_%d", wish, i);
        if (weft__onnx_take(w, text)) return weft__onnx_text(w, text);
    }
    return NULL;
}

/* ---- tensors ---- */

static void put_little(unsigned char *to, uint64_t bits, size_t size)
{
    for (size_t i = 0; i < size; i++) to[i] = (unsigned char)(bits >> (8 * i));
}

pb_tensor *weft__onnx_tensor_made(weft__onnx_writer *w, const char *name,
                                  weft_shape shape, size_t count, const float *reals,
                                  const int32_t *ints)
{
    size_t size = reals ? 4 : 8, bytes;
    if (!weft__mul(count, size, &bytes)) bytes = SIZE_MAX / 2;
    pb_tensor *t = weft__onnx_memory(w, sizeof *t);
    int64_t *dims = weft__onnx_memory(w, sizeof *dims * WEFT_MAX_RANK);
    unsigned char *raw = weft__onnx_memory(w, bytes);
    if (!t || !dims || !raw) return NULL;
    onnx__tensor_proto__init(t);
    for (int i = 0; i < shape.rank; i++) dims[i] = shape.dim[i];
    t->n_dims = (size_t)shape.rank;
    t->dims = dims;
    t->has_data_type = 1;
    t->data_type = reals ? PB_FLOAT : PB_INT64;
    t->name = pb_text(name);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        if (reals) memcpy(&bits, &reals[i], sizeof bits);
        put_little(raw + i * size, reals ? bits : (uint64_t)(int64_t)ints[i], size);
    }
    t->has_raw_data = 1;
    t->raw_data = (ProtobufCBinaryData){bytes, raw};
    return t;
}

/* ---- nodes ---- */

static void append(weft__onnx_writer *w, pb_node *p)
{
    if (w->nodes == w->node_room) {
        size_t room = w->node_room ? w->node_room * 2 : 64;
        pb_node **more = weft__onnx_memory(w, room * sizeof *more);
        if (!more) return;
        if (w->nodes) memcpy(more, w->node, w->nodes * sizeof *more);
        w->node = more;
        w->node_room = room;
    }
    if (p) w->node[w->nodes++] = p;
}

static pb_node *node_new(weft__onnx_writer *w, const char *type, const char *name,
                         size_t inputs, size_t outputs)
{
    pb_node *p = weft__onnx_memory(w, sizeof *p);
    if (!p) return NULL;
    onnx__node_proto__init(p);
    p->op_type = weft__onnx_text(w, type);
    p->name = weft__onnx_text(w, name);
    p->input = weft__onnx_memory(w, (inputs + 1) * sizeof *p->input);
    p->output = weft__onnx_memory(w, (outputs + 1) * sizeof *p->output);
    p->n_input = inputs;
    p->n_output = outputs;
    return p->op_type && p->name && p->input && p->output ? p : NULL;
}

static pb_attribute *attribute_new(weft__onnx_writer *w, const char *name, int type)
{
    pb_attribute *a = weft__onnx_memory(w, sizeof *a);
    if (!a) return NULL;
    onnx__attribute_proto__init(a);
    a->name = weft__onnx_text(w, name);
    a->has_type = 1;
    a->type = (Onnx__AttributeProto__AttributeType)type;
    return a->name ? a : NULL;
}

static pb_node *constant_node(weft__onnx_writer *w, const char *name, weft_shape shape,
                              size_t count, const float *reals, const int32_t *ints)
{
    pb_node *p = node_new(w, "Constant", name, 0, 1);
    pb_attribute *a = attribute_new(w, "value", PB_ATTR_TENSOR);
    pb_attribute **list = weft__onnx_memory(w, sizeof *list);
    pb_tensor *t = weft__onnx_tensor_made(w, name, shape, count, reals, ints);
    if (!p || !a || !list || !t) return NULL;
    a->t = t;
    list[0] = a;
    p->attribute = list;
    p->n_attribute = 1;
    p->output[0] = pb_text(name);
    return p;
}

/* The Constant node of a constant of the graph, the first time it is read. */
static pb_node *constant_of(weft__onnx_writer *w, int v)
{
    const weft__value *c = &w->g->value[v];
    weft__tensor t = weft__nominal(w->g, v, 0);
    if (c->kind != WEFT_KIND_CONST || w->written[v]) return NULL;
    w->written[v] = true;
    return constant_node(w, w->name[v], c->shape[0], t.count,
                         c->type == WEFT_I32 ? NULL : c->given,
                         c->type == WEFT_I32 ? c->given : NULL);
}

static void feed(weft__onnx_writer *w, const char *name, pb_node *constant)
{
    if (!name || w->status) return;
    if (w->feeds == WEFT_ONNX_FEEDS)
        weft__onnx_write_fail(w, WEFT_EMODEL, "node %s: more than %d inputs", w->at->name,
                              WEFT_ONNX_FEEDS);
    else
        w->feed[w->feeds++] = (weft__onnx_feed){name, constant};
}

static void feed_value(weft__onnx_writer *w, int v)
{
    if (v)
        feed(w, w->name[v], constant_of(w, v));
    else
        feed(w, "", NULL);
}

const char *weft__onnx_value_name(weft__onnx_writer *w, int v)
{
    pb_node *constant = v ? constant_of(w, v) : NULL;
    if (constant) append(w, constant);
    return v ? w->name[v] : "";
}

static const char *input_name(weft__onnx_writer *w, int i)
{
    return weft__onnx_value_name(w, i < w->at->nin ? w->at->in[i] : 0);
}

/* Writes the node being made: it gives `outputs`. */
static void flush(weft__onnx_writer *w, const char *name, const char *const *outputs,
                  int n)
{
    while (w->feeds && !*w->feed[w->feeds - 1].name) w->feeds--; /* absent at the end */
    if (!w->type)
        weft__onnx_write_fail(w, WEFT_EMODEL, "node %s: operator %s has no ONNX form",
                              w->at->name, w->at->op->name);
    if (w->status) return;
    pb_node *p = node_new(w, w->type, name, (size_t)w->feeds, (size_t)n);
    if (!p) return;
    for (int i = 0; i < w->feeds; i++) {
        if (w->feed[i].constant) append(w, w->feed[i].constant);
        p->input[i] = pb_text(w->feed[i].name);
    }
    for (int k = 0; k < n; k++) p->output[k] = pb_text(outputs[k]);
    p->n_attribute = w->attributes;
    p->attribute = weft__onnx_memory(w, (w->attributes + 1) * sizeof *p->attribute);
    if (!p->attribute) return;
    if (w->attributes)
        memcpy(p->attribute, w->attribute, w->attributes * sizeof *p->attribute);
    append(w, p);
    w->attributes = 0;
    w->feeds = 0;
}

void weft__onnx_emit_identity(weft__onnx_writer *w, int from, const char *name)
{
    w->type = "Identity";
    w->feeds = 0;
    feed_value(w, from);
    flush(w, name, &name, 1);
}

/* The op_type that is the operator's own, or NULL. */
static const char *own_type(const weft__onnx_writer *w)
{
    const weft__onnx_hooks *hooks = w->at->op->onnx;
    return hooks ? hooks->name : NULL;
}

static void emit(weft__onnx_writer *w, const weft__node *node)
{
    const char **outputs =
        weft__onnx_memory(w, ((size_t)node->nout + 1) * sizeof *outputs);
    if (!outputs) return;
    for (int k = 0; k < node->nout; k++) outputs[k] = w->name[node->out[k]];
    w->type = own_type(w);
    w->feeds = 0;
    w->attributes = 0;
    for (int i = 0; i < node->nin; i++) feed_value(w, node->in[i]);
    w->gave = false;
    if (node->op->onnx && node->op->onnx->write) node->op->onnx->write(node, w);
    if (w->gave) return;
    flush(w, node->name, outputs, node->nout);
}

void weft__onnx_emit(weft__onnx_writer *w, const weft__node *node)
{
    if (w->status) return;
    w->at = node;
    w->in = weft__onnx_memory(w, ((size_t)node->nin + 1) * sizeof *w->in);
    w->out = weft__onnx_memory(w, ((size_t)node->nout + 1) * sizeof *w->out);
    if (!w->in || !w->out) return;
    for (int i = 0; i < node->nin; i++) w->in[i] = weft__nominal(w->g, node->in[i], 0);
    for (int k = 0; k < node->nout; k++) w->out[k] = weft__nominal(w->g, node->out[k], 0);
    emit(w, node);
}

/* ---- the calls of ops/onnx.h ---- */

static const weft__tensor *in_of(const weft__onnx_writer *w, int i)
{
    return &w->in[i];
}

static const weft__tensor *out_of(const weft__onnx_writer *w, int i)
{
    return &w->out[i];
}

static pb_attribute *put(weft__onnx_writer *w, const char *name, int type)
{
    if (w->status) return NULL;
    if (w->attributes == w->attribute_room) {
        size_t room = w->attribute_room ? w->attribute_room * 2 : 16;
        pb_attribute **more = weft__onnx_memory(w, room * sizeof *more);
        if (!more) return NULL;
        if (w->attributes) memcpy(more, w->attribute, w->attributes * sizeof *more);
        w->attribute = more;
        w->attribute_room = room;
    }
    pb_attribute *a = attribute_new(w, name, type);
    if (a) w->attribute[w->attributes++] = a;
    return a;
}

static void put_int(weft__onnx_writer *w, const char *attribute, int64_t value)
{
    pb_attribute *a = put(w, attribute, PB_ATTR_INT);
    if (!a) return;
    a->has_i = 1;
    a->i = value;
}

static void put_ints(weft__onnx_writer *w, const char *attribute, const int *value, int n)
{
    pb_attribute *a = put(w, attribute, PB_ATTR_INTS);
    int64_t *wide = a ? weft__onnx_memory(w, ((size_t)n + 1) * sizeof *wide) : NULL;
    if (!wide) return;
    for (int i = 0; i < n; i++) wide[i] = value[i];
    a->n_ints = (size_t)n;
    a->ints = wide;
}

static void put_float(weft__onnx_writer *w, const char *attribute, double value)
{
    pb_attribute *a = put(w, attribute, PB_ATTR_FLOAT);
    if (!a) return;
    a->has_f = 1;
    a->f = (float)value;
}

static void put_text(weft__onnx_writer *w, const char *attribute, const char *value)
{
    pb_attribute *a = put(w, attribute, PB_ATTR_STRING);
    char *copy = a ? weft__onnx_text(w, value) : NULL;
    if (!copy) return;
    a->has_s = 1;
    a->s = (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
}

static void put_texts(weft__onnx_writer *w, const char *attribute,
                      const char *const *value, int n)
{
    pb_attribute *a = put(w, attribute, PB_ATTR_STRINGS);
    if (!a) return;
    a->strings = weft__onnx_memory(w, ((size_t)n + 1) * sizeof *a->strings);
    for (int i = 0; a->strings && i < n; i++) {
        char *copy = weft__onnx_text(w, value[i]);
        if (!copy) return;
        a->strings[i] = (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
        a->n_strings = (size_t)i + 1;
    }
}

static void set_type(weft__onnx_writer *w, const char *op_type)
{
    w->type = weft__onnx_text(w, op_type);
}

/* A constant that is dropped again was not written yet. */
static void keep_inputs(weft__onnx_writer *w, int n)
{
    for (int i = n; i < w->feeds; i++)
        for (int k = 0; w->feed[i].constant && k < w->at->nin; k++)
            if (w->at->in[k] && w->name[w->at->in[k]] == w->feed[i].name)
                w->written[w->at->in[k]] = false;
    if (n < w->feeds) w->feeds = n;
}

static void add(weft__onnx_writer *w, const char *suffix, weft_shape shape, size_t count,
                const float *reals, const int32_t *ints)
{
    char text[1000];
    if (w->status) return;
    snprintf(text, sizeof text, "%.800s.%.100s", w->at->name, suffix);
    const char *name = weft__onnx_unique(w, text);
    pb_node *p = name ? constant_node(w, name, shape, count, reals, ints) : NULL;
    if (p) feed(w, name, p);
}

static void add_ints(weft__onnx_writer *w, const char *suffix, const int *value, int n)
{
    add(w, suffix, (weft_shape){.rank = 1, .dim = {n}}, (size_t)n, NULL,
        n ? (const int32_t *)value : &(int32_t){0});
}

static void add_int(weft__onnx_writer *w, const char *suffix, int64_t value)
{
    pb_node *last;
    add(w, suffix, (weft_shape){0}, 1, NULL, &(int32_t){0});
    if (w->status || !(last = w->feed[w->feeds - 1].constant)) return;
    put_little(last->attribute[0]->t->raw_data.data, (uint64_t)value, 8);
}

static void add_float(weft__onnx_writer *w, const char *suffix, double value)
{
    add(w, suffix, (weft_shape){0}, 1, &(float){(float)value}, NULL);
}

static void add_floats(weft__onnx_writer *w, const char *suffix, const double *value,
                       int n)
{
    float *data = weft__onnx_memory(w, ((size_t)n + 1) * sizeof *data);
    if (!data) return;
    for (int i = 0; i < n; i++) data[i] = (float)value[i];
    add(w, suffix, (weft_shape){.rank = 1, .dim = {n}}, (size_t)n, data, NULL);
}

static void add_fill(weft__onnx_writer *w, const char *suffix, weft_shape shape,
                     double value)
{
    size_t count;
    if (!weft__count(shape.dim, shape.rank, &count)) count = SIZE_MAX / 8;
    float *data = weft__alloc(count, sizeof *data);
    if (!data) {
        weft__onnx_write_fail(w, WEFT_ENOMEM, "node %s: out of memory", w->at->name);
        return;
    }
    for (size_t i = 0; i < count; i++) data[i] = (float)value;
    add(w, suffix, shape, count, data, NULL);
    free(data);
}

static void add_absent(weft__onnx_writer *w)
{
    feed(w, "", NULL);
}

static void add_input(weft__onnx_writer *w, int i)
{
    feed_value(w, i < w->at->nin ? w->at->in[i] : 0);
}

static void then_node(weft__onnx_writer *w, const char *op_type)
{
    char text[1000];
    if (w->status) return;
    snprintf(text, sizeof text, "%.800s/%.100s", w->at->name, w->type ? w->type : "");
    const char *name = weft__onnx_unique(w, text);
    if (!name) return;
    flush(w, name, &name, 1);
    w->type = weft__onnx_text(w, op_type);
    feed(w, name, NULL);
}

static void begin_node(weft__onnx_writer *w, const char *op_type)
{
    weft__onnx_keep_inputs(w, 0);
    w->attributes = 0;
    w->type = weft__onnx_text(w, op_type);
}

static void add_named(weft__onnx_writer *w, const char *name)
{
    feed(w, name, NULL);
}

/* A name for the node at hand: the operator's own for its main one. */
static const char *part_name(weft__onnx_writer *w)
{
    char text[1000];
    const char *own = own_type(w);
    if (!w->type || (own && !strcmp(w->type, own))) return w->at->name;
    snprintf(text, sizeof text, "%.800s/%.100s", w->at->name, w->type);
    return weft__onnx_unique(w, text);
}

static void end_node(weft__onnx_writer *w, const char **names, int n)
{
    char text[1000];
    const char *name = w->status ? NULL : part_name(w);
    for (int k = 0; k < n; k++) {
        if (names[k]) continue;
        snprintf(text, sizeof text, "%.900s/%d", name ? name : "", k);
        names[k] = w->status ? "" : weft__onnx_unique(w, text);
    }
    while (n > 1 && names[n - 1] && !*names[n - 1]) n--; /* absent at the end */
    if (name) flush(w, name, names, n);
}

static void give_node(weft__onnx_writer *w, int k)
{
    const char *name = own_type(w) ? NULL : w->at->name;
    if (!w->status && !name) name = part_name(w);
    if (name) flush(w, name, &w->name[w->at->out[k]], 1);
    w->gave = true;
}

static void put_note(weft__onnx_writer *w, const char *key, int number)
{
    weft__onnx_noted *note = weft__onnx_memory(w, sizeof *note);
    if (!note) return;
    *note = (weft__onnx_noted){.key = weft__onnx_text(w, key),
                               .name = w->name[w->at->out[0]],
                               .number = number,
                               .next = w->notes};
    w->notes = note;
}

static bool wants(const weft__onnx_writer *w, int k)
{
    return w->needed[w->at->out[k]];
}

static void refuse(weft__onnx_writer *w, const char *why)
{
    weft__onnx_write_fail(w, WEFT_EMODEL, "node %s (%s): %s", w->at->name,
                          w->at->op->name, why);
}

/* ---- the calls ---- */

const weft__onnx_writing weft__onnx_file_writing = {
    .put_int = put_int,
    .put_ints = put_ints,
    .put_float = put_float,
    .put_text = put_text,
    .put_texts = put_texts,
    .type = set_type,
    .keep_inputs = keep_inputs,
    .add_ints = add_ints,
    .add_int = add_int,
    .add_float = add_float,
    .add_floats = add_floats,
    .add_fill = add_fill,
    .add_absent = add_absent,
    .add_input = add_input,
    .then = then_node,
    .begin = begin_node,
    .add_named = add_named,
    .end = end_node,
    .give = give_node,
    .input_name = input_name,
    .steps = weft__onnx_write_steps,
    .put_note = put_note,
    .wants = wants,
    .in = in_of,
    .out = out_of,
    .refuse = refuse,
};
