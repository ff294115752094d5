/* pick.c: finds the operator for every node, or says which ones there are not. */
#include "store/onnx/read.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const own[] = {"Constant", "Identity", "Cast", NULL};

static bool is_own(const char *op_type)
{
    for (int i = 0; own[i]; i++)
        if (!strcmp(own[i], op_type)) return true;
    return false;
}

static bool reads(const weft__onnx_hooks *hooks, const char *op_type)
{
    if (!hooks->read) return false;
    return (hooks->name && !strcmp(hooks->name, op_type)) ||
           (hooks->also && !strcmp(hooks->also, op_type));
}

static const weft_op *operator_for(const char *op_type)
{
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        if (op->onnx && !op->onnx->claims && reads(op->onnx, op_type)) return op;
    }
    return NULL;
}

const weft_op *weft__onnx_claimant(weft__onnx_node *n)
{
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        if (op->onnx && op->onnx->claims && reads(op->onnx, n->item->p->op_type) &&
            op->onnx->claims(n))
            return op;
    }
    return NULL;
}

void weft__onnx_whole(weft__onnx_node *n)
{
    int e = n->item->p->n_output == 1 ? n->item->out[0] : -1;
    weft_value v = e < 0 ? WEFT_NONE : n->r->entry[e].value, y = WEFT_NONE;
    const weft__node *last = v.id ? weft__node_of(n->r->g, v) : NULL;
    if (weft_graph_status(n->r->g) || !last) return;
    for (int i = 0; i < weft__op_count() && !y.id; i++) {
        const weft_op *op = weft__op_at(i).f32;
        if (op->onnx && op->onnx->whole) y = op->onnx->whole(n->r->g, last);
    }
    if (y.id) n->r->entry[e].value = y;
}

static bool standard_domain(const char *domain)
{
    return !domain || !*domain || !strcmp(domain, "ai.onnx");
}

/* Numbers known while reading: tensors of integers, constants, what is computed from
 * them. */
static bool entry_known(const weft__onnx_reader *r, int i)
{
    if (i < 0) return true;
    const weft__onnx_entry *e = &r->entry[i];
    if (e->initializer) return !e->tensor.floats;
    return e->node >= 0 && r->item[e->node].known;
}

static void mark_known(weft__onnx_reader *r, weft__onnx_item *item)
{
    const char *type = item->p->op_type;
    item->known =
        !strcmp(type, "Constant") || !strcmp(type, "Shape") || !strcmp(type, "Size");
    if (item->known || !weft__onnx_folds(type)) return;
    item->known = true;
    for (size_t i = 0; i < item->p->n_input; i++)
        if (!entry_known(r, item->in[i])) item->known = false;
}

/* ---- attributes: their type must fit what they hold ---- */

static int payload(const pb_attribute *a, int *kinds)
{
    int type = 0;
    *kinds = 0;
#define HOLDS(condition, t) \
    if (condition) { \
        type = t; \
        ++*kinds; \
    }
    HOLDS(a->has_f, PB_ATTR_FLOAT)
    HOLDS(a->has_i, PB_ATTR_INT)
    HOLDS(a->has_s, PB_ATTR_STRING)
    HOLDS(a->t, PB_ATTR_TENSOR)
    HOLDS(a->g, PB_ATTR_GRAPH)
    HOLDS(a->n_floats, PB_ATTR_FLOATS)
    HOLDS(a->n_ints, PB_ATTR_INTS)
    HOLDS(a->n_strings, PB_ATTR_STRINGS)
    HOLDS(a->n_tensors, PB_ATTR_TENSORS)
    HOLDS(a->n_graphs, PB_ATTR_GRAPHS)
#undef HOLDS
    return type;
}

static weft_status attribute_misfit(const weft__onnx_item *item, const char *name,
                                    const char *what)
{
    return weft__fail(WEFT_EMODEL, "node %s (%s): attribute %s %s", item->label,
                      item->p->op_type, name, what);
}

weft_status weft__onnx_check_attributes(const weft__onnx_item *item)
{
    const pb_node *p = item->p;
    if (p->n_attribute > 100)
        return attribute_misfit(item, "list", "has more than 100 attributes");
    for (size_t i = 0; i < p->n_attribute; i++) {
        pb_attribute *a = p->attribute[i];
        const char *name = a->name && *a->name ? a->name : "without a name";
        int kinds, holds = payload(a, &kinds);
        if (!a->name || !*a->name) return attribute_misfit(item, name, "is there");
        for (size_t k = 0; k < i; k++)
            if (!strcmp(p->attribute[k]->name, name))
                return attribute_misfit(item, name, "comes twice");
        if (a->ref_attr_name && *a->ref_attr_name)
            return attribute_misfit(item, name, "refers to a function's attribute");
        if (!a->type)
            a->type = (Onnx__AttributeProto__AttributeType)
                holds; /* the first versions had no type */
        if ((int)a->type < PB_ATTR_FLOAT || (int)a->type > 14)
            return attribute_misfit(item, name, "has an unknown type");
        if (kinds > 1 || (kinds && holds != (int)a->type) ||
            (!kinds && (int)a->type == PB_ATTR_TENSOR))
            return attribute_misfit(item, name,
                                    "has a type that does not fit its content");
        if (holds == PB_ATTR_STRING && memchr(a->s.data, 0, a->s.len))
            return attribute_misfit(item, name, "has a NUL byte inside");
    }
    return WEFT_OK;
}

/* ---- the list of what is missing ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static weft_status list_missing(const char **missing, int n)
{
    char text[800];
    size_t at = 0;
    int kinds = 0, listed = 0;
    qsort(missing, (size_t)n, sizeof *missing, by_text);
    for (int i = 0; i < n;) {
        int same = 1;
        while (i + same < n && !strcmp(missing[i], missing[i + same])) same++;
        kinds++;
        if (at < sizeof text - 100) {
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%.70s (%d)",
                                   at ? ", " : "", missing[i], same);
            listed++;
        }
        i += same;
    }
    if (listed < kinds)
        snprintf(text + at, sizeof text - at, " and %d more", kinds - listed);
    return weft__fail(WEFT_EMODEL, "operators that are not supported: %s", text);
}

static const char *full_type(weft__onnx_reader *r, const pb_node *p)
{
    if (standard_domain(p->domain)) return p->op_type;
    char text[400];
    snprintf(text, sizeof text, "%.180s.%.180s", p->domain, p->op_type);
    return weft__arena_text(&r->arena, text);
}

weft_status weft__onnx_pick(weft__onnx_reader *r)
{
    int n = 0;
    weft_status s = WEFT_OK;
    const char **missing = calloc((size_t)r->ordered + 1, sizeof *missing);
    if (!missing) return weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    for (int i = 0; i < r->ordered && !s; i++) {
        weft__onnx_item *item = &r->item[r->order[i]];
        if (standard_domain(item->p->domain)) {
            item->op = operator_for(item->p->op_type);
            mark_known(r, item);
            if (item->op || item->known || item->pattern || is_own(item->p->op_type))
                continue;
        }
        missing[n] = full_type(r, item->p);
        if (!missing[n++]) s = weft__fail(WEFT_ENOMEM, "no memory for the nodes");
    }
    if (!s && n) s = list_missing(missing, n);
    free(missing);
    return s;
}
