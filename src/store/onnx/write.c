/* write.c: a graph becomes an ONNX file: the same bytes for the same graph. */
#include "store/onnx/write.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "store/onnx/own.h"
#include "weft/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 8, OPSET = 17 };

/* ---- what the outputs need ---- */

/* Nodes come after what they read, so one walk from the end sees all. */
static void mark_needed(weft__onnx_writer *w)
{
    const weft_graph *g = w->g;
    for (int i = 0; i < g->outputs; i++) w->needed[g->output[i].value] = true;
    for (int n = g->nodes - 1; n >= 0; n--) {
        const weft__node *node = &g->node[n];
        for (int k = 0; k < node->nout; k++)
            if (w->needed[node->out[k]]) w->node_needed[n] = true;
        for (int i = 0; w->node_needed[n] && i < node->nin; i++)
            w->needed[node->in[i]] = true;
    }
    w->needed[0] = false;
}

/* ---- names ---- */

static void name_leaves(weft__onnx_writer *w)
{
    for (int v = 1; v < w->g->values && !w->status; v++) {
        const weft__value *p = &w->g->value[v];
        if (!w->needed[v] || p->kind == WEFT_KIND_RESULT || p->kind == WEFT_KIND_CONST)
            continue;
        if (weft__onnx_take(w, p->name))
            w->name[v] = p->name;
        else
            weft__onnx_write_fail(w, WEFT_EUSAGE,
                                  "two inputs or parameters are called %s", p->name);
    }
}

/* The first output's name becomes the value's own; outputs beyond it take an
 * Identity. */
static void name_outputs(weft__onnx_writer *w)
{
    for (int i = 0; i < w->g->outputs && !w->status; i++) {
        const weft__output *o = &w->g->output[i];
        if (!weft__onnx_take(w, o->name))
            weft__onnx_write_fail(w, WEFT_EUSAGE,
                                  "output %s has the name of an input, a "
                                  "parameter or another output",
                                  o->name);
        else if (w->g->value[o->value].kind == WEFT_KIND_RESULT && !w->name[o->value])
            w->name[o->value] = o->name;
    }
}

static void name_rest(weft__onnx_writer *w)
{
    for (int v = 1; v < w->g->values && !w->status; v++) {
        bool result = w->g->value[v].kind == WEFT_KIND_RESULT;
        bool wanted = result ? w->node_needed[w->g->value[v].node] : w->needed[v];
        if (wanted && !w->name[v]) w->name[v] = weft__onnx_unique(w, w->g->value[v].name);
    }
}

/* ---- types ---- */

static pb_dim *dim_new(weft__onnx_writer *w, int one, int two)
{
    pb_dim *d = weft__onnx_memory(w, sizeof *d);
    if (!d) return NULL;
    onnx__tensor_shape_proto__dimension__init(d);
    if (one == two) {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = one;
    } else if (one == 1 && two == 2) {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        d->dim_param = "batch";
    } /* else: it varies with the batch in another way; unknown to ONNX */
    return d;
}

static pb_value_info *info_new(weft__onnx_writer *w, int v, const char *name)
{
    const weft__value *p = &w->g->value[v];
    int rank = p->shape[0].rank;
    pb_value_info *info = weft__onnx_memory(w, sizeof *info);
    pb_type *type = weft__onnx_memory(w, sizeof *type);
    pb_tensor_type *tensor = weft__onnx_memory(w, sizeof *tensor);
    pb_shape *shape = weft__onnx_memory(w, sizeof *shape);
    pb_dim **dim = weft__onnx_memory(w, ((size_t)rank + 1) * sizeof *dim);
    if (!info || !type || !tensor || !shape || !dim) return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    for (int i = 0; i < rank; i++)
        if (!(dim[i] = dim_new(w, p->shape[0].dim[i], p->shape[1].dim[i]))) return NULL;
    shape->n_dim = (size_t)rank;
    shape->dim = dim;
    tensor->has_elem_type = 1;
    tensor->elem_type = p->type == WEFT_I32 ? PB_INT64 : PB_FLOAT;
    tensor->shape = shape;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    info->name = pb_text(name);
    info->type = type;
    return info;
}

