/* cmd_predict.c: `weft predict`: what is on these pictures, what do these texts say? */
#include "json_number.h"
#include "predict.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

extern const command command_predict;

static const option_row options[] = {
    INT(predict_args, top, "top", 1, 1000,
        "best classes shown for each picture (5) or text (1)"),
    INT(predict_args, batch, "batch", 1, 4096, "pictures (1) or texts (64) at a time"),
    FLAG(predict_args, whole, "whole", "a file is one text, not one on each line"),
    INT(predict_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(predict_args, exact_conv, "exact-conv",
         "convolutions without Winograd's transforms"),
    FLAG(predict_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

/* The pictures to be classified, as paths. */
typedef struct list {
    char **path;
    size_t count, room;
} list;

static weft_status list_add(list *l, char *path)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 64;
        char **all = path ? realloc(l->path, room * sizeof *all) : NULL;
        if (!all) {
            free(path);
            return weft__fail(WEFT_ENOMEM, "predict: out of memory");
        }
        l->path = all;
        l->room = room;
    }
    l->path[l->count++] = path;
    return path ? WEFT_OK : weft__fail(WEFT_ENOMEM, "predict: out of memory");
}

static bool looks_like_picture(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pnm",
                                          ".ppm", ".pgm", ".bmp"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && name[0] != '.' && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return true;
    return false;
}

/* A file, or the pictures directly in a folder. */
static weft_status list_expand(list *l, const char *path)
{
    weft__names names;
    if (!weft__is_folder(path)) return list_add(l, strdup(path));
    size_t before = l->count;
    weft_status s = weft__folder_list(path, 10000000, &names);
    if (s) return s;
    for (size_t i = 0; i < names.count && !s; i++)
        if (looks_like_picture(names.name[i]))
            s = list_add(l, weft__path_join(path, names.name[i]));
    if (!s && l->count == before)
        s = weft__fail(WEFT_EDATA,
                       "%s: looked for pictures (.png .jpg .jpeg .pnm .ppm .pgm .bmp), "
                       "found none among %zu names",
                       path, names.count);
    weft__names_free(&names);
    return s;
}

static void list_free(list *l)
{
    for (size_t i = 0; i < l->count; i++) free(l->path[i]);
    free(l->path);
}

json_t *predict_rows(const trained *m, const float *x, int top, int *order)
{
    json_t *rows = json_array();
    rank_classes(x, trained_classes(m), top, order);
    for (int i = 0; i < top; i++)
        json_array_append_new(rows,
                              json_pack("{s:i, s:s, s:o}", "class", order[i], "name",
                                        trained_name(m, order[i]), "probability",
                                        json_number((double)x[order[i]])));
    return rows;
}

void predict_print(const trained *m, const float *x, int top, int *order)
{
    rank_classes(x, trained_classes(m), top, order);
    for (int i = 0; i < top; i++) {
        char name[200];
        printf("%s%s %.4f", i ? ", " : "",
               weft__escape(name, sizeof name, trained_name(m, order[i])),
               (double)x[order[i]]);
    }
}

typedef struct predictor {
    const predict_args *a;
    const trained *m;
    weft_classifier *c;
    weft_data_opts form; /* of its pictures */
    int classes, batch, top;
    size_t sample;
    unsigned char *pixels;
    float *probabilities;
    int *order;
    json_t *results;
} predictor;

static weft_status predictor_start(predictor *p)
{
    p->c = p->m->pictures;
    p->form = weft_classifier_pictures(p->c);
    p->classes = weft_classifier_classes(p->c);
    p->batch = p->a->batch ? p->a->batch : 1;
    p->top = p->a->top ? p->a->top : 5;
    if (p->top > p->classes) p->top = p->classes;
    p->sample = (size_t)p->form.channels * (size_t)p->form.height * (size_t)p->form.width;
    size_t batch = (size_t)p->batch, classes = (size_t)p->classes;
    p->pixels = weft__alloc(batch * p->sample, 1);
    p->probabilities = weft__alloc(batch * classes, sizeof *p->probabilities);
    p->order = weft__alloc(classes, sizeof *p->order);
    p->results = p->a->json ? json_array() : NULL;
    return p->pixels && p->probabilities && p->order
               ? WEFT_OK
               : weft__fail(WEFT_ENOMEM, "predict: out of memory");
}

static void predictor_end(predictor *p)
{
    free(p->pixels);
    free(p->probabilities);
    free(p->order);
    json_decref(p->results);
}

static void tell(predictor *p, const char *path, const float *scores)
{
    char shown[4200];
    weft__escape(shown, sizeof shown, path);
    if (p->a->json) {
        json_array_append_new(p->results,
                              json_pack("{s:s, s:o}", "path", shown, "top",
                                        predict_rows(p->m, scores, p->top, p->order)));
        return;
    }
    printf("%.600s: ", shown);
    predict_print(p->m, scores, p->top, p->order);
    putchar('\n');
}

static weft_status predict_batch(predictor *p, char *const *path, int n)
{
    const weft_data_opts *f = &p->form;
    weft_status s = WEFT_OK;
    for (int i = 0; i < n && !s; i++)
        s = weft_picture_read(path[i], f->channels, f->height, f->width, f->fit, 0,
                              p->pixels + (size_t)i * p->sample);
    if (!s) s = weft_classify(p->c, p->pixels, n, p->probabilities);
    for (int i = 0; i < n && !s; i++)
        tell(p, path[i], p->probabilities + (size_t)i * (size_t)p->classes);
    return s;
}

static weft_status predict_all(predictor *p, const list *l)
{
    weft_status s = WEFT_OK;
    for (size_t i = 0; i < l->count && !s; i += (size_t)p->batch) {
        size_t n = l->count - i < (size_t)p->batch ? l->count - i : (size_t)p->batch;
        s = predict_batch(p, l->path + i, (int)n);
    }
    if (!s && p->a->json) {
        json_t *root = json_pack("{s:s, s:O}", "task", "classify", "results", p->results);
        json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(7));
        putchar('\n');
        json_decref(root);
    }
    return s;
}

