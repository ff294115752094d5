/* write.h: what the parts of the ONNX writer share. */
#ifndef WEFT_SRC_STORE_ONNX_WRITE_H
#define WEFT_SRC_STORE_ONNX_WRITE_H

#include "base/arena.h"
#include "graph/graph.h"
#include "ops/onnx.h"
#include "store/onnx/pb.h"

/* An input of the node being written: a name, and its Constant node if that is still to
 * be written. */
typedef struct weft__onnx_feed {
    const char *name;
    pb_node *constant;
} weft__onnx_feed;

/* A form of lengths that is there already. */
typedef struct weft__onnx_made {
    int lengths, steps, rank;
    weft__onnx_form form;
    const char *name;
} weft__onnx_made;

/* A note of an operator. */
typedef struct weft__onnx_noted {
    const char *key, *name;
    int number;
    struct weft__onnx_noted *next;
} weft__onnx_noted;

enum { WEFT_ONNX_FEEDS = 4096 }; /* inputs of one node */

struct weft__onnx_writer {
    const weft__onnx_writing *calls; /* comes first, see ops/onnx.h */
    const weft_graph *g;
    weft__arena arena;
    weft_status status; /* the first failure */
    char message[1024];

    const char **name;      /* of every value: its name in the file, or NULL */
    bool *needed, *written; /* per value; written: a constant's node is there */
    bool *node_needed;
    const char **taken; /* open hash table of names */
    size_t taken_size, taken_count;

    pb_node **node; /* so far */
    size_t nodes, node_room;

    /* the weft node at hand, and the ONNX node being made for it */
    const weft__node *at;
    weft__tensor *in, *out;
    const char *type;
    weft__onnx_feed *feed;
    int feeds;
    pb_attribute **attribute;
    size_t attributes, attribute_room;
    bool gave; /* the operator has written all its outputs itself */

    weft__onnx_made *made; /* what weft__onnx_steps has written so far */
    int mades, made_room;
    weft__onnx_noted *notes; /* the last one first */
};

/* ---- emit.c: one node; the calls of ops/onnx.h ---- */
extern const weft__onnx_writing weft__onnx_file_writing;
/* steps.c */
const char *weft__onnx_write_steps(weft__onnx_writer *w, int lengths,
                                   weft__onnx_form form, int steps, int rank);
/* Writes the ONNX node or nodes of a weft node. */
void weft__onnx_emit(weft__onnx_writer *w, const weft__node *node);
/* An Identity node that gives value `from` another name. */
void weft__onnx_emit_identity(weft__onnx_writer *w, int from, const char *name);
/* The name of value v; writes the node of a constant that nobody has read yet. */
const char *weft__onnx_value_name(weft__onnx_writer *w, int v);
void weft__onnx_write_fail(weft__onnx_writer *w, weft_status s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Memory of the writer's arena; NULL after remembering that there is none. */
void *weft__onnx_memory(weft__onnx_writer *w, size_t bytes);
char *weft__onnx_text(weft__onnx_writer *w, const char *text);
/* A fresh name, as wished or with a number appended. */
const char *weft__onnx_unique(weft__onnx_writer *w, const char *wish);
bool weft__onnx_take(weft__onnx_writer *w, const char *name); /* false: taken already */
/* A tensor of these numbers (floats, or int32_t that become int64). */
pb_tensor *weft__onnx_tensor_made(weft__onnx_writer *w, const char *name,
                                  weft_shape shape, size_t count, const float *reals,
                                  const int32_t *ints);

#endif