static void write_ends(weft__onnx_writer *w, pb_graph *p)
{
    const weft_graph *g = w->g;
    p->input = weft__onnx_memory(w, (size_t)g->values * sizeof *p->input);
    p->output = weft__onnx_memory(w, ((size_t)g->outputs + 1) * sizeof *p->output);
    for (int v = 1; v < g->values && !w->status; v++)
        if (w->needed[v] && g->value[v].kind == WEFT_KIND_INPUT)
            p->input[p->n_input++] = info_new(w, v, w->name[v]);
    for (int i = 0; i < g->outputs && !w->status; i++)
        p->output[p->n_output++] = info_new(w, g->output[i].value, g->output[i].name);
}

/* ---- parameters, nodes ---- */

static void write_parameters(weft__onnx_writer *w, pb_graph *p)
{
    const weft_graph *g = w->g;
    size_t total = 0;
    p->initializer = weft__onnx_memory(w, (size_t)g->values * sizeof *p->initializer);
    for (int v = 1; v < g->values && !w->status; v++) {
        const weft__value *value = &g->value[v];
        size_t count = weft__nominal(g, v, 0).count;
        if (!w->needed[v] ||
            (value->kind != WEFT_KIND_PARAM && value->kind != WEFT_KIND_BUFFER))
            continue;
        total += count * sizeof(float);
        if (total > INT_MAX) {
            weft__onnx_write_fail(w, WEFT_ENOMEM,
                                  "the parameters need more than the 2 GiB "
                                  "that an ONNX file may have");
            return;
        }
        float *data = weft__alloc(count, sizeof *data);
        if (!data)
            weft__onnx_write_fail(w, WEFT_ENOMEM, "%s: out of memory", value->name);
        else if (weft_param_get(g, (weft_value){v}, data, count))
            weft__onnx_write_fail(w, WEFT_EBUG, "%s: cannot be read", value->name);
        else
            p->initializer[p->n_initializer++] =
                weft__onnx_tensor_made(w, w->name[v], value->shape[0], count, data, NULL);
        free(data);
    }
}

static void write_nodes(weft__onnx_writer *w, pb_graph *p)
{
    const weft_graph *g = w->g;
    for (int n = 0; n < g->nodes; n++)
        if (w->node_needed[n]) weft__onnx_emit(w, &g->node[n]);
    for (int i = 0; i < g->outputs && !w->status; i++) {
        const weft__output *o = &g->output[i];
        if (w->name[o->value] != o->name) weft__onnx_emit_identity(w, o->value, o->name);
    }
    p->node = w->node;
    p->n_node = w->nodes;
}

/* ---- the model ---- */

static weft_status add_meta(weft__onnx_writer *w, const weft_meta *from, bool own,
                            pb_model *m)
{
    for (int i = 0; i < weft_meta_count(from); i++) {
        const char *key = weft_meta_key(from, i);
        if (!strncmp(key, PB_META, strlen(PB_META)) != own) continue;
        pb_entry *e = weft__onnx_memory(w, sizeof *e);
        if (!e) return w->status;
        onnx__string_string_entry_proto__init(e);
        e->key = pb_text(key);
        e->value = pb_text(weft_meta_get(from, key));
        m->metadata_props[m->n_metadata_props++] = e;
    }
    return WEFT_OK;
}

