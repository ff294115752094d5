/* read.c: an ONNX file becomes a graph. The file is not trusted: it is scanned
 * before it is unpacked, every name, tensor and attribute is checked before it is used,
 * and what comes out is a graph like any other, whose operators check their shapes. */
#include "store/onnx/read.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "graph/graph.h"
#include "store/onnx/own.h"
#include "weft/ops.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t DEFAULT_LIMIT = (size_t)2 << 30;

/* ---- the model's head ---- */

static bool standard(const char *domain)
{
    return !domain || !*domain || !strcmp(domain, "ai.onnx");
}

static weft_status check_versions(weft__onnx_reader *r, const pb_model *m)
{
    int64_t opset = 0;
    if (!m->graph) return weft__fail(WEFT_EMODEL, "there is no graph in it");
    if (!m->has_ir_version || m->ir_version < PB_IR_MIN || m->ir_version > PB_IR_MAX)
        return weft__fail(WEFT_EMODEL, "ir_version is %lld, %d to %d are supported",
                          (long long)(m->has_ir_version ? m->ir_version : 0), PB_IR_MIN,
                          PB_IR_MAX);
    for (size_t i = 0; i < m->n_opset_import; i++) {
        const pb_opset *o = m->opset_import[i];
        if (!standard(o->domain)) continue;
        if (opset)
            return weft__fail(WEFT_EMODEL, "opset_import names the standard opset twice");
        opset = o->has_version ? o->version : 0;
    }
    if (!opset)
        return weft__fail(WEFT_EMODEL, "opset_import does not name the standard opset");
    if (opset < PB_OPSET_MIN || opset > PB_OPSET_MAX)
        return weft__fail(WEFT_EMODEL, "opset %lld is too %s, %d to %d are supported",
                          (long long)opset, opset < PB_OPSET_MIN ? "old" : "new",
                          PB_OPSET_MIN, PB_OPSET_MAX);
    r->opset = (int)opset;
    r->ours = m->producer_name && !strcmp(m->producer_name, "weft");
    r->p = m->graph;
    if (r->p->n_sparse_initializer)
        return weft__fail(WEFT_EMODEL, "sparse initializers are not supported");
    return WEFT_OK;
}

static weft_status read_meta(weft__onnx_reader *r, const pb_model *m)
{
    enum { MOST = 4096 };
    weft_status s = WEFT_OK;
    if (m->n_metadata_props > MOST)
        return weft__fail(WEFT_ENOMEM, "%zu entries of metadata, at most %d are allowed",
                          m->n_metadata_props, MOST);
    for (size_t i = 0; i < m->n_metadata_props && !s; i++) {
        const char *key = m->metadata_props[i]->key, *value = m->metadata_props[i]->value;
        if (!key || !*key)
            return weft__fail(WEFT_EMODEL, "metadata entry %zu has no key", i);
        bool own = !strncmp(key, PB_META, strlen(PB_META));
        weft_meta *to = own ? r->own : r->meta;
        if (weft_meta_get(to, key))
            return weft__fail(WEFT_EMODEL, "metadata \"%s\" come twice", key);
        s = weft_meta_set(to, key, value ? value : "");
        if (s == WEFT_EUSAGE) s = WEFT_EMODEL;
    }
    return s;
}

/* ---- tensors ---- */

static weft_status read_tensors(weft__onnx_reader *r)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < r->entries && !s; i++) {
        weft__onnx_entry *e = &r->entry[i];
        if (e->initializer)
            s = weft__onnx_tensor_read(&r->source, e->initializer, e->name, &e->tensor);
    }
    for (int i = 0; i < r->ordered && !s; i++) {
        const weft__onnx_item *item = &r->item[r->order[i]];
        if (!strcmp(item->p->op_type, "Constant") && standard(item->p->domain))
            s = weft__onnx_constant(r, item);
    }
    return s;
}

