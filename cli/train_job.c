/* train_job.c: what training pictures and training texts have in common. */
#include "train_job.h"

#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

weft_status train_job_begin(train_job *j)
{
    j->g = weft_graph_new();
    j->meta = weft_meta_new();
    if (!j->g || !j->meta) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    return WEFT_OK;
}

/* Those that texts consist of. */
static int pieces_of(const weft_tokenizer *k)
{
    int n = 0;
    for (int i = 0; i < weft_tokenizer_streams(k); i++)
        n += weft_tokenizer_size(k, i) - 2;
    return n;
}

weft_status train_job_from(train_job *j)
{
    weft_graph *from = NULL;
    weft_meta *meta = NULL;
    int copied = 0, left = 0, pieces = -1;
    if (!j->a.from || j->a.resume) return WEFT_OK;
    char *file = weft__is_folder(j->a.from) ? weft__path_join(j->a.from, "best.onnx")
                                            : strdup(j->a.from);
    weft_status s = file ? WEFT_OK : weft__fail(WEFT_ENOMEM, "train: out of memory");
    if (!s) s = weft_model_load(file, NULL, &from, &meta);
    free(file);
    if (!s && j->k)
        s = weft_text_params_copy(j->g, j->k, from, meta, &copied, &left, &pieces);
    else if (!s)
        s = weft_params_copy(j->g, from, &copied, &left);
    if (!s && !copied)
        s = weft__fail(WEFT_EUSAGE, "%s: has no parameter that fits %s", j->a.from,
                       j->a.model);
    if (!s && !j->a.quiet)
        fprintf(stderr, "%s: %d tensors taken over, %d start afresh\n", j->a.from, copied,
                left);
    if (!s && !j->a.quiet && pieces >= 0)
        fprintf(stderr, "%s: knows %d of the %d pieces\n", j->a.from, pieces,
                pieces_of(j->k));
    weft_meta_free(meta);
    weft_graph_free(from);
    return s;
}

weft_status train_job_balance(train_job *j)
{
    int classes = samples_classes(j->set), n = samples_count(j->set, WEFT_TRAIN);
    if (!j->a.balance) return WEFT_OK;
    j->weights = calloc((size_t)classes, sizeof *j->weights);
    if (!j->weights) return weft__fail(WEFT_ENOMEM, "train: out of memory");
    for (int i = 0; i < n; i++) j->weights[samples_label(j->set, WEFT_TRAIN, i)] += 1;
    for (int c = 0; c < classes; c++)
        if (j->weights[c] > 0)
            j->weights[c] = (float)n / ((float)classes * j->weights[c]);
    j->opts.class_weights = j->weights;
    return WEFT_OK;
}

void train_job_free(train_job *j)
{
    weft_train_result_free(&j->result);
    free(j->weights);
    free(j->data_path);
    args_texts_free(&j->texts);
    weft_meta_free(j->meta);
    weft_graph_free(j->g);
    if (j->kind) j->kind->close(j);
}
