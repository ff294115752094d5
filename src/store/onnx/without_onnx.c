/* without_onnx.c: stands in for the ONNX reader and writer in a build that has no
 * protobuf-c: saving and loading fail with a message. */
#include "base/error.h"
#include "weft/store.h"

static weft_status missing(const char *what)
{
    return weft__fail(
        WEFT_EUSAGE, "%s: this build of weft has no ONNX (protobuf-c was missing)", what);
}

weft_status weft_onnx_save(const weft_graph *g, const weft_meta *meta, const char *path)
{
    (void)g, (void)meta;
    return missing(path);
}

weft_status weft_onnx_load(const char *path, const weft_onnx_load_opts *opts,
                           weft_graph **out, weft_meta **out_meta)
{
    (void)opts, (void)out, (void)out_meta;
    return missing(path);
}

weft_status weft_onnx_parse(const void *data, size_t bytes,
                            const weft_onnx_load_opts *opts, weft_graph **out,
                            weft_meta **out_meta)
{
    (void)data, (void)bytes, (void)opts, (void)out, (void)out_meta;
    return missing("model");
}