/* The statistics of a batch norm are buffers: they move in training, by no gradient. */
static void mark_statistics(weft__onnx_reader *r)
{
    for (int i = 0; i < r->ordered; i++) {
        const weft__onnx_item *item = &r->item[r->order[i]];
        if (strcmp(item->p->op_type, "BatchNormalization") || item->p->n_input != 5)
            continue;
        for (int k = 1; k < 5; k += k == 1 ? 2 : 1) {
            weft__onnx_entry *e = weft__onnx_entry_at(r, item->in[k]);
            if (!e) continue;
            if (k >= 3) e->buffer = true;
            if (k == 4) e->variance = true;
            if (k == 1) e->scale = true;
        }
    }
}

static void warn_about(const weft__onnx_entry *e, const float *data)
{
    size_t odd = 0, negative = 0, zero = 0, count = e->tensor.count;
    char name[256];
    for (size_t i = 0; i < count; i++) {
        odd += isfinite(data[i]) ? 0 : 1;
        negative += data[i] < 0;
        zero += data[i] == 0;
    }
    weft__escape(name, sizeof name, e->name);
    if (odd) weft__warn("tensor %s: %zu of %zu numbers are not finite", name, odd, count);
    if (negative && e->variance)
        weft__warn("tensor %s: %zu variances are negative", name, negative);
    if (zero == count && e->scale) weft__warn("tensor %s: all scales are 0", name);
}

/* Only now: afterwards the graph takes no more parameters. */
static weft_status set_parameters(weft__onnx_reader *r)
{
    weft_status s = weft__graph_finalize(r->g, "weft_onnx_load");
    for (int i = 0; i < r->entries && !s; i++) {
        weft__onnx_entry *e = &r->entry[i];
        if (!e->value.id || !e->initializer || !e->tensor.floats) continue;
        float *data = weft__alloc(e->tensor.count, sizeof *data);
        if (!data) return weft__fail(WEFT_ENOMEM, "tensor %s: out of memory", e->name);
        weft__onnx_tensor_floats(&e->tensor, 0, data);
        warn_about(e, data);
        s = weft_param_set(r->g, e->value, data, e->tensor.count);
        free(data);
    }
    return s;
}

/* ---- inputs ---- */