static weft_status predict_pictures(const predict_args *a, trained *m, char *const *item,
                                    int n)
{
    static const char *const for_texts[] = {"whole", NULL};
    predictor p = {.a = a, .m = m};
    list pictures = {0};
    weft_status s = trained_refuse(m, &command_predict, for_texts);
    for (int i = 0; i < n && !s; i++) s = list_expand(&pictures, item[i]);
    if (!s) s = predictor_start(&p);
    if (!s) s = predict_all(&p, &pictures);
    predictor_end(&p);
    list_free(&pictures);
    return s;
}

static int run(int argc, char **argv)
{
    predict_args a = {0};
    trained m = {0};
    int n;
    weft_status s = options_parse(&command_predict, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n < 2)
        return command_misused("predict: takes a model and pictures or texts; see weft "
                               "help predict");
    if (!s) s = weft_set_threads(a.threads);
    if (!s) s = trained_open(argv[1], a.exact_conv, &m);
    if (!s)
        s = m.texts ? predict_texts(&a, &m, argv + 2, n - 1)
                    : predict_pictures(&a, &m, argv + 2, n - 1);
    trained_close(&m);
    return s ? command_failed(s) : 0;
}

const command command_predict = {
    .name = "predict",
    .arguments = "MODEL ITEM ... [--key value ...]",
    .about =
        "Prints the most probable classes of each item, a line per item. MODEL is an "
        "ONNX file or a run folder. Of a model for pictures an item is a picture, or a "
        "folder that stands for the pictures in it. Of a model for texts it is a "
        "sentence, a file with a text on each line, or - for lines on stdin; the answer "
        "is class and probability, a tab, and the beginning of the text.",
    .examples = "  weft predict runs/classify/flowers rose.jpg\n"
                "  weft predict best.onnx photos/ --top 1 --json\n"
                "  weft predict runs/text/reviews 'could not stop reading'\n"
                "  tail -f inbox.txt | weft predict runs/text/reviews - | cut -f 1\n",
    .options = options,
    .run = run,
};
