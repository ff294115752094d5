/* trained.c: a trained classifier, of pictures or of texts as its metadata say. */
#include "trained.h"

#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

weft_status trained_open(const char *path, bool exact, trained *out)
{
    weft_graph *g = NULL;
    weft_meta *meta = NULL;
    char *file =
        weft__is_folder(path) ? weft__path_join(path, "best.onnx") : strdup(path);
    weft_status s = file ? weft_model_load(file, NULL, &g, &meta)
                         : weft__fail(WEFT_ENOMEM, "%s: out of memory", path);
    const char *task = s ? NULL : weft_meta_get(meta, "task");
    bool text = task && !strcmp(task, "text");
    *out = (trained){NULL, NULL};
    if (!s) weft_graph_use_exact_conv(g, exact);
    if (!s && text) s = weft_text_classifier_new(g, meta, file, &out->texts);
    if (!s && !text) s = weft_classifier_new(g, meta, file, &out->pictures);
    if (s) weft_meta_free(meta), weft_graph_free(g);
    free(file);
    return s;
}

void trained_close(trained *m)
{
    weft_classifier_free(m->pictures);
    weft_text_classifier_free(m->texts);
    *m = (trained){NULL, NULL};
}

int trained_classes(const trained *m)
{
    return m->texts ? weft_text_classifier_classes(m->texts)
                    : weft_classifier_classes(m->pictures);
}

const char *trained_name(const trained *m, int class_number)
{
    return m->texts ? weft_text_classifier_name(m->texts, class_number)
                    : weft_classifier_name(m->pictures, class_number);
}

const char *trained_task(const trained *m)
{
    return m->texts ? "text" : "classify";
}

weft_status trained_refuse(const trained *m, const command *c, const char *const *option)
{
    for (; *option; option++)
        if (option_given(c, *option))
            return weft__fail(WEFT_EUSAGE, "%s: --%s is for %s, the model is for %s",
                              c->name, *option, m->texts ? "pictures" : "texts",
                              m->texts ? "texts" : "pictures");
    return WEFT_OK;
}

void rank_classes(const float *x, int classes, int top, int *order)
{
    for (int k = 0, n = 0; k < classes; k++) {
        int i = n < top ? n++ : n;
        for (; i > 0 && x[order[i - 1]] < x[k]; i--)
            if (i < top) order[i] = order[i - 1];
        if (i < top) order[i] = k;
    }
}
