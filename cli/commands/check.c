/* image_check.c: `weft check`: a lint for data sets. */
#include "json_text.h"
#include "option.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const command command_check;

typedef struct check_args {
    weft_fit_args *fit; /* first: see option.h */
    const char *to;
    bool json, strict;
    int export;
} check_args;

static const option_row options[] = {
    HEADING("check"),
    FLAG(check_args, strict, "strict", "warnings count as errors"),
    INT(check_args, export, "export", 1, 1000000,
        "also write so many pictures, as training sees them, as PNG (test set if "
        "there is one); the class is in the name"),
    TEXT(check_args, to, "to", "DIR", "with --export: where to (pictures)"),
    FLAG(check_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

typedef struct tally {
    int count[3];
    bool json;
    FILE *out; /* the findings so far, for stdout when all has succeeded */
} tally;

static const char *const severities[] = {"note", "warning", "error"};

static void found(void *user, const weft_finding *f)
{
    tally *t = user;
    char text[2100];
    int severity = f->severity < 0 ? 0 : f->severity > 2 ? 2 : f->severity;
    bool first = t->count[0] + t->count[1] + t->count[2] == 0;
    t->count[severity]++;
    if (!t->json) {
        fprintf(t->out, "%s: %s [%s]\n", severities[severity], f->text, f->code);
        return;
    }
    json_quote(text, sizeof text, f->text);
    fprintf(t->out, "%s{\"severity\":\"%s\",\"code\":\"%s\",\"text\":%s}",
            first ? "" : ",", severities[severity], f->code, text);
}

/* ---- export ---- */

/* "DIR/00007-Ankle_boot.png": sample number and target, with nothing odd in the
 * name. */
static void picture_path(char *path, size_t size, const char *dir, int i,
                         const char *name)
{
    int n = snprintf(path, size, "%s/%05d-", dir, i);
    size_t at = n > 0 && (size_t)n < size ? (size_t)n : size;
    for (; *name && at + 5 < size; name++)
        path[at++] = strchr("/\\ '\"$`;&|<>*?", *name) || *name < 32 ? '_' : *name;
    snprintf(path + (at < size ? at : size), at < size ? size - at : 0, ".png");
}

static weft_status export_sample(const weft_dataset *d, weft_subset s, int i,
                                 const char *dir, unsigned char *pixels)
{
    char path[4200], number[40];
    int c, h, w, label = weft_dataset_label(d, s, i);
    const float *value = weft_dataset_value(d, s, i);
    snprintf(number, sizeof number, "%.6g", value ? (double)*value : 0);
    weft_dataset_image_shape(d, &c, &h, &w);
    picture_path(path, sizeof path, dir, i,
                 label >= 0 ? weft_dataset_class_name(d, label) : number);
    weft_status status = weft_dataset_image(d, s, i, pixels);
    return status ? status : weft_image_write_png(path, c, h, w, pixels);
}

static weft_status export(const check_args *a, const char *data)
{
    weft_dataset *d = NULL;
    int c, h, w;
    const char *dir = a->to ? a->to : "pictures";
    weft_status s = weft_fit_open(data, a->fit, NULL, &d);
    if (s) return s;
    weft_subset subset =
        weft_dataset_count(d, WEFT_SUBSET_TEST) ? WEFT_SUBSET_TEST : WEFT_SUBSET_TRAIN;
    weft_dataset_image_shape(d, &c, &h, &w);
    unsigned char *pixels = malloc((size_t)c * (size_t)h * (size_t)w + 1);
    if (!c)
        s = weft_fail(WEFT_EUSAGE, "check: --export is for pictures, the data are %s",
                      weft_dataset_noun(d));
    else if (!pixels)
        s = weft_fail(WEFT_ENOMEM, "check: out of memory");
    else if (mkdir(dir, 0777) && errno != EEXIST)
        s = weft_fail(WEFT_EIO, "%s: cannot be made: %s", dir, strerror(errno));
    for (int i = 0; i < a->export && i < weft_dataset_count(d, subset) && !s; i++)
        s = export_sample(d, subset, i, dir, pixels);
    free(pixels);
    weft_dataset_close(d);
    return s;
}

/* ---- together ---- */

static weft_status check(const check_args *a, const char *data, bool *bad)
{
    char *rows = NULL;
    size_t bytes = 0;
    tally t = {.json = a->json, .out = open_memstream(&rows, &bytes)};
    if (!t.out) return weft_fail(WEFT_ENOMEM, "check: out of memory");
    weft_status s = weft_fit_args_apply(a->fit);
    if (!s) s = weft_fit_check(data, a->fit, found, &t);
    if (!s && a->export) s = export(a, data);
    *bad = t.count[2] > 0 || (a->strict && t.count[1] > 0);
    if (fclose(t.out) && !s) s = weft_fail(WEFT_ENOMEM, "check: out of memory");
    if (!s && a->json)
        printf("{\"ok\":%s,\"errors\":%d,\"warnings\":%d,\"findings\":[%s]}\n",
               *bad ? "false" : "true", t.count[2], t.count[1], rows);
    else if (!s)
        printf("%s%d errors, %d warnings\n", rows, t.count[2], t.count[1]);
    free(rows);
    return s;
}

static int run(int argc, char **argv)
{
    check_args a = {.fit = weft_fit_args_new()};
    bool bad = false;
    int n = 0, code = 0;
    weft_status s = a.fit ? options_parse(&command_check, argc, argv, &a, &n)
                          : weft_fail(WEFT_ENOMEM, "check: out of memory");
    if (!s && n != 1)
        s = weft_fail(WEFT_EUSAGE, "check: takes one data set, found %d arguments", n);
    if (!s) s = check(&a, argv[1], &bad);
    if (s && s != WEFT_ESTOPPED)
        code = command_failed(s);
    else if (bad)
        code = weft_exit_code(WEFT_EDATA);
    weft_fit_args_free(a.fit);
    return code;
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
    .fit = FIT_OPENING,
    .run = run,
};
