/* onnx.c: fuzz target of the ONNX reader: any bytes either become a graph that can be
 * saved again, or one message. */
#include "base/error.h"
#include "base/log.h"
#include "weft/store.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_onnx_load_opts opts = {.max_bytes = 64 << 20};
    weft_graph *g = NULL;
    weft_meta *meta = NULL;
    weft_set_quiet(2);
    weft_status s = weft_onnx_parse(data, size, &opts, &g, &meta);
    if (s && s != WEFT_EMODEL && s != WEFT_ENOMEM) abort(); /* nothing else is promised */
    if (s && !*weft_last_error()) abort();
    if (!s && weft_graph_status(g)) abort();
    weft_graph_free(g);
    weft_meta_free(meta);
    return 0;
}
