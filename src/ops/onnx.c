/* onnx.c: the calls of onnx.h, and what operators' readers share. */
#include "ops/onnx.h"

#include "ops/common/shared.h"

#include <string.h>

#define WEFT__VOID_CALL(name, params, args) \
    WEFT_SHARED void weft__onnx_##name params \
    { \
        (*(const weft__onnx_writing *const *)(const void *)w)->name args; \
    }
#define WEFT__CALL(type, name, params, args) \
    WEFT_SHARED type weft__onnx_##name params \
    { \
        return (*(const weft__onnx_writing *const *)(const void *)w)->name args; \
    }
WEFT_ONNX_WRITING(WEFT__VOID_CALL, WEFT__CALL)
#undef WEFT__VOID_CALL
#undef WEFT__CALL
#define WEFT__VOID_CALL(name, params, args) \
    WEFT_SHARED void weft__onnx_##name params \
    { \
        (*(const weft__onnx_reading *const *)(const void *)n)->name args; \
    }
#define WEFT__CALL(type, name, params, args) \
    WEFT_SHARED type weft__onnx_##name params \
    { \
        return (*(const weft__onnx_reading *const *)(const void *)n)->name args; \
    }
WEFT_ONNX_READING(WEFT__VOID_CALL, WEFT__CALL)
#undef WEFT__VOID_CALL
#undef WEFT__CALL

WEFT_SHARED const weft__node *weft__giver(const weft_graph *g, int v, const char *op)
{
    const weft__node *node = v > 0 ? weft__node_of(g, (weft_value){v}) : NULL;
    return node && !strcmp(node->op->name, op) ? node : NULL;
}

WEFT_SHARED weft_status weft__onnx_fail(weft__onnx_node *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    weft__vfail(WEFT_EMODEL, format, args);
    va_end(args);
    return weft__prefix(WEFT_EMODEL, "node %s (%s)", weft__onnx_label(n),
                        weft__onnx_op_type(n));
}
