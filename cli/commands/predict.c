/* predict.c: `weft predict`: what does a model say about these items? */
#include "item_reader.h"
#include "json_text.h"
#include "option.h"

#include <stdlib.h>
#include <string.h>

extern const command command_predict;

typedef struct predict_args {
    int top, threads, batch; /* 0: not given */
    bool json, whole, exact_conv;
} predict_args;

static const option_row options[] = {
    INT(predict_args, top, "top", 1, 1000,
        "best classes shown for each file (5) or line (1)"),
    INT(predict_args, batch, "batch", 1, 4096, "files (1) or lines (64) at a time"),
    FLAG(predict_args, whole, "whole", "a file is one text, not one on each line"),
    INT(predict_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(predict_args, exact_conv, "exact-conv",
         "convolutions without Winograd's transforms"),
    FLAG(predict_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

enum { SHOWN = 60 };

typedef struct job {
    const predict_args *a;
    weft_predictor *p;
    weft_answer *answer; /* [batch] */
    int batch, top, printed;
    bool lines;
    FILE *json; /* a result that is printed as a whole, or not at all */
} job;

static void print_json(job *j, const weft_item *item, const weft_answer *a)
{
    char shown[4200], quoted[8500];
    char *json = weft_answer_json(j->p, a, j->top);
    const char *word = j->lines ? item->text : item->path;
    json_quote(quoted, sizeof quoted, weft_escape(shown, sizeof shown, word));
    fprintf(j->json, "%s{\"%s\":%s,%s", j->printed++ ? "," : "",
            j->lines ? "text" : "path", quoted, json ? json + 1 : "}");
    free(json);
}

static void print_text(job *j, const weft_item *item, const weft_answer *a)
{
    char shown[4200];
    char *text = weft_answer_text(j->p, a, j->top);
    const char *word =
        weft_escape(shown, sizeof shown, j->lines ? item->text : item->path);
    if (j->lines) {
        size_t bytes = weft_text_fit(word, SHOWN);
        printf("%s\t%.*s%s\n", text ? text : "", (int)bytes, word,
               word[bytes] ? "\xe2\x80\xa6" : "");
    } else {
        printf("%.600s: %s\n", word, text ? text : "");
    }
    free(text);
}

/* A batch of lines that is not full goes one by one, for which there is a plan
 * already. */
static weft_status answer(void *user, const weft_item *items, int n)
{
    job *j = user;
    weft_status s = WEFT_OK;
    int step = n == j->batch || !j->lines ? n : 1;
    for (int i = 0; i < n && !s; i += step)
        s = weft_predict(j->p, items + i, step, j->answer + i);
    for (int i = 0; i < n && !s; i++)
        (j->a->json ? print_json : print_text)(j, &items[i], &j->answer[i]);
    if (!s && !j->a->json) fflush(stdout);
    return s;
}

static weft_status predict_all(job *j, char *const *word, int n)
{
    char *text = NULL;
    size_t bytes = 0;
    const item_source from = {j->lines, j->a->whole, j->batch, answer, j};
    if (!j->a->json) return items_read(&from, word, n);
    j->json = open_memstream(&text, &bytes);
    if (!j->json) return weft_fail(WEFT_ENOMEM, "predict: out of memory");
    weft_status s = items_read(&from, word, n);
    if (fclose(j->json) && !s) s = weft_fail(WEFT_ENOMEM, "predict: out of memory");
    if (!s)
        printf("{\"task\":\"%s\",\"results\":[%s]}\n", weft_predictor_word(j->p), text);
    free(text);
    return s;
}

static weft_status predict(const predict_args *a, const char *model, char *const *word,
                           int n)
{
    job j = {.a = a};
    weft_status s = weft_predictor_open(model, &j.p);
    if (s) return s;
    weft_predictor_set_exact_conv(j.p, a->exact_conv);
    j.lines = weft_predictor_reads(j.p) == WEFT_ITEM_LINES;
    j.batch = a->batch ? a->batch : j.lines ? 64 : 1;
    j.top = a->top ? a->top : j.lines ? 1 : 5;
    j.answer = calloc((size_t)j.batch, sizeof *j.answer);
    if (!j.answer) s = weft_fail(WEFT_ENOMEM, "predict: out of memory");
    if (!s && a->whole && !j.lines)
        s = weft_fail(WEFT_EUSAGE,
                      "predict: --whole is for texts, the model reads files");
    if (!s) s = predict_all(&j, word, n);
    for (int i = 0; i < j.batch && j.answer; i++) weft_answer_clear(&j.answer[i]);
    free(j.answer);
    weft_predictor_free(j.p);
    return s;
}

static int run(int argc, char **argv)
{
    predict_args a = {0};
    int n;
    weft_status s = options_parse(&command_predict, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n < 2)
        return command_misused("predict: takes a model and items; see weft help predict");
    if (!s) s = weft_set_threads(a.threads);
    if (!s) s = predict(&a, argv[1], argv + 2, n - 1);
    return s ? command_failed(s) : 0;
}

const command command_predict = {
    .name = "predict",
    .arguments = "MODEL ITEM ... [--key value ...]",
    .about =
        "Prints what a model says about each item, a line per item: the most probable "
        "classes, or values. MODEL is an ONNX file or a run folder. Of a model that "
        "reads "
        "pictures an item is a file, or a folder that stands for the pictures in it. Of "
        "one "
        "that reads texts it is a sentence, a file with a text on each line, or - for "
        "lines "
        "on stdin; the answer is followed by a tab and the beginning of the text.",
    .examples = "  weft predict runs/classify/flowers rose.jpg\n"
                "  weft predict best.onnx photos/ --top 1 --json\n"
                "  weft predict runs/text/reviews 'could not stop reading'\n"
                "  tail -f inbox.txt | weft predict runs/text/reviews - | cut -f 1\n",
    .options = options,
    .run = run,
};
