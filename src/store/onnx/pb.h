/* pb.h: the code that protobuf-c makes of onnx.proto, under shorter names. Only
 * files called onnx_*.c include it, so that a build without ONNX can leave them out. */
#ifndef WEFT_SRC_STORE_ONNX_PB_H
#define WEFT_SRC_STORE_ONNX_PB_H

#include "onnx.pb-c.h"

typedef Onnx__ModelProto pb_model;
typedef Onnx__GraphProto pb_graph;
typedef Onnx__NodeProto pb_node;
typedef Onnx__AttributeProto pb_attribute;
typedef Onnx__TensorProto pb_tensor;
typedef Onnx__ValueInfoProto pb_value_info;
typedef Onnx__TypeProto pb_type;
typedef Onnx__TypeProto__Tensor pb_tensor_type;
typedef Onnx__TensorShapeProto pb_shape;
typedef Onnx__TensorShapeProto__Dimension pb_dim;
typedef Onnx__OperatorSetIdProto pb_opset;
typedef Onnx__StringStringEntryProto pb_entry;

/* A text for a field of a message: these are char *, though packing only reads them. */
static inline char *pb_text(const char *text)
{
    union {
        const char *in;
        char *out;
    } field = {text};
    return field.out;
}

/* TensorProto.DataType and AttributeProto.AttributeType, as the format fixes them. */
enum {
    PB_FLOAT = 1,
    PB_UINT8,
    PB_INT8,
    PB_UINT16,
    PB_INT16,
    PB_INT32,
    PB_INT64,
    PB_STRING,
    PB_BOOL,
    PB_FLOAT16,
    PB_DOUBLE,
    PB_UINT32,
    PB_UINT64,
    PB_COMPLEX64,
    PB_COMPLEX128,
    PB_BFLOAT16
};
enum {
    PB_ATTR_FLOAT = 1,
    PB_ATTR_INT,
    PB_ATTR_STRING,
    PB_ATTR_TENSOR,
    PB_ATTR_GRAPH,
    PB_ATTR_FLOATS,
    PB_ATTR_INTS,
    PB_ATTR_STRINGS,
    PB_ATTR_TENSORS,
    PB_ATTR_GRAPHS
};

/* What the versions of the format and of its operators may be. */
enum { PB_IR_MIN = 3, PB_IR_MAX = 13, PB_OPSET_MIN = 7, PB_OPSET_MAX = 25 };

/* Keys of metadata that the writer makes for the reader; no user's key starts so. */
#define PB_META "weft.graph."
#define PB_META_BUFFERS \
    PB_META "buffers"                   /* parameters that are buffers, a name per line */
#define PB_META_FROZEN PB_META "frozen" /* frozen parameters */
#define PB_META_LIMITS \
    PB_META "limits" /* limits of integer inputs: "1000 NAME" per line */
#define PB_META_NOTE \
    PB_META "note." /* and a key: weft__onnx_put_note's, "NUMBER NAME" per line */

#endif
