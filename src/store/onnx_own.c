/* onnx_own.c: notes of the writer for the reader: buffers, frozen parameters, limits. */
#include "store/onnx_own.h"

#include "base/error.h"
#include "graph/graph.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static weft_status list_of(const weft__onnx_reader *r, const char *key, bool object,
                           json_t **out)
{
    const char *text = weft_meta_get(r->own, key);
    *out = NULL;
    if (!text) return WEFT_OK;
    *out = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (*out && (object ? json_is_object(*out) : json_is_array(*out))) return WEFT_OK;
    json_decref(*out);
    *out = NULL;
    return weft__fail(WEFT_EMODEL, "metadata \"%s\" are damaged", key);
}

static weft_status mark(weft__onnx_reader *r, const char *key, bool frozen)
{
    json_t *list, *name;
    size_t i;
    weft_status s = list_of(r, key, false, &list);
    json_array_foreach(list, i, name)
    {
        int k = json_is_string(name) ? weft__onnx_find(r, json_string_value(name)) : -1;
        if (k < 0) continue;
        if (frozen) r->entry[k].frozen = true;
        else r->entry[k].buffer = true;
    }
    json_decref(list);
    return s;
}

weft_status weft__onnx_own_marks(weft__onnx_reader *r)
{
    json_t *limits;
    weft_status s = mark(r, PB_META_BUFFERS, false);
    if (!s) s = mark(r, PB_META_FROZEN, true);
    if (!s) s = list_of(r, PB_META_LIMITS, true, &limits);
    if (!s) json_decref(limits);
    return s;
}

int weft__onnx_own_limit(const weft__onnx_reader *r, const char *input)
{
    json_t *limits;
    json_int_t value = 0;
    if (!list_of(r, PB_META_LIMITS, true, &limits))
        value = json_integer_value(json_object_get(limits, input));
    json_decref(limits);
    return value > 0 && value <= INT_MAX ? (int)value : INT_MAX;
}

/* Sets the entry unless the list is empty. Takes the list over. */
static weft_status entry(weft_meta *to, const char *key, json_t *list, bool ok)
{
    weft_status s = WEFT_OK;
    char *text = NULL;
    if (list && ok) text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text) s = weft__fail(WEFT_ENOMEM, "no memory for metadata, or a name is not UTF-8");
    else if (json_array_size(list) + json_object_size(list)) s = weft_meta_set(to, key, text);
    free(text);
    json_decref(list);
    return s;
}

weft_status weft__onnx_own_write(const weft_graph *g, const bool *needed, weft_meta *to)
{
    json_t *buffers = json_array(), *frozen = json_array(), *limits = json_object();
    bool ok = buffers && frozen && limits;
    for (int v = 1; v < g->values && ok; v++) {
        const weft__value *p = &g->value[v];
        if (p->kind == WEFT_KIND_INPUT && p->type == WEFT_I32 && p->limit > 0 &&
            p->limit < INT_MAX)
            ok = !json_object_set_new(limits, p->name, json_integer(p->limit));
        if (needed[v] && p->kind == WEFT_KIND_BUFFER)
            ok = !json_array_append_new(buffers, json_string(p->name));
        if (needed[v] && p->kind == WEFT_KIND_PARAM && p->frozen)
            ok = !json_array_append_new(frozen, json_string(p->name));
    }
    weft_status s = entry(to, PB_META_BUFFERS, buffers, ok);
    weft_status f = entry(to, PB_META_FROZEN, frozen, ok);
    weft_status l = entry(to, PB_META_LIMITS, limits, ok);
    return s ? s : f ? f : l;
}
