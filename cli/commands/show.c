/* show.c: `weft show`: a model layer by layer. */
#include "model_source.h"
#include "option.h"

#include "base/error.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

extern const command command_show;

typedef struct show_args {
    int batch, classes;
    bool dot, json;
} show_args;

static const option_row options[] = {
    INT(show_args, batch, "batch", 1, 65536,
        "samples that shapes and memory are shown for (1)"),
    INT(show_args, classes, "classes", 1, 1000000, "of a ready network (10)"),
    FLAG(show_args, dot, "dot", "print the graph for Graphviz"),
    FLAG(show_args, json, "json", "print one JSON object on stdout"), END_OF_OPTIONS};

typedef struct memory {
    size_t infer, infer_total, train, train_total;
} memory;

/* Planned peak bytes for prediction, and for training with a loss on the first
 * output. */
static weft_status measure(const model_source *m, int batch, memory *out)
{
    weft_plan *p = NULL;
    weft_status s = weft_plan_new(m->g, &(weft_plan_opts){.batch = batch}, &p);
    if (s) return s;
    out->infer = weft_plan_bytes(p);
    out->infer_total = weft_plan_total_bytes(p);
    weft_plan_free(p);
    weft_value loss = weft_reduce_mean(m->g, m->output, 0, NULL, false);
    weft_plan_opts train = {.batch = batch, .loss = loss, .training = true};
    s = weft_graph_status(m->g);
    if (!s) s = weft_plan_new(m->g, &train, &p);
    if (s) return s;
    out->train = weft_plan_bytes(p);
    out->train_total = weft_plan_total_bytes(p);
    weft_plan_free(p);
    return WEFT_OK;
}

static void print_json(const model_source *m, const memory *bytes, int batch)
{
    json_t *params = json_array(), *meta = json_object();
    double count = 0;
    for (int i = 0; i < weft_param_count(m->g); i++) {
        weft_param_info p = weft_param_at(m->g, i);
        json_t *shape = json_array();
        for (int k = 0; k < p.shape.rank; k++)
            json_array_append_new(shape, json_integer(p.shape.dim[k]));
        json_array_append_new(params,
                              json_pack("{s:s, s:o, s:b}", "name", p.name, "shape", shape,
                                        "trainable", (int)p.trainable));
        count += (double)p.count;
    }
    for (int i = 0; m->meta && i < weft_meta_count(m->meta); i++) {
        const char *key = weft_meta_key(m->meta, i);
        json_object_set_new(meta, key, json_string(weft_meta_get(m->meta, key)));
    }
    json_t *root = json_pack(
        "{s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:o, s:o}", "batch", batch, "nodes",
        weft_node_count(m->g), "params_count", count, "infer_plan_bytes",
        (json_int_t)bytes->infer, "infer_total_bytes", (json_int_t)bytes->infer_total,
        "train_plan_bytes", (json_int_t)bytes->train, "train_total_bytes",
        (json_int_t)bytes->train_total, "metadata", meta, "params", params);
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(root);
}

static void print_text(const model_source *m, const memory *bytes, int batch,
                       const char *table)
{
    if (table) fputs(table, stdout);
    printf("Planned peak at batch %d: prediction %.2f MB, with parameters %.2f MB\n",
           batch, (double)bytes->infer / 1e6, (double)bytes->infer_total / 1e6);
    printf("                   training %.2f MB, with parameters and gradients %.2f MB\n",
           (double)bytes->train / 1e6, (double)bytes->train_total / 1e6);
    for (int i = 0; m->meta && i < weft_meta_count(m->meta); i++) {
        char key[100], value[300];
        weft__escape(key, sizeof key, weft_meta_key(m->meta, i));
        weft__escape(value, sizeof value,
                     weft_meta_get(m->meta, weft_meta_key(m->meta, i)));
        printf("%s%-14s %s\n", i ? "" : "\n", key, value);
    }
}

static weft_status show(const show_args *a, const char *name)
{
    model_source m = {0};
    memory bytes = {0};
    weft_status s =
        model_source_load(name, &(weft_zoo_opts){.outputs = a->classes}, false, &m);
    if (s) return s;
    char *text = a->dot ? weft_graph_dot(m.g) : weft_graph_table(m.g, a->batch);
    if (a->dot && text) fputs(text, stdout);
    if (!a->dot) s = measure(&m, a->batch, &bytes);
    if (!s && !a->dot && a->json)
        print_json(&m, &bytes, a->batch);
    else if (!s && !a->dot)
        print_text(&m, &bytes, a->batch, text);
    free(text);
    model_source_free(&m);
    return s;
}

static int run(int argc, char **argv)
{
    show_args a = {.batch = 1};
    int n;
    weft_status s = options_parse(&command_show, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 1)
        return command_misused("show: takes one model, found %d arguments", n);
    if (!s) s = model_source_options(&command_show, (const char *const[]){argv[1]}, 1);
    if (!s) s = show(&a, argv[1]);
    return s ? command_failed(s) : 0;
}

const command command_show = {
    .name = "show",
    .arguments = "MODEL [--key value ...]",
    .about = "Prints a model layer by layer: type, output shape, parameters, "
             "multiply-adds; then the "
             "planned peak memory for prediction and for training, and the file's "
             "metadata. MODEL is "
             "an ONNX file, a run folder, or the name of a ready network.",
    .examples = "  weft show resnet20 --batch 128\n  weft show runs/classify/flowers\n"
                "  weft show lenet5 --dot | dot -Tsvg > lenet5.svg\n",
    .options = options,
    .run = run,
};
