/* checkpoint.c: fuzz target of the checkpoint reader and the safetensors header. */
#include "store/checkpoint.h"
#include "store/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft__checkpoint *c = NULL;
    weft__st_file f;
    weft_status s = weft__checkpoint_parse(data, size, &c);
    if (s && s != WEFT_EMODEL && s != WEFT_ENOMEM) abort(); /* nothing else is promised */
    for (int i = 0; !s && i < weft__checkpoint_count(c); i++)
        if (!weft__checkpoint_name(c, i, NULL)) abort();
    weft__checkpoint_free(c);
    /* Past the checksums, which damaged copies seldom pass. */
    s = weft__st_parse(data, size, size, &f);
    if (s && s != WEFT_EMODEL && s != WEFT_ENOMEM) abort();
    weft__st_free(&f);
    return 0;
}
