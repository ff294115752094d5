/* cmd_predict.c: `weft predict`: what is on these pictures? */
#include "json_number.h"
#include "option.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

extern const command command_predict;

typedef struct predict_args {
    int top, threads, batch;
    bool json;
} predict_args;

static const option_row options[] = {
    INT(predict_args, top, "top", 1, 1000, "best classes shown for each picture (5)"),
    INT(predict_args, batch, "batch", 1, 4096, "pictures at a time (1)"),
    INT(predict_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(predict_args, json, "json", "print one JSON object on stdout"), END_OF_OPTIONS};

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

typedef struct predictor {
    const predict_args *a;
    weft_classifier *c;
    weft_data_opts form; /* of its pictures */
    int classes;
    size_t sample;
    unsigned char *pixels;
    float *probabilities;
    int *order;
    json_t *results;
} predictor;

static weft_status predictor_start(predictor *p, const char *model)
{
    weft_status s = weft_classifier_open(model, &p->c);
    if (s) return s;
    p->form = weft_classifier_pictures(p->c);
    p->classes = weft_classifier_classes(p->c);
    p->sample = (size_t)p->form.channels * (size_t)p->form.height * (size_t)p->form.width;
    size_t batch = (size_t)p->a->batch, classes = (size_t)p->classes;
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
    weft_classifier_free(p->c);
}

/* The `top` most probable classes, falling; of equal ones the lower number first. */
static void rank(predictor *p, const float *x, int top)
{
    for (int k = 0, n = 0; k < p->classes; k++) {
        int i = n < top ? n++ : n;
        for (; i > 0 && x[p->order[i - 1]] < x[k]; i--)
            if (i < top) p->order[i] = p->order[i - 1];
        if (i < top) p->order[i] = k;
    }
}

static void print_line(predictor *p, const char *path, const float *scores, int top)
{
    char shown[600];
    printf("%s:", weft__escape(shown, sizeof shown, path));
    for (int i = 0; i < top; i++) {
        char name[200];
        int k = p->order[i];
        printf("%s %s %.4f", i ? "," : "",
               weft__escape(name, sizeof name, weft_classifier_name(p->c, k)),
               (double)scores[k]);
    }
    putchar('\n');
}

static void tell(predictor *p, const char *path, const float *scores)
{
    int top = p->a->top < p->classes ? p->a->top : p->classes;
    rank(p, scores, top);
    if (!p->a->json) {
        print_line(p, path, scores, top);
        return;
    }
    json_t *rows = json_array();
    char shown[4200];
    for (int i = 0; i < top; i++)
        json_array_append_new(
            rows, json_pack("{s:i, s:s, s:o}", "class", p->order[i], "name",
                            weft_classifier_name(p->c, p->order[i]), "probability",
                            json_number((double)scores[p->order[i]])));
    weft__escape(shown, sizeof shown, path);
    json_array_append_new(p->results,
                          json_pack("{s:s, s:o}", "path", shown, "top", rows));
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
    for (size_t i = 0; i < l->count && !s; i += (size_t)p->a->batch) {
        size_t n =
            l->count - i < (size_t)p->a->batch ? l->count - i : (size_t)p->a->batch;
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

static int run(int argc, char **argv)
{
    predict_args a = {.top = 5, .batch = 1};
    predictor p = {.a = &a};
    list pictures = {0};
    int n;
    weft_status s = options_parse(&command_predict, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n < 2)
        return command_misused(
            "predict: takes a model and pictures; see weft help predict");
    if (!s) s = weft_set_threads(a.threads);
    for (int i = 2; i <= n && !s; i++) s = list_expand(&pictures, argv[i]);
    if (!s) s = predictor_start(&p, argv[1]);
    if (!s) s = predict_all(&p, &pictures);
    predictor_end(&p);
    list_free(&pictures);
    return s ? command_failed(s) : 0;
}

const command command_predict = {
    .name = "predict",
    .arguments = "MODEL PICTURE ... [--key value ...]",
    .about =
        "Prints the most probable classes of each picture, a line per picture. MODEL is "
        "an "
        "ONNX file or a run folder; a folder of pictures stands for the pictures in it.",
    .examples = "  weft predict runs/classify/flowers rose.jpg\n"
                "  weft predict best.onnx photos/ --top 1 --json\n",
    .options = options,
    .run = run,
};
