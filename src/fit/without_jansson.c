/* without_jansson.c: a build without jansson leaves no options for a resume. */
#include "fit/args.h"

weft_status weft__fit_args_write(const weft_fit_args *a, const char *path,
                                 const char *data, const weft__modality *m,
                                 const weft__task *t)
{
    (void)a, (void)path, (void)data, (void)m, (void)t;
    return WEFT_OK;
}

weft_status weft__fit_args_read(weft_fit_args *a, const char *path, char **data)
{
    (void)a, (void)data;
    return weft__fail(
        WEFT_EUSAGE, "%s: this build of weft cannot read it (jansson was missing)", path);
}
