/* params.c: copies parameters from one graph into another by name. */
#include "weft/store.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const weft_param_info *p = a, *q = b;
    return strcmp(p->name, q->name);
}

static bool same_shape(weft_shape a, weft_shape b)
{
    return a.rank == b.rank && !memcmp(a.dim, b.dim, (size_t)a.rank * sizeof *a.dim);
}

static weft_status copy_one(weft_graph *to, const weft_param_info *p,
                            const weft_graph *from, const weft_param_info *q)
{
    float *data = weft__alloc(p->count, sizeof *data);
    if (!data) return weft__fail(WEFT_ENOMEM, "%s: out of memory", p->name);
    weft_status s = weft_param_get(from, q->value, data, q->count);
    if (!s) s = weft_param_set(to, p->value, data, p->count);
    free(data);
    return s;
}

weft_status weft_params_copy(weft_graph *to, const weft_graph *from, int *copied,
                             int *left)
{
    int n = weft_param_count(from), found = 0, others = 0;
    weft_param_info *all = calloc((size_t)n + 1, sizeof *all);
    weft_status s = WEFT_OK;
    if (!all) return weft__fail(WEFT_ENOMEM, "parameters: out of memory");
    for (int i = 0; i < n; i++) all[i] = weft_param_at(from, i);
    qsort(all, (size_t)n, sizeof *all, by_name);
    for (int i = 0; i < weft_param_count(to) && !s; i++) {
        weft_param_info p = weft_param_at(to, i);
        const weft_param_info *q = bsearch(&p, all, (size_t)n, sizeof *all, by_name);
        if (q && same_shape(p.shape, q->shape)) {
            s = copy_one(to, &p, from, q);
            found++;
        } else {
            others++;
        }
    }
    free(all);
    if (!s && copied) *copied = found;
    if (!s && left) *left = others;
    return s;
}
