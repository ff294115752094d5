/* table.c: the operators by name. */
/* build: once */
#include "ops/op.h"
#include "ops/common/shared.h"
#include "weft/ops.h"

#include <string.h>

#define OP(name) extern const weft_op weft_op_##name, weft_op_##name##_f64;
#include "ops/table.def"
#undef OP

static const weft__op_pair table[] = {
#define OP(name) {&weft_op_##name, &weft_op_##name##_f64},
#include "ops/table.def"
#undef OP
};

WEFT_SHARED int weft__op_count(void)
{
    return (int)(sizeof table / sizeof *table);
}

WEFT_SHARED weft__op_pair weft__op_at(int i)
{
    return table[i];
}

WEFT_SHARED const weft__op_pair *weft__op_find(const char *name)
{
    for (int i = 0; i < weft__op_count(); i++)
        if (!strcmp(table[i].f32->name, name)) return &table[i];
    return NULL;
}

WEFT_API int weft_op_total(void)
{
    return weft__op_count();
}

WEFT_API weft_op_info weft_op_info_at(int i)
{
    weft_op_info info = {0};
    if (i < 0 || i >= weft__op_count()) return info;
    info.name = table[i].f32->name;
    if (table[i].f32->onnx) {
        info.onnx = table[i].f32->onnx->name;
        info.onnx_since = table[i].f32->onnx->since;
    }
    info.summary = table[i].f32->summary;
    info.differentiable = table[i].f32->backward != NULL;
    return info;
}
