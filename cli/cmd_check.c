/* cmd_check.c: `weft check`: a lint for data sets. */
#include "option.h"

#include "base/error.h"

#include <jansson.h>
#include <string.h>

extern const command command_check;

typedef struct check_args {
    const char *val, *test;
    double max_megapixels;
    bool json, strict;
    int threads;
} check_args;

static const option_row options[] = {
    TEXT(check_args, val, "val", "PATH",
         "validation set, if it does not lie beside the rest"),
    TEXT(check_args, test, "test", "PATH",
         "test set, if it does not lie beside the rest"),
    REAL(check_args, max_megapixels, "max-megapixels", 0.001, 4096,
         "larger is an error (64)"),
    FLAG(check_args, strict, "strict", "warnings count as errors"),
    INT(check_args, threads, "threads", 0, 256, "that decode; by default all cores"),
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
    weft_data_opts o = {.val = a.val,
                        .test = a.test,
                        .max_megapixels = a.max_megapixels,
                        .threads = a.threads};
    if (!s) s = weft_data_check(argv[1], &o, found, &t);
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
             "files that cannot be read, duplicates within and across splits, classes "
             "with few or "
             "no samples, stray files. Exit code 3 when there are errors.",
    .examples = "  weft check flowers/\n  weft check flowers/ --strict --json\n",
    .options = options,
    .run = run,
};