static weft_status input_type(const pb_value_info *v, const pb_tensor_type **out)
{
    if (!v->type || v->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return weft__fail(WEFT_EMODEL, "input \"%s\" is not a tensor", v->name);
    if (!v->type->tensor_type->shape)
        return weft__fail(WEFT_EMODEL, "input \"%s\" has no shape", v->name);
    *out = v->type->tensor_type;
    return WEFT_OK;
}

/* The first dimension is the batch when it has no number; all others need one. */
static weft_status input_shape(const pb_value_info *v, const pb_shape *p, weft_shape *out)
{
    weft_shape s = {.rank = (int)p->n_dim};
    if (p->n_dim > WEFT_MAX_RANK)
        return weft__fail(WEFT_EMODEL, "input \"%s\": rank %zu, at most %d are supported",
                          v->name, p->n_dim, WEFT_MAX_RANK);
    for (int i = 0; i < s.rank; i++) {
        const pb_dim *d = p->dim[i];
        bool number =
            d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        int64_t value = number ? d->dim_value : -1;
        if (i == 0 && value < 1) value = 0;
        if (i > 0 && value < 1) {
            bool text =
                d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            return weft__fail(WEFT_EMODEL,
                              "input \"%s\": dimension %d (%s) has no fixed "
                              "size; only the first may vary",
                              v->name, i, text ? d->dim_param : "unnamed");
        }
        if (value > INT_MAX)
            return weft__fail(WEFT_ENOMEM, "input \"%s\": dimension %d is too large",
                              v->name, i);
        s.dim[i] = (int)value;
    }
    *out = s;
    return WEFT_OK;
}

static weft_status add_input(weft__onnx_reader *r, weft__onnx_entry *e)
{
    const pb_tensor_type *type = NULL;
    weft_shape shape = {0};
    weft_status s = input_type(e->input, &type);
    if (!s) s = input_shape(e->input, type->shape, &shape);
    if (s) return s;
    switch (type->elem_type) {
    case PB_FLOAT16:
    case PB_BFLOAT16:
    case PB_DOUBLE:
        r->source.converted++; /* fall through */
    case PB_FLOAT:
        e->value = weft_input(r->g, e->name, shape);
        break;
    case PB_INT32:
    case PB_INT64:
        e->value = weft_input_int(r->g, e->name, shape, weft__onnx_own_limit(r, e->name));
        break;
    default:
        return weft__fail(WEFT_EMODEL, "input \"%s\": data type %d is not supported",
                          e->name, type->elem_type);
    }
    s = weft_graph_status(r->g);
    return s && s != WEFT_ENOMEM ? WEFT_EMODEL : s;
}

static weft_status add_inputs(weft__onnx_reader *r)
{
    weft_status s = WEFT_OK;
    for (size_t i = 0; i < r->p->n_input && !s; i++) {
        weft__onnx_entry *e = &r->entry[weft__onnx_find(r, r->p->input[i]->name)];
        if (e->input) s = add_input(r, e);
    }
    return s;
}

/* Parameters in the order of the file: so their numbers come back as they were. */
static weft_status add_own_parameters(weft__onnx_reader *r)
{
    for (size_t i = 0; r->ours && i < r->p->n_initializer; i++) {
        int k = weft__onnx_find(r, r->p->initializer[i]->name);
        if (r->entry[k].users && r->entry[k].tensor.floats) weft__onnx_entry_value(r, k);
    }
    return weft_graph_status(r->g);
}

/* ---- nodes ---- */

static weft_status cast(weft__onnx_node *n)
{
    int64_t to = weft__onnx_get_int(n, "to", 0);
    weft_value x = weft__onnx_value(n, 0);
    weft__onnx_has(n, "saturate");
    bool to_float =
        to == PB_FLOAT || to == PB_FLOAT16 || to == PB_DOUBLE || to == PB_BFLOAT16;
    bool ints = to == PB_INT64 || to == PB_INT32;
    if (!x.id) return weft__onnx_fail(n, "has no input");
    bool is_int = n->r->g->value[x.id].type == WEFT_I32;
    if (is_int ? !ints : !to_float)
        return weft__onnx_fail(n, "from %s to data type %lld is not supported",
                               is_int ? "integers" : "floats", (long long)to);
    n->r->source.converted += to_float && to != PB_FLOAT;
    weft__onnx_set(n, 0, x);
    return WEFT_OK;
}

static weft_status dispatch(weft__onnx_node *n)
{
    weft__onnx_item *item = n->item;
    const char *type = item->p->op_type;
    bool done = false;
    weft_status s = WEFT_OK;
    if (item->known) s = weft__onnx_fold(n, &done);
    if (s || done) return s;
    /* Exporters share weights by Identity; in our own files it is an operator like
     * others. */
    bool weight = !strcmp(type, "Identity") && item->p->n_input == 1 &&
                  item->in[0] >= 0 && weft__onnx_known(n, 0);
    if (weight && (!n->r->ours || !item->op)) {
        weft__onnx_set_same(n, 0, 0);
        return WEFT_OK;
    }
    s = weft__onnx_length(n, &done);
    if (s || done) return s;
    if (!strcmp(type, "Cast")) return cast(n);
    if (!item->op)
        return weft__onnx_fail(n, "is supported only where it can be computed from known "
                                  "numbers");
    const weft_op *claimant = weft__onnx_claimant(n);
    s = (claimant ? claimant : item->op)->onnx->read(n);
    if (!s && !n->failure) weft__onnx_whole(n);
    if (n->failure) return weft__fail(n->failure, "%s", n->message);
    if (weft_graph_status(n->r->g)) {
        s = weft_graph_status(n->r->g);
        return weft__prefix(s == WEFT_ENOMEM ? s : WEFT_EMODEL, "node %s (%s)",
                            item->label, type);
    }
    return s == WEFT_ESHAPE || s == WEFT_EUSAGE ? WEFT_EMODEL : s;
}

static weft_status check_used(weft__onnx_node *n)
{
    const pb_node *p = n->item->p;
    if (n->failure) return weft__fail(n->failure, "%s", n->message);
    for (size_t i = 0; i < p->n_attribute; i++)
        if (!n->used[i])
            return weft__onnx_fail(n, "attribute %s is not known", p->attribute[i]->name);
    for (size_t k = 0; k < p->n_output; k++)
        if (!n->set[k] && n->item->out[k] >= 0 && n->r->entry[n->item->out[k]].users)
            return weft__onnx_fail(n, "its output \"%s\" is not supported", p->output[k]);
    return WEFT_OK;
}

/* A small file can ask for a large result: no value may be larger than the limit. */
static weft_status check_size(const weft__onnx_reader *r, const weft__onnx_item *item,
                              int from)
{
    for (int v = from; v < r->g->values; v++) {
        size_t bytes = weft__nominal(r->g, v, 0).count * sizeof(float);
        if (bytes > r->source.limit)
            return weft__fail(WEFT_ENOMEM,
                              "node %s (%s): needs %zu bytes, the limit is %zu",
                              item->label, item->p->op_type, bytes, r->source.limit);
    }
    return WEFT_OK;
}

/* One node that was made for an ONNX node takes its name: the last, unless one has
 * several outputs. Others take a part of it. */
static void name_nodes(weft__onnx_reader *r, const weft__onnx_item *item, int from)
{
    int main = r->g->nodes - 1;
    for (int i = from; i < r->g->nodes; i++)
        if (r->g->node[i].nout > 1) main = i;
    for (int i = from; i < r->g->nodes; i++) {
        const weft__node *node = &r->g->node[i];
        char text[201];
        if (i != main)
            snprintf(text, sizeof text, "%.150s/%.40s", item->label, node->name);
        else
            snprintf(text, sizeof text, "%s", item->label);
        weft_graph_name(r->g, (weft_value){node->out[0]}, text);
    }
}

static weft_status build_node(weft__onnx_reader *r, weft__onnx_item *item)
{
    const pb_node *p = item->p;
    int nodes = r->g->nodes, values = r->g->values;
    weft_status s;
    if (item->pattern == WEFT_ONNX_INSIDE || (!strcmp(p->op_type, "Constant")))
        return WEFT_OK;
    weft__onnx_node n = {.calls = &weft__onnx_file_reading, .r = r, .item = item};
    n.used = weft__arena_alloc(&r->arena, p->n_attribute + 1);
    n.set = weft__arena_alloc(&r->arena, p->n_output + 1);
    if (!n.used || !n.set) return weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    if (item->pattern) {
        weft__onnx_set(&n, 0, weft__onnx_build_pattern(r, item));
        s = weft_graph_status(r->g);
    } else {
        s = dispatch(&n);
    }
    if (!s) s = check_used(&n);
    if (!s) s = check_size(r, item, values);
    if (!s) name_nodes(r, item, nodes);
    return s;
}

static weft_status add_outputs(weft__onnx_reader *r)
{
    for (size_t i = 0; i < r->p->n_output; i++) {
        const char *name = r->p->output[i]->name;
        weft_value v = weft__onnx_entry_value(r, weft__onnx_find(r, name));
        if (v.id && r->g->value[v.id].kind != WEFT_KIND_RESULT) {
            v = weft_identity(r->g,
                              v); /* what is computed can be an output, nothing else */
            weft_graph_name(r->g, v, name);
        }
        if (!v.id)
            return weft__fail(WEFT_EMODEL, "the graph's output \"%s\" cannot be computed",
                              name);
        weft_output(r->g, v, name);
    }
    weft_status s = weft_graph_status(r->g);
    return s && s != WEFT_ENOMEM ? WEFT_EMODEL : s;
}

/* ---- the whole ---- */

static void last_words(const weft__onnx_reader *r)
{
    int odd = 0;
    for (int i = 0; i < r->entries; i++) {
        const char *c = r->entry[i].name;
        while ((unsigned char)*c >= 0x20 && *c != 0x7f && *c != '<') c++;
        odd += *c != 0;
    }
    if (odd) weft__warn("%d names in the model have control characters or <", odd);
    if (r->source.converted)
        weft__note("%d tensors of other types than float32 were converted",
                   r->source.converted);
}

static weft_status build(weft__onnx_reader *r, const pb_model *m)
{
    weft_status s = check_versions(r, m);
    if (!s) s = read_meta(r, m);
    if (!s) s = weft__onnx_link(r);
    if (!s) s = read_tensors(r);
    if (s) return s;
    weft__onnx_own_marks(r);
    weft__onnx_own_read_notes(r);
    mark_statistics(r);
    weft__onnx_fuse(r);
    s = weft__onnx_pick(r);
    if (!s) s = add_inputs(r);
    if (!s) s = add_own_parameters(r);
    for (int i = 0; i < r->ordered && !s; i++) s = build_node(r, &r->item[r->order[i]]);
    if (!s) s = add_outputs(r);
    if (!s) s = set_parameters(r);
    if (!s) last_words(r);
    return s;
}

/* file: to be freed once it is unpacked, or NULL. */
static weft_status parse(const void *data, size_t bytes, unsigned char *file,
                         const weft_onnx_load_opts *opts, const char *folder,
                         weft_graph **out, weft_meta **out_meta)
{
    size_t limit = opts && opts->max_bytes ? opts->max_bytes : DEFAULT_LIMIT;
    weft__onnx_budget budget;
    pb_model *m = NULL;
    weft__onnx_reader r = {0};
    weft_status s = weft__onnx_unpack(data, bytes, limit, &budget, &m);
    free(file);
    if (s) return s;
    r.g = weft_graph_new();
    if (r.g && opts && opts->use_double) weft_graph_use_double(r.g);
    r.meta = weft_meta_new();
    r.own = weft_meta_new();
    r.source = (weft__onnx_source){.arena = &r.arena, .limit = limit, .folder = folder};
    s = r.g && r.meta && r.own ? build(&r, m) : weft__fail(WEFT_ENOMEM, "out of memory");
    if (!s) {
        *out = r.g;
        r.g = NULL;
        if (out_meta) {
            *out_meta = r.meta;
            r.meta = NULL;
        }
    }
    weft_graph_free(r.g);
    weft_meta_free(r.meta);
    weft_meta_free(r.own);
    weft__arena_free(&r.arena);
    onnx__model_proto__free_unpacked(m, &budget.allocator);
    return s;
}

weft_status weft_onnx_parse(const void *data, size_t bytes,
                            const weft_onnx_load_opts *opts, weft_graph **out,
                            weft_meta **out_meta)
{
    size_t limit = opts && opts->max_bytes ? opts->max_bytes : DEFAULT_LIMIT;
    if (bytes > limit)
        return weft__fail(WEFT_ENOMEM, "the model has %zu bytes, the limit is %zu", bytes,
                          limit);
    return parse(data, bytes, NULL, opts, NULL, out, out_meta);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

weft_status weft_onnx_load(const char *path, const weft_onnx_load_opts *opts,
                           weft_graph **out, weft_meta **out_meta)
{
    size_t limit = opts && opts->max_bytes ? opts->max_bytes : DEFAULT_LIMIT, bytes;
    unsigned char *file;
    weft_status s = weft__file_read(path, limit, &file, &bytes);
    if (s) return s;
    char *folder = folder_of(path);
    if (!folder) {
        free(file);
        return weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    }
    s = parse(file, bytes, file, opts, opts && opts->allow_external ? folder : NULL, out,
              out_meta);
    free(folder);
    return s ? weft__prefix(s, "%s", path) : WEFT_OK;
}
