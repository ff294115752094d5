/* cmd_check.c: `weft check`: a lint for data sets. */
#include "option.h"

#include "base/error.h"
#include "base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

extern const command command_check;

typedef struct check_args {
    const char *val, *test;
    double max_megapixels;
    const char *to, *label_column, *text_column, *format;
    bool json, strict;
    int threads, export;
} check_args;

static const option_row options[] = {
    TEXT(check_args, val, "val", "PATH",
         "validation set, if it does not lie beside the rest"),
    TEXT(check_args, test, "test", "PATH",
         "test set, if it does not lie beside the rest"),
    REAL(check_args, max_megapixels, "max-megapixels", 0.001, 4096,
         "larger is an error (64)"),
    TEXT(check_args, label_column, "label-column", "COLUMN", "of texts, as weft train"),
    TEXT(check_args, text_column, "text-column", "COLUMN", "of texts, as weft train"),
    CHOICE(check_args, format, "format", "tsv|csv|jsonl|fasttext|space",
           "of texts; by default as they look"),
    FLAG(check_args, strict, "strict", "warnings count as errors"),
    INT(check_args, threads, "threads", 0, 256, "that decode; by default all cores"),
    INT(check_args, export, "export", 1, 1000000,
        "also write so many pictures, as training sees them, as PNG (test set if there "
        "is "
        "one); the class is in the name"),
    TEXT(check_args, to, "to", "DIR", "with --export: where to (pictures)"),
    FLAG(check_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

typedef struct tally {
    int count[3];
    json_t *rows;
} tally;

static const char *const severities[] = {"note", "warning", "error"};

static void found(void *user, const weft_data_finding *f)
{
    tally *t = user;
    int severity = f->severity < 0 ? 0 : f->severity > 2 ? 2 : f->severity;
    t->count[severity]++;
    if (t->rows)
        json_array_append_new(t->rows, json_pack("{s:s, s:s, s:s}", "severity",
                                                 severities[severity], "code", f->code,
                                                 "text", f->text));
    else
        printf("%s: %s [%s]\n", severities[severity], f->text, f->code);
}

/* "DIR/0007-Ankle_boot.png": sample number and class, with nothing odd in the name. */
static void picture_path(char *path, size_t size, const char *dir, int i,
                         const char *name)
{
    int n = snprintf(path, size, "%s/%05d-", dir, i);
    size_t at = n > 0 && (size_t)n < size ? (size_t)n : size;
    for (; *name && at + 5 < size; name++)
        path[at++] = strchr("/\\ '\"$`;&|<>*?", *name) || *name < 32 ? '_' : *name;
    snprintf(path + (at < size ? at : size), at < size ? size - at : 0, ".png");
}

static weft_status export_pictures(const char *data, const weft_data_opts *o, int count,
                                   const char *dir)
{
    weft_data *d = NULL;
    int c, h, w;
    weft_status s = weft_data_open(data, o, &d);
    if (s) return s;
    weft_split split = weft_data_count(d, WEFT_TEST) ? WEFT_TEST : WEFT_TRAIN;
    int all = weft_data_count(d, split);
    weft_data_shape(d, &c, &h, &w);
    unsigned char *pixels = malloc((size_t)c * (size_t)h * (size_t)w);
    if (!pixels) s = weft__fail(WEFT_ENOMEM, "check: out of memory");
    if (!s) s = weft__make_folders(dir);
    for (int i = 0; i < count && i < all && !s; i++) {
        char path[4200];
        picture_path(path, sizeof path, dir, i,
                     weft_data_class_name(d, weft_data_label(d, split, i)));
        s = weft_data_read(d, split, i, pixels);
        if (!s) s = weft_picture_write_png(path, c, h, w, pixels);
    }
    free(pixels);
    weft_data_close(d);
    return s;
}

static weft_status refuse(const char *const *option, const char *here, const char *there)
{
    for (; *option; option++)
        if (option_given(&command_check, *option))
            return weft__fail(WEFT_EUSAGE, "check: --%s is for %s, the data are %s",
                              *option, there, here);
    return WEFT_OK;
}

static weft_status check_pictures(const check_args *a, const char *data, tally *t)
{
    static const char *const foreign[] = {"label-column", "text-column", "format", NULL};
    weft_data_opts o = {.val = a->val,
                        .test = a->test,
                        .max_megapixels = a->max_megapixels,
                        .threads = a->threads};
    weft_status s = refuse(foreign, "pictures", "texts");
    if (!s) s = weft_data_check(data, &o, found, t);
    if (!s && a->export)
        s = export_pictures(data, &o, a->export, a->to ? a->to : "pictures");
    return s;
}

static weft_status check_texts(const check_args *a, const char *data, tally *t)
{
    static const char *const foreign[] = {"max-megapixels", "export", "to", NULL};
    weft_texts_opts o = {.val = a->val,
                         .test = a->test,
                         .label_column = a->label_column,
                         .text_column = a->text_column,
                         .format = a->format};
    weft_status s = refuse(foreign, "texts", "pictures");
    return s ? s : weft_texts_check(data, &o, found, t);
}

static int run(int argc, char **argv)
{
    check_args a = {0};
    int n;
    weft_status s = options_parse(&command_check, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 1)
        return command_misused("check: takes one data set, found %d arguments", n);
    if (!s) s = weft_set_threads(a.threads);
    tally t = {.rows = a.json ? json_array() : NULL};
    if (!s)
        s = weft_texts_probe(argv[1]) ? check_texts(&a, argv[1], &t)
                                      : check_pictures(&a, argv[1], &t);
    if (s) {
        json_decref(t.rows);
        return command_failed(s);
    }
    bool bad = t.count[2] > 0 || (a.strict && t.count[1] > 0);
    if (t.rows) {
        json_t *root = json_pack("{s:b, s:i, s:i, s:o}", "ok", !bad, "errors", t.count[2],
                                 "warnings", t.count[1], "findings", t.rows);
        json_dumpf(root, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(root);
    } else {
        printf("%d errors, %d warnings\n", t.count[2], t.count[1]);
    }
    return bad ? weft_exit_code(WEFT_EDATA) : 0;
}

const command command_check = {
    .name = "check",
    .arguments = "DATA [--key value ...]",
    .about = "Reads a whole data set as weft train would and tells what is wrong or odd "
             "with it: "
             "files and lines that cannot be read, duplicates within and across splits, "
             "classes with few or no samples, stray files. Exit code 3 when there are "
             "errors.",
    .examples = "  weft check flowers/\n  weft check reviews.tsv --test test.tsv\n"
                "  weft check flowers/ --strict --json\n",
    .options = options,
    .run = run,
};