/* All but the graph comes first in the file, so that a file cut off is noticed. */
static weft_status pack_head(weft__onnx_writer *w, const weft_meta *meta,
                             const weft_meta *own, weft__writer *file)
{
    pb_model m = ONNX__MODEL_PROTO__INIT;
    pb_opset opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
    size_t most = (size_t)weft_meta_count(meta) + (size_t)weft_meta_count(own) + 1;
    m.has_ir_version = 1;
    m.ir_version = IR_VERSION;
    m.producer_name = "weft";
    m.producer_version = pb_text(weft_version());
    opset.domain = "";
    opset.has_version = 1;
    opset.version = OPSET;
    m.opset_import = &opsets;
    m.n_opset_import = 1;
    m.metadata_props = weft__onnx_memory(w, most * sizeof *m.metadata_props);
    if (!m.metadata_props || add_meta(w, meta, false, &m) || add_meta(w, own, true, &m))
        return w->status;
    size_t bytes = onnx__model_proto__get_packed_size(&m);
    uint8_t *packed = weft__onnx_memory(w, bytes);
    if (!packed) return w->status;
    onnx__model_proto__pack(&m, packed);
    weft__writer_put(file, packed, bytes);
    return WEFT_OK;
}

typedef struct sink {
    ProtobufCBuffer base;
    weft__writer *file;
} sink;

static void sink_append(ProtobufCBuffer *buffer, size_t bytes, const uint8_t *data)
{
    weft__writer_put(((sink *)buffer)->file, data, bytes);
}

/* Field 7 of the model, of the wire type for messages. */
static void pack_graph(const pb_graph *p, size_t bytes, weft__writer *file)
{
    unsigned char head[12] = {7 << 3 | 2};
    size_t n = 1, rest = bytes;
    do {
        head[n++] = (unsigned char)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        rest >>= 7;
    } while (rest);
    weft__writer_put(file, head, n);
    sink s = {.base = {sink_append}, .file = file};
    onnx__graph_proto__pack_to_buffer(p, &s.base);
}

static weft_status write_file(weft__onnx_writer *w, const weft_meta *meta,
                              const weft_meta *own, const pb_graph *p, const char *path)
{
    weft__writer file;
    size_t bytes = onnx__graph_proto__get_packed_size(p);
    if (bytes > INT_MAX - (1 << 20))
        return weft__fail(WEFT_ENOMEM,
                          "%s: an ONNX file may have 2 GiB, this needs %zu bytes", path,
                          bytes);
    weft_status s = weft__writer_open(&file, path);
    if (s) return s;
    if (pack_head(w, meta, own, &file)) {
        weft__writer_abandon(&file);
        return weft__fail(w->status, "%s: %s", path, w->message);
    }
    pack_graph(p, bytes, &file);
    return weft__writer_commit(&file);
}

static weft_status prepare(weft__onnx_writer *w)
{
    size_t values = (size_t)w->g->values, nodes = (size_t)w->g->nodes + 1;
    weft_status s = weft_graph_status(w->g);
    if (s) return s;
    if (!w->g->outputs) return weft__fail(WEFT_EUSAGE, "the graph has no output to save");
    w->name = weft__onnx_memory(w, values * sizeof *w->name);
    w->needed = weft__onnx_memory(w, values);
    w->written = weft__onnx_memory(w, values);
    w->node_needed = weft__onnx_memory(w, nodes);
    w->feed = weft__onnx_memory(w, WEFT_ONNX_FEEDS * sizeof *w->feed);
    if (w->status) return weft__fail(w->status, "%s", w->message);
    return WEFT_OK;
}

weft_status weft_onnx_save(const weft_graph *g, const weft_meta *meta, const char *path)
{
    weft__onnx_writer w = {.calls = &weft__onnx_file_writing, .g = g};
    pb_graph p = ONNX__GRAPH_PROTO__INIT;
    weft_meta *own = weft_meta_new();
    weft_status s =
        own ? prepare(&w) : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    if (!s) {
        p.name = "weft";
        mark_needed(&w);
        name_leaves(&w);
        name_outputs(&w);
        name_rest(&w);
        write_ends(&w, &p);
        if (!w.status) write_parameters(&w, &p);
        if (!w.status) write_nodes(&w, &p);
        if (w.status) s = weft__fail(w.status, "%s: cannot save: %s", path, w.message);
    }
    if (!s) s = weft__onnx_own_write(g, w.needed, own);
    if (!s) s = weft__onnx_own_notes(w.notes, own);
    if (!s) s = write_file(&w, meta, own, &p, path);
    weft__arena_free(&w.arena);
    weft_meta_free(own);
    return s;
}
