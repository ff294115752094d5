/* scan.h: what is checked about a file's bytes before protobuf-c may unpack them. */
#ifndef WEFT_SRC_STORE_ONNX_SCAN_H
#define WEFT_SRC_STORE_ONNX_SCAN_H

#include "base/error.h"
#include "store/onnx/pb.h"

/* Unpacking nests by recursion and allocates some 200 bytes for each empty message.
 * Hence the scan: it walks the wire format within fixed limits (depth, messages,
 * names) and adds up what unpacking will take. WEFT_EMODEL "byte N: ...",
 * WEFT_ENOMEM at a limit. */
weft_status weft__onnx_scan(const void *data, size_t bytes, size_t *unpacked);

/* Memory for unpacking: never more than `limit` bytes at once. */
typedef struct weft__onnx_budget {
    ProtobufCAllocator allocator;
    size_t limit, used;
} weft__onnx_budget;
void weft__onnx_budget_set(weft__onnx_budget *b, size_t limit);

/* Scans and unpacks within max_bytes. Free *out with
 * onnx__model_proto__free_unpacked and the budget's allocator. */
weft_status weft__onnx_unpack(const void *data, size_t bytes, size_t max_bytes,
                              weft__onnx_budget *b, pb_model **out);

#endif
